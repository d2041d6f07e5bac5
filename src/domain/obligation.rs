//! An obligation: what somebody owes somebody else, since when, by which words, and how it ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObligationKind {
    Reply,
    Decision,
    Review,
    Promise,
    Unblock,
    /// Somebody has to take a thing that nobody has.
    Owner,
}

/// What a goal measures. Each has a clock of its own: an answer to the first question says nothing of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    FirstResponse,
    NextResponse,
    Review,
    Decision,
    Resolution,
    Postmortem,
    Unblock,
    Promise,
    Owner,
}

/// How an obligation stands against its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    OnTrack,
    AtRisk,
    /// Open, and the deadline has passed.
    Breached,
    /// Done by its deadline, or without one.
    Met,
    /// Done after its deadline.
    Missed,
    /// Ended without being done: withdrawn, superseded or waived.
    Lifted,
}

/// How an obligation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Met,
    Withdrawn,
    Superseded,
    Waived,
}

/// What bears something out: somebody's words, or an event of the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// `quote` is `text[start..end]` of the message as its source gave it, in bytes.
    Words { message: String, start: usize, end: usize, quote: String },
    /// By the source's own word for it: `assigned`, `review_requested`, …
    Event { kind: String, actor: Option<String>, subject: Option<String>, at: Timestamp },
}

/// The end of an obligation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Closed {
    pub at: Timestamp,
    pub how: How,
    pub by: Evidence,
}

/// A debt that a thread's history leaves somebody with. It is worked out from the history each time and never counted up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Obligation {
    /// The same for the same history, whatever was added to it since.
    pub id: String,
    /// The thread's id, as its source has it.
    pub thread: String,
    pub kind: ObligationKind,
    pub metric: Metric,
    /// Nobody: no one was named, which is itself worth telling.
    pub owed_by: Vec<String>,
    pub owed_to: Vec<String>,
    pub opened_at: Timestamp,
    pub opened_by: Evidence,
    /// Where the thread was closed before and opened again: when the matter was first opened.
    pub first_opened_at: Option<Timestamp>,
    /// A deadline somebody named ("by Friday"), which stands in place of any goal.
    pub stated_due: Option<Timestamp>,
    pub closed: Option<Closed>,
}

impl Obligation {
    /// Whether it had been opened and not yet ended at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.opened_at <= at && self.ended_by(at).is_none()
    }

    /// Its end, if that had come by an instant.
    pub fn ended_by(&self, at: Timestamp) -> Option<&Closed> {
        self.closed.as_ref().filter(|closed| closed.at <= at)
    }
}

impl ObligationKind {
    pub const ALL: [ObligationKind; 6] = [
        ObligationKind::Reply,
        ObligationKind::Decision,
        ObligationKind::Review,
        ObligationKind::Promise,
        ObligationKind::Unblock,
        ObligationKind::Owner,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            ObligationKind::Reply => "reply",
            ObligationKind::Decision => "decision",
            ObligationKind::Review => "review",
            ObligationKind::Promise => "promise",
            ObligationKind::Unblock => "unblock",
            ObligationKind::Owner => "owner",
        }
    }
}

impl How {
    pub fn as_str(self) -> &'static str {
        match self {
            How::Met => "met",
            How::Withdrawn => "withdrawn",
            How::Superseded => "superseded",
            How::Waived => "waived",
        }
    }
}

impl Metric {
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::FirstResponse => "first_response",
            Metric::NextResponse => "next_response",
            Metric::Review => "review",
            Metric::Decision => "decision",
            Metric::Resolution => "resolution",
            Metric::Postmortem => "postmortem",
            Metric::Unblock => "unblock",
            Metric::Promise => "promise",
            Metric::Owner => "owner",
        }
    }
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Health::OnTrack => "on_track",
            Health::AtRisk => "at_risk",
            Health::Breached => "breached",
            Health::Met => "met",
            Health::Missed => "missed",
            Health::Lifted => "lifted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, Metric, ObligationKind};

    #[track_caller]
    fn check(value: impl serde::Serialize, word: &str) {
        assert_eq!(serde_json::to_value(value).expect("a word"), word);
    }

    #[test]
    fn words_in_json_are_the_words_of_the_contract() {
        ObligationKind::ALL.iter().for_each(|kind| check(kind, kind.as_str()));
        for metric in [Metric::FirstResponse, Metric::NextResponse, Metric::Resolution, Metric::Postmortem] {
            check(metric, metric.as_str());
        }
        for health in [Health::OnTrack, Health::AtRisk, Health::Breached, Health::Met, Health::Missed, Health::Lifted] {
            check(health, health.as_str());
        }
    }
}
