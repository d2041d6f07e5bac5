//! How a quote is shown: white space joined, marks of markup dropped, and for speech the fillers and false starts left out.
//!
//! Only deletions: every word that is shown stands in the quote, in the same order. The cite keeps the exact bytes.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::compiled;

/// Sounds that carry nothing. Transcripts also mark noises in braces or brackets.
static FILLER: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\{[a-z ]+\}|\[(?:laughter|noise|inaudible|crosstalk|pause)\]|\b(?:u+h+m*|u+m+|e+r+m*|h+m+|mm+(?:-hmm)?|mhm|uh-huh|ah+|eh+)\b[,.]?|,? ?\b(?:you know|i mean)\b,",
    )
});
/// "w which", "th the": a word begun and begun again.
static FALSE_START: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)(^|[\s(,])([a-z]{1,3}) +([a-z]+)\b"));
/// A space before punctuation, as some transcripts have it.
static LOOSE_STOP: LazyLock<Regex> = LazyLock::new(|| compiled(r"\s+([.,;:?!…])"));
static COMMAS: LazyLock<Regex> = LazyLock::new(|| compiled(r",(?:\s*,)+|,\s*([.?!])"));
static OPENING: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^(?:[\s,.;:–—-]+|(?:so|and|but|well|okay|ok|yeah|yep|right|alright|now|or|oh|anyway|like|basically|actually)\b[\s,.]+)+",
    )
});
static LINK: LazyLock<Regex> = LazyLock::new(|| compiled(r"!?\[([^\]\[]*)\]\([^)\s]*\)|!?\[([^\]\[]+)\]\[[^\]\[]*\]"));
static MARKS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?m)^\s*(?:#{1,6}\s+|[-*+•·]\s+|\d{1,2}[.)]\s+|>+\s*)|\*\*|:[a-z][\w:.+-]*:`~?|``?"));
/// The roles of reStructuredText that name what their number is of: "PEP 557".
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i):(pep|rfc):`"));
/// What parts the cells of a table.
static CELL: LazyLock<Regex> = LazyLock::new(|| compiled(r"\s*\|[\s|:-]*"));

/// Prose and chat: white space joined, marks of markup dropped, links by their words.
pub fn written(quote: &str) -> String {
    joined(&without_marks(quote))
}

/// Speech: fillers, stutters and the small words that open a turn left out; a capital at the beginning.
pub fn spoken(quote: &str) -> String {
    let text = without_marks(quote);
    let text = FILLER.replace_all(&text, " ");
    let text = LOOSE_STOP.replace_all(&text, "$1");
    let text = without_stutter(&joined(&text));
    let text = COMMAS.replace_all(&text, |found: &regex::Captures| {
        found.get(1).map_or(",".to_owned(), |stop| stop.as_str().to_owned())
    });
    let text = joined(&text);
    let rest = OPENING.replace(&text, "");
    let text = if rest.split_whitespace().count() >= 3 { rest.into_owned() } else { text };
    capital(text.trim_start_matches([',', '.', ' ', '-']))
}

fn without_marks(quote: &str) -> String {
    let text = LINK.replace_all(quote, "$1$2");
    let text = NUMBERED.replace_all(&text, "$1 ");
    let text = MARKS.replace_all(&text, "");
    CELL.replace_all(&text, " ").into_owned()
}

fn without_stutter(text: &str) -> String {
    let text = FALSE_START.replace_all(text, |found: &regex::Captures| {
        let (before, begun, whole) = (&found[1], &found[2], &found[3]);
        let begins = whole.len() > begun.len() && whole.to_lowercase().starts_with(&begun.to_lowercase());
        // "a" and "I" are words; "in into" is not a stutter, "w which" is: a start without a vowel is none of its own.
        let no_word = !begun.contains(['a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y']);
        if begins && no_word { format!("{before}{whole}") } else { found[0].to_owned() }
    });
    let mut kept: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        let (bare, last) = (bare(word), kept.last().map(|w| bare(w)).unwrap_or_default());
        let again = !bare.is_empty() && bare == last && !kept.last().is_some_and(|w| w.ends_with(['.', '?', '!']));
        if again {
            kept.pop();
        }
        kept.push(word);
    }
    kept.join(" ")
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{spoken, written};

    #[test]
    fn speech_loses_its_fillers_and_keeps_its_words() {
        assert_eq!(
            spoken("So um we we should uh w which keep the the rubber case ."),
            "We should which keep the rubber case."
        );
        assert_eq!(spoken("{vocalsound} Yeah , I 've have never done it"), "I 've have never done it");
        assert_eq!(spoken("Okay."), "Okay.");
        assert_eq!(spoken("* I don't think t think so"), "I don't think so");
        assert_eq!(spoken("I think that that will do, you know, fine"), "I think that will do fine");
    }

    #[test]
    fn markup_goes_and_words_stay() {
        assert_eq!(
            written("- **Ship** the [new parser](http://example.com/x)\n  on `main`"),
            "Ship the new parser on main"
        );
        assert_eq!(written("| Parser | done |"), "Parser done");
        assert_eq!(written("## Plan\nsnake__case and 2 * 3"), "Plan snake__case and 2 * 3");
        assert_eq!(written("the `__init__` of :func:`~re.match`"), "the __init__ of re.match");
        assert_eq!(written(":pep:`557` added :mod:`dataclasses`"), "pep 557 added dataclasses");
    }
}
