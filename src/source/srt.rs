//! SubRip: numbered captions with commas in their times.

use super::{Reading, bytes, cue, turn};
use crate::domain::Fault;

/// Reads one SubRip file as one transcript, by the same rules as WebVTT.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut faults = Vec::new();
    let text = bytes::decode(bytes, name, &mut faults);
    let mut cues = cue::cues(&text, name, &mut faults, |_| false);
    for cue in &mut cues {
        cue.text = without_positions(&cue.text);
    }
    let turns = cue::turns(&cues);
    if turns.is_empty() {
        faults.push(Fault::new(bytes::file(name), "no caption with text was found"));
        return Reading { threads: Vec::new(), faults };
    }
    Reading { threads: vec![turn::transcript("srt", name, turns)], faults }
}

/// Players write `{\an8}` to move a caption; nobody says it.
fn without_positions(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{\\") {
        out.push_str(before);
        match after.split_once('}') {
            Some((_, following)) => rest = following,
            None => {
                out.push_str("{\\");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_become_turns() {
        let text = "1\n00:00:01,000 --> 00:00:02,500\n{\\an8}<i>We ship\non Monday.</i>\n\n2\n00:00:03,000 --> 00:00:04,000\nAgreed.\n";
        let reading = read(text.as_bytes(), "call.srt");
        let messages = &reading.threads[0].messages;
        assert_eq!(messages.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["We ship\non Monday.", "Agreed."]);
        assert_eq!(messages[0].sent_at.unwrap().to_string(), "00:00:01");
        assert!(reading.faults.is_empty());
    }

    #[test]
    fn an_unclosed_brace_is_text() {
        assert_eq!(without_positions("a {\\b {\\an8}c"), "a c");
        assert_eq!(without_positions("a {\\b"), "a {\\b");
    }
}
