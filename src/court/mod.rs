//! Whose turn it is: what a thread's history leaves somebody owing, one file a kind.
//!
//! Everything is read from the history each time: an edit, a late message or a deleted answer simply gives another result.

mod debt;
mod decision;
mod document;
mod due;
mod history;
mod reply;
mod review;
mod ruling;
mod told;

pub use debt::{Debt, Ended, Mark};
pub use ruling::{Ruling, ruling};

use crate::domain::{Kind, Obligation, Thread, ThreadActs};
use history::History;

/// Everything that was ever owed in a thread, in the order it was opened, whether or not its source says when.
pub fn debts(thread: &Thread, acts: &ThreadActs) -> Vec<Debt> {
    let history = History::of(thread, acts);
    // A document asks nobody in particular; what it has to say of itself is in its changes.
    if document::is_document(&history) {
        return document::debts(&history).into_iter().collect();
    }
    let mut debts = match thread.kind {
        Kind::Review => review::debts(&history),
        _ => reply::debts(&history),
    };
    debts.extend(decision::debts(&history));
    debts.extend(told::debts(&history));
    debts.sort_by_key(|debt| debt.opened);
    debts
}

/// The same as obligations, as far as the source says when things happened: a clock needs an instant to start from.
pub fn obligations(thread: &Thread, acts: &ThreadActs) -> Vec<Obligation> {
    debts(thread, acts).iter().filter_map(|debt| debt.obligation(thread)).collect()
}

#[cfg(test)]
mod tests;
