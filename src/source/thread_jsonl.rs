//! `bluf.thread/1`: JSON Lines, one thread a line; also one thread over many lines, and a list of threads.

use serde::de::{IgnoredAny, MapAccess};

use super::{
    Reading, assemble, bytes,
    wire::{Items, Loose, Object, Text},
};
use crate::domain::{Event, Fault, Kind, Message, Place, Thread};

/// Reads threads. A line that is not valid is reported with its number and left out; the others are read.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let (entries, faults) = entries(bytes, name);
    Reading { threads: entries.into_iter().map(|entry| entry.thread).collect(), faults }
}

/// A thread, and what of it only somebody who adds to a thread must know.
pub(super) struct Entry {
    pub thread: Thread,
    /// The line it begins on, counted from 1.
    pub line: usize,
    /// Whether it says of itself that it is all there is.
    pub whole: bool,
    /// Whether its id is its own, and not its place in the file.
    pub named: bool,
    /// The messages, by position, whose id is nothing but their position.
    pub nameless: Vec<usize>,
}

/// The threads one by one.
pub(super) fn entries(bytes: &[u8], name: &str) -> (Vec<Entry>, Vec<Fault>) {
    let mut out = Out { name, entries: Vec::new(), faults: Vec::new() };
    let text = bytes::decode(bytes, name, &mut out.faults);
    let text = text.trim_start_matches('\u{feff}');
    if spans_lines(text) {
        out.values(text);
    } else {
        out.lines(text);
    }
    (out.entries, out.faults)
}

/// Whether the first value goes on past its line, as pretty-printed JSON does.
fn spans_lines(text: &str) -> bool {
    let mut filled = text.split('\n').map(str::trim).filter(|line| !line.is_empty());
    let first = filled.next().unwrap_or("");
    let cut = serde_json::from_str::<IgnoredAny>(first).is_err_and(|e| e.is_eof());
    let is_one = || serde_json::from_str::<IgnoredAny>(text).is_ok();
    cut && filled.next().is_some_and(|second| first.starts_with('[') || !second.starts_with('{') || is_one())
}

struct Out<'a> {
    name: &'a str,
    entries: Vec<Entry>,
    faults: Vec<Fault>,
}

impl Out<'_> {
    fn lines(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str::<Loose<WireThread>>(line) {
                Ok(value) => self.value(value, at + 1),
                Err(error) => self.broken(at + 1, Some(error.column()), &error),
            }
        }
    }

    /// Values that may each take many lines. After a broken one, reading goes on at the next line that opens an object.
    fn values(&mut self, text: &str) {
        let mut from = 0;
        while let Some(rest) = text.get(from..).filter(|rest| !rest.trim().is_empty()) {
            let first_line = 1 + text.get(..from).map_or(0, newlines);
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Loose<WireThread>>();
            let mut line = first_line;
            loop {
                match stream.next() {
                    Some(Ok(value)) => {
                        self.value(value, line);
                        line = first_line + rest.get(..stream.byte_offset()).map_or(0, newlines);
                    }
                    Some(Err(error)) => {
                        self.broken(first_line + error.line().saturating_sub(1), Some(error.column()), &error);
                        let after = from + line_start(rest, error.line());
                        match text.get(after..).and_then(|rest| rest.find("\n{")) {
                            Some(next) => from = after + next + 1,
                            None => return,
                        }
                        break;
                    }
                    None => return,
                }
            }
        }
    }

    fn value(&mut self, value: Loose<WireThread>, line: usize) {
        match value {
            Loose::Object(wire) => self.thread(*wire, line),
            Loose::List(all) => all.into_iter().for_each(|value| self.value(value, line)),
            Loose::Other => {
                self.fault(bytes::line(self.name, line), "not a thread: an object with \"messages\" is needed")
            }
        }
    }

    fn thread(&mut self, wire: WireThread, line: usize) {
        let own = wire.id.filled();
        let named = own.is_some();
        let id = own.unwrap_or_else(|| format!("{}:{line}", assemble::stem(self.name)));
        let Some(messages) = wire.messages.0 else {
            let what = format!("thread {id:?} has no list of \"messages\": left out");
            return self.fault(bytes::line(self.name, line), what);
        };
        let (messages, nameless) = self.messages(messages, line);
        let mut participants: Vec<String> =
            wire.participants.0.unwrap_or_default().into_iter().filter_map(Text::filled).collect();
        if participants.is_empty() {
            participants = assemble::participants(&messages);
        }
        let title = wire.title.filled().unwrap_or_else(|| id.clone());
        let thread = Thread {
            source: wire.source.filled().unwrap_or_else(|| "jsonl".to_owned()),
            kind: Kind::nearest(wire.kind.as_str()),
            id,
            title,
            url: wire.url.filled(),
            channel: wire.channel.filled(),
            participants,
            messages,
            events: wire.events.0.unwrap_or_default().into_iter().filter_map(event).collect(),
            as_of: wire.as_of.moment(),
        };
        self.entries.push(Entry { thread, line, whole: wire.whole.as_str() == "true", named, nameless });
    }

    fn messages(&mut self, wires: Vec<Loose<WireMessage>>, line: usize) -> (Vec<Message>, Vec<usize>) {
        let mut out: Vec<Message> = Vec::with_capacity(wires.len());
        let mut nameless = Vec::new();
        let mut undated: Option<(usize, String, usize)> = None;
        for (at, wire) in wires.into_iter().enumerate() {
            let Loose::Object(wire) = wire else {
                self.item_fault(line, at, "a message that is no object: left out");
                continue;
            };
            match wire.text {
                Text::Other => {
                    self.item_fault(line, at, "the \"text\" of this message is not text: left out");
                    continue;
                }
                Text::Absent => self.item_fault(line, at, "this message has no \"text\": kept, empty"),
                _ => {}
            }
            if !wire.ts.as_str().trim().is_empty() && wire.ts.moment().is_none() {
                let first = undated.take().unwrap_or_else(|| (at, wire.ts.as_str().chars().take(40).collect(), 0));
                undated = Some((first.0, first.1, first.2 + 1));
            }
            if wire.id.as_str().trim().is_empty() {
                nameless.push(out.len());
            }
            out.push(message(*wire, at));
        }
        if let Some((at, ts, count)) = undated {
            self.item_fault(
                line,
                at,
                format!("{ts:?} is not a time bluf knows: {count} message(s) are left without one"),
            );
        }
        (out, nameless)
    }

    fn item_fault(&mut self, line: usize, at: usize, what: impl Into<String>) {
        self.fault(Place { item: Some(at + 1), ..bytes::line(self.name, line) }, what);
    }

    fn broken(&mut self, line: usize, column: Option<usize>, error: &serde_json::Error) {
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or(&said);
        self.fault(
            Place { column: column.filter(|c| *c > 0), ..bytes::line(self.name, line) },
            format!("not valid JSON: {what}"),
        );
    }

    fn fault(&mut self, place: Place, what: impl Into<String>) {
        self.faults.push(Fault::new(place, what));
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count()
}

fn line_start(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum()
}

fn message(wire: WireMessage, at: usize) -> Message {
    Message {
        sent_at: wire.ts.moment(),
        edited_at: wire.edited_ts.moment(),
        bot: wire.bot.as_str() == "true",
        id: wire.id.filled().unwrap_or_else(|| at.to_string()),
        author: wire.author.filled(),
        author_id: wire.author_id.filled(),
        text: wire.text.given().unwrap_or_default(),
        reply_to: wire.reply_to.filled(),
    }
}

fn event(wire: Loose<WireEvent>) -> Option<Event> {
    let Loose::Object(wire) = wire else { return None };
    Some(Event {
        at: wire.ts.moment(),
        kind: wire.kind.filled()?.to_lowercase(),
        actor: wire.actor.filled(),
        subject: wire.subject.filled(),
    })
}

#[derive(Default)]
struct WireThread {
    source: Text,
    kind: Text,
    id: Text,
    title: Text,
    url: Text,
    channel: Text,
    participants: Items<Text>,
    messages: Items<Loose<WireMessage>>,
    events: Items<Loose<WireEvent>>,
    as_of: Text,
    whole: Text,
}

#[derive(Default)]
struct WireMessage {
    id: Text,
    author: Text,
    author_id: Text,
    ts: Text,
    text: Text,
    reply_to: Text,
    edited_ts: Text,
    bot: Text,
}

#[derive(Default)]
struct WireEvent {
    ts: Text,
    kind: Text,
    actor: Text,
    subject: Text,
}

impl Object for WireThread {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<bool, A::Error> {
        match key {
            "source" => self.source = fields.next_value()?,
            "kind" => self.kind = fields.next_value()?,
            "id" => self.id = fields.next_value()?,
            "title" => self.title = fields.next_value()?,
            "url" => self.url = fields.next_value()?,
            "channel" => self.channel = fields.next_value()?,
            "participants" => self.participants = fields.next_value()?,
            "messages" => self.messages = fields.next_value()?,
            "events" => self.events = fields.next_value()?,
            "as_of" => self.as_of = fields.next_value()?,
            "whole" => self.whole = fields.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Object for WireMessage {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<bool, A::Error> {
        match key {
            "id" => self.id = fields.next_value()?,
            "author" => self.author = fields.next_value()?,
            "author_id" => self.author_id = fields.next_value()?,
            "ts" => self.ts = fields.next_value()?,
            "text" => self.text = fields.next_value()?,
            "reply_to" => self.reply_to = fields.next_value()?,
            "edited_ts" => self.edited_ts = fields.next_value()?,
            "bot" => self.bot = fields.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Object for WireEvent {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<bool, A::Error> {
        match key {
            "ts" => self.ts = fields.next_value()?,
            "kind" => self.kind = fields.next_value()?,
            "actor" => self.actor = fields.next_value()?,
            "subject" => self.subject = fields.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"t1","kind":"chat","title":"Release","channel":"ops","messages":[{"author":"Ana","author_id":"ana@ex","ts":"2026-03-02T09:00:00+01:00","text":"Ship on Monday?"},{"id":"x","text":"Yes.","reply_to":"0","new_field":[1]}]}"#;

    #[track_caller]
    fn check(text: &str, threads: usize, messages: usize, faults: &[(Option<usize>, Option<usize>)]) -> Reading {
        let reading = read(text.as_bytes(), "in.jsonl");
        assert_eq!(reading.threads.len(), threads, "{:?}", reading.faults);
        assert_eq!(reading.threads.iter().map(|t| t.messages.len()).sum::<usize>(), messages);
        let places: Vec<_> = reading.faults.iter().map(|f| (f.place.line, f.place.item)).collect();
        assert_eq!(places, faults, "{:?}", reading.faults);
        reading
    }

    #[test]
    fn a_thread_is_read_with_what_it_says_and_no_more() {
        let reading = check(GOOD, 1, 2, &[]);
        let thread = &reading.threads[0];
        assert_eq!((thread.id.as_str(), thread.title.as_str(), thread.kind), ("t1", "Release", Kind::Chat));
        assert_eq!(thread.participants, ["Ana"]);
        assert_eq!((thread.channel.as_deref(), thread.messages[0].author_id.as_deref()), (Some("ops"), Some("ana@ex")));
        assert_eq!(thread.messages[0].id, "0");
        assert_eq!(thread.messages[0].sent_at.unwrap().to_string(), "2026-03-02T09:00:00+01:00");
        assert_eq!(thread.messages[1].author, None);
        assert_eq!(thread.messages[1].reply_to.as_deref(), Some("0"));
    }

    #[test]
    fn a_broken_line_costs_only_itself() {
        let reading =
            check(&format!("{GOOD}\n{{\"id\": oops}}\n\n{GOOD}\r\n[]\n7\n"), 2, 4, &[(Some(2), None), (Some(6), None)]);
        assert!(reading.faults[0].place.column.is_some());
    }

    #[test]
    fn a_broken_message_costs_only_itself_and_ids_stay_positions() {
        let text = r#"{"messages":[7,{"text":{}},{"author":"Ben"},{"text":null},{"text":"kept","ts":"soonish"}]}"#;
        let reading =
            check(text, 1, 3, &[(Some(1), Some(1)), (Some(1), Some(2)), (Some(1), Some(3)), (Some(1), Some(5))]);
        assert_eq!(reading.threads[0].messages.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["2", "3", "4"]);
    }

    #[test]
    fn fields_of_the_wrong_type_cost_only_themselves() {
        check(r#"{"id":5,"title":[],"participants":"Ana","events":3,"messages":[{"id":1.5,"text":"a"}]}"#, 1, 1, &[]);
        check(r#"{"id":"a","messages":"none"}"#, 0, 0, &[(Some(1), None)]);
    }

    #[test]
    fn values_over_many_lines_are_read_and_recovered_from() {
        let pretty = GOOD.replace("{\"id\":\"t1\"", "{\n  \"id\": \"t1\"").replace("]}", "]\n}");
        check(&pretty, 1, 2, &[]);
        check(&GOOD.replace(":[{\"author", ":[\n{\"author"), 1, 2, &[]);
        check(&format!("[\n{GOOD},\n{GOOD}\n]"), 2, 4, &[]);
        check(&format!("[{GOOD},{GOOD}]"), 2, 4, &[]);
        check(&format!("{pretty}\n{{\n \"id\": oops\n}}\n{pretty}"), 2, 4, &[(Some(6), None)]);
    }

    #[test]
    fn a_cut_file_keeps_what_was_whole() {
        let text = format!("{GOOD}\n{GOOD}");
        check(text.get(..text.len() - 5).unwrap(), 1, 2, &[(Some(2), None)]);
        check(GOOD.get(..40).unwrap(), 0, 0, &[(Some(1), None)]);
        check("", 0, 0, &[]);
    }

    #[test]
    fn a_very_deep_value_is_a_fault_and_not_a_crash() {
        check(&"[".repeat(100_000), 0, 0, &[(Some(1), None)]);
    }
}
