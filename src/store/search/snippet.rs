//! The part of a message that a search shows, and where in it the words stand.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Bytes of a message that are shown around the first word found.
const SHOWN_BYTES: usize = 240;
/// Of them before the word.
const LEAD_BYTES: usize = 60;

/// Part of a message's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// Where it stands: bytes of the message's text.
    pub start: usize,
    pub end: usize,
    /// The words that were found in it: bytes of the message's text.
    pub marks: Vec<Range<usize>>,
}

/// Words that follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    /// As `folded` has them.
    words: Vec<String>,
    /// Whether the last is only a beginning.
    begins: bool,
}

impl Phrase {
    pub fn of(text: &str, begins: bool) -> Phrase {
        Phrase { words: tokens(text).map(|word| folded(&text[word]).collect()).collect(), begins }
    }

    /// Whether it stands at the beginning of `tokens`, which are words of `text`.
    fn is_at(&self, text: &str, tokens: &[Range<usize>]) -> bool {
        let last = self.words.len().saturating_sub(1);
        !self.words.is_empty()
            && tokens.len() >= self.words.len()
            && self.words.iter().zip(tokens).enumerate().all(|(at, (wanted, found))| {
                let found = &text[found.clone()];
                if self.begins && at == last { begins_with(found, wanted) } else { is(found, wanted) }
            })
    }
}

/// The part of `text` around the first of `phrases` that stands in it.
pub(super) fn of(phrases: &[Phrase], text: &str) -> Snippet {
    let mut seen: Vec<Range<usize>> = Vec::new();
    let mut first = None;
    // One that is found is looked at no further than is shown.
    for token in tokens(text) {
        if first.is_some_and(|first| token.start > first + SHOWN_BYTES) {
            break;
        }
        seen.push(token);
        let from = seen.len().saturating_sub(phrases.iter().map(|p| p.words.len()).max().unwrap_or(1));
        if first.is_none()
            && let Some(at) = (from..seen.len()).find(|&at| phrases.iter().any(|p| p.is_at(text, &seen[at..])))
        {
            first = Some(seen[at].start);
        }
    }
    let mut marks: Vec<Range<usize>> = Vec::new();
    for at in 0..seen.len() {
        let longest = phrases.iter().filter(|p| p.is_at(text, &seen[at..])).map(|p| p.words.len()).max();
        if let Some(words) = longest
            && marks.last().is_none_or(|before| before.end <= seen[at].start)
        {
            marks.push(seen[at].start..seen[at + words - 1].end);
        }
    }
    around(text, marks)
}

/// Where the words of a text stand, as FTS5's `unicode61` sees them.
fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(char::is_alphanumeric)?;
        let rest = &text[start..];
        let end = start + rest.find(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).unwrap_or(rest.len());
        from = end;
        Some(start..end)
    })
}

/// Lower case, without diacritics.
fn folded(word: &str) -> impl Iterator<Item = char> {
    word.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase)
}

/// Whether `word` is `wanted`, which is folded.
fn is(word: &str, wanted: &str) -> bool {
    if word.is_ascii() { word.eq_ignore_ascii_case(wanted) } else { folded(word).eq(wanted.chars()) }
}

/// Whether `word` begins with `wanted`, which is folded.
fn begins_with(word: &str, wanted: &str) -> bool {
    if word.is_ascii() {
        word.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted))
    } else {
        let mut letters = folded(word);
        wanted.chars().all(|c| letters.next() == Some(c))
    }
}

/// The part of `text` around the first of `marks`, from a word's beginning to a word's end.
fn around(text: &str, marks: Vec<Range<usize>>) -> Snippet {
    let first = marks.first().map_or(0, |m| m.start);
    let start = match first.checked_sub(LEAD_BYTES) {
        None | Some(0) => 0,
        Some(from) => {
            let from = text.ceil_char_boundary(from);
            text[from..first].find(char::is_whitespace).map_or(from, |space| from + space + 1)
        }
    };
    // The white space that was found may be more than a byte long.
    let start = text.ceil_char_boundary(start);
    let end = text.floor_char_boundary((start + SHOWN_BYTES).min(text.len()));
    let end = match text[start..end].rfind(char::is_whitespace) {
        Some(space) if end < text.len() && start + space > first => start + space,
        _ => end,
    };
    Snippet { start, end, marks: marks.into_iter().filter(|m| m.start >= start && m.end <= end).collect() }
}

#[cfg(test)]
mod tests {
    use super::{Phrase, Snippet, of};

    fn marked<'t>(phrases: &[(&str, bool)], text: &'t str) -> Vec<&'t str> {
        let phrases: Vec<Phrase> = phrases.iter().map(|(words, begins)| Phrase::of(words, *begins)).collect();
        of(&phrases, text).marks.into_iter().map(|mark| &text[mark]).collect()
    }

    #[test]
    fn words_are_marked_whatever_their_case_and_their_accents() {
        assert_eq!(
            marked(&[("depot", false)], "Das Dépôt, de\u{301}po\u{302}t und depots"),
            ["Dépôt", "de\u{301}po\u{302}t"]
        );
        assert_eq!(marked(&[("depot", true)], "depots_x"), ["depots"]);
        assert_eq!(marked(&[("nightly export", false)], "export, Nightly-Export nightly x export"), ["Nightly-Export"]);
        assert_eq!(marked(&[("a b c", false), ("b", false)], "a b b a b c"), ["b", "b", "a b c"]);
        assert_eq!(marked(&[("ПРИВЕТ", false), ("42", false)], "привет 42 420"), ["привет", "42"]);
        assert!(marked(&[("--", false), ("", true)], "a -- b").is_empty());
    }

    #[test]
    fn a_snippet_is_cut_between_words_and_between_letters() {
        let text = format!("{}dépôt {}", "é è ".repeat(100), "wörd ".repeat(100));
        let snippet = of(&[Phrase::of("depot", false)], &text);
        let shown = &text[snippet.start..snippet.end];
        assert!(shown.contains("dépôt") && shown.len() <= super::SHOWN_BYTES, "{shown:?}");
        assert!(!shown.starts_with(' ') && shown.ends_with("wörd"), "{shown:?}");
        let long = "x".repeat(1000);
        assert_eq!(of(&[Phrase::of("x", true)], &long).end, super::SHOWN_BYTES);
        assert_eq!(of(&[], ""), Snippet::default());
        assert_eq!(of(&[Phrase::of("é", false)], &"\u{a0}é".repeat(200)).start, 0);
    }
}
