//! The part of a message that a search shows, and where in it the words stand.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

/// Bytes of a message that are shown around the first word found.
const SHOWN_BYTES: usize = 240;
/// Of them before the word.
const LEAD_BYTES: usize = 60;
/// Pairs of marks that FTS5 is asked to set; the first pair that the text does not have is taken.
const MARKS: [(&str, &str); 3] = [("\u{2}", "\u{3}"), ("\u{fdd0}", "\u{fdd1}"), ("\u{fdd2}", "\u{fdd3}")];

/// Part of a message's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// Where it stands: bytes of the message's text.
    pub start: usize,
    pub end: usize,
    /// The words that were found in it: bytes of the message's text.
    pub marks: Vec<Range<usize>>,
}

/// Where `query` is found in the message of row `message`, whose text is `text`.
pub(super) fn of(on: &Connection, query: &str, message: i64, text: &str) -> rusqlite::Result<Snippet> {
    let Some((open, close)) = MARKS.into_iter().find(|(open, close)| !text.contains(open) && !text.contains(close))
    else {
        return Ok(around(text, Vec::new()));
    };
    let sql = "SELECT highlight(message_fts, 0, ?3, ?4) FROM message_fts WHERE message_fts MATCH ?1 AND rowid = ?2";
    let marked: Option<String> =
        on.prepare_cached(sql)?.query_row(params![query, message, open, close], |row| row.get(0)).optional()?;
    Ok(around(text, marked.map(|m| ranges(&m, open, close)).unwrap_or_default()))
}

/// What stands between marks, in bytes of the text without them.
fn ranges(marked: &str, open: &str, close: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut at, mut rest) = (0, marked);
    while let Some((before, after)) = rest.split_once(open) {
        let Some((word, left)) = after.split_once(close) else { break };
        let start = at + before.len();
        ranges.push(start..start + word.len());
        (at, rest) = (start + word.len(), left);
    }
    ranges
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
    use super::{around, ranges};

    #[test]
    fn marks_are_bytes_of_the_text_itself() {
        assert_eq!(ranges("né [dépôt] and [b]", "[", "]"), [4..11, 16..17]);
        assert!(ranges("[open", "[", "]").is_empty());
    }

    #[test]
    fn a_snippet_is_cut_between_words_and_between_letters() {
        let text = format!("{}dépôt {}", "é è ".repeat(100), "wörd ".repeat(100));
        let at = text.find("dépôt").expect("there");
        let snippet = around(&text, vec![at..at + "dépôt".len()]);
        let shown = &text[snippet.start..snippet.end];
        assert!(shown.contains("dépôt") && shown.len() <= super::SHOWN_BYTES, "{shown:?}");
        assert!(!shown.starts_with(' ') && shown.ends_with("wörd"), "{shown:?}");
        let long = "x".repeat(1000);
        assert_eq!(around(&long, vec![0..1000]).end, super::SHOWN_BYTES);
        assert_eq!(around("", Vec::new()), super::Snippet::default());
    }
}
