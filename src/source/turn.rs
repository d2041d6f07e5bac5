//! Turns of speech to a transcript: one message a turn, except where a recorder cut a sentence in two.

use jiff::SignedDuration;

use super::assemble;
use crate::domain::{Kind, Message, Moment, Thread};

/// A pause longer than this ends a turn even in the middle of a sentence.
const LONGEST_PAUSE_INSIDE_A_SENTENCE: SignedDuration = SignedDuration::from_secs(6);
/// Captions without any punctuation would otherwise become one endless message.
const LONGEST_JOINED_BYTES: usize = 1_000;

/// One stretch of speech as the file marks it: a cue, or a speaker's turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Turn {
    /// The position in the file, counted from 1, as the numbers in such files are.
    pub id: String,
    pub speaker: Option<String>,
    /// Since the recording began.
    pub start: Option<SignedDuration>,
    pub end: Option<SignedDuration>,
    pub text: String,
}

/// A transcript of `turns`. A joined message keeps the id and the time of its first cue, so the ids that are missing are
/// exactly the cues that were joined to the one before.
pub(super) fn transcript(source: &str, name: &str, turns: Vec<Turn>) -> Thread {
    let messages = joined(turns).into_iter().map(message).collect();
    assemble::thread(source, Kind::Transcript, name, messages)
}

fn message(turn: Turn) -> Message {
    Message {
        id: turn.id,
        author: turn.speaker,
        sent_at: turn.start.map(Moment::Elapsed),
        text: turn.text,
        ..Message::default()
    }
}

fn joined(turns: Vec<Turn>) -> Vec<Turn> {
    let mut out: Vec<Turn> = Vec::with_capacity(turns.len());
    for turn in turns {
        match out.last_mut() {
            Some(last) if goes_on(last, &turn) => {
                last.text.push(' ');
                last.text.push_str(&turn.text);
                last.end = turn.end;
            }
            _ => out.push(turn),
        }
    }
    out
}

fn goes_on(last: &Turn, next: &Turn) -> bool {
    last.speaker == next.speaker
        && last.text.len() + next.text.len() < LONGEST_JOINED_BYTES
        && !ends_a_sentence(&last.text)
        && matches!((last.end, next.start), (Some(end), Some(start)) if start.saturating_sub(end) <= LONGEST_PAUSE_INSIDE_A_SENTENCE)
}

fn ends_a_sentence(text: &str) -> bool {
    let bare = text.trim_end().trim_end_matches(['"', '\'', ')', ']', '”', '’', '»']);
    bare.is_empty() || bare.ends_with(['.', '?', '!', '…', '。', '？', '！', '♪'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(id: &str, speaker: &str, start: i64, text: &str) -> Turn {
        Turn {
            id: id.into(),
            speaker: Some(speaker.into()),
            start: Some(SignedDuration::from_secs(start)),
            end: Some(SignedDuration::from_secs(start + 2)),
            text: text.into(),
        }
    }

    #[test]
    fn a_sentence_cut_by_the_recorder_is_whole_again() {
        let thread = transcript(
            "vtt",
            "call.vtt",
            vec![
                turn("1", "Ana", 0, "We could ship the"),
                turn("2", "Ana", 3, "importer on Monday."),
                turn("3", "Ana", 6, "Any doubts?"),
                turn("4", "Ben", 9, "None,"),
                turn("5", "Ana", 12, "good."),
                turn("6", "Ana", 60, "Next"),
                turn("7", "Ana", 90, "item"),
            ],
        );
        let shown: Vec<_> = thread.messages.iter().map(|m| (m.id.as_str(), m.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("1", "We could ship the importer on Monday."),
                ("3", "Any doubts?"),
                ("4", "None,"),
                ("5", "good."),
                ("6", "Next"),
                ("7", "item")
            ]
        );
        assert_eq!(thread.messages[0].sent_at.unwrap().to_string(), "00:00:00");
        assert_eq!(thread.participants, ["Ana", "Ben"]);
    }

    #[test]
    fn captions_without_punctuation_stay_bounded() {
        let turns = (0..2_000).map(|n| turn(&n.to_string(), "Ana", n * 2, "and so on and on")).collect();
        let thread = transcript("vtt", "call.vtt", turns);
        assert!(thread.messages.iter().all(|m| m.text.len() <= LONGEST_JOINED_BYTES));
        let words: usize = thread.messages.iter().map(|m| m.text.split(' ').count()).sum();
        assert_eq!(words, 2_000 * 5);
    }
}
