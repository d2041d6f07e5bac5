//! Who is told of what: routes, quiet hours and what hushes what, as the configuration writes them.

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{ObligationKind, Patterns, Stage, pattern::fit},
    time::{Calendar, Holidays, Shift, Span, WorkClock, wall::first_shown},
};

const DAY_SECS: i32 = 86_400;

/// `[alert]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertConfig {
    /// The first that fits decides.
    pub routes: Vec<Route>,
    /// The calendar whose zone quiet hours are in, and that `bh` and `bd` count on.
    pub calendar: Option<String>,
    /// `20:00-08:00`: what is due then is told when it ends, together. Goals that run round the clock do not wait.
    pub quiet: Option<String>,
    /// After how long a breach that is still open is told again; never, where nothing is said.
    pub repeat_every: Option<Span>,
    pub inhibit: Vec<Inhibit>,
    /// Sinks that are told when a source cannot be read.
    pub source_down_to: Vec<String>,
}

/// Who is told of the obligations that fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    #[serde(rename = "match")]
    pub matches: RouteMatch,
    /// Sinks.
    pub to: Vec<String>,
    /// All, where nothing is said.
    pub stages: Option<Vec<Stage>>,
    /// How long after its deadline others are told.
    pub escalate_after: Option<Span>,
    pub escalate_to: Vec<String>,
    /// Together once a day, at this time: `09:00`.
    pub digest_at: Option<String>,
}

/// Every pattern that is given has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteMatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Patterns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Patterns>,
    /// Of the thread: `chat`, `email`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Patterns>,
    /// What is owed: `reply`, `decision`, `review`, `promise`, `unblock`, `owner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obligation: Option<Patterns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Patterns>,
    /// Who owes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<Patterns>,
}

/// While something is open under one policy, notices of some kinds wait.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inhibit {
    /// The policy whose open obligations hush others.
    pub policy: String,
    /// The kinds of obligation that wait.
    pub hushes: Vec<ObligationKind>,
}

/// What a route is matched against.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub source: &'a str,
    pub channel: Option<&'a str>,
    pub kind: &'a str,
    pub obligation: ObligationKind,
    pub policy: Option<&'a str>,
    pub owed_by: &'a [String],
}

/// `[alert]`, checked and joined with its calendar.
#[derive(Clone, Debug)]
pub struct Routes {
    config: AlertConfig,
    calendar: Calendar,
    /// Open while it is quiet.
    quiet: Option<Calendar>,
}

/// What is wrong with `[alert]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    #[error("alert.{place}: there is no sink '{sink}': write [sink.{sink}], or name one of {known}")]
    Sink { place: String, sink: String, known: String },
    #[error("alert.quiet = \"{written}\": {why}; write it like 20:00-08:00")]
    Quiet { written: String, why: String },
    #[error("alert.routes: digest_at = \"{0}\" is no time of day; write it like 09:00")]
    DigestAt(String),
    #[error("alert.routes: escalate_after without escalate_to: name the sinks that are told then")]
    NobodyToEscalateTo,
    #[error("alert.routes: route {0} tells nobody: write to = [\"…\"]")]
    Nobody(usize),
}

impl Routes {
    /// # Errors
    /// Everything that is wrong, not the first mistake alone.
    pub fn new(config: AlertConfig, calendar: Calendar, sinks: &[&str]) -> Result<Routes, Vec<AlertError>> {
        let mut faults = Vec::new();
        let known = || if sinks.is_empty() { "none: there is no sink yet".to_owned() } else { sinks.join(", ") };
        let mut named = |place: String, names: &[String]| {
            let unknown = names.iter().filter(|name| !sinks.contains(&name.as_str()));
            let fault = |sink: &String| AlertError::Sink { place: place.clone(), sink: sink.clone(), known: known() };
            faults.extend(unknown.map(fault));
        };
        for (at, route) in config.routes.iter().enumerate() {
            named(format!("routes, route {}, to", at + 1), &route.to);
            named(format!("routes, route {}, escalate_to", at + 1), &route.escalate_to);
        }
        named("source_down_to".to_owned(), &config.source_down_to);
        for (at, route) in config.routes.iter().enumerate() {
            if route.to.is_empty() {
                faults.push(AlertError::Nobody(at + 1));
            }
            if route.escalate_after.is_some() && route.escalate_to.is_empty() {
                faults.push(AlertError::NobodyToEscalateTo);
            }
            let unread = route.digest_at.as_ref().filter(|written| time_of_day(written).is_none());
            faults.extend(unread.map(|written| AlertError::DigestAt(written.clone())));
        }
        let quiet = config.quiet.as_deref().map(|written| quiet_hours(written, &calendar)).transpose();
        let quiet = quiet.unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        if faults.is_empty() { Ok(Routes { config, calendar, quiet }) } else { Err(faults) }
    }

    /// What they were made from.
    pub fn config(&self) -> &AlertConfig {
        &self.config
    }

    /// The first route that fits.
    pub fn route(&self, subject: &Subject<'_>) -> Option<&Route> {
        self.config.routes.iter().find(|route| route.matches.fits(subject))
    }

    /// Whether anything is ever told to `sink`.
    pub fn names(&self, sink: &str) -> bool {
        let routed = self.config.routes.iter().flat_map(|route| route.to.iter().chain(&route.escalate_to));
        routed.chain(&self.config.source_down_to).any(|named| named == sink)
    }

    pub fn source_down_to(&self) -> &[String] {
        &self.config.source_down_to
    }

    pub fn inhibits(&self) -> &[Inhibit] {
        &self.config.inhibit
    }

    /// When a span after an instant has passed on the alerts' calendar; `None` beyond ten years.
    pub fn after(&self, from: Timestamp, span: Span) -> Option<Timestamp> {
        WorkClock::of(span, Some(&self.calendar), Vec::new()).due(from, span)
    }

    pub(super) fn repeat_every(&self) -> Option<Span> {
        self.config.repeat_every
    }

    /// The end of the quiet hours that `at` falls into; `None` where it is not quiet.
    pub(super) fn quiet_until(&self, at: Timestamp) -> Option<Timestamp> {
        let quiet = self.quiet.as_ref().filter(|quiet| quiet.is_open(at))?;
        quiet.stretches_from(at).next().map(|stretch| stretch.to)
    }

    /// The next time of the day `written` at or after `at`.
    pub(super) fn next_digest(&self, written: &str, at: Timestamp) -> Option<Timestamp> {
        let time = time_of_day(written)?;
        let zone = self.calendar.zone();
        let today = zone.to_datetime(at).date();
        let on = |date: Date| first_shown(zone, date.to_datetime(time));
        on(today).filter(|today| *today >= at).or_else(|| on(today.tomorrow().ok()?))
    }
}

impl RouteMatch {
    pub(super) fn fits(&self, subject: &Subject<'_>) -> bool {
        let owed_by: Vec<&str> = subject.owed_by.iter().map(String::as_str).collect();
        fit(self.source.as_ref(), &[subject.source])
            && fit(self.channel.as_ref(), subject.channel.as_slice())
            && fit(self.kind.as_ref(), &[subject.kind])
            && fit(self.obligation.as_ref(), &[subject.obligation.as_str()])
            && fit(self.policy.as_ref(), subject.policy.as_slice())
            && fit(self.people.as_ref(), &owed_by)
    }
}

/// A calendar that is open while it is quiet.
fn quiet_hours(written: &str, calendar: &Calendar) -> Result<Calendar, AlertError> {
    let refuse = |why: String| AlertError::Quiet { written: written.to_owned(), why };
    let shifts = Shift::parse_day(written).map_err(|error| refuse(error.to_string()))?;
    if shifts.iter().map(|shift| shift.end_secs() - shift.start_secs()).sum::<i32>() >= DAY_SECS {
        return Err(refuse("it would never end".to_owned()));
    }
    let week = std::array::from_fn(|_| shifts.clone());
    Calendar::new(calendar.zone().clone(), week, Holidays::default(), BTreeMap::new())
        .map_err(|error| refuse(error.to_string()))
}

/// Reads `09:00`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}
