//! Cues, which WebVTT and SubRip share: an optional name, a line with two times, and text until a blank line.

use jiff::SignedDuration;

use super::{
    bytes,
    speaker::{self, Voices},
    turn::Turn,
};
use crate::domain::Fault;

/// One cue as written: its text still has its tags.
#[derive(Debug, PartialEq)]
pub(super) struct Cue {
    pub start: SignedDuration,
    pub end: SignedDuration,
    pub text: String,
}

/// Every cue of `text`, in order. `text` has no header and no comments; `skip` says which blocks are to be left out.
pub(super) fn cues(text: &str, name: &str, faults: &mut Vec<Fault>, skip: impl Fn(&str) -> bool) -> Vec<Cue> {
    let mut blocks = Blocks { out: Vec::new(), open: None, skipping: false, held: None, name, faults };
    for (number, line) in bytes::lines(text) {
        if line.contains("-->") {
            blocks.timing(number, line);
        } else if line.trim().is_empty() {
            blocks.blank();
        } else {
            blocks.line(number, line, &skip);
        }
    }
    blocks.blank();
    blocks.out
}

/// The turns of `cues`: tags stripped, speakers found, ids the cues' positions counted from 1.
pub(super) fn turns(cues: &[Cue]) -> Vec<Turn> {
    let spoken: Vec<Vec<speaker::Piece>> = cues.iter().map(|cue| speaker::pieces(&cue.text)).collect();
    let voices = Voices::among(spoken.iter().flatten());
    let mut out = Vec::with_capacity(cues.len());
    for (at, (cue, pieces)) in cues.iter().zip(&spoken).enumerate() {
        for (part, piece) in pieces.iter().enumerate() {
            let (speaker, text) = voices.split(piece);
            if text.is_empty() {
                continue;
            }
            let id = if part == 0 { (at + 1).to_string() } else { format!("{}.{}", at + 1, part + 1) };
            out.push(Turn { id, speaker, start: Some(cue.start), end: Some(cue.end), text });
        }
    }
    out
}

struct Blocks<'a> {
    out: Vec<Cue>,
    open: Option<Cue>,
    /// Inside a comment, a style sheet, or the rest of a cue whose times could not be read.
    skipping: bool,
    /// A line that is the name of the cue that follows, if one follows.
    held: Option<(usize, String)>,
    name: &'a str,
    faults: &'a mut Vec<Fault>,
}

impl Blocks<'_> {
    fn timing(&mut self, number: usize, line: &str) {
        // Where the blank line between two cues is missing, the number of the second was read as text of the first.
        if let Some(cue) = &mut self.open {
            let (text, last) = cue.text.rsplit_once('\n').unwrap_or(("", &cue.text));
            if !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) {
                cue.text = text.to_owned();
            }
        }
        self.close();
        self.held = None;
        match times(line) {
            Some((start, end)) => {
                self.skipping = false;
                self.open = Some(Cue { start, end, text: String::new() });
            }
            None => {
                self.skipping = true;
                self.fault(number, "the times of this cue could not be read: cue left out");
            }
        }
    }

    fn line(&mut self, number: usize, line: &str, skip: &impl Fn(&str) -> bool) {
        if self.skipping {
            return;
        }
        match &mut self.open {
            Some(cue) => {
                if !cue.text.is_empty() {
                    cue.text.push('\n');
                }
                cue.text.push_str(line);
            }
            None if self.held.is_none() && skip(line) => self.skipping = true,
            None => {
                self.orphan();
                self.held = Some((number, line.to_owned()));
            }
        }
    }

    fn blank(&mut self) {
        self.close();
        self.orphan();
        self.skipping = false;
    }

    fn close(&mut self) {
        self.out.extend(self.open.take());
    }

    fn orphan(&mut self) {
        if let Some((number, line)) = self.held.take()
            && !line.trim().bytes().all(|b| b.is_ascii_digit())
        {
            self.fault(number, "text that belongs to no cue: left out");
        }
    }

    fn fault(&mut self, number: usize, what: &str) {
        self.faults.push(Fault::new(bytes::line(self.name, number), what));
    }
}

fn times(line: &str) -> Option<(SignedDuration, SignedDuration)> {
    let (start, rest) = line.split_once("-->")?;
    let rest = rest.trim_start();
    // Settings may follow without a space.
    let length = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))).unwrap_or(rest.len());
    Some((clock(start.trim())?, clock(rest.get(..length)?)?))
}

/// `hh:mm:ss.fff` or `mm:ss.fff`, the fraction after a dot or a comma, of any length or absent.
pub(super) fn clock(text: &str) -> Option<SignedDuration> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let fields: Vec<&str> = whole.split(':').collect();
    let (hours, minutes, seconds) = match fields[..] {
        [h, m, s] => (number(h, 5)?, number(m, 2)?, number(s, 2)?),
        [m, s] => (0, number(m, 3)?, number(s, 2)?),
        _ => return None,
    };
    let long_minutes = fields.len() == 2;
    if seconds > 59 || (minutes > 59 && !long_minutes) {
        return None;
    }
    let nanos = number(&format!("{fraction:0<9}"), 9)?;
    Some(SignedDuration::new(hours * 3600 + minutes * 60 + seconds, i32::try_from(nanos).ok()?))
}

fn number(digits: &str, most: usize) -> Option<i64> {
    let fits = !digits.is_empty() && digits.len() <= most && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: Option<&str>) {
        assert_eq!(clock(text).map(|d| crate::domain::Moment::Elapsed(d).to_string()).as_deref(), shown, "{text}");
    }

    #[test]
    fn clocks_in_every_form() {
        check("00:01:02.500", Some("00:01:02.500"));
        check("01:02,5", Some("00:01:02.500"));
        check("100:00:00", Some("100:00:00"));
        check("75:00", Some("01:15:00"));
        check("00:61:00", None);
        check("1:2:3:4", None);
        check("00:00:00.", Some("00:00:00"));
        check("00:00:-1", None);
        check("", None);
    }

    #[test]
    fn a_missing_blank_line_does_not_join_two_cues() {
        let mut faults = Vec::new();
        let cues = cues("1\n00:01 --> 00:02\nHello\n2\n00:03 --> 00:04\nAgain\n", "a", &mut faults, |_| false);
        assert_eq!(cues.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["Hello", "Again"]);
        assert!(faults.is_empty());
    }
}
