//! Answers that many ask for: a list or a search is worked out once for as long as nothing changes that it shows. Where threads were
//! merely read meanwhile, which moves none of them, those alone are looked up again and written over what the answer said of them.
//!
//! Whoever asks is part of the question, so nobody is given what another may see.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use serde::Serialize;

use super::view::ThreadView;
use crate::{
    render::json,
    store::{
        Showing, Shown,
        search::Words,
        thread::{After, Filter},
    },
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

/// What an answer is made of: each thread at most once.
pub(crate) trait ShowsThreads: Serialize {
    /// In the order in which they are written.
    fn threads(&self) -> impl Iterator<Item = &ThreadView>;
}

/// An answer as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    body: Bytes,
    /// The rows of the threads that it shows, in ascending order, and where in the body each is.
    rows: Vec<i64>,
    places: Vec<Range<usize>>,
    /// The state of the store that it shows.
    shown: Shown,
}

/// What is known of a question's answer.
pub(crate) enum Known {
    /// It is this.
    Now(Bytes),
    /// It is this but for the threads in these rows. Once they are written over it shows the state `now`.
    But { answer: Answer, rows: Vec<i64>, now: Shown },
}

impl Answer {
    /// `shown`: the state of the store before it was asked.
    pub fn of(view: &impl ShowsThreads, shown: Shown) -> Answer {
        let body = json::line(view);
        let mut from = 0;
        let place = |thread: &ThreadView| {
            let written = written(thread);
            // A quotation mark within a string is escaped, so this can be nothing but the thread itself.
            let start = from + body[from..].find(&written).expect("a view writes the threads that it shows, in order");
            from = start + written.len();
            (thread.row, start..from)
        };
        let mut placed: Vec<(i64, Range<usize>)> = view.threads().map(place).collect();
        placed.sort_unstable_by_key(|(row, _)| *row);
        let (rows, places) = placed.into_iter().unzip();
        Answer { body: body.into(), rows, places, shown }
    }

    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// The same with `threads` written over what it says of them. `None` where one of them is another thread by now, which whoever
    /// asks may not be meant to see: a row that is free may be given to any.
    pub fn with(&self, threads: &[ThreadView], shown: Shown) -> Option<Answer> {
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        order.sort_unstable_by_key(|&at| self.places[at].start);
        let mut body = Vec::with_capacity(self.body.len() + self.body.len() / 8);
        let mut places = vec![0..0; self.places.len()];
        let mut from = 0;
        for at in order {
            let before = self.places[at].clone();
            body.extend_from_slice(&self.body[from..before.start]);
            let start = body.len();
            let known = &self.body[before.clone()];
            match threads.iter().find(|thread| thread.row == self.rows[at]).map(written) {
                Some(read) if id(read.as_bytes()) == id(known) => body.extend_from_slice(read.as_bytes()),
                Some(_) => return None,
                None => body.extend_from_slice(known),
            }
            places[at] = start..body.len();
            from = before.end;
        }
        body.extend_from_slice(&self.body[from..]);
        Some(Answer { body: body.into(), rows: self.rows.clone(), places, shown })
    }

    fn bytes(&self) -> usize {
        self.body.len() + size_of_val(self.rows.as_slice()) + size_of_val(self.places.as_slice()) + BESIDE_BYTES
    }
}

fn written(thread: &ThreadView) -> String {
    let mut line = json::line(thread);
    line.pop();
    line
}

/// What a thread that was written is known by: the first of its fields.
fn id(thread: &[u8]) -> Option<&[u8]> {
    thread.split(|byte| *byte == b',').next()
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

impl Answers {
    /// What is known of what would be answered now.
    pub fn find(&self, question: &Question, showing: &Showing) -> Option<Known> {
        let mut shelf = self.shelf();
        let answer = shelf.answers.get_mut(question)?;
        let (rows, now) = showing.read_since(answer.shown, &answer.rows)?;
        if !rows.is_empty() {
            return Some(Known::But { answer: answer.clone(), rows, now });
        }
        answer.shown = now;
        Some(Known::Now(answer.body()))
    }

    /// Keeps an answer. Whether it is the first.
    pub fn keep(&self, question: Question, answer: Answer) -> bool {
        let mut shelf = self.shelf();
        let (bytes, shown) = (answer.bytes(), answer.shown);
        if shelf.latest.is_past(shown) || bytes > MOST_BYTES {
            return false;
        }
        if shown.is_past(shelf.latest) || shelf.bytes + bytes > MOST_BYTES {
            *shelf = Shelf::default();
        }
        shelf.latest = shelf.latest.max(shown);
        let is_first = shelf.answers.is_empty();
        shelf.bytes += bytes;
        if let Some(before) = shelf.answers.insert(question, answer) {
            shelf.bytes -= before.bytes();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Kind, store::thread::Listed};

    #[derive(Serialize)]
    struct Page {
        hits: Vec<Hit>,
        more: bool,
    }

    #[derive(Serialize)]
    struct Hit {
        thread: ThreadView,
        text: String,
    }

    impl ShowsThreads for Page {
        fn threads(&self) -> impl Iterator<Item = &ThreadView> {
            self.hits.iter().map(|hit| &hit.thread)
        }
    }

    fn page(most: usize, visible: Option<&[&str]>) -> Question {
        let visible = visible.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        Question::ByActivity { filter: Filter { visible, ..Filter::default() }, after: None, most }
    }

    fn thread(row: i64, line: &str) -> ThreadView {
        ThreadView::from(Listed {
            id: row,
            key: format!("k{row}"),
            source: "chat".to_owned(),
            external_id: row.to_string(),
            kind: Kind::Chat,
            channel: None,
            title: "{\"id\":\"k3\"}".to_owned(),
            url: None,
            participants: vec![],
            messages: 1,
            opened_at: None,
            last_at: None,
            last_ms: 0,
            version: 1,
            is_read: true,
            read_error: None,
            bottom_line: Some(line.to_owned()),
        })
    }

    /// A page of threads, each with its bottom line.
    fn view(threads: &[(i64, &str)]) -> Page {
        // Each hit's text is what the next one is written as, which is not where that one is.
        let hit = |(row, line): &(i64, &str)| Hit { thread: thread(*row, line), text: written(&thread(row - 1, "x")) };
        Page { hits: threads.iter().map(hit).collect(), more: false }
    }

    fn answer(rows: &[i64], shown: Shown) -> Answer {
        Answer::of(&view(&rows.iter().map(|row| (*row, "x")).collect::<Vec<_>>()), shown)
    }

    /// Whether it is there and holds; whether it is there and which rows are to be looked up.
    fn known(answers: &Answers, question: &Question, showing: &Showing) -> Option<Vec<i64>> {
        answers.find(question, showing).map(|known| match known {
            Known::Now(_) => vec![],
            Known::But { rows, .. } => rows,
        })
    }

    #[test]
    fn an_answer_holds_but_for_what_was_read_and_a_late_one_is_not_kept() {
        let (answers, showing) = (Answers::default(), Showing::default());
        let before = showing.now();
        answers.keep(page(20, None), answer(&[7, 3], before));
        assert_eq!(known(&answers, &page(20, None), &showing), Some(vec![]));
        assert_eq!(known(&answers, &page(50, None), &showing), None);
        showing.was_read(5);
        assert_eq!(known(&answers, &page(20, None), &showing), Some(vec![]));
        showing.was_read(3);
        assert_eq!(known(&answers, &page(20, None), &showing), Some(vec![3]));
        showing.changed();
        answers.keep(page(50, None), answer(&[3], showing.now()));
        // Begun before the store changed, done after it.
        answers.keep(page(20, None), answer(&[3, 7], before));
        assert_eq!(known(&answers, &page(20, None), &showing), None);
        assert_eq!(known(&answers, &page(50, None), &showing), Some(vec![]));
        answers.forget();
        assert_eq!(known(&answers, &page(50, None), &showing), None);
    }

    #[test]
    fn what_was_read_is_written_over_and_nothing_else() {
        let shown = Shown::default();
        let first = Answer::of(&view(&[(3, "old"), (2, "as it was"), (7, "old, and long")]), shown);
        let second = first
            .with(&[thread(7, "new"), thread(3, "new, and \u{202e} longer")], shown)
            .expect("they are the same threads");
        let fresh = Answer::of(&view(&[(3, "new, and \u{202e} longer"), (2, "as it was"), (7, "new")]), shown);
        assert_eq!(second.body(), fresh.body());
        assert_eq!((&second.rows, &second.places), (&fresh.rows, &fresh.places));
        let third = second.with(&[thread(2, "")], shown).expect("it is the same thread");
        let fresh = Answer::of(&view(&[(3, "new, and \u{202e} longer"), (2, ""), (7, "new")]), shown);
        assert_eq!((third.body(), &third.places), (fresh.body(), &fresh.places));
        let another = ThreadView { id: "k8".to_owned(), ..thread(2, "of a channel that is closed to most") };
        assert!(third.with(&[another], shown).is_none(), "its row was given to another thread");
    }

    #[test]
    fn who_may_see_less_is_not_given_what_others_see() {
        let (answers, showing) = (Answers::default(), Showing::default());
        answers.keep(page(20, None), answer(&[1, 2], showing.now()));
        let of_mail = answer(&[1], showing.now());
        answers.keep(page(20, Some(&["mail"])), of_mail.clone());
        let found = answers.find(&page(20, Some(&["mail"])), &showing);
        assert!(matches!(found, Some(Known::Now(body)) if body == of_mail.body()));
        assert_eq!(known(&answers, &page(20, Some(&["chat"])), &showing), None);
    }

    #[test]
    fn answers_take_no_more_than_their_share_of_memory() {
        let (answers, showing) = (Answers::default(), Showing::default());
        let long = "a".repeat(MOST_BYTES / 3);
        let of_a_third = Answer::of(&view(&[(1, long.as_str())]), showing.now());
        for most in [1, 1, 2, 3, 4, 5] {
            answers.keep(page(most, None), of_a_third.clone());
            assert!(known(&answers, &page(most, None), &showing).is_some());
            let held: usize = answers.shelf().answers.values().map(|answer| answer.body.len()).sum();
            assert!(held <= answers.shelf().bytes && answers.shelf().bytes <= MOST_BYTES);
        }
        let too_long = "a".repeat(MOST_BYTES);
        answers.keep(page(10, None), Answer::of(&view(&[(1, too_long.as_str())]), showing.now()));
        assert_eq!(known(&answers, &page(10, None), &showing), None);
        let still = known(&answers, &page(5, None), &showing);
        assert!(still.is_some(), "one that is too large must not cost the others their place");
    }
}
