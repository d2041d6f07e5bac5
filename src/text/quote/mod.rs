//! What in a message is not its author's own words: quoted replies, signatures, footers, hidden characters, code.

mod footer;
mod lines;
mod mail;
mod markdown;
mod reply;
mod signature;

use std::ops::Range;

use super::normalize;
use crate::domain::Kind;

/// A part of a message that stays in it and is not read as its author's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Apart {
    pub range: Range<usize>,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Quote,
    Signature,
    Footer,
    Hidden,
    Code,
}

/// The parts of `text` set apart, in order and without overlap.
///
/// A message is never set apart whole by a guess: where nothing would be left, only what is marked as somebody else's
/// (`>` lines, reply headers) stays apart, and the rest is read.
pub fn apart(text: &str, kind: Kind) -> Vec<Apart> {
    let parts = match kind {
        Kind::Email => mail::apart(text),
        Kind::Issue | Kind::Review | Kind::Chat | Kind::Document => markdown::apart(text, kind),
        Kind::Transcript => Vec::new(),
    };
    with_hidden(text, parts)
}

/// What `apart` leaves: the author's own words, in order.
pub fn own(text: &str, kind: Kind) -> Vec<Range<usize>> {
    let mut from = 0;
    let mut own = Vec::new();
    for part in apart(text, kind) {
        own.push(from..part.range.start);
        from = part.range.end;
    }
    own.push(from..text.len());
    own.retain(|r| !text[r.clone()].trim().is_empty());
    own
}

/// Whether what is at `range` of a message may be of a quote around it that lost its mark: one line between quoted ones.
pub fn is_hemmed_in(text: &str, range: &Range<usize>) -> bool {
    reply::is_hemmed_in(text, range)
}

/// Adds the invisible characters that lie outside every other part.
fn with_hidden(text: &str, parts: Vec<Apart>) -> Vec<Apart> {
    let invisible = normalize::invisible(text);
    if invisible.is_empty() {
        return parts;
    }
    let mut all = Vec::with_capacity(parts.len() + invisible.len());
    let mut invisible = invisible.into_iter().peekable();
    for part in parts {
        while let Some(range) = invisible.next_if(|r| r.start < part.range.end) {
            if range.end <= part.range.start {
                all.push(Apart { range, why: Why::Hidden });
            }
        }
        all.push(part);
    }
    all.extend(invisible.map(|range| Apart { range, why: Why::Hidden }));
    all
}

#[cfg(test)]
mod tests;
