//! A text as lines, each with a verdict, and the way back to byte ranges.

use std::ops::Range;

use super::{Apart, Why};

/// The lines of a text with what has been decided about each.
pub(super) struct Lines<'t> {
    text: &'t str,
    ranges: Vec<Range<usize>>,
    verdicts: Vec<Option<Verdict>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub why: Why,
    pub sure: Sure,
}

/// What a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// The line carries its own mark: a `>`, a reply header.
    Marked,
    /// The line's place or wording makes it likely.
    Guessed,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str) -> Lines<'t> {
        let mut from = 0;
        let ranges: Vec<_> = text
            .split_inclusive('\n')
            .map(|line| {
                let start = from;
                from += line.len();
                start..from
            })
            .collect();
        Lines { text, verdicts: vec![None; ranges.len()], ranges }
    }

    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The line without its ending; empty past the end.
    pub fn line(&self, n: usize) -> &'t str {
        self.ranges.get(n).map_or("", |r| self.text[r.clone()].trim_end_matches(['\n', '\r']))
    }

    pub fn is_blank(&self, n: usize) -> bool {
        self.line(n).trim().is_empty()
    }

    /// Neither blank nor set apart.
    pub fn is_own(&self, n: usize) -> bool {
        self.is_free(n) && !self.is_blank(n)
    }

    pub fn is_free(&self, n: usize) -> bool {
        self.verdicts.get(n).is_some_and(Option::is_none)
    }

    pub fn is(&self, n: usize, why: Why) -> bool {
        self.verdicts.get(n).copied().flatten().is_some_and(|v| v.why == why)
    }

    pub fn any_own(&self) -> bool {
        (0..self.len()).any(|n| self.is_own(n))
    }

    pub fn any_marked_quote(&self) -> bool {
        self.verdicts.iter().flatten().any(|v| *v == Verdict { why: Why::Quote, sure: Sure::Marked })
    }

    /// Decides about the lines that nothing has been decided about yet.
    pub fn set(&mut self, lines: Range<usize>, why: Why, sure: Sure) {
        let end = lines.end.min(self.verdicts.len());
        for verdict in self.verdicts.get_mut(lines.start.min(end)..end).into_iter().flatten() {
            verdict.get_or_insert(Verdict { why, sure });
        }
    }

    /// Takes back every verdict that does not pass.
    pub fn keep(&mut self, pass: impl Fn(Verdict) -> bool) {
        for verdict in &mut self.verdicts {
            *verdict = verdict.filter(|v| pass(*v));
        }
    }

    /// The first free line of the run that line `n` ends, blank lines included.
    pub fn run_start(&self, n: usize) -> usize {
        (0..n).rev().take_while(|&m| self.is_free(m)).last().unwrap_or(n)
    }

    /// One past the last line of the paragraph at `n`.
    pub fn paragraph_end(&self, n: usize) -> usize {
        (n..self.len()).find(|&m| !self.is_own(m)).unwrap_or(self.len())
    }

    /// The lines under `n` up to the first that does not pass: where they end, and which of them are the author's so far.
    /// `None` when more than `most` of them are filled.
    pub fn block_under(&self, n: usize, most: usize, pass: impl Fn(usize) -> bool) -> Option<(usize, Vec<usize>)> {
        let mut own = Vec::new();
        let mut filled = 0;
        let mut end = n + 1;
        while end < self.len() && pass(end) {
            if self.is_own(end) {
                own.push(end);
            }
            filled += usize::from(!self.is_blank(end));
            if filled > most {
                return None;
            }
            end += 1;
        }
        Some((end, own))
    }

    /// The verdicts as byte ranges. Blank lines between two lines set apart for the same reason go with them.
    pub fn into_parts(self) -> Vec<Apart> {
        let mut parts: Vec<Apart> = Vec::new();
        let mut joins = false;
        for (n, range) in self.ranges.iter().enumerate() {
            let Some(verdict) = self.verdicts[n] else {
                joins &= self.is_blank(n);
                continue;
            };
            match parts.last_mut() {
                Some(last) if joins && last.why == verdict.why => last.range.end = range.end,
                _ if self.is_blank(n) => continue,
                _ => parts.push(Apart { range: range.clone(), why: verdict.why }),
            }
            joins = true;
        }
        parts
    }
}
