//! What people are told of obligations: at which stage, in which envelope, under which id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    obligation::{Health, Obligation},
    thread::Kind,
};

/// How far an obligation has come that somebody is told of. Each is told once to each sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    AtRisk,
    Breached,
    /// Still open some time after its deadline: others are told.
    Escalated,
    /// It ended after somebody had been told of it.
    Closed,
}

/// What an envelope is about; its word is the `type` of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    #[serde(rename = "obligation.at_risk")]
    AtRisk,
    #[serde(rename = "obligation.breached")]
    Breached,
    #[serde(rename = "obligation.escalated")]
    Escalated,
    #[serde(rename = "obligation.closed")]
    Closed,
    #[serde(rename = "source.down")]
    SourceDown,
    /// What was held back, together.
    #[serde(rename = "digest")]
    Digest,
    /// Somebody tries whether notices arrive; nothing is owed.
    #[serde(rename = "test")]
    Test,
}

/// What goes to one sink at one time: the same at every attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Stays the same when it is sent again, so that a receiver can tell.
    pub id: String,
    pub topic: Topic,
    pub made_at: Timestamp,
    /// The same for all that is told of one matter, so that a receiver can put it together: a thread's key, a source's name.
    pub group: String,
    /// What is told, first due first; empty where a source is down, and in a test.
    pub told: Vec<Told>,
    pub source: Option<SourceDown>,
}

/// One obligation as it stands when it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub obligation: Obligation,
    pub stage: Stage,
    pub health: Health,
    pub due_at: Option<Timestamp>,
    pub warn_at: Option<Timestamp>,
    /// The policy that the deadline comes from.
    pub policy: Option<String>,
    /// The IANA zone in which its times are shown.
    pub zone: String,
    pub thread: ThreadLine,
    /// Whose words opened it, and when they were said.
    pub said_by: Option<String>,
    pub said_at: Option<Timestamp>,
    /// Whose words ended it.
    pub ended_by: Option<String>,
    /// Where it can be seen, acknowledged and put off in a browser, if the configuration says how bluf is reached.
    pub page: Option<String>,
}

/// A thread in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadLine {
    /// What the API and `bluf show` call it.
    pub key: String,
    pub title: String,
    /// Where it is at its source.
    pub url: Option<String>,
    pub source: String,
    pub channel: Option<String>,
    pub kind: Kind,
}

/// A source that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDown {
    pub name: String,
    pub since: Timestamp,
    pub why: String,
}

impl Envelope {
    /// A notice that tells nothing but that notices arrive. Another one is known by another instant.
    pub fn test(sink: &str, now: Timestamp) -> Envelope {
        let id = format!("test-{sink}-{}", now.as_millisecond());
        Envelope { group: id.clone(), id, topic: Topic::Test, made_at: now, told: Vec::new(), source: None }
    }
}

impl Stage {
    pub const ALL: [Stage; 4] = [Stage::AtRisk, Stage::Breached, Stage::Escalated, Stage::Closed];

    pub fn as_str(self) -> &'static str {
        match self {
            Stage::AtRisk => "at_risk",
            Stage::Breached => "breached",
            Stage::Escalated => "escalated",
            Stage::Closed => "closed",
        }
    }

    pub fn topic(self) -> Topic {
        match self {
            Stage::AtRisk => Topic::AtRisk,
            Stage::Breached => Topic::Breached,
            Stage::Escalated => Topic::Escalated,
            Stage::Closed => Topic::Closed,
        }
    }
}

impl Topic {
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::AtRisk => "obligation.at_risk",
            Topic::Breached => "obligation.breached",
            Topic::Escalated => "obligation.escalated",
            Topic::Closed => "obligation.closed",
            Topic::SourceDown => "source.down",
            Topic::Digest => "digest",
            Topic::Test => "test",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Stage, Topic};

    #[test]
    fn words_in_json_are_the_words_of_the_contract() {
        for stage in Stage::ALL {
            assert_eq!(serde_json::to_value(stage).expect("a word"), stage.as_str());
            assert_eq!(stage.topic().as_str(), format!("obligation.{}", stage.as_str()));
        }
        let others = [Topic::SourceDown, Topic::Digest, Topic::Test];
        for topic in Stage::ALL.map(Stage::topic).into_iter().chain(others) {
            assert_eq!(serde_json::to_value(topic).expect("a word"), topic.as_str());
        }
    }
}
