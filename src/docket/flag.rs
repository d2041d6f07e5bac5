//! What of a docket needs a person, said in one neutral sentence with the words it rests on.

use jiff::{SignedDuration, Timestamp};

use super::{Entry, cite, line::shown};
use crate::{
    alert::waits::{Waits, names},
    court::{Debt, Mark, Ruling},
    domain::{
        Evidence, Health, Kind, Moment, ObligationKind, Thread,
        summary::{Cite, Flag, Word},
    },
};

/// Flags of one kind that a thread has at most; the rest are among its obligations.
const MOST_OF_A_KIND: usize = 3;
/// A decision that nobody has taken, or a promise without a date, is left alone for so long.
const GRACE: SignedDuration = SignedDuration::from_hours(24);
const UNDATED_PROMISE_GRACE: SignedDuration = SignedDuration::from_hours(5 * 24);

/// Flags, most pressing first.
pub(super) fn flags(thread: &Thread, ruling: &Ruling, entries: &[Entry], stalled: bool, now: Timestamp) -> Vec<Flag> {
    let mut found: Vec<Flag> =
        entries.iter().filter_map(|entry| Some(flag(thread, ruling, entry, kind(thread, entry, now)?))).collect();
    found.extend(undated(thread, ruling, &found).filter(|_| stalled));
    found.extend(reopened(thread));
    found.sort_by_key(|flag| (rank(flag), flag.due_at.clone()));
    let mut kept: Vec<Flag> = Vec::new();
    for flag in found {
        let of_kind = || kept.iter().filter(|other| other.kind == flag.kind);
        // Who says a thing twice has said it once.
        let told = of_kind().any(|other| !flag.cites.is_empty() && is_same(other, &flag));
        if !told && of_kind().count() < MOST_OF_A_KIND {
            kept.push(flag);
        }
    }
    kept
}

/// Whether two flags say of the same people the same in the same words.
fn is_same(one: &Flag, other: &Flag) -> bool {
    let quotes = |flag: &Flag| flag.cites.iter().map(|cite| cite.quote.clone()).collect::<Vec<_>>();
    one.owed_by == other.owed_by && one.owed_to == other.owed_to && quotes(one) == quotes(other)
}

/// Most pressing first.
fn rank(flag: &Flag) -> u8 {
    match flag.severity {
        "high" => 0,
        "medium" => 1,
        _ => 2,
    }
}

/// What an open obligation is flagged as; `None` where nothing is the matter yet.
fn kind(thread: &Thread, entry: &Entry, now: Timestamp) -> Option<Word> {
    let pressing = matches!(entry.assessment.health, Health::AtRisk | Health::Breached);
    let waited = now.duration_since(entry.obligation.opened_at);
    match entry.obligation.kind {
        _ if !entry.is_open() => None,
        ObligationKind::Reply => pressing.then_some("unanswered"),
        ObligationKind::Decision => pressing.then_some("undecided"),
        ObligationKind::Review => pressing.then_some("awaiting_review"),
        ObligationKind::Promise if entry.assessment.due_at.is_none() => {
            (waited >= UNDATED_PROMISE_GRACE && !came_back(thread, entry)).then_some("no_deadline")
        }
        // A date that was stated stands, whatever else its owner says after it.
        ObligationKind::Promise => entry.is_late().then_some("promise_overdue"),
        ObligationKind::Unblock => Some("blocked"),
        ObligationKind::Owner => (waited >= GRACE).then_some("no_owner"),
    }
}

/// Whether somebody who owes it has written or done something since: then it has most likely moved.
fn came_back(thread: &Thread, entry: &Entry) -> bool {
    let owes = |who: &Option<String>| who.as_ref().is_some_and(|who| entry.obligation.owed_by.contains(who));
    let since = |at: Option<Moment>| at.and_then(Moment::instant).is_some_and(|at| at > entry.obligation.opened_at);
    let wrote = thread.messages.iter().any(|message| owes(&message.author) && since(message.sent_at));
    wrote || thread.events.iter().any(|event| owes(&event.actor) && since(event.at))
}

fn flag(thread: &Thread, ruling: &Ruling, entry: &Entry, kind: Word) -> Flag {
    let obligation = &entry.obligation;
    let shown = |at: Timestamp| shown(at, &entry.zone);
    Flag {
        kind,
        severity: severity(entry, kind),
        since: Some(shown(obligation.opened_at)),
        owed_by: obligation.owed_by.clone(),
        owed_to: obligation.owed_to.clone(),
        due_at: entry.assessment.due_at.map(shown),
        health: entry.assessment.health.as_str(),
        reason: reason(thread, ruling, kind, &obligation.owed_by, &obligation.owed_to),
        cites: cites(thread, &obligation.opened_by),
    }
}

/// High: as late again as it was given time. Medium: late, or somebody cannot go on. Low: all else.
fn severity(entry: &Entry, kind: Word) -> Word {
    let reading = &entry.assessment;
    match reading.health {
        Health::Breached if entry.is_twice_late() => "high",
        Health::Breached => "medium",
        _ if kind == "blocked" => "medium",
        _ => "low",
    }
}

/// The quote that opened it. What archives record in place of words is no quote.
fn cites(thread: &Thread, opened_by: &Evidence) -> Vec<Cite> {
    cite(thread, opened_by).into_iter().collect()
}

/// What a ruling rests on where no clock runs: the source gives no instants, or nobody gave a date.
fn undated(thread: &Thread, ruling: &Ruling, found: &[Flag]) -> Option<Flag> {
    let debt = ruling.on.and_then(|on| ruling.debts.get(on)).filter(|debt| debt.is_open())?;
    let kind = match debt.kind {
        ObligationKind::Reply => "unanswered",
        ObligationKind::Decision => "undecided",
        ObligationKind::Review => "awaiting_review",
        _ => return None,
    };
    let told = |flag: &&Flag| flag.kind == kind && flag.owed_by == debt.owed_by && flag.owed_to == debt.owed_to;
    if found.iter().any(|flag| told(&flag)) {
        return None;
    }
    let since = debt.opened.at(thread).map(|at| Moment::utc(at).to_string());
    Some(Flag {
        kind,
        severity: "medium",
        since,
        owed_by: debt.owed_by.clone(),
        owed_to: debt.owed_to.clone(),
        due_at: None,
        health: Health::AtRisk.as_str(),
        reason: reason(thread, ruling, kind, &debt.owed_by, &debt.owed_to),
        cites: words(thread, debt),
    })
}

fn words(thread: &Thread, debt: &Debt) -> Vec<Cite> {
    let Mark::Said(span) = debt.opened else { return Vec::new() };
    let Some(message) = thread.messages.get(span.message) else { return Vec::new() };
    let (id, quote) = (message.id.clone(), thread.quote(span).to_string());
    cites(thread, &Evidence::Words { message: id, start: span.start, end: span.end, quote })
}

/// A thread whose last turn of that sort was its reopening.
fn reopened(thread: &Thread) -> Option<Flag> {
    let turns = |kind: &str| matches!(kind, "closed" | "merged" | "reopened");
    let last = thread.events.iter().rev().find(|event| turns(&event.kind))?;
    (last.kind == "reopened").then(|| Flag {
        kind: "reopened",
        severity: "low",
        since: last.at.map(|at| at.to_string()),
        owed_by: Vec::new(),
        owed_to: last.actor.iter().cloned().collect(),
        due_at: None,
        health: Health::OnTrack.as_str(),
        reason: "It was closed and has been opened again.".to_string(),
        cites: Vec::new(),
    })
}

/// One sentence that says what is waited for. Nobody is blamed in it.
fn reason(thread: &Thread, ruling: &Ruling, kind: Word, owed_by: &[String], owed_to: &[String]) -> String {
    let waits = |kind| Waits::new(kind, owed_by, owed_to).sentence();
    let (by, to) = (names(owed_by), names(owed_to));
    let after = |word: &str, who: Option<String>| who.map(|who| format!("{word}{who}")).unwrap_or_default();
    match kind {
        "unanswered" if thread.kind == Kind::Review && owed_to.is_empty() => {
            format!("A change waits for its author{}.", after(" ", by))
        }
        "unanswered" if thread.kind == Kind::Review => {
            format!("A review{} waits for the author{}.", after(" from ", to), after(" ", by))
        }
        "unanswered" => waits(ObligationKind::Reply),
        "undecided" if ruling.quiet_at.is_some() => format!("There is no decision on it yet: {}.", ruling.why),
        "undecided" => waits(ObligationKind::Decision),
        "awaiting_review" => waits(ObligationKind::Review),
        "promise_overdue" => {
            format!("Something was to come{} by now, and nobody has said here that it did.", after(" from ", by))
        }
        "no_deadline" => format!("Something was taken on without a date{}.", after(" by ", by)),
        "blocked" => waits(ObligationKind::Unblock),
        _ => "Something was decided that nobody has taken on yet.".to_string(),
    }
}
