//! Mbox: one file, messages parted by `From ` lines.

use std::borrow::Cow;

use super::message;
use crate::domain::Moment;

/// One message of an mbox, still as it lies there.
pub(super) struct Item<'b> {
    /// Position in the file, counted from 1.
    pub number: usize,
    /// Line of the file on which it begins, counted from 1.
    pub line: usize,
    /// When the `From ` line says it was delivered.
    pub postmark: Option<Moment>,
    pub bytes: &'b [u8],
    /// Text before the first `From ` line that is no message.
    pub is_stray: bool,
}

/// Whether a file that begins with `head` is an mbox.
pub fn is_mbox(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let first = head.split(|&b| b == b'\n').find(|line| !line.trim_ascii().is_empty());
    first.and_then(postmark).is_some()
}

/// The messages of an mbox, as slices of it.
///
/// A `From ` line parts messages when it carries a date and headers follow; an unescaped one in a body does neither.
pub(super) fn split(bytes: &[u8]) -> impl Iterator<Item = Item<'_>> {
    let mut rest = Lines { bytes, at: 0, number: 0 };
    let mut number = 0;
    let mut open: Option<Item<'_>> = None;
    let mut start = 0;
    let mut after_blank = true;
    std::iter::from_fn(move || {
        loop {
            let from = rest.at;
            let Some(line) = rest.next() else {
                return open.take().map(|item| Item { bytes: &bytes[start..], ..item });
            };
            let next = Lines { bytes, at: rest.at, number: 0 }.next().unwrap_or_default();
            let mark = postmark(line).filter(|_| {
                let headed = message::is_field(next) || next.starts_with(b">From ");
                headed || after_blank && next.trim_ascii().is_empty()
            });
            let stray = open.is_none() && mark.is_none() && !line.trim_ascii().is_empty();
            after_blank = line.trim_ascii().is_empty();
            if mark.is_none() && !stray {
                continue;
            }
            number += 1;
            let item = Item {
                number,
                line: rest.number,
                postmark: mark.flatten(),
                bytes: &[],
                is_stray: stray && !message::is_eml(&bytes[from..]),
            };
            let done = open.replace(item).map(|item| Item { bytes: &bytes[start..from], ..item });
            start = if stray { from } else { rest.at };
            if done.is_some() {
                return done;
            }
        }
    })
}

/// The message with one `>` taken off every escaped `From ` line.
pub(super) fn unquoted(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let mut copied = 0;
    let mut lines = Lines { bytes, at: 0, number: 0 };
    loop {
        let from = lines.at;
        let Some(line) = lines.next() else { break };
        if line.first() == Some(&b'>') && strip_marks(line).starts_with(b"From ") {
            out.extend_from_slice(&bytes[copied..from]);
            copied = from + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    out.extend_from_slice(&bytes[copied..]);
    Cow::Owned(out)
}

/// Lines without their ending, and where the next one begins.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Lines handed out so far.
    number: usize,
}

impl<'b> Lines<'b> {
    fn next(&mut self) -> Option<&'b [u8]> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        self.at += (length + 1).min(rest.len());
        self.number += 1;
        rest.get(..length)
    }
}

fn strip_marks(line: &[u8]) -> &[u8] {
    let marks = line.iter().take_while(|&&b| b == b'>').count();
    line.get(marks..).unwrap_or_default()
}

/// What a `From ` line says: `None` when it is none, `Some(None)` when its date has an odd form.
fn postmark(line: &[u8]) -> Option<Option<Moment>> {
    const LONGEST: usize = 1_000;
    let rest = line.strip_prefix(b"From ").filter(|rest| rest.len() < LONGEST)?;
    let text = String::from_utf8_lossy(rest);
    let words: Vec<&str> = text.split_whitespace().collect();
    let day = words.iter().position(|w| is_one_of(w, &DAYS))?;
    let date = words.get(day..)?;
    let has_month = date.iter().skip(1).take(2).any(|w| is_one_of(w, &MONTHS));
    let has_time = date.iter().any(|w| w.contains(':') && w.starts_with(|c: char| c.is_ascii_digit()));
    if !(has_month && has_time) {
        return None;
    }
    let zoneless: Vec<&str> = date.iter().copied().filter(|w| !is_zone(w)).collect();
    Some(Moment::parse(&date.join(" ")).or_else(|| Moment::parse(&zoneless.join(" "))))
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn is_one_of(word: &str, names: &[&str]) -> bool {
    names.contains(&word.trim_end_matches(','))
}

fn is_zone(word: &str) -> bool {
    (2..=5).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase())
}
