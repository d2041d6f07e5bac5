//! Markdown as trackers, reviews, chats and documents use it: block quotes, fenced code, comments.

use std::ops::Range;

use super::{
    Apart, Why, footer,
    lines::{Lines, Sure},
    reply,
};
use crate::domain::Kind;

/// The parts of a Markdown text that are not its author's words.
pub(super) fn apart(text: &str, kind: Kind) -> Vec<Apart> {
    let mut lines = Lines::new(text);
    fences(&mut lines);
    for n in 0..lines.len() {
        if lines.is_free(n) && is_quote(lines.line(n)) {
            lines.set(n..n + 1, Why::Quote, Sure::Marked);
        } else if kind == Kind::Chat && lines.is_free(n) && lines.line(n).starts_with("&gt;") {
            // An export that keeps the service's escaping.
            lines.set(n..n + 1, Why::Quote, Sure::Marked);
        }
    }
    if matches!(kind, Kind::Issue | Kind::Review) {
        reply::mark_attributions(&mut lines);
        footer::mark_notices(&mut lines);
    }
    if !lines.any_own() {
        // A pasted log or a notice alone is what the author had to say; a quote alone is still a quote.
        lines.keep(|v| v.why == Why::Quote);
    }
    let mut parts = lines.into_parts();
    for inline in inline_fences(text).into_iter().map(|range| Apart { range, why: Why::Code }) {
        insert(&mut parts, text, inline);
    }
    for comment in comments(text).into_iter().map(|range| Apart { range, why: Why::Hidden }) {
        insert(&mut parts, text, comment);
    }
    parts
}

/// At most three spaces in, as the mark is defined; deeper is code.
fn is_quote(line: &str) -> bool {
    let inner = line.trim_start_matches(' ');
    line.len() - inner.len() <= 3 && inner.starts_with('>')
}

fn fences(lines: &mut Lines) {
    let mut n = 0;
    while n < lines.len() {
        let Some((mark, length)) = fence(lines.line(n)) else {
            n += 1;
            continue;
        };
        let closes = |line: &str| {
            let line = line.trim();
            let run = line.chars().rev().take_while(|&c| c == mark).count();
            run >= length && (run == line.chars().count() || mark == '`')
        };
        // A fence that never closes runs to the end, as Markdown has it.
        let end = (n + 1..lines.len()).find(|&m| closes(lines.line(m))).map_or(lines.len(), |m| m + 1);
        lines.set(n..end, Why::Code, Sure::Marked);
        n = end;
    }
}

/// The mark that opens a fence and its length. A line that also closes it is code within a line.
fn fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|&c| c == mark).count();
    (length >= 3 && !(mark == '`' && line[length..].contains('`'))).then_some((mark, length))
}

/// Three backticks that open and close within one line, or that chats open in the middle of one.
fn inline_fences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let mut at = 0;
        while let Some(open) = line[at..].find("```").map(|o| at + o) {
            let Some(close) = line[open + 3..].find("```").map(|c| open + 3 + c + 3) else { break };
            found.push(from + open..from + close);
            at = close;
        }
        from += line.len();
    }
    found
}

fn comments(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("<!--").map(|o| at + o) {
        let Some(close) = text[open + 4..].find("-->").map(|c| open + 4 + c + 3) else { break };
        found.push(open..close);
        at = close;
    }
    found
}

/// Adds a part where no other is in its way and something is left to read beside it.
fn insert(parts: &mut Vec<Apart>, text: &str, part: Apart) {
    let at = parts.partition_point(|p| p.range.end <= part.range.start);
    if parts.get(at).is_some_and(|p| p.range.start < part.range.end) {
        return;
    }
    if part.why == Why::Code && text[..part.range.start].trim().is_empty() && text[part.range.end..].trim().is_empty() {
        return;
    }
    parts.insert(at, part);
}
