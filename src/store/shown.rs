//! When what lists and searches show of threads last changed, so that whoever kept such an answer knows whether it still holds.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Threads that were read lately and are remembered. Who asks after more of them must look again.
const LATELY: usize = 512;

/// A state of what is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// Changes that may concern every list and search.
    whole: u64,
    /// Threads that were read.
    read: u64,
}

impl Shown {
    /// Whether so much has changed since `before` that no answer of that time holds.
    pub fn is_past(self, before: Shown) -> bool {
        self.whole > before.whole
    }
}

/// Counts changes as this process makes them. Whoever else writes to the file while the daemon has it changes tokens, holds and
/// silences alone, which no list of threads shows.
#[derive(Default)]
pub struct Showing(Mutex<Lately>);

#[derive(Default)]
struct Lately {
    now: Shown,
    /// The last threads that were read, by row.
    read: VecDeque<i64>,
}

impl Showing {
    pub fn now(&self) -> Shown {
        self.lately().now
    }

    /// Whether what was shown at `since` of the threads in `rows`, in ascending order, is what there is to be shown now.
    pub fn holds(&self, since: Shown, rows: &[i64]) -> bool {
        let lately = self.lately();
        let news = usize::try_from(lately.now.read - since.read).unwrap_or(usize::MAX);
        lately.now.whole == since.whole
            && news <= lately.read.len()
            && !lately.read.iter().rev().take(news).any(|row| rows.binary_search(row).is_ok())
    }

    /// Anything may have changed. Call it once that can be read, and not before.
    pub(crate) fn changed(&self) {
        self.lately().now.whole += 1;
    }

    /// The thread in this row was read: lists show its bottom line, and nothing else of it changes or moves.
    pub(crate) fn was_read(&self, row: i64) {
        let mut lately = self.lately();
        lately.now.read += 1;
        lately.read.push_back(row);
        if lately.read.len() > LATELY {
            lately.read.pop_front();
        }
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{LATELY, Showing};

    #[test]
    fn what_was_shown_holds_until_one_of_its_threads_is_read_or_anything_else_changes() {
        let showing = Showing::default();
        let before = showing.now();
        assert!(showing.holds(before, &[1, 5]));
        showing.was_read(3);
        assert!(showing.holds(before, &[1, 5]) && !showing.holds(before, &[3]));
        assert!(!showing.now().is_past(before));
        let later = showing.now();
        assert!(showing.holds(later, &[3]), "it was read before this was shown");
        showing.was_read(5);
        assert!(!showing.holds(before, &[1, 5]) && !showing.holds(later, &[1, 5]) && showing.holds(later, &[1, 3]));
        showing.changed();
        assert!(!showing.holds(later, &[1]) && showing.now().is_past(later));
        assert!(showing.holds(showing.now(), &[1]));
    }

    #[test]
    fn who_asks_after_more_than_is_remembered_looks_again() {
        let showing = Showing::default();
        let before = showing.now();
        (0..LATELY).for_each(|_| showing.was_read(9));
        assert!(showing.holds(before, &[1]));
        showing.was_read(9);
        assert!(!showing.holds(before, &[1]));
    }
}
