//! WebVTT: captions and meeting transcripts, as Zoom, Teams and the specification write them.

use super::{Reading, bytes, cue, turn};
use crate::domain::Fault;

/// Reads one WebVTT file as one transcript. Broken cues are reported with their line and left out.
///
/// A message is one cue, except that a cue that ends in mid-sentence takes in the next one of the same speaker. Its id is
/// its first cue's position counted from 1.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut faults = Vec::new();
    let text = bytes::decode(bytes, name, &mut faults);
    let cues = cues(&text, name, &mut faults);
    let turns = cue::turns(&cues);
    if turns.is_empty() {
        faults.push(Fault::new(bytes::file(name), "no cue with text was found"));
        return Reading { threads: Vec::new(), faults };
    }
    Reading { threads: vec![turn::transcript("vtt", name, turns)], faults }
}

pub(super) fn cues(text: &str, name: &str, faults: &mut Vec<Fault>) -> Vec<cue::Cue> {
    let first = bytes::lines(text).next().map_or("", |(_, line)| line);
    if !(first == "WEBVTT" || first.starts_with("WEBVTT ") || first.starts_with("WEBVTT\t")) {
        faults.push(Fault::new(bytes::line(name, 1), "a WebVTT file opens with WEBVTT: read as if it did"));
    }
    cue::cues(text, name, faults, |line| {
        let word = line.split_whitespace().next().unwrap_or("");
        matches!(word, "WEBVTT" | "NOTE" | "STYLE" | "REGION") || word.starts_with("REGION") || line.contains("WEBVTT")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, Option<&str>, &str)], faults: usize) {
        let reading = read(text.as_bytes(), "call.vtt");
        let found: Vec<_> = reading
            .threads
            .iter()
            .flat_map(|t| &t.messages)
            .map(|m| (m.id.as_str(), m.author.as_deref(), m.text.as_str()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(reading.faults.len(), faults, "{:?}", reading.faults);
    }

    #[test]
    fn recorders_with_names_before_the_words() {
        check(
            "WEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:02.000\r\nAna Example: Hello.\r\n\r\n2\r\n00:00:03.000 --> 00:00:04.000\r\nBen: Hi!\r\n",
            &[("1", Some("Ana Example"), "Hello."), ("2", Some("Ben"), "Hi!")],
            0,
        );
    }

    #[test]
    fn recorders_with_voice_tags() {
        check(
            "\u{feff}WEBVTT\n\nb1c-0\n00:01.000 --> 00:02.000 align:start\n<v Ana Example>Shall we begin?</v>\n",
            &[("1", Some("Ana Example"), "Shall we begin?")],
            0,
        );
    }

    #[test]
    fn comments_styles_and_broken_cues_are_left_out_and_the_broken_are_said() {
        check(
            "WEBVTT Kind: captions\nLanguage: en\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnot spoken\n\nREGION\nid:a\n\n\
             00:01.000 --> 00:02.000\nKept.\n\n00:xx --> 00:04\nLost.\n\nstray words\n\n00:05.000 --> 00:06.000\nAlso kept.\n",
            &[("1", None, "Kept."), ("2", None, "Also kept.")],
            2,
        );
    }

    #[test]
    fn a_file_without_cues_says_so() {
        check("WEBVTT\n", &[], 1);
        check("", &[], 2);
    }
}
