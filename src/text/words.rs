//! Words for comparing texts: lower case, without endings, without the words that every text has.

use std::{borrow::Cow, collections::HashSet, sync::LazyLock};

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
/// Letters that end a word whole: "apply", "process", "status".
const NO_ENDINGS: [&str; 3] = ["ply", "ss", "us"];
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

/// A word without its ending, so that "decides" and "decided" meet, and "apply" and "applies".
pub fn stem(word: &str) -> Cow<'_, str> {
    let taken = |e: &&&str| word.ends_with(**e) && word.len() >= e.len() + SHORTEST_STEM;
    let whole = NO_ENDINGS.iter().any(|letters| word.ends_with(letters));
    let ending = ENDINGS.iter().filter(|_| !whole).find(taken);
    let stem = ending.map_or(word, |e| &word[..word.len() - e.len()]);
    // "decide" and "decid(ed)" meet only without the silent e.
    let stem = stem.strip_suffix('e').filter(|s| s.len() >= SHORTEST_STEM).unwrap_or(stem);
    match stem.strip_suffix('y') {
        // "appli(es)" and "apply", but not "days" and "dai".
        Some(start) if stem.len() >= SHORTEST_STEM && !start.ends_with(['a', 'e', 'i', 'o', 'u']) => {
            Cow::Owned(format!("{start}i"))
        }
        _ => Cow::Borrowed(stem),
    }
}

/// Whether `part` is, or may be growing into, a form of the word whose stem is `of`.
pub fn begins_a_form(part: &str, of: &str) -> bool {
    let ending = |rest: &str| ENDINGS.iter().any(|ending| ending.starts_with(rest));
    let y = of.strip_suffix('i').and_then(|start| part.strip_prefix(start)?.strip_prefix('y'));
    part.strip_prefix(of).into_iter().chain(y).any(ending)
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
    words(text).iter().filter(|w| !is_common(w)).map(|w| stem(w).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{content_stems, words};

    #[test]
    fn forms_of_a_word_meet() {
        assert_eq!(content_stems("They decided"), content_stems("he decides"));
        assert_eq!(content_stems("shipping on Friday"), ["shipp", "friday"]);
        for (one, other) in [
            ("it applies", "they apply"),
            ("applied", "applying"),
            ("it retries", "retry"),
            ("the process", "processes"),
            ("a query", "queries"),
            ("status", "statuses"),
            ("a day", "days"),
            ("release", "releases"),
        ] {
            assert_eq!(content_stems(one), content_stems(other), "{one}, {other}");
        }
    }

    #[test]
    fn other_words_do_not_meet() {
        for (one, other) in [("apply", "app"), ("party", "part"), ("reply", "rep"), ("key", "kei")] {
            assert_ne!(content_stems(one), content_stems(other), "{one}, {other}");
        }
    }

    #[test]
    fn an_apostrophe_inside_a_word_joins_and_elsewhere_parts() {
        assert_eq!(words("Don't say 'no', it’s v1.2"), ["dont", "say", "no", "its", "v1", "2"]);
    }
}
