//! What a person types, as a query that FTS5 takes: words, "phrases", -words and beginnings*, and never a syntax error.

/// More is not looked at: terms, and letters of all of them.
const MOST_TERMS: usize = 16;
const MOST_LETTERS: usize = 256;

/// A query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl Words {
    pub fn parse(text: &str) -> Words {
        let text: String = text.chars().take(MOST_LETTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut words = Words::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() && words.wanted.len() + words.unwanted.len() < MOST_TERMS {
            let negated = rest.strip_prefix('-').filter(|after| !after.starts_with(char::is_whitespace));
            let from = negated.unwrap_or(rest);
            let (term, left) = match from.strip_prefix('"') {
                Some(phrase) => phrase.split_once('"').unwrap_or((phrase, "")),
                None => from.split_at(from.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(from.len())),
            };
            if let Some(term) = quoted(term, !from.starts_with('"')) {
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
        let mut query = format!("({})", self.wanted.join(if any { " OR " } else { " AND " }));
        for term in &self.unwanted {
            query.push_str(&format!(" NOT {term}"));
        }
        query
    }

    #[cfg(test)]
    fn terms(&self) -> (Vec<&str>, Vec<&str>) {
        (self.wanted.iter().map(String::as_str).collect(), self.unwanted.iter().map(String::as_str).collect())
    }
}

/// A term as an FTS5 string; `None` where it has no letter or digit to look for.
fn quoted(term: &str, may_begin: bool) -> Option<String> {
    if !term.contains(char::is_alphanumeric) {
        return None;
    }
    let begins = may_begin && term.ends_with('*');
    let words = term.replace('"', "\"\"");
    Some(if begins { format!("\"{}\" *", words.trim_end_matches('*')) } else { format!("\"{words}\"") })
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[track_caller]
    fn check(text: &str, wanted: &[&str], unwanted: &[&str]) {
        assert_eq!(Words::parse(text).terms(), (wanted.to_vec(), unwanted.to_vec()), "{text}");
    }

    #[test]
    fn words_phrases_negations_and_beginnings() {
        check("depot printers", &["\"depot\"", "\"printers\""], &[]);
        check("\"nightly export\" -cron", &["\"nightly export\""], &["\"cron\""]);
        check("-\"old cron\" export", &["\"export\""], &["\"old cron\""]);
        check("print*", &["\"print\" *"], &[]);
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
        assert!(Words::parse(&"é".repeat(10_000)).wanted[0].chars().count() <= super::MOST_LETTERS + 2);
    }
}
