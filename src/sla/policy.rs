//! Policies: which goals hold for which threads.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{goal::Goal, pause::PauseWhen};
use crate::{
    domain::{Metric, Patterns, pattern::fit},
    time::{Calendar, Span},
};

/// The calendar that the goals we ship run on, where the configuration has none of that name.
pub const OFFICE: &str = "office";
const DEFAULTS: &str = include_str!("default_policies.toml");
const WARN_AT_PERCENT: u8 = 75;

/// `[policy.NAME]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    #[serde(rename = "match")]
    pub matches: Matches,
    pub calendar: Option<String>,
    pub first_response: Option<Span>,
    pub next_response: Option<Span>,
    pub review: Option<Span>,
    pub decision: Option<Span>,
    pub resolution: Option<Span>,
    pub postmortem: Option<Span>,
    pub unblock: Option<Span>,
    pub promise: Option<Span>,
    pub owner: Option<Span>,
    /// Share of a goal after which a warning is due; 75 where nothing is said.
    pub warn_at_percent: Option<u8>,
    pub pause: Vec<PauseWhen>,
    pub reopened: Reopened,
}

/// What the clock runs from when a matter is opened again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reopened {
    /// From its reopening: an old matter is not late at once.
    #[default]
    Anew,
    /// From its first opening.
    Resumes,
}

/// Which threads a policy is for: every pattern that is given has to fit, and of several any one. `*` stands for
/// anything, `?` for one character, and case does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matches {
    pub source: Option<Patterns>,
    pub channel: Option<Patterns>,
    /// `chat`, `email`, `issue`, `review`, `document`, `transcript`.
    pub kind: Option<Patterns>,
    pub label: Option<Patterns>,
    pub priority: Option<Patterns>,
    /// Who owes it.
    pub people: Option<Patterns>,
}

/// What a policy is matched against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    pub source: &'a str,
    pub channel: Option<&'a str>,
    pub kind: &'a str,
    pub labels: &'a [String],
    pub priority: Option<&'a str>,
    pub people: &'a [String],
}

/// Policies in the order they are asked in, with the calendars they run on.
#[derive(Clone, Debug)]
pub struct Policies {
    policies: Vec<(String, PolicyConfig)>,
    /// So many of them, the first, are from the configuration; we ship the others.
    written: usize,
    calendars: BTreeMap<String, Calendar>,
}

/// What is wrong with a policy, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("policy.{policy}: there is no calendar '{calendar}': write [calendar.{calendar}], or name one of {known}")]
    Calendar { policy: String, calendar: String, known: String },
    #[error(
        "policy.{policy}: {goal} counts business time, so it needs a calendar: write calendar = \"office\", or a goal in h or d"
    )]
    NoCalendar { policy: String, goal: Span },
    #[error("policy.{policy}: warn_at_percent = {percent} is not between 1 and 99")]
    Warning { policy: String, percent: u8 },
}

#[derive(Deserialize)]
struct Shipped {
    policy: Vec<ShippedPolicy>,
}

#[derive(Deserialize)]
struct ShippedPolicy {
    name: String,
    #[serde(flatten)]
    config: toml::Table,
}

impl Policies {
    /// Policies in the order they are written in, then those we ship. A calendar `office` is put in where there is none.
    ///
    /// # Errors
    /// Everything that is wrong, not the first mistake alone.
    pub fn new(
        written: Vec<(String, PolicyConfig)>,
        mut calendars: BTreeMap<String, Calendar>,
        office: Calendar,
    ) -> Result<Policies, Vec<PolicyError>> {
        calendars.entry(OFFICE.to_string()).or_insert(office);
        let faults: Vec<PolicyError> =
            written.iter().flat_map(|(name, config)| faults_of(name, config, &calendars)).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let count = written.len();
        let policies = written.into_iter().chain(shipped()).collect();
        Ok(Policies { policies, written: count, calendars })
    }

    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        self.calendars.get(name)
    }

    /// Every calendar's name, in the order of the alphabet.
    pub fn calendar_names(&self) -> impl Iterator<Item = &str> {
        self.calendars.keys().map(String::as_str)
    }

    /// The goal of the first policy that fits and has one for `metric`.
    pub fn goal(&self, subject: &Subject<'_>, metric: Metric) -> Option<Goal<'_>> {
        self.goal_of(self.deciding(subject, metric)?, metric)
    }

    /// The same, where the configuration says so and not merely what we ship.
    pub fn written_goal(&self, subject: &Subject<'_>, metric: Metric) -> Option<Goal<'_>> {
        let deciding = self.deciding(subject, metric)?;
        let written = self.policies[..self.written].iter().any(|policy| std::ptr::eq(policy, deciding));
        self.goal_of(deciding, metric).filter(|_| written)
    }

    fn goal_of<'a>(&'a self, (name, config): &'a (String, PolicyConfig), metric: Metric) -> Option<Goal<'a>> {
        Some(Goal {
            policy: name,
            metric,
            span: config.span(metric)?,
            calendar: config.calendar.as_deref().and_then(|calendar| self.calendars.get(calendar)),
            warn_at_percent: config.warn_at_percent.unwrap_or(WARN_AT_PERCENT),
            resumes_when_reopened: config.reopened == Reopened::Resumes,
        })
    }

    /// What the same policy pauses for.
    pub fn pause_conditions(&self, subject: &Subject<'_>, metric: Metric) -> &[PauseWhen] {
        self.deciding(subject, metric).map_or(&[], |(_, config)| &config.pause)
    }

    fn deciding(&self, subject: &Subject<'_>, metric: Metric) -> Option<&(String, PolicyConfig)> {
        self.policies.iter().find(|(_, config)| config.span(metric).is_some() && config.matches.fit(subject))
    }
}

impl PolicyConfig {
    pub fn span(&self, metric: Metric) -> Option<Span> {
        match metric {
            Metric::FirstResponse => self.first_response,
            Metric::NextResponse => self.next_response,
            Metric::Review => self.review,
            Metric::Decision => self.decision,
            Metric::Resolution => self.resolution,
            Metric::Postmortem => self.postmortem,
            Metric::Unblock => self.unblock,
            Metric::Promise => self.promise,
            Metric::Owner => self.owner,
        }
    }

    fn spans(&self) -> impl Iterator<Item = Span> {
        let replies = [self.first_response, self.next_response, self.review, self.decision, self.resolution];
        replies.into_iter().chain([self.postmortem, self.unblock, self.promise, self.owner]).flatten()
    }
}

impl Matches {
    fn fit(&self, subject: &Subject<'_>) -> bool {
        let one = |patterns: &Option<Patterns>, word: Option<&str>| fit(patterns.as_ref(), word.as_slice());
        let labels: Vec<&str> = subject.labels.iter().map(String::as_str).collect();
        let people: Vec<&str> = subject.people.iter().map(String::as_str).collect();
        one(&self.source, Some(subject.source))
            && one(&self.channel, subject.channel)
            && one(&self.kind, Some(subject.kind))
            && fit(self.label.as_ref(), &labels)
            && one(&self.priority, subject.priority)
            && fit(self.people.as_ref(), &people)
    }
}

fn faults_of(name: &str, config: &PolicyConfig, calendars: &BTreeMap<String, Calendar>) -> Vec<PolicyError> {
    let policy = || name.to_string();
    let mut faults = Vec::new();
    match &config.calendar {
        Some(calendar) if !calendars.contains_key(calendar) => {
            let known = calendars.keys().cloned().collect::<Vec<_>>().join(", ");
            faults.push(PolicyError::Calendar { policy: policy(), calendar: calendar.clone(), known });
        }
        Some(_) => {}
        None => {
            let business = config.spans().find(|span| span.needs_calendar());
            faults.extend(business.map(|goal| PolicyError::NoCalendar { policy: policy(), goal }));
        }
    }
    let percent = config.warn_at_percent.filter(|percent| !(1..=99).contains(percent));
    faults.extend(percent.map(|percent| PolicyError::Warning { policy: policy(), percent }));
    faults
}

/// The goals we ship; a test reads them all.
fn shipped() -> Vec<(String, PolicyConfig)> {
    let shipped: Shipped = toml::from_str(DEFAULTS).unwrap_or(Shipped { policy: Vec::new() });
    let read = |policy: ShippedPolicy| Some((policy.name, policy.config.try_into().ok()?));
    shipped.policy.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::{Policies, PolicyConfig, Subject, shipped};
    use crate::{domain::Metric, time::Calendar};

    fn policies(written: &[(&str, &str)]) -> Result<Policies, Vec<super::PolicyError>> {
        let read = |(name, text): &(&str, &str)| (name.to_string(), toml::from_str::<PolicyConfig>(text).expect(text));
        Policies::new(written.iter().map(read).collect(), BTreeMap::new(), Calendar::office(TimeZone::UTC))
    }

    #[track_caller]
    fn check(policies: &Policies, subject: Subject<'_>, metric: Metric, expected: Option<(&str, &str)>) {
        let goal = policies.goal(&subject, metric).map(|goal| (goal.policy, goal.span.to_string()));
        assert_eq!(goal.as_ref().map(|(policy, span)| (*policy, span.as_str())), expected);
    }

    #[test]
    fn goals_that_we_ship_are_those_of_the_design() {
        assert_eq!(shipped().len(), super::DEFAULTS.matches("[[policy]]").count());
        let ours = policies(&[]).expect("sound");
        let of = |kind| Subject { source: "x", kind, ..Subject::default() };
        check(&ours, of("chat"), Metric::FirstResponse, Some(("chat", "4bh")));
        check(&ours, of("email"), Metric::FirstResponse, Some(("email", "1bd")));
        check(&ours, of("document"), Metric::Review, Some(("anything", "3bd")));
        check(&ours, of("document"), Metric::Decision, Some(("anything", "3bd")));
        check(&ours, of("review"), Metric::Review, Some(("code review", "1bd")));
        check(&ours, of("issue"), Metric::Postmortem, Some(("anything", "5bd")));
        check(&ours, of("issue"), Metric::Promise, None);
        let labels = ["SEV1".to_string()];
        check(&ours, Subject { labels: &labels, ..of("issue") }, Metric::FirstResponse, Some(("incident", "4h")));
        let hiring = Subject { channel: Some("hiring-backend"), ..of("chat") };
        check(&ours, hiring, Metric::FirstResponse, Some(("hiring", "4h")));
        let incident = Subject { labels: &labels, ..of("chat") };
        assert!(ours.goal(&incident, Metric::FirstResponse).is_some_and(|goal| goal.calendar.is_none()));
    }

    #[test]
    fn the_first_policy_that_fits_and_has_the_goal_decides() {
        let written = [
            ("ana", "match = { people = 'ana' }\nfirst_response = '1h'"),
            (
                "slack",
                "match = { source = 'slack-*', kind = ['chat', 'issue'] }\ncalendar = 'office'\nfirst_response = '2bh'",
            ),
        ];
        let ours = policies(&written).expect("sound");
        let people = ["Ana".to_string()];
        let slack = Subject { source: "slack-hq", kind: "chat", people: &people, ..Subject::default() };
        check(&ours, slack, Metric::FirstResponse, Some(("ana", "1h")));
        check(&ours, Subject { people: &[], ..slack }, Metric::FirstResponse, Some(("slack", "2bh")));
        check(&ours, slack, Metric::NextResponse, Some(("chat", "4bh")));
        check(&ours, Subject { source: "mail", people: &[], ..slack }, Metric::FirstResponse, Some(("chat", "4bh")));
    }

    #[test]
    fn every_mistake_is_told_with_what_to_do() {
        let written = [
            ("a", "first_response = '4bh'"),
            ("b", "calendar = 'offfice'\nreview = '1bd'"),
            ("c", "first_response = '4h'\nwarn_at_percent = 100"),
        ];
        let faults: Vec<String> =
            policies(&written).expect_err("three mistakes").iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("4bh counts business time") && faults[1].contains("one of office"), "{faults:?}");
        assert!(toml::from_str::<PolicyConfig>("first_response = '4'").is_err());
        assert!(toml::from_str::<PolicyConfig>("match = { sauce = 'x' }").is_err());
    }
}
