//! IRC logs: `[10:01] <nick> words`, with the notices that clients write between.

use std::sync::LazyLock;

use regex::Regex;

use super::{Reading, assemble, bytes, wire::moment};
use crate::{
    domain::{Event, Fault, Kind, Message, Moment},
    pattern::compiled,
};

/// How many of the first filled lines must look like a log's, of how many.
const TELLING_LINES: (usize, usize) = (3, 5);

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"^(?:\[?(?:(\d{4}-\d\d-\d\d)[T ])?(\d{1,2}:\d\d(?::\d\d)?)Z?\]?\s+)?(?:<\s*[@+%~&]?([^>\s]{1,64})>\s?(.*)|\*\s+([^\s*]{1,64})\s(.*)|((?:-!-|\*{3}|={3}|-->|<--|--)\s.*))$",
    )
});

/// Reads one log as one chat. Joins, parts and the like are events; a line of no known form goes on the message before it.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut faults = Vec::new();
    let text = bytes::decode(bytes, name, &mut faults);
    let (mut messages, mut events): (Vec<Message>, Vec<Event>) = Default::default();
    for (number, line) in bytes::lines(&text) {
        match Entry::of(line) {
            Some(Entry::Said { at, nick, text }) => messages.push(Message {
                id: messages.len().to_string(),
                author: Some(nick),
                sent_at: at,
                text,
                ..Message::default()
            }),
            Some(Entry::Notice { at, text }) => {
                events.push(Event { at, kind: "notice".to_owned(), actor: None, subject: Some(text) });
            }
            None if line.trim().is_empty() => {}
            None => match messages.last_mut() {
                Some(last) => {
                    last.text.push('\n');
                    last.text.push_str(line);
                }
                None => faults.push(Fault::new(bytes::line(name, number), "words before the first message: left out")),
            },
        }
    }
    if messages.is_empty() {
        faults.push(Fault::new(bytes::file(name), "no message was found"));
        return Reading { threads: Vec::new(), faults };
    }
    let mut thread = assemble::thread("irc", Kind::Chat, name, messages);
    thread.events = events;
    Reading { threads: vec![thread], faults }
}

/// Whether `text` opens like a log.
pub(super) fn is(text: &str) -> bool {
    let (needed, looked_at) = TELLING_LINES;
    let filled = bytes::lines(text).map(|(_, line)| line).filter(|line| !line.trim().is_empty());
    let first: Vec<&str> = filled.take(looked_at).collect();
    let logged = first.iter().filter(|line| matches!(Entry::of(line), Some(Entry::Said { at: Some(_), .. }))).count();
    logged >= needed.min(first.len()) && first.first().is_some_and(|line| Entry::of(line).is_some())
}

enum Entry {
    Said { at: Option<Moment>, nick: String, text: String },
    Notice { at: Option<Moment>, text: String },
}

impl Entry {
    fn of(line: &str) -> Option<Entry> {
        let found = LINE.captures(line)?;
        let part = |n: usize| found.get(n).map(|m| m.as_str());
        let at = part(2).and_then(|time| match part(1) {
            Some(day) => moment(&format!("{day}T{time}")),
            None => time_of_day(time),
        });
        if let (Some(nick), Some(text)) = (part(3), part(4)) {
            return Some(Entry::Said { at, nick: nick.to_owned(), text: text.to_owned() });
        }
        // Without a time, `* words` is a list item.
        if let (Some(nick), Some(text), Some(_)) = (part(5), part(6), part(2)) {
            return Some(Entry::Said { at, nick: nick.to_owned(), text: text.to_owned() });
        }
        Some(Entry::Notice { at, text: part(7)?.to_owned() })
    }
}

/// With seconds too this is a time of day: a log is no recording.
fn time_of_day(time: &str) -> Option<Moment> {
    let minutes: String = time.split(':').take(2).collect::<Vec<_>>().join(":");
    let Some(Moment::TimeOfDay(of_day)) = moment(&minutes) else { return None };
    let second = time.split(':').nth(2).and_then(|s| s.parse().ok()).unwrap_or(0);
    of_day.with().second(second).build().ok().map(Moment::TimeOfDay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_actions_and_notices() {
        let text =
            "[10:01] <ana> hello\n[10:01] === ben is now known as ben2\n[10:02] * ben2 waves\n10:03:09 <@ana> bye\n";
        let reading = read(text.as_bytes(), "log.txt");
        assert!(reading.faults.is_empty());
        let thread = &reading.threads[0];
        let said: Vec<_> = thread.messages.iter().map(|m| (m.author.as_deref().unwrap(), m.text.as_str())).collect();
        assert_eq!(said, [("ana", "hello"), ("ben2", "waves"), ("ana", "bye")]);
        assert_eq!(thread.events.len(), 1);
        assert_eq!(thread.messages[0].sent_at.unwrap().to_string(), "10:01");
    }

    #[test]
    fn lists_and_markup_are_no_logs() {
        assert!(!is("* one thing\n* another thing\n* a third\n"));
        assert!(!is("<p> text\n<b>\n"));
        assert!(!is(""));
    }
}
