//! Which words a written text may use: those of its evidence and of names, and the words that every text has.

use std::collections::{BTreeSet, HashSet};

use super::words;

/// The words of some texts, in any of their forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Vocabulary {
    words: BTreeSet<String>,
    stems: HashSet<String>,
}

impl Vocabulary {
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vocabulary {
        let mut words: BTreeSet<String> = texts.into_iter().flat_map(words::words).collect();
        if words.contains("cant") || words.contains("can") && words.contains("not") {
            words.insert("cannot".to_owned());
        }
        let stems = words.iter().filter(|w| !words::is_common(w)).map(|w| words::stem(w).into_owned()).collect();
        Vocabulary { words, stems }
    }

    /// Whether `text` uses nothing else. Its last word may still be growing, unless the text has `ended`.
    ///
    /// A word with a capital, but for the first, and a number must stand in the texts as they are: they name something.
    pub fn admits(&self, text: &str, ended: bool) -> bool {
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
        let growing = !ended && text.ends_with(inside);
        let mut rest = text.split(|c| !inside(c)).filter(|word| !word.is_empty()).enumerate().peekable();
        while let Some((n, written)) = rest.next() {
            let exact = n > 0 && written.starts_with(char::is_uppercase) || written.starts_with(char::is_numeric);
            let word: String = words::words(written).concat();
            let known = match growing && rest.peek().is_none() {
                true => self.begins(&word, exact),
                false => self.has(&word, exact),
            };
            if !known && !word.is_empty() {
                return false;
            }
        }
        true
    }

    fn has(&self, word: &str, exact: bool) -> bool {
        self.words.contains(word) || !exact && (words::is_common(word) || self.stems.contains(&*words::stem(word)))
    }

    /// Whether some word that it has begins with `part`.
    fn begins(&self, part: &str, exact: bool) -> bool {
        let known = self.words.range(part.to_owned()..).next().is_some_and(|word| word.starts_with(part));
        // "decid" may still become "decided".
        let longer = |stem: &String| words::begins_a_form(part, stem);
        known || !exact && (words::begins_common(part) || self.stems.iter().any(longer))
    }
}

#[cfg(test)]
mod tests {
    use super::Vocabulary;

    #[track_caller]
    fn check(text: &str, ended: bool, admitted: bool) {
        let vocabulary = Vocabulary::of(["We agreed to move the release to 14 March.", "Ana Lima", "said"]);
        assert_eq!(vocabulary.admits(text, ended), admitted, "{text}");
    }

    #[test]
    fn words_of_the_evidence_in_any_form_are_admitted() {
        check("They agreed to move the release to 14 March.", true, true);
        check("Ana Lima said they are moving the releases.", true, true);
        check("Moves were agreed", true, true);
        check("", true, true);
    }

    #[test]
    fn other_forms_may_grow_letter_by_letter() {
        let vocabulary = Vocabulary::of(["It applies to every process, and we can't retry."]);
        for word in ["apply", "applied", "applying", "processes", "cannot", "retries", "retrying"] {
            assert!(vocabulary.admits(word, true), "{word}");
            assert!((1..=word.len()).all(|end| vocabulary.admits(&word[..end], false)), "{word}");
        }
        for word in ["app", "appl", "applyist", "processor", "retro"] {
            assert!(!vocabulary.admits(word, true), "{word}");
        }
    }

    #[test]
    fn other_words_names_and_numbers_are_not() {
        check("They agreed to postpone the release.", true, false);
        check("They agreed to move the release to 15 March.", true, false);
        check("They moved the Release to April.", true, false);
        check("They moved the Moving", true, false);
        check("Raj said", true, false);
    }

    #[test]
    fn a_word_may_grow_until_nothing_begins_so() {
        check("They agr", false, true);
        check("They rel", true, false);
        check("They agx", false, false);
        check("to 1", false, true);
        check("to 1 ", false, false);
        check("Ana L", false, true);
        check("They releas", false, true);
        check("They releasi", false, true);
        check("They releasa", false, false);
        check("They wou", false, true);
    }
}
