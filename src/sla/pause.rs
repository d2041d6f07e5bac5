//! When a clock stands still: labels and states of a thread, and turns at which the asker has to act.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{domain::Event, time::Interval};

/// One pause, with what a person is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub from: Timestamp,
    /// `None`: it lasts.
    pub to: Option<Timestamp>,
    pub why: String,
}

/// What a policy pauses for, as it is written: `waiting-on-asker`, `label:on-hold`, `status:blocked`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PauseWhen {
    WaitingOnAsker,
    Label(String),
    Status(String),
}

/// Words that are no reason to pause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is nothing to pause for: write waiting-on-asker, label:NAME or status:NAME")]
pub struct PauseError(String);

impl Pause {
    /// The part of it that has happened by `now`. A pause that lasts has lasted until now.
    pub fn by(&self, now: Timestamp) -> Option<Interval> {
        Interval::new(self.from, self.to.unwrap_or(now).min(now))
    }

    /// Whether the clock stands still at an instant.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// Every pause that `conditions` make of a thread's events and of the turns that were the asker's.
pub fn pauses(
    conditions: &[PauseWhen],
    events: &[Event],
    askers_turns: &[(Timestamp, Option<Timestamp>)],
) -> Vec<Pause> {
    let of = |condition: &PauseWhen| match condition {
        PauseWhen::WaitingOnAsker => {
            let pause = |&(from, to): &(Timestamp, Option<Timestamp>)| Pause { from, to, why: condition.to_string() };
            askers_turns.iter().map(pause).collect()
        }
        PauseWhen::Label(name) => switched(condition, events, |event| label_change(event, name)),
        PauseWhen::Status(name) => switched(condition, events, |event| status_change(event, name)),
    };
    conditions.iter().flat_map(of).collect()
}

/// From each event that switches a pause on to the next that switches it off.
fn switched(condition: &PauseWhen, events: &[Event], change: impl Fn(&Event) -> Option<bool>) -> Vec<Pause> {
    let mut changes: Vec<(Timestamp, bool)> =
        events.iter().filter_map(|event| Some((event.at?.instant()?, change(event)?))).collect();
    changes.sort_by_key(|(at, _)| *at);
    let mut pauses: Vec<Pause> = Vec::new();
    let mut since = None;
    for (at, on) in changes {
        match (since, on) {
            (None, true) => since = Some(at),
            (Some(from), false) => {
                pauses.push(Pause { from, to: Some(at), why: condition.to_string() });
                since = None;
            }
            _ => {}
        }
    }
    pauses.extend(since.map(|from| Pause { from, to: None, why: condition.to_string() }));
    pauses
}

fn label_change(event: &Event, name: &str) -> Option<bool> {
    event.subject.as_deref().filter(|subject| subject.eq_ignore_ascii_case(name))?;
    match event.kind.as_str() {
        "labelled" | "labeled" => Some(true),
        "unlabelled" | "unlabeled" => Some(false),
        _ => None,
    }
}

/// A thread has one state at a time: any other ends this one.
fn status_change(event: &Event, name: &str) -> Option<bool> {
    match event.kind.as_str() {
        "status" | "status_changed" => event.subject.as_deref().map(|subject| subject.eq_ignore_ascii_case(name)),
        "closed" | "merged" => Some(false),
        _ => None,
    }
}

impl TryFrom<String> for PauseWhen {
    type Error = PauseError;

    fn try_from(text: String) -> Result<PauseWhen, PauseError> {
        let named = |name: &str| Some(name.trim().to_string()).filter(|name| !name.is_empty());
        match text.trim().split_once(':') {
            None if text.trim() == "waiting-on-asker" => Some(PauseWhen::WaitingOnAsker),
            Some(("label", name)) => named(name).map(PauseWhen::Label),
            Some(("status", name)) => named(name).map(PauseWhen::Status),
            _ => None,
        }
        .ok_or(PauseError(text))
    }
}

impl From<PauseWhen> for String {
    fn from(when: PauseWhen) -> String {
        when.to_string()
    }
}

impl fmt::Display for PauseWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PauseWhen::WaitingOnAsker => f.write_str("waiting-on-asker"),
            PauseWhen::Label(name) => write!(f, "label:{name}"),
            PauseWhen::Status(name) => write!(f, "status:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{PauseWhen, pauses};
    use crate::domain::{Event, Moment};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn event(second: i64, kind: &str, subject: &str) -> Event {
        let at = Some(Moment::utc(at(second)));
        Event { at, kind: kind.to_string(), actor: None, subject: Some(subject.to_string()) }
    }

    fn when(text: &str) -> Vec<PauseWhen> {
        vec![PauseWhen::try_from(text.to_string()).expect(text)]
    }

    #[track_caller]
    fn check(condition: &str, events: &[Event], expected: &[(i64, Option<i64>)]) {
        let found = pauses(&when(condition), events, &[(at(7), None)]);
        let found: Vec<_> = found.iter().map(|p| (p.from.as_second(), p.to.map(Timestamp::as_second))).collect();
        assert_eq!(found, expected, "{condition}");
    }

    #[test]
    fn a_label_pauses_until_it_is_taken_off() {
        let events = [event(9, "unlabeled", "on-hold"), event(1, "labeled", "On-Hold"), event(2, "labelled", "bug")];
        check("label:on-hold", &events, &[(1, Some(9))]);
        check("label:on-hold", &events[1..], &[(1, None)]);
        check("label:other", &events, &[]);
    }

    #[test]
    fn a_state_pauses_until_the_next_or_the_end() {
        let events = [event(1, "status", "blocked"), event(3, "status", "open"), event(5, "status", "blocked")];
        check("status:blocked", &events, &[(1, Some(3)), (5, None)]);
        check("waiting-on-asker", &events, &[(7, None)]);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "on-hold", "label:", "mood:bad"] {
            let refused = PauseWhen::try_from(text.to_string()).expect_err(text).to_string();
            assert!(refused.contains("label:NAME"), "{refused}");
        }
    }
}
