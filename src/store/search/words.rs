//! What a person types, as a query that FTS5 takes: words, "phrases", -words and beginnings*, and never a syntax error.

use super::snippet::Phrase;

/// More is not looked at: terms, and letters of all of them.
const MOST_TERMS: usize = 16;
const MOST_LETTERS: usize = 256;

/// Letters of a beginning: of fewer too many words begin with it.
const LEAST_BEGINNING: usize = 3;

/// A query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Words {
    wanted: Vec<Term>,
    unwanted: Vec<Term>,
}

/// A word or a phrase.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Term {
    text: String,
    begins: bool,
}

impl Words {
    pub fn parse(text: &str) -> Words {
        let text: String = text.chars().take(MOST_LETTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut words = Words::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() && words.wanted.len() + words.unwanted.len() < MOST_TERMS {
            let negated = rest.strip_prefix('-').filter(|after| !after.starts_with(char::is_whitespace));
            let from = negated.unwrap_or(rest);
            let (text, left) = match from.strip_prefix('"') {
                Some(phrase) => phrase.split_once('"').unwrap_or((phrase, "")),
                None => from.split_at(from.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(from.len())),
            };
            if let Some(term) = Term::of(text, !from.starts_with('"')) {
                if negated.is_some() { &mut words.unwanted } else { &mut words.wanted }.push(term);
            }
            // A minus alone leaves nothing behind it; one letter less is always left.
            rest = if left.len() < rest.len() { left } else { &rest[1..] }.trim_start();
        }
        words
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Whether looking for any of the words finds more than looking for all.
    pub(super) fn several(&self) -> bool {
        self.wanted.len() > 1
    }

    /// FTS5 syntax: all of the wanted, or any, and none of the unwanted.
    pub(super) fn fts(&self, any: bool) -> String {
        let wanted: Vec<String> = self.wanted.iter().map(Term::fts).collect();
        let mut query = format!("({})", wanted.join(if any { " OR " } else { " AND " }));
        for term in &self.unwanted {
            query.push_str(&format!(" NOT {}", term.fts()));
        }
        query
    }

    /// The wanted, as they are to be found in a text.
    pub(super) fn phrases(&self) -> Vec<Phrase> {
        self.wanted.iter().map(|term| Phrase::of(&term.text, term.begins)).collect()
    }
}

impl Term {
    /// `None` where there is no letter or digit to look for.
    fn of(text: &str, may_begin: bool) -> Option<Term> {
        let bare = text.trim_end_matches('*');
        let begins = may_begin && bare.len() < text.len() && bare.chars().count() >= LEAST_BEGINNING;
        text.contains(char::is_alphanumeric).then(|| Term { text: bare.to_owned(), begins })
    }

    /// A string of FTS5: nothing in it means anything.
    fn fts(&self) -> String {
        format!("\"{}\"{}", self.text.replace('"', "\"\""), if self.begins { " *" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[track_caller]
    fn check(text: &str, wanted: &[&str], unwanted: &[&str]) {
        let words = Words::parse(text);
        let fts = |terms: &[super::Term]| terms.iter().map(super::Term::fts).collect::<Vec<_>>();
        assert_eq!((fts(&words.wanted), fts(&words.unwanted)), (strings(wanted), strings(unwanted)), "{text}");
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|t| (*t).to_owned()).collect()
    }

    #[test]
    fn words_phrases_negations_and_beginnings() {
        check("depot printers", &["\"depot\"", "\"printers\""], &[]);
        check("\"nightly export\" -cron", &["\"nightly export\""], &["\"cron\""]);
        check("-\"old cron\" export", &["\"export\""], &["\"old cron\""]);
        check("print* pr* *", &["\"print\" *", "\"pr\""], &[]);
        check("a\"b c\"d", &["\"a\"", "\"b c\"", "\"d\""], &[]);
    }

    #[test]
    fn what_means_something_to_fts5_is_only_text_here() {
        check("NEAR(a b) OR text:x", &["\"NEAR(a\"", "\"b)\"", "\"OR\"", "\"text:x\""], &[]);
        check("- -- --- * \" \"\" () ^", &[], &[]);
        check("it's \"unclosed", &["\"it's\"", "\"unclosed\""], &[]);
        check("\u{0}a\u{0}b", &["\"a\"", "\"b\""], &[]);
    }

    #[test]
    fn nothing_is_endless() {
        let many = "x ".repeat(10_000);
        assert_eq!(Words::parse(&many).wanted.len(), super::MOST_TERMS);
        assert!(Words::parse(&"é".repeat(10_000)).wanted[0].text.chars().count() <= super::MOST_LETTERS);
    }
}
