//! A document as a thread: one message a section, its author "section: NAME", the people who signed it as participants.

use super::{
    assemble,
    front_matter::{self, Facts},
};
use crate::domain::{Event, Kind, Message, Thread};

/// What the words before the first heading are called.
const OPENING: &str = "opening";

/// A heading and the words below it, up to the next heading of any level.
pub(super) struct Section<'a> {
    /// `None` before the first heading.
    pub name: Option<String>,
    /// 1 for the outermost.
    pub level: usize,
    pub body: &'a str,
}

/// The document. The text of a section is kept byte for byte, but for blank lines around it. A heading with no words of its
/// own goes into the name of the section that follows ("Goals > For readers"), so that it is not lost.
pub(super) fn thread(source: &str, name: &str, mut facts: Facts, sections: Vec<Section<'_>>) -> Thread {
    for line in sections.first().filter(|s| s.level <= 1).into_iter().flat_map(|s| s.body.lines()) {
        front_matter::gather_from_line(&mut facts, line);
    }
    let title =
        facts.title.take().or_else(|| only_outermost(&sections)).unwrap_or_else(|| assemble::stem(name).to_owned());
    let mut messages = messages(&sections, &title);
    for message in &mut messages {
        message.sent_at = facts.date;
    }
    let mut thread = assemble::thread(source, Kind::Document, name, messages);
    thread.title = title;
    thread.participants = facts.authors;
    thread.url = facts.url;
    let status =
        facts.status.map(|status| Event { at: None, kind: "status".to_owned(), actor: None, subject: Some(status) });
    thread.events.extend(status);
    thread
}

fn messages(sections: &[Section<'_>], title: &str) -> Vec<Message> {
    let mut out: Vec<Message> = Vec::new();
    let mut empty: Vec<(usize, &str)> = Vec::new();
    for (at, section) in sections.iter().enumerate() {
        let name = section.name.as_deref().unwrap_or(OPENING);
        let text = trimmed(section.body);
        empty.retain(|(level, _)| *level < section.level);
        let last = sections.get(at + 1).is_none_or(|next| next.level <= section.level);
        if text.is_empty() && !last {
            // The title says what an outermost heading says.
            if section.name.is_some() && name != title {
                empty.push((section.level, name));
            }
            continue;
        }
        if text.is_empty() && section.name.is_none() {
            continue;
        }
        let path: Vec<&str> = empty.iter().map(|(_, name)| *name).chain([name]).collect();
        out.push(Message {
            id: out.len().to_string(),
            author: Some(format!("section: {}", path.join(" > "))),
            text: if text.is_empty() { name.to_owned() } else { text.to_owned() },
            ..Message::default()
        });
    }
    out
}

/// The first heading, where no other is of its level: it names the document.
fn only_outermost(sections: &[Section<'_>]) -> Option<String> {
    let mut named = sections.iter().filter(|s| s.name.is_some());
    let first = named.next()?;
    named.all(|s| s.level > first.level).then(|| first.name.clone())?
}

/// Without the blank lines above and the white space below; the indent of the first line stays.
fn trimmed(body: &str) -> &str {
    let body = body.trim_end();
    let start = body.len() - body.trim_start().len();
    let line_start = body.get(..start).and_then(|blank| blank.rfind('\n')).map_or(0, |at| at + 1);
    body.get(line_start..).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimming_keeps_the_first_indent() {
        assert_eq!(trimmed("\n\n    code\n  x \n\n"), "    code\n  x");
        assert_eq!(trimmed(" \n"), "");
    }
}
