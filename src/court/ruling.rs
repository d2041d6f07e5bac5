//! The ruling on a thread: whether it has stalled, and whom it waits for.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::{
    debt::{Debt, Mark},
    decision::{is_document, last_substantive},
    history::{History, Move, compiled},
};
use crate::domain::{Kind, ObligationKind, Thread, ThreadActs};

const DAY_SECS: i64 = 86_400;
/// A document is quiet after so many days without a change that says something; longer where its last changes prepare
/// for a decision. Chosen on the training threads.
const QUIET_DAYS: i64 = 120;
const QUIET_DAYS_WHEN_ADVANCING: i64 = 180;
/// A change waits too long for somebody after so many days.
const REVIEW_DAYS: i64 = 14;
/// How many of the last changes say where a document goes.
const LAST_CHANGES: usize = 3;

static ADVANCES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(accept(ed|ance)?|final|last call|implement(ed|ation)?|review|approve[ds]?|graduat\w*|beta|stable|ga|resolution|provisional|complete[ds]?|land(ed)?|merge[ds]?|milestone|target|test plan|prr|release)\b",
    )
});
static GIVES_UP: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(defer(red)?|withdraw\w*|postpone[ds]?|stagnant|abandon(ed)?|inactive|stale|on hold|shelved?|up for grabs)\b",
    )
});

/// What the history of a thread comes to at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub stalled: bool,
    /// Who has to act, nobody named twice.
    pub waiting_on: Vec<String>,
    /// Everything open, in the order it was opened.
    pub open: Vec<Debt>,
    /// One neutral sentence.
    pub why: String,
}

/// The ruling at `now` on the thread as it stands. A question without a time waits from the moment it is asked.
pub fn ruling(thread: &Thread, acts: &ThreadActs, now: Timestamp) -> Ruling {
    let history = History::of(thread, acts);
    let debts = super::debts(thread, acts);
    let (stalled, why) = if is_document(&history) {
        quiet(&history, now)
    } else if thread.kind == Kind::Review {
        waits_long(&history, &debts, now)
    } else {
        unanswered(&history, &debts)
    };
    let open: Vec<Debt> = debts.into_iter().filter(Debt::is_open).collect();
    let mut waiting_on: Vec<String> = Vec::new();
    for who in open.iter().filter(|debt| debt.kind != ObligationKind::Promise).flat_map(|debt| &debt.owed_by) {
        if !waiting_on.contains(who) {
            waiting_on.push(who.clone());
        }
    }
    Ruling { stalled, waiting_on, open, why }
}

/// A document, by its silence and by what its last changes say.
fn quiet(history: &History<'_>, now: Timestamp) -> (bool, String) {
    if history.steps.iter().any(|step| step.does == Move::Closes) {
        return (false, "it has been closed".to_string());
    }
    let changes = history.steps.iter().rev().filter(|step| step.does == Move::Pushes).take(LAST_CHANGES);
    if changes.clone().any(|step| GIVES_UP.is_match(step.text)) {
        return (true, "its last changes put it off".to_string());
    }
    let limit =
        if changes.clone().any(|step| ADVANCES.is_match(step.text)) { QUIET_DAYS_WHEN_ADVANCING } else { QUIET_DAYS };
    match last_substantive(history).and_then(|mark| days_since(history, mark, now)) {
        Some(days) if days >= limit => (true, format!("no change of substance for {days} days")),
        Some(days) => (false, format!("it changed {days} days ago")),
        None => (false, "its source does not say when it changed".to_string()),
    }
}

fn waits_long(history: &History<'_>, debts: &[Debt], now: Timestamp) -> (bool, String) {
    let last = history.steps.iter().rev().find(|step| !step.bot && step.message.is_some());
    if last.is_some_and(|step| GIVES_UP.is_match(step.text)) {
        return (true, "it has been given up".to_string());
    }
    let open = debts.iter().rev().find(|debt| debt.is_open());
    match open.and_then(|debt| days_since(history, debt.opened, now)) {
        Some(days) if days >= REVIEW_DAYS => (true, format!("nobody has moved it for {days} days")),
        _ => (false, "somebody moved it lately, or nobody has to".to_string()),
    }
}

/// A talk stalls on the question that its title quotes, or else on the one that opened it.
fn unanswered(history: &History<'_>, debts: &[Debt]) -> (bool, String) {
    let titled = history.titled();
    let quoted = |debt: &&Debt| match debt.opened {
        Mark::Said(span) => Some(span.message) == titled,
        Mark::Happened(_) => false,
    };
    let replies = || debts.iter().filter(|debt| debt.kind == ObligationKind::Reply);
    match replies().find(quoted).or_else(|| replies().next()) {
        Some(debt) if debt.is_open() => (true, "a question has no answer".to_string()),
        Some(_) => (false, "its question has been answered".to_string()),
        None => (false, "nothing was asked".to_string()),
    }
}

fn days_since(history: &History<'_>, mark: Mark, now: Timestamp) -> Option<i64> {
    Some((now.as_second() - mark.at(history.thread)?.as_second()) / DAY_SECS)
}
