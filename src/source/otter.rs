//! Otter's text export: `Speaker  M:SS`, the words on the lines below, a blank line.

use super::{
    Reading, bytes,
    cue::clock,
    turn::{self, Turn},
};
use crate::domain::Fault;

/// Most words of a speaker's name.
const MOST_NAME_WORDS: usize = 6;
/// Turns that must be seen before a file counts as Otter's.
const TELLING_TURNS: usize = 2;

/// Reads one export as one transcript. Words above the first turn are a message without a speaker.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut faults = Vec::new();
    let text = bytes::decode(bytes, name, &mut faults);
    let mut turns = vec![Turn { id: "0".to_owned(), ..Turn::default() }];
    let mut after_blank = true;
    for (_, line) in bytes::lines(&text) {
        let line = line.trim();
        match header(line).filter(|_| after_blank) {
            Some((speaker, start)) => turns.push(Turn {
                id: turns.len().to_string(),
                speaker: Some(speaker.to_owned()),
                start: clock(start),
                ..Turn::default()
            }),
            None => add(&mut turns, line),
        }
        after_blank = line.is_empty();
    }
    turns.retain_mut(|turn| {
        turn.text.truncate(turn.text.trim_end().len());
        !turn.text.is_empty()
    });
    if turns.is_empty() {
        faults.push(Fault::new(bytes::file(name), "no turn with words was found"));
        return Reading { threads: Vec::new(), faults };
    }
    Reading { threads: vec![turn::transcript("otter", name, turns)], faults }
}

/// Whether `text` opens like such an export.
pub(super) fn is(text: &str) -> bool {
    let mut after_blank = true;
    let mut turns = 0;
    for (_, line) in bytes::lines(text) {
        let wide = line.contains("  ") || line.contains('\t');
        turns += usize::from(after_blank && wide && header(line.trim()).is_some());
        after_blank = line.trim().is_empty();
        if turns == TELLING_TURNS {
            return true;
        }
    }
    false
}

fn header(line: &str) -> Option<(&str, &str)> {
    let (name, time) = line.rsplit_once([' ', '\t'])?;
    let name = name.trim();
    clock(time).filter(|_| !time.contains(['.', ',']))?;
    let words = name.split_whitespace().count();
    let plausible = (1..=MOST_NAME_WORDS).contains(&words) && !name.ends_with(['.', ',', ':', '?', '!', '-', '>']);
    plausible.then_some((name, time))
}

fn add(turns: &mut [Turn], line: &str) {
    if line.starts_with("Transcribed by http") {
        return;
    }
    if let Some(turn) = turns.last_mut().filter(|turn| !(turn.text.is_empty() && line.is_empty())) {
        if !turn.text.is_empty() {
            turn.text.push('\n');
        }
        turn.text.push_str(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: &str = include_str!("../../tests/fixtures/source/otter/standup.txt");

    #[test]
    fn turns_have_speakers_and_times() {
        let reading = read(EXPORT.as_bytes(), "standup.txt");
        assert!(reading.faults.is_empty());
        let messages: Vec<_> = reading.threads[0]
            .messages
            .iter()
            .map(|m| (m.author.as_deref(), m.sent_at.map(|t| t.to_string()), m.text.as_str()))
            .collect();
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(
            messages,
            [
                (None, None, "Standup"),
                (Some("Ana Example"), at("00:00:03"), "The importer is done.\n\nI start on the tests today."),
                (Some("Speaker 2"), at("01:02:09"), "I am blocked by the build at 10:30")
            ]
        );
        assert!(is(EXPORT));
    }

    #[test]
    fn prose_with_times_is_not_an_export() {
        assert!(!is("We meet at 10:30\n\nThen lunch at 12:15\n\nBye\n"));
    }
}
