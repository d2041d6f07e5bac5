//! The chat a Zoom meeting leaves behind: a time, a name and words, with replies and reactions written as words.

use std::sync::LazyLock;

use regex::Regex;

use super::{Reading, assemble, bytes, wire::moment};
use crate::{
    domain::{Event, Fault, Kind, Message, Moment},
    pattern::compiled,
};

/// The quoted words of a reply or a reaction are cut by Zoom; fewer than this many characters name no message.
const FEWEST_QUOTED_CHARS: usize = 2;

static OPENING: LazyLock<Regex> = LazyLock::new(|| compiled(r"^(?:(\d{4}-\d\d-\d\d) )?(\d{1,2}:\d\d:\d\d)[\t ]+(.*)$"));
/// `From Ana to Everyone: words`, in its spellings.
static ADDRESSED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"^From\s+(.+?)(?:\s+(?:to|To)\s+[^:\t]+?(?:\s*\((?:Direct Message|Privately)\))?)?\s*:[\t ]*(.*)$")
});

/// Reads one chat as one thread. Reactions are events; a reply names the message it answers and keeps only its own words.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut faults = Vec::new();
    let text = bytes::decode(bytes, name, &mut faults);
    let mut lines: Vec<Entry> = Vec::new();
    for (number, line) in bytes::lines(&text) {
        match (entry(line), lines.last_mut()) {
            (Some(entry), _) => lines.push(entry),
            (None, Some(last)) => {
                last.text.push('\n');
                last.text.push_str(line.strip_prefix('\t').filter(|_| last.text.trim().is_empty()).unwrap_or(line));
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => faults.push(Fault::new(bytes::line(name, number), "words before the first time: left out")),
        }
    }
    let mut chat = Chat::default();
    lines.into_iter().for_each(|entry| chat.add(entry));
    if chat.messages.is_empty() {
        faults.push(Fault::new(bytes::file(name), "no chat message was found"));
        return Reading { threads: Vec::new(), faults };
    }
    let mut thread = assemble::thread("zoom-chat", Kind::Chat, name, chat.messages);
    thread.events = chat.events;
    Reading { threads: vec![thread], faults }
}

/// Whether `text` opens like such a chat.
pub(super) fn is(text: &str) -> bool {
    let first = bytes::lines(text).map(|(_, line)| line).find(|line| !line.trim().is_empty());
    first.is_some_and(|line| entry(line).is_some())
}

struct Entry {
    at: Option<Moment>,
    author: String,
    text: String,
}

fn entry(line: &str) -> Option<Entry> {
    let found = OPENING.captures(line)?;
    let rest = found.get(3)?.as_str();
    let (author, text) = match ADDRESSED.captures(rest) {
        Some(parts) => (parts.get(1)?.as_str(), parts.get(2)?.as_str()),
        None => rest.split_once(":\t").or_else(|| rest.strip_suffix(':').map(|name| (name, "")))?,
    };
    let time = found.get(2)?.as_str();
    let at = match found.get(1) {
        Some(day) => moment(&format!("{}T{time}", day.as_str())),
        None => moment(time),
    };
    let author = author.trim();
    (!author.is_empty()).then(|| Entry { at, author: author.to_owned(), text: text.to_owned() })
}

#[derive(Default)]
struct Chat {
    messages: Vec<Message>,
    events: Vec<Event>,
}

impl Chat {
    fn add(&mut self, entry: Entry) {
        let text = entry.text.trim();
        if let Some(kind) = reaction(text) {
            let event = Event {
                at: entry.at,
                kind: kind.to_owned(),
                actor: Some(entry.author),
                subject: Some(text.to_owned()),
            };
            return self.events.push(event);
        }
        let (quoted, own) = reply(text).map_or((None, text), |(quoted, own)| (Some(quoted), own));
        if own.is_empty() {
            return;
        }
        let reply_to = quoted.and_then(|quoted| self.quoted(quoted));
        self.messages.push(Message {
            id: self.messages.len().to_string(),
            author: Some(entry.author),
            sent_at: entry.at,
            text: own.to_owned(),
            reply_to,
            ..Message::default()
        });
    }

    /// The latest message that opens with the quoted words.
    fn quoted(&self, words: &str) -> Option<String> {
        let words = words.trim_end_matches('.').trim_end_matches('…').trim();
        if words.chars().count() < FEWEST_QUOTED_CHARS {
            return None;
        }
        self.messages.iter().rev().find(|m| m.text.starts_with(words)).map(|m| m.id.clone())
    }
}

fn reaction(text: &str) -> Option<&'static str> {
    if text.starts_with("Reacted to ") && text.contains(" with ") {
        Some("reacted")
    } else if text.starts_with("Removed a ") && text.contains(" reaction from ") {
        Some("reaction_removed")
    } else {
        None
    }
}

/// `Replying to "their words…"`, a blank line, the answer.
fn reply(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("Replying to ")?.strip_prefix(['"', '“'])?;
    let closing = rest.match_indices(['"', '”']).find(|(at, quote)| {
        rest.get(at + quote.len()..).is_some_and(|after| after.trim_start_matches([' ', '\r']).starts_with('\n'))
    });
    let (at, quote) = closing?;
    Some((rest.get(..at)?, rest.get(at + quote.len()..)?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = include_str!("../../tests/fixtures/source/zoom-chat/chat.txt");

    #[test]
    fn replies_and_reactions_are_told_from_words() {
        let reading = read(CHAT.as_bytes(), "chat.txt");
        assert!(reading.faults.is_empty());
        let thread = &reading.threads[0];
        let said: Vec<_> = thread
            .messages
            .iter()
            .map(|m| (m.author.as_deref().unwrap(), m.text.as_str(), m.reply_to.as_deref()))
            .collect();
        assert_eq!(
            said,
            [
                ("Ana Example", "Can we ship \"today\"?\nOr tomorrow?", None),
                ("Ben (Example Corp)", "Tomorrow, the build is red.", Some("0")),
                ("Ana Example", "ok: tomorrow", None)
            ]
        );
        assert_eq!(thread.events.len(), 1);
        assert_eq!(thread.messages[0].sent_at.unwrap().to_string(), "00:05:41");
    }

    #[track_caller]
    fn check(line: &str, author: &str, text: &str) {
        let found = entry(line).map(|e| (e.author, e.text));
        assert_eq!(found, Some((author.to_owned(), text.to_owned())));
    }

    #[test]
    fn every_spelling_of_a_line() {
        check("00:01:02 From Ana Example to Everyone: hi: there", "Ana Example", "hi: there");
        check("00:01:02\t From  Ana Example : hi", "Ana Example", "hi");
        check("10:01:02\tFrom Ana to Ben (Direct Message):\thi", "Ana", "hi");
        check("2026-03-02 10:01:02 From Ana To Everyone:", "Ana", "");
        check("00:01:02\tAna:\thi", "Ana", "hi");
        assert!(entry("00:01:02 we began").is_none());
    }
}
