//! Plain text: a script of "Name: words" lines, or else one document.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::{
    Reading, assemble, bytes, cue, speaker,
    turn::{self, Turn},
};
use crate::{
    domain::{Fault, Kind, Message, Thread},
    pattern::compiled,
};

/// A text is a script when this many lines open with a name …
const FEWEST_LINES: usize = 3;
/// … of this many people …
const FEWEST_SPEAKERS: usize = 2;
/// … and they are this share of the lines that follow a blank one or a speech.
const NAMED_PERCENT: usize = 60;
/// Longest title taken from the first line, characters.
const TITLE_CHARS: usize = 80;

static CLOCK: LazyLock<Regex> = LazyLock::new(|| compiled(r"^[\[(]?(\d{1,2}:\d\d(?::\d\d)?)[\])]?\s+"));

/// Reads a script as a transcript of its speeches, anything else as one document of one message.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut faults = Vec::new();
    let text = bytes::decode(bytes, name, &mut faults);
    if text.trim().is_empty() {
        faults.push(Fault::new(bytes::file(name), "no words were found"));
        return Reading { threads: Vec::new(), faults };
    }
    let thread = if is_script(&text) { script(&text, name) } else { document(&text, name) };
    Reading { threads: vec![thread], faults }
}

fn document(text: &str, name: &str) -> Thread {
    let message = Message { id: "0".to_owned(), text: text.trim().to_owned(), ..Message::default() };
    let mut thread = assemble::thread("text", Kind::Document, name, vec![message]);
    thread.title = assemble::opening_words(text, TITLE_CHARS);
    thread
}

fn is_script(text: &str) -> bool {
    let (mut lines, mut named) = (0usize, 0usize);
    let mut speakers = HashSet::new();
    let mut repeated = false;
    let mut fresh = true;
    for (_, line) in bytes::lines(text) {
        if line.trim().is_empty() {
            fresh = true;
            continue;
        }
        let speech = speech(line);
        // The wrapped lines of a speech are no evidence against it.
        lines += usize::from(fresh || speech.is_some());
        if let Some((_, name, _)) = speech {
            named += 1;
            repeated |= !speakers.insert(name);
        }
        fresh = false;
    }
    named >= FEWEST_LINES && speakers.len() >= FEWEST_SPEAKERS && repeated && named * 100 >= lines * NAMED_PERCENT
}

fn script(text: &str, name: &str) -> Thread {
    let mut turns: Vec<Turn> = Vec::new();
    for (_, line) in bytes::lines(text) {
        match (speech(line), turns.last_mut()) {
            (Some((start, speaker, said)), _) => turns.push(Turn {
                id: turns.len().to_string(),
                speaker: Some(speaker.to_owned()),
                start: start.and_then(cue::clock),
                end: None,
                text: said.to_owned(),
            }),
            (None, Some(last)) => {
                last.text.push('\n');
                last.text.push_str(line);
            }
            (None, None) => turns.push(Turn { id: "0".to_owned(), text: line.to_owned(), ..Turn::default() }),
        }
    }
    turns.iter_mut().for_each(|turn| turn.text = turn.text.trim().to_owned());
    turns.retain(|turn| !turn.text.is_empty());
    turn::transcript("text", name, turns)
}

fn speech(line: &str) -> Option<(Option<&str>, &str, &str)> {
    let clock = CLOCK.captures(line);
    let start = clock.as_ref().and_then(|c| c.get(1)).map(|m| m.as_str());
    let rest = clock.and_then(|c| c.get(0)).map_or(line, |m| line.get(m.end()..).unwrap_or(line));
    let (name, said) = speaker::named(rest)?;
    name.starts_with(|c: char| c.is_uppercase() || c.is_numeric() || c == '@').then_some((start, name, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kind: Kind, messages: &[(Option<&str>, &str)]) {
        let reading = read(text.as_bytes(), "notes.txt");
        let thread = &reading.threads[0];
        let found: Vec<_> = thread.messages.iter().map(|m| (m.author.as_deref(), m.text.as_str())).collect();
        assert_eq!((thread.kind, found.as_slice()), (kind, messages));
    }

    #[test]
    fn a_script_is_a_transcript() {
        check(
            "Weekly\n\nAna: We ship on Monday.\nBen: Is the build green?\nIt was red\nyesterday.\n\n[00:10] Ana: It is.\n",
            Kind::Transcript,
            &[
                (None, "Weekly"),
                (Some("Ana"), "We ship on Monday."),
                (Some("Ben"), "Is the build green?\nIt was red\nyesterday."),
                (Some("Ana"), "It is."),
            ],
        );
    }

    #[test]
    fn prose_is_a_document() {
        check("One thing: tea.\n\nMore words.", Kind::Document, &[(None, "One thing: tea.\n\nMore words.")]);
        let form = "Name: Ana\nTown: Example\nRole: lead\n";
        check(form, Kind::Document, &[(None, form.trim())]);
    }
}
