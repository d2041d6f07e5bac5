//! Words for comparing texts: lower case, without endings, without the words that every text has.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that say nothing about what a text is about.
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "the a an of to in on for and or is are was were be been being it this that these those i you he she they we as with by \
     at from not but if so do does did have has had will would can could should may might must there here their its his her \
     our your my me us them what which who whom when where why how then than also just about into over more most some any no \
     yes uh um oh okay ok yeah well like really very only too such each other both all up out off now still get got go going \
     one im ive id ill youre thats its dont doesnt didnt isnt arent wasnt cant couldnt wont wouldnt lets"
        .split_whitespace()
        .collect()
});

/// Endings that are taken off, longest first.
const ENDINGS: [&str; 5] = ["ing", "ed", "es", "ly", "s"];
/// A stem keeps at least this many letters.
const SHORTEST_STEM: usize = 3;

/// The words of `text`: runs of letters and digits, lower case, an apostrophe inside one dropped.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        } else if matches!(c, '\'' | '’') && !word.is_empty() && chars.peek().is_some_and(|c| c.is_alphabetic()) {
            // "don't" is one word.
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A word without its ending, so that "decides" and "decided" meet.
pub fn stem(word: &str) -> &str {
    let ending = ENDINGS.iter().find(|e| word.ends_with(**e) && word.len() >= e.len() + SHORTEST_STEM);
    let stem = ending.map_or(word, |e| &word[..word.len() - e.len()]);
    // "decide" and "decid(ed)" meet only without the silent e.
    stem.strip_suffix('e').filter(|s| s.len() >= SHORTEST_STEM).unwrap_or(stem)
}

/// Whether some ending that `stem` takes off begins with `part`.
pub fn begins_an_ending(part: &str) -> bool {
    ENDINGS.iter().any(|ending| ending.starts_with(part))
}

/// True for a word that every text has ("the", "would", "okay").
pub fn is_common(word: &str) -> bool {
    COMMON.contains(word)
}

/// Whether a word that every text has begins with `part`.
pub fn begins_common(part: &str) -> bool {
    COMMON.iter().any(|word| word.starts_with(part))
}

/// The stems of the words of `text` that say what it is about.
pub fn content_stems(text: &str) -> Vec<String> {
    words(text).iter().filter(|w| !is_common(w)).map(|w| stem(w).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{content_stems, words};

    #[test]
    fn forms_of_a_word_meet() {
        assert_eq!(content_stems("They decided"), content_stems("he decides"));
        assert_eq!(content_stems("shipping on Friday"), ["shipp", "friday"]);
    }

    #[test]
    fn an_apostrophe_inside_a_word_joins_and_elsewhere_parts() {
        assert_eq!(words("Don't say 'no', it’s v1.2"), ["dont", "say", "no", "its", "v1", "2"]);
    }
}
