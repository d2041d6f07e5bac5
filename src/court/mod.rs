//! Whose turn it is: what a thread's history leaves somebody owing, one file a kind.
//!
//! Everything is read from the history each time: an edit, a late message or a deleted answer simply gives another result.

mod asking;
mod debt;
mod decision;
mod document;
mod due;
mod history;
mod remark;
mod reply;
mod review;
mod ruling;
mod told;

pub use debt::{Debt, Ended, Mark};
pub use history::is_bot;
pub use ruling::{Ruling, ruling};

use crate::domain::{How, Kind, Obligation, ObligationKind, Sentence, Thread, ThreadActs};
use history::{History, Move, Step};

/// Everything that was ever owed in a thread, in the order it was opened, whether or not its source says when.
pub fn debts(thread: &Thread, acts: &ThreadActs) -> Vec<Debt> {
    debts_of(&History::of(thread, acts))
}

fn debts_of(history: &History<'_>) -> Vec<Debt> {
    let thread = history.thread;
    // A document asks nobody in particular; what it has to say of itself is in its changes.
    if document::is_document(history) {
        return document::debts(history);
    }
    let mut debts = match thread.kind {
        Kind::Review => review::debts(history),
        _ => reply::debts(history),
    };
    // Suggestions in a review are part of it: the author or the reviewers have the turn.
    if thread.kind != Kind::Review {
        debts.extend(decision::debts(history));
    }
    debts.extend(told::debts(history));
    if thread.kind == Kind::Review {
        end_with_approval(history, &mut debts);
    }
    end_with_thread(history, &mut debts);
    debts.sort_by_key(|debt| debt.opened);
    debts
}

/// Whoever approves a change asks no more for what was promised of it before.
fn end_with_approval(history: &History<'_>, debts: &mut [Debt]) {
    let said_before =
        |mark: Mark, at: Option<usize>| matches!(mark, Mark::Said(span) if at.is_some_and(|at| span.message < at));
    for step in history.steps.iter().filter(|step| step.does == Move::Approves && !step.bot) {
        let promised = |debt: &&mut Debt| {
            let of_others = !debt.owed_by.iter().any(|owner| owner == step.who);
            debt.is_open()
                && debt.kind == ObligationKind::Promise
                && of_others
                && said_before(debt.opened, step.message)
        };
        debts.iter_mut().filter(promised).for_each(|debt| debt.ended = Some(Ended { by: step.mark, how: How::Met }));
    }
}

/// A thread that is closed for good waits for nothing. What somebody promised by a date stays promised, but in an issue or
/// a review it was promised of the very thing that is closed.
fn end_with_thread(history: &History<'_>, debts: &mut [Debt]) {
    let turn = |step: &&Step<'_>| matches!(step.does, Move::Closes | Move::Reopens);
    let Some(last) = history.steps.iter().rposition(|step| turn(&step)) else { return };
    let closed = history.steps[last];
    if closed.does == Move::Reopens {
        return;
    }
    let is_before = |mark: Mark| {
        history.steps[..last].iter().any(|step| match mark {
            Mark::Said(span) => step.message == Some(span.message),
            happened => step.mark == happened,
        })
    };
    let of_a_matter = matches!(history.thread.kind, Kind::Issue | Kind::Review);
    let is_dated = |debt: &Debt| !of_a_matter && debt.kind == ObligationKind::Promise && debt.stated_due.is_some();
    let waits = |debt: &&mut Debt| debt.is_open() && !is_dated(debt) && is_before(debt.opened);
    for debt in debts.iter_mut().filter(waits) {
        debt.ended = Some(Ended { by: closed.mark, how: How::Superseded });
    }
}

/// The same as obligations, as far as the source says when things happened: a clock needs an instant to start from.
pub fn obligations(thread: &Thread, acts: &ThreadActs) -> Vec<Obligation> {
    debts(thread, acts).iter().filter_map(|debt| debt.obligation(thread)).collect()
}

/// All that the law makes of how sure a sentence's reading is: two readings that agree in this leave the same owing.
pub fn weight(sentence: &Sentence) -> [bool; 4] {
    let Sentence { probability, action, .. } = *sentence;
    [probability >= decision::SURE, probability >= told::SURE, action >= told::TAKES_ON, action > told::DECIDED_TO_DO]
}

#[cfg(test)]
mod tests;
