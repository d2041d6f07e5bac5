//! Markdown documents: design notes, minutes, proposals; one message a section.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use super::{
    Reading, bytes,
    document::{self, Section},
    front_matter,
};
use crate::domain::Fault;

/// Reads one document. A section is what stands between two headings; its text is kept byte for byte.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut faults = Vec::new();
    let text = bytes::decode(bytes, name, &mut faults);
    let (mut facts, body) = front_matter::split(&text);
    let sections = sections(body);
    if let Some(first) = sections.iter().find(|s| s.name.is_some()).filter(|s| s.level == 1) {
        facts.title = facts.title.or_else(|| first.name.clone());
    }
    let thread = document::thread("markdown", name, facts, sections);
    if thread.messages.is_empty() {
        faults.push(Fault::new(bytes::file(name), "a document without words"));
        return Reading { threads: Vec::new(), faults };
    }
    Reading { threads: vec![thread], faults }
}

/// Whether `text` has the headings of Markdown: two `#` lines, or front matter and one.
pub(super) fn is(text: &str) -> bool {
    let headings = text.lines().filter(|line| is_heading(line)).take(2).count();
    headings == 2 || (headings == 1 && text.starts_with("---"))
}

fn is_heading(line: &str) -> bool {
    let words = line.trim_start_matches('#');
    (1..=6).contains(&(line.len() - words.len())) && words.starts_with(' ') && !words.trim().is_empty()
}

struct Heading {
    name: String,
    level: usize,
    start: usize,
    end: usize,
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let headings = headings(text);
    let opening_end = headings.first().map_or(text.len(), |h| h.start);
    let mut out = vec![Section { name: None, level: 0, body: text.get(..opening_end).unwrap_or_default() }];
    for (at, heading) in headings.iter().enumerate() {
        let end = headings.get(at + 1).map_or(text.len(), |next| next.start);
        let body = text.get(heading.end..end).unwrap_or_default();
        out.push(Section { name: Some(heading.name.clone()), level: heading.level, body });
    }
    out
}

/// Headings of the document itself: those inside quotes and lists are words of a section.
fn headings(text: &str) -> Vec<Heading> {
    let mut out: Vec<Heading> = Vec::new();
    let mut depth = 0usize;
    let mut open: Option<Heading> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                open = Some(Heading { name: String::new(), level: number(level), start: range.start, end: range.end });
            }
            Event::End(TagEnd::Heading(_)) if depth == 0 => {
                out.extend(open.take().map(|h| Heading { name: h.name.trim().to_owned(), ..h }));
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut open {
                    heading.name.push_str(&words);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut open {
                    heading.name.push(' ');
                }
            }
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => depth += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    out
}

fn number(level: HeadingLevel) -> usize {
    level as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = include_str!("../../tests/fixtures/source/markdown/plan.md");

    #[test]
    fn sections_keep_their_bytes_and_nothing_is_lost() {
        let reading = read(PLAN.as_bytes(), "docs/plan.md");
        assert!(reading.faults.is_empty());
        let thread = &reading.threads[0];
        assert_eq!((thread.id.as_str(), thread.title.as_str()), ("plan", "Move the importer"));
        assert_eq!(thread.participants, ["Ana Example", "ben"]);
        let sections: Vec<_> =
            thread.messages.iter().map(|m| (m.author.as_deref().unwrap(), m.text.as_str())).collect();
        assert_eq!(
            sections,
            [
                ("section: Move the importer", "One paragraph above the first section."),
                ("section: Goals > For `readers`".replace('`', "").as_str(), "- *fast*\n- small\n\n> # not a heading"),
                ("section: Decision", "```\n# not a heading either\n```\n\nWe move it."),
                ("section: Open", "Open")
            ]
        );
        for message in &thread.messages {
            assert!(PLAN.contains(&message.text));
        }
        assert_eq!(thread.events[0].subject.as_deref(), Some("accepted"));
    }

    #[test]
    fn a_text_without_headings_is_one_section() {
        let reading = read(b"only words", "a.md");
        assert_eq!(reading.threads[0].messages[0].text, "only words");
        assert_eq!(reading.threads[0].title, "a");
    }
}
