//! One message of a thread, and a byte range inside one.

use std::ops::Range;

use super::moment::Moment;

/// A message as its source gave it. `text` is never altered after reading: cites are byte ranges of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The source's id, or the position in the thread counted from 0.
    pub id: String,
    pub author: Option<String>,
    /// How the source tells the author from everybody of the same name: a mail address, an account.
    pub author_id: Option<String>,
    pub sent_at: Option<Moment>,
    pub text: String,
    /// The `id` of the message this one answers, where the source says so.
    pub reply_to: Option<String>,
    pub edited_at: Option<Moment>,
    /// Written by a program, as far as the source tells.
    pub bot: bool,
}

/// A byte range of one message's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Index into `Thread::messages`.
    pub message: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    pub fn new(message: usize, range: Range<usize>) -> Span {
        Span { message, start: range.start, end: range.end }
    }

    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}
