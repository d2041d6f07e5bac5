//! reStructuredText documents, PEPs among them; one message a section.

use super::{
    Reading, bytes,
    document::{self, Section},
    front_matter::{self, Facts},
};
use crate::domain::Fault;

/// What a heading may be underlined with.
const ADORNMENTS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/// An underline this long counts even under a longer heading, as in docutils. Characters.
const FEWEST_ADORNMENTS: usize = 4;

/// Reads one document. A section is what stands between two headings; its text is kept byte for byte.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut faults = Vec::new();
    let text = bytes::decode(bytes, name, &mut faults);
    let mut facts = Facts::default();
    let mut body: &str = &text;
    if has_pep_header(&text) {
        let (head, rest) = header(&text);
        front_matter::gather(&mut facts, head);
        body = rest;
    }
    let thread = document::thread("rst", name, facts, sections(body));
    if thread.messages.is_empty() {
        faults.push(Fault::new(bytes::file(name), "a document without words"));
        return Reading { threads: Vec::new(), faults };
    }
    Reading { threads: vec![thread], faults }
}

/// `PEP: 8` on the first line.
pub(super) fn has_pep_header(text: &str) -> bool {
    let number = text.trim_start().strip_prefix("PEP:").and_then(|rest| rest.lines().next());
    number.is_some_and(|number| !number.trim().is_empty() && number.trim().bytes().all(|b| b.is_ascii_digit()))
}

/// Whether `text` has underlined headings and something else that only reStructuredText has.
pub(super) fn is(text: &str) -> bool {
    let marks =
        text.lines().any(|line| line.starts_with(".. ") || line.trim_end().ends_with("::") || line.contains("``"));
    marks && sections(text).len() > 1
}

/// The lines up to the first blank one, and the rest.
fn header(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            break;
        }
        at += line.len();
    }
    text.split_at_checked(at).unwrap_or((text, ""))
}

struct Line<'a> {
    start: usize,
    end: usize,
    text: &'a str,
}

struct Heading {
    name: String,
    level: usize,
    start: usize,
    end: usize,
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let headings = headings(&lines(text));
    let opening_end = headings.first().map_or(text.len(), |h| h.start);
    let mut out = vec![Section { name: None, level: 0, body: text.get(..opening_end).unwrap_or_default() }];
    for (at, heading) in headings.iter().enumerate() {
        let end = headings.get(at + 1).map_or(text.len(), |next| next.start);
        let body = text.get(heading.end..end).unwrap_or_default();
        out.push(Section { name: Some(heading.name.clone()), level: heading.level, body });
    }
    out
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let from = start;
            start += line.len();
            Line { start: from, end: start, text: line.trim_end() }
        })
        .collect()
}

/// Levels come from the order in which the styles of underline first occur, as the format has it.
fn headings(lines: &[Line<'_>]) -> Vec<Heading> {
    let mut styles: Vec<(char, bool)> = Vec::new();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let above = at.checked_sub(1).and_then(|before| lines.get(before)).map_or("", |l| l.text);
        let two = [lines.get(at + 1), lines.get(at + 2)];
        let (found, used) = match (adornment(line.text), two) {
            // A heading between two rules.
            (Some((mark, width)), [Some(name), Some(under)])
                if adornment(under.text) == Some((mark, width)) && fits(name.text.trim(), width) =>
            {
                (Some((name.text.trim(), mark, true, under.end)), 3)
            }
            (None, [Some(under), _]) if above.is_empty() && !line.text.starts_with([' ', '\t']) => {
                let mark = adornment(under.text).filter(|(_, width)| fits(line.text, *width));
                (mark.map(|(mark, _)| (line.text, mark, false, under.end)), 2)
            }
            _ => (None, 1),
        };
        let Some((name, mark, between, end)) = found else {
            at += 1;
            continue;
        };
        let level = styles.iter().position(|style| *style == (mark, between)).unwrap_or_else(|| {
            styles.push((mark, between));
            styles.len() - 1
        });
        out.push(Heading { name: name.to_owned(), level: level + 1, start: line.start, end });
        at += used;
    }
    out
}

fn adornment(line: &str) -> Option<(char, usize)> {
    let mark = line.chars().next().filter(|c| ADORNMENTS.contains(*c))?;
    (line.len() >= 2 && line.chars().all(|c| c == mark)).then_some((mark, line.len()))
}

fn fits(name: &str, width: usize) -> bool {
    let letters = name.chars().count();
    letters > 0 && adornment(name).is_none() && (width >= letters || width >= FEWEST_ADORNMENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROPOSAL: &str = include_str!("../../tests/fixtures/source/rst/proposal.rst");

    #[test]
    fn a_proposal_with_its_header() {
        let reading = read(PROPOSAL.as_bytes(), "proposal.rst");
        assert!(reading.faults.is_empty());
        let thread = &reading.threads[0];
        assert_eq!(thread.title, "Read old exports");
        assert_eq!(thread.participants, ["Ana Example", "Ben Example"]);
        assert_eq!(thread.events[0].subject.as_deref(), Some("Rejected"));
        let sections: Vec<_> =
            thread.messages.iter().map(|m| (m.author.as_deref().unwrap(), m.text.as_str())).collect();
        assert_eq!(
            sections,
            [
                ("section: Abstract", "We read old files."),
                (
                    "section: Design > Header",
                    "A table::\n\n    a\n    ===\n\n====  ====\na     b\n====  ====\n1     2\n====  ===="
                ),
                ("section: Rejected", "Nothing.")
            ]
        );
        assert_eq!(thread.messages[0].sent_at.unwrap().to_string(), "2026-03-16T00:00:00");
    }

    #[test]
    fn a_title_between_rules() {
        let reading = read(b"=====\nTitle\n=====\n\n:Author: Ana\n\nwords\n\nNext\n----\n\nmore\n", "a.rst");
        let thread = &reading.threads[0];
        assert_eq!(thread.title, "Title");
        assert_eq!(thread.messages.len(), 2);
    }
}
