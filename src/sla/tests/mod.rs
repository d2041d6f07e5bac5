//! Deadlines against the design's vectors, against properties, and as the JSON that scripts read.

mod figures;
mod laws;
mod vectors;

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::{Case, Goal, Pause};
use crate::{
    domain::{Closed, Evidence, How, Metric, Obligation, ObligationKind},
    time::{Calendar, Holidays, Shift},
};

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// Monday to Friday in a zone, with the same hours each day.
fn weekdays(zone: &str, hours: &str) -> Calendar {
    with_holidays(zone, hours, Holidays::default())
}

fn with_holidays(zone: &str, hours: &str, holidays: Holidays) -> Calendar {
    let zone = TimeZone::get(zone).expect(zone);
    let shifts = Shift::parse_day(hours).expect(hours);
    let week = std::array::from_fn(|day| if day < 5 { shifts.clone() } else { Vec::new() });
    Calendar::new(zone, week, holidays, BTreeMap::new()).expect("open")
}

fn goal<'a>(span: &str, calendar: impl Into<Option<&'a Calendar>>) -> Goal<'a> {
    Goal {
        policy: "test",
        metric: Metric::FirstResponse,
        span: span.parse().expect(span),
        calendar: calendar.into(),
        warn_at_percent: 75,
        resumes_when_reopened: false,
    }
}

fn owed(metric: Metric, opened_at: Timestamp) -> Obligation {
    Obligation {
        id: format!("{}-{opened_at}", metric.as_str()),
        thread: "t1".to_string(),
        kind: ObligationKind::Reply,
        metric,
        owed_by: vec!["ana".to_string()],
        owed_to: vec!["bo".to_string()],
        opened_at,
        opened_by: said("m1", "Can you look at the quota?"),
        first_opened_at: None,
        stated_due: None,
        closed: None,
    }
}

fn said(message: &str, quote: &str) -> Evidence {
    Evidence::Words { message: message.to_string(), start: 0, end: quote.len(), quote: quote.to_string() }
}

fn closed(obligation: Obligation, at: Timestamp, how: How) -> Obligation {
    Obligation { closed: Some(Closed { at, how, by: said("m2", "Done.") }), ..obligation }
}

fn paused(from: &str, to: Option<&str>) -> Pause {
    Pause { from: at(from), to: to.map(at), why: "label:on-hold".to_string() }
}

fn case<'a>(obligation: &'a Obligation, goal: Goal<'a>, pauses: &'a [Pause]) -> Case<'a> {
    Case { obligation, goal: Some(goal), pauses, owner: None }
}
