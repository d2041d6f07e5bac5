//! Answers that many ask for: a list or a search is worked out once for as long as nothing changes that it shows.
//!
//! Whoever asks is part of the question, so nobody is given what another may see.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::Bytes;

use crate::store::{
    Showing, Shown,
    search::Words,
    thread::{After, Filter},
};

/// What all answers may take. Beyond it they are forgotten and gathered anew.
const MOST_BYTES: usize = 8 << 20;
/// About what an answer takes beside its body.
const BESIDE_BYTES: usize = 512;
/// After so long all are forgotten, so that they take no memory where nobody asks any more.
pub(super) const KEPT: Duration = Duration::from_secs(60);

/// All that an answer hangs on beside what the store shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    /// A page of `most` threads, the most recently active first.
    ByActivity { filter: Filter, after: Option<After>, most: usize },
    /// A page of `most` threads in the order they came in, after a row.
    ByRow { filter: Filter, after: i64, most: usize },
    /// `meaning`: which state of the threads' vectors was looked at, where any was.
    Search { words: Words, filter: Filter, most: usize, meaning: Option<u64> },
}

#[derive(Default)]
pub(crate) struct Answers(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    answers: HashMap<Question, Answer>,
    bytes: usize,
    /// The latest state of the store that any of them shows.
    latest: Shown,
}

struct Answer {
    body: Bytes,
    /// The state of the store that it shows.
    shown: Shown,
    /// The threads that it shows, by row, in ascending order.
    rows: Vec<i64>,
}

impl Answers {
    /// The answer, where it is what would be answered now.
    pub fn find(&self, question: &Question, showing: &Showing) -> Option<Bytes> {
        let shelf = self.shelf();
        let answer = shelf.answers.get(question)?;
        showing.holds(answer.shown, &answer.rows).then(|| answer.body.clone())
    }

    /// Keeps an answer that shows the threads in `rows`, and was begun when the store was at `shown`. Whether it is the first.
    pub fn keep(&self, question: Question, shown: Shown, mut rows: Vec<i64>, body: Bytes) -> bool {
        let mut shelf = self.shelf();
        let bytes = size(&body, &rows);
        if shelf.latest.is_past(shown) || bytes > MOST_BYTES {
            return false;
        }
        if shown.is_past(shelf.latest) || shelf.bytes + bytes > MOST_BYTES {
            *shelf = Shelf::default();
        }
        shelf.latest = shelf.latest.max(shown);
        let is_first = shelf.answers.is_empty();
        rows.sort_unstable();
        shelf.bytes += bytes;
        if let Some(before) = shelf.answers.insert(question, Answer { body, shown, rows }) {
            shelf.bytes -= size(&before.body, &before.rows);
        }
        is_first
    }

    /// Forgets all of them.
    pub fn forget(&self) {
        *self.shelf() = Shelf::default();
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(body: &Bytes, rows: &[i64]) -> usize {
    body.len() + size_of_val(rows) + BESIDE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(most: usize, visible: Option<&[&str]>) -> Question {
        let visible = visible.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        Question::ByActivity { filter: Filter { visible, ..Filter::default() }, after: None, most }
    }

    #[test]
    fn an_answer_holds_as_long_as_what_it_shows_and_a_late_one_is_not_kept() {
        let answers = Answers::default();
        let before = Showing::default().now();
        answers.keep(page(20, None), before, vec![7, 3], Bytes::from_static(b"one"));
        let showing = Showing::default();
        assert_eq!(answers.find(&page(20, None), &showing).as_deref(), Some(&b"one"[..]));
        assert_eq!(answers.find(&page(50, None), &showing), None);
        showing.was_read(5);
        assert!(answers.find(&page(20, None), &showing).is_some());
        showing.was_read(3);
        assert_eq!(answers.find(&page(20, None), &showing), None);
        showing.changed();
        answers.keep(page(50, None), showing.now(), vec![3], Bytes::from_static(b"two"));
        // Begun before the store changed, done after it.
        answers.keep(page(20, None), before, vec![3, 7], Bytes::from_static(b"late"));
        assert_eq!(answers.find(&page(20, None), &showing), None);
        assert!(answers.find(&page(50, None), &showing).is_some());
        answers.forget();
        assert_eq!(answers.find(&page(50, None), &showing), None);
    }

    #[test]
    fn who_may_see_less_is_not_given_what_others_see() {
        let (answers, showing) = (Answers::default(), Showing::default());
        answers.keep(page(20, None), showing.now(), vec![1, 2], Bytes::from_static(b"everything"));
        answers.keep(page(20, Some(&["mail"])), showing.now(), vec![1], Bytes::from_static(b"mail"));
        assert_eq!(answers.find(&page(20, Some(&["mail"])), &showing).as_deref(), Some(&b"mail"[..]));
        assert_eq!(answers.find(&page(20, Some(&["chat"])), &showing), None);
    }

    #[test]
    fn answers_take_no_more_than_their_share_of_memory() {
        let (answers, showing) = (Answers::default(), Showing::default());
        let body = Bytes::from(vec![b' '; MOST_BYTES / 3]);
        for most in [1, 1, 2, 3, 4, 5] {
            answers.keep(page(most, None), showing.now(), vec![1], body.clone());
            assert!(answers.find(&page(most, None), &showing).is_some());
            let held: usize = answers.shelf().answers.values().map(|answer| answer.body.len()).sum();
            assert!(held <= answers.shelf().bytes && answers.shelf().bytes <= MOST_BYTES);
        }
        answers.keep(page(10, None), showing.now(), vec![1], Bytes::from(vec![b' '; MOST_BYTES]));
        assert_eq!(answers.find(&page(10, None), &showing), None);
        let still = answers.find(&page(5, None), &showing);
        assert!(still.is_some(), "one that is too large must not cost the others their place");
    }
}
