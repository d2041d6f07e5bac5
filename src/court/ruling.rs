//! The ruling on a thread: whether it has stalled, and whom it waits for.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::{
    debt::{Debt, Mark},
    document::{self, Standing, is_document},
    history::History,
};
use crate::{
    domain::{Kind, ObligationKind, Thread, ThreadActs},
    pattern::compiled,
};

const DAY_SECS: i64 = 86_400;
/// A change waits too long for somebody after so many days.
const REVIEW_DAYS: i64 = 14;

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
    /// Everything that was ever owed, in the order it was opened.
    pub debts: Vec<Debt>,
    /// Which of the debts the ruling rests on.
    pub on: Option<usize>,
    /// When the silence of a document becomes too long; `None` for a talk, and where nothing more is waited for.
    pub quiet_at: Option<Timestamp>,
    /// One neutral sentence.
    pub why: String,
}

/// Whether a thread has stalled, by one kind of thread's own measure.
struct Finding {
    stalled: bool,
    why: String,
    on: Option<usize>,
    quiet_at: Option<Timestamp>,
}

impl Ruling {
    pub fn open(&self) -> impl Iterator<Item = &Debt> {
        self.debts.iter().filter(|debt| debt.is_open())
    }
}

impl Finding {
    fn new(stalled: bool, why: &str) -> Finding {
        Finding { stalled, why: why.to_string(), on: None, quiet_at: None }
    }
}

/// The ruling at `now` on the thread as it stands. A question without a time waits from the moment it is asked.
pub fn ruling(thread: &Thread, acts: &ThreadActs, now: Timestamp) -> Ruling {
    let history = History::of(thread, acts);
    let debts = super::debts_of(&history);
    let found = if is_document(&history) {
        quiet(&history, &debts, now)
    } else if thread.kind == Kind::Review {
        waits_long(&history, &debts, now)
    } else {
        unanswered(&history, &debts)
    };
    let mut waiting_on: Vec<String> = Vec::new();
    // In a review the turn is the author's or the reviewers', whatever else is told there.
    let counts = |kind| match thread.kind {
        Kind::Review => matches!(kind, ObligationKind::Reply | ObligationKind::Review),
        _ => kind != ObligationKind::Promise,
    };
    let open = debts.iter().filter(|debt| debt.is_open() && counts(debt.kind));
    for who in open.flat_map(|debt| &debt.owed_by) {
        if !waiting_on.contains(who) {
            waiting_on.push(who.clone());
        }
    }
    let Finding { stalled, why, on, quiet_at } = found;
    Ruling { stalled, waiting_on, debts, on, quiet_at, why }
}

/// A document, by its silence and by what its changes say.
fn quiet(history: &History<'_>, debts: &[Debt], now: Timestamp) -> Finding {
    let on = debts.iter().rposition(|debt| debt.kind == ObligationKind::Decision);
    let at = |mark: Mark| mark.at(history.thread);
    match (document::standing(history), document::silence(history)) {
        (Standing::Ended(_), _) => Finding { on, ..Finding::new(false, "a decision on it is on record") },
        (Standing::PutOff(mark), _) => {
            Finding { on, quiet_at: at(mark), ..Finding::new(true, "its last changes put it off") }
        }
        (Standing::Open, Some((last, quiet_at))) if on.is_some() => {
            let days = (now.as_second() - last.as_second()) / DAY_SECS;
            let why = match now >= quiet_at {
                true => format!("no change of substance for {days} days, more than it ever rested"),
                false => format!("it changed {days} days ago"),
            };
            Finding { on, quiet_at: Some(quiet_at), ..Finding::new(now >= quiet_at, &why) }
        }
        (Standing::Open, _) => Finding { on, ..Finding::new(false, "its source does not say when it changed") },
    }
}

fn waits_long(history: &History<'_>, debts: &[Debt], now: Timestamp) -> Finding {
    let on = debts.iter().rposition(Debt::is_open);
    let last = history.steps.iter().rev().find(|step| !step.bot && step.message.is_some());
    if last.is_some_and(|step| GIVES_UP.is_match(step.text)) {
        return Finding { on, ..Finding::new(true, "it has been given up") };
    }
    let waited = on.and_then(|on| days_since(history, debts[on].opened, now));
    let found = match waited {
        Some(days) if days >= REVIEW_DAYS => Finding::new(true, &format!("nobody has moved it for {days} days")),
        _ => Finding::new(false, "somebody moved it lately, or nobody has to"),
    };
    Finding { on, ..found }
}

/// A talk stalls on the question that its title quotes, or else on the one that opened it.
fn unanswered(history: &History<'_>, debts: &[Debt]) -> Finding {
    let titled = history.titled();
    let quoted = |debt: &Debt| match debt.opened {
        Mark::Said(span) => Some(span.message) == titled,
        Mark::Happened(_) => false,
    };
    let is_reply = |debt: &Debt| debt.kind == ObligationKind::Reply;
    let on = debts.iter().position(|debt| is_reply(debt) && quoted(debt)).or_else(|| debts.iter().position(is_reply));
    let found = match on.map(|on| debts[on].is_open()) {
        Some(true) => Finding::new(true, "a question has no answer"),
        Some(false) => Finding::new(false, "its question has been answered"),
        None => Finding::new(false, "nothing was asked"),
    };
    Finding { on, ..found }
}

fn days_since(history: &History<'_>, mark: Mark, now: Timestamp) -> Option<i64> {
    Some((now.as_second() - mark.at(history.thread)?.as_second()) / DAY_SECS)
}
