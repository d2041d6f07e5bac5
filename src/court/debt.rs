//! A debt by its place in a thread: an obligation before anybody asks what time it was.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::domain::{Closed, Evidence, How, Metric, Obligation, ObligationKind, Span, Thread};

/// Bytes of a sha256 that an obligation is known by: short enough to type, and two of a million are hardly ever the same.
const ID_BYTES: usize = 8;

/// Where in a thread's history something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Said(Span),
    /// Index into `Thread::events`.
    Happened(usize),
}

/// How a debt ended, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub by: Mark,
    pub how: How,
}

/// What somebody owes somebody in a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debt {
    pub kind: ObligationKind,
    pub metric: Metric,
    /// Empty where nobody is named.
    pub owed_by: Vec<String>,
    pub owed_to: Vec<String>,
    pub opened: Mark,
    /// Where its thread was closed over it and opened again: what had opened it first.
    pub first_opened: Option<Mark>,
    /// A deadline somebody named, where it can be told what it means.
    pub stated_due: Option<Timestamp>,
    pub ended: Option<Ended>,
}

impl Mark {
    /// When that was, where the source says so.
    pub fn at(self, thread: &Thread) -> Option<Timestamp> {
        match self {
            Mark::Said(span) => thread.messages.get(span.message)?.sent_at?.instant(),
            Mark::Happened(event) => thread.events.get(event)?.at?.instant(),
        }
    }

    fn evidence(self, thread: &Thread) -> Option<Evidence> {
        match self {
            Mark::Said(span) => {
                let message = thread.messages.get(span.message)?.id.clone();
                let quote = thread.quote(span).to_string();
                Some(Evidence::Words { message, start: span.start, end: span.end, quote })
            }
            Mark::Happened(event) => {
                let event = thread.events.get(event)?;
                let (kind, actor, subject) = (event.kind.clone(), event.actor.clone(), event.subject.clone());
                Some(Evidence::Event { kind, actor, subject, at: event.at?.instant()? })
            }
        }
    }
}

impl Debt {
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// `None` where the source does not say when it was opened. An end without an instant counts from the opening.
    pub fn obligation(&self, thread: &Thread) -> Option<Obligation> {
        let opened_at = self.opened.at(thread)?;
        let closed = self.ended.and_then(|ended| {
            let at = ended.by.at(thread).unwrap_or(opened_at).max(opened_at);
            Some(Closed { at, how: ended.how, by: ended.by.evidence(thread)? })
        });
        Some(Obligation {
            id: self.id(thread),
            thread: thread.id.clone(),
            kind: self.kind,
            metric: self.metric,
            owed_by: self.owed_by.clone(),
            owed_to: self.owed_to.clone(),
            opened_at,
            opened_by: self.opened.evidence(thread)?,
            first_opened_at: self.first_opened.and_then(|mark| mark.at(thread)),
            stated_due: self.stated_due,
            closed,
        })
    }

    /// By what opened it, which stays the same whatever is said later.
    fn id(&self, thread: &Thread) -> String {
        let place = |mark| match mark {
            Mark::Said(span) => {
                let Span { message, start, .. } = span;
                format!("{}@{start}", thread.messages.get(message).map_or("", |message| &message.id))
            }
            Mark::Happened(event) => thread.events.get(event).map_or_else(String::new, |event| {
                let at = event.at.map(|at| at.to_string()).unwrap_or_default();
                let (actor, subject) = (event.actor.as_deref(), event.subject.as_deref());
                [&event.kind, at.as_str(), actor.unwrap_or_default(), subject.unwrap_or_default()].join("\u{1f}")
            }),
        };
        // Several matters may be opened again by one event.
        let first = self.first_opened.map(place).unwrap_or_default();
        let whole = [&thread.source, &thread.id, self.kind.as_str(), &place(self.opened), &first].join("\u{1e}");
        let sum = Sha256::digest(whole);
        sum.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }
}
