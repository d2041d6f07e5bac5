//! A thread: everything that was said about one thing, in order, with who and when.

use super::{
    event::Event,
    message::{Message, Span},
    moment::Moment,
};

/// What sort of place a thread comes from; it decides how its text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Chat,
    Email,
    Issue,
    Review,
    Document,
    Transcript,
}

/// A thread as read from its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    pub source: String,
    pub kind: Kind,
    /// The source's own id.
    pub id: String,
    pub title: String,
    pub url: Option<String>,
    /// The room it stands in, by the source's word: a Slack channel, a mailbox or list, a repository.
    pub channel: Option<String>,
    pub participants: Vec<String>,
    pub messages: Vec<Message>,
    pub events: Vec<Event>,
    /// The instant to judge the thread by, where the input states one.
    pub as_of: Option<Moment>,
}

impl Thread {
    /// The words at `span`. Spans come from this thread's own text, so one that does not fit is empty.
    pub fn quote(&self, span: Span) -> &str {
        self.messages.get(span.message).and_then(|m| m.text.get(span.range())).unwrap_or("")
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Chat => "chat",
            Kind::Email => "email",
            Kind::Issue => "issue",
            Kind::Review => "review",
            Kind::Document => "document",
            Kind::Transcript => "transcript",
        }
    }

    /// The kind a foreign word comes nearest to; chat when nothing fits, since it assumes least.
    pub fn nearest(word: &str) -> Kind {
        let word = word.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|p| word.contains(p));
        if has(&["transcript", "meeting", "minutes", "call"]) {
            Kind::Transcript
        } else if has(&["mail"]) {
            Kind::Email
        } else if has(&["review", "pull", "merge", "patch", "_pr"]) {
            Kind::Review
        } else if has(&["issue", "ticket", "bug", "history"]) {
            Kind::Issue
        } else if has(&["doc", "rfc", "proposal", "page"]) {
            Kind::Document
        } else {
            Kind::Chat
        }
    }
}
