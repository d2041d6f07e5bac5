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

    /// Which of the threads in `rows`, in ascending order, were read since `since`, each once, and the state that this is told of.
    /// `None` where anything else may have changed.
    pub fn read_since(&self, since: Shown, rows: &[i64]) -> Option<(Vec<i64>, Shown)> {
        let lately = self.lately();
        let news = usize::try_from(lately.now.read - since.read).ok().filter(|news| *news <= lately.read.len())?;
        if lately.now.whole != since.whole {
            return None;
        }
        let news = lately.read.iter().rev().take(news);
        let mut read: Vec<i64> = news.filter(|row| rows.binary_search(row).is_ok()).copied().collect();
        let now = lately.now;
        drop(lately);
        read.sort_unstable();
        read.dedup();
        Some((read, now))
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
        let read = |since, rows: &[i64]| showing.read_since(since, rows).map(|(read, _)| read);
        let before = showing.now();
        assert_eq!(read(before, &[1, 5]), Some(vec![]));
        showing.was_read(3);
        assert_eq!((read(before, &[1, 5]), read(before, &[3])), (Some(vec![]), Some(vec![3])));
        assert!(!showing.now().is_past(before));
        let later = showing.now();
        assert_eq!(read(later, &[3]), Some(vec![]), "it was read before this was shown");
        showing.was_read(5);
        showing.was_read(3);
        showing.was_read(5);
        assert_eq!((read(before, &[1, 3, 5]), read(later, &[1, 5])), (Some(vec![3, 5]), Some(vec![5])));
        let (_, now) = showing.read_since(before, &[1]).expect("nothing else has changed");
        assert_eq!((now, read(now, &[3, 5])), (showing.now(), Some(vec![])));
        showing.changed();
        assert!(read(later, &[1]).is_none() && showing.now().is_past(later));
        assert_eq!(read(showing.now(), &[1]), Some(vec![]));
    }

    #[test]
    fn who_asks_after_more_than_is_remembered_looks_again() {
        let showing = Showing::default();
        let before = showing.now();
        (0..LATELY).for_each(|_| showing.was_read(9));
        assert!(showing.read_since(before, &[1]).is_some());
        showing.was_read(9);
        assert!(showing.read_since(before, &[1]).is_none());
    }
}
