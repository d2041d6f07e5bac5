//! What a thread leaves open, by when, and what of it needs a person: obligations joined with policies and calendars.
//!
//! A docket is a pure function of a thread's history, the rules and an instant; nothing in it is kept.

mod case;
mod entry;
mod flag;
pub mod line;
mod owner;
pub mod rules;
mod talk;
mod turn;

pub use case::Matters;
pub use entry::Entry;
pub use line::DocketLine;
pub use rules::{Person, PersonConfig, Rules};
pub use talk::Talk;

use jiff::Timestamp;

use crate::{
    court,
    domain::{
        Evidence, Kind, Obligation, ObligationKind, Thread, ThreadActs,
        summary::{Cite, Flag},
    },
};

/// A thread's open matters at an instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Docket {
    /// Every obligation that had been opened by then, in the order they were opened, also those that have ended.
    pub entries: Vec<Entry>,
    /// What needs a person, most pressing first.
    pub flags: Vec<Flag>,
    /// Who has to act, nobody named twice.
    pub waiting_on: Vec<String>,
    pub stalled: bool,
    /// One neutral sentence about that.
    pub why: String,
    /// Where people go back and forth without a decision.
    pub talk: Option<Talk>,
}

/// The docket of `thread`, whose sentences are read as `acts`, at `now`. Whoever asks about a past instant leaves out what
/// was said later.
pub fn docket(thread: &Thread, acts: &ThreadActs, rules: &Rules, now: Timestamp) -> Docket {
    let ruling = court::ruling(thread, acts, now);
    let entries = Matters::ruled(thread, &ruling, rules, now).entries(rules);
    let early = ruling.stalled && is_early(thread, &ruling, &entries);
    let overdue = entries.iter().find(|entry| is_overdue(entry));
    let stalled = (ruling.stalled && !early) || overdue.is_some();
    let talk = talk::talk(thread, acts, &entries, rules, now);
    let mut flags = flag::flags(thread, &ruling, &entries, stalled, now);
    flags.extend(talk.as_ref().map(|talk| talk::flag(thread, talk)));
    let why = match overdue {
        _ if ruling.stalled && !early => ruling.why,
        Some(entry) if entry.obligation.kind == ObligationKind::Promise => "a promise is long overdue".to_string(),
        Some(_) => "somebody who was asked has not answered for long".to_string(),
        None if early => "its question still has time".to_string(),
        None => ruling.why,
    };
    Docket { entries, flags, waiting_on: ruling.waiting_on, stalled, why, talk }
}

/// Whether somebody who is named owes an answer or what they promised, and is as late again as there was time.
fn is_overdue(entry: &Entry) -> bool {
    let Obligation { kind, owed_by, .. } = &entry.obligation;
    matches!(kind, ObligationKind::Reply | ObligationKind::Promise) && !owed_by.is_empty() && entry.is_twice_late()
}

/// Whether a talk waits for an answer that is not late.
fn is_early(thread: &Thread, ruling: &court::Ruling, entries: &[Entry]) -> bool {
    let debt = ruling.on.and_then(|on| ruling.debts.get(on));
    let asked = debt.filter(|debt| debt.kind == ObligationKind::Reply && thread.kind != Kind::Review);
    let id = asked.and_then(|debt| debt.obligation(thread)).map(|obligation| obligation.id);
    let entry = id.and_then(|id| entries.iter().find(|entry| entry.obligation.id == id));
    entry.is_some_and(|entry| entry.assessment.due_at.is_some() && !entry.is_late())
}

/// The quote that bears something out; `None` for an event, which has no words.
pub fn cite(thread: &Thread, evidence: &Evidence) -> Option<Cite> {
    let Evidence::Words { message: id, start, end, quote } = evidence else { return None };
    let holds = |text: &str| text.get(*start..*end) == Some(quote.as_str());
    let message = thread.messages.iter().find(|message| message.id == *id && holds(&message.text))?;
    Some(Cite {
        message_id: id.clone(),
        author: message.author.clone(),
        sent_at: message.sent_at.map(|at| at.to_string()),
        start: *start,
        end: *end,
        quote: quote.clone(),
    })
}

#[cfg(test)]
mod tests;
