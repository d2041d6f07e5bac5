//! Patterns that people write in the configuration to say which things they mean: `slack-*`, `#inc?dent`.

use serde::{Deserialize, Serialize};

/// One pattern or several, of which any may fit. `*` stands for anything, `?` for one character, and case does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Patterns {
    One(String),
    Any(Vec<String>),
}

impl Patterns {
    /// Whether any of `words` fits any of the patterns.
    pub fn fit(&self, words: &[&str]) -> bool {
        let patterns = match self {
            Patterns::One(one) => std::slice::from_ref(one),
            Patterns::Any(any) => any,
        };
        patterns.iter().any(|pattern| words.iter().any(|word| glob(pattern, word)))
    }
}

/// Whether `words` fit; where nothing is asked, everything does.
pub fn fit(patterns: Option<&Patterns>, words: &[&str]) -> bool {
    patterns.is_none_or(|patterns| patterns.fit(words))
}

/// `*` any run of characters, `?` any one, all else itself in either case.
fn glob(pattern: &str, word: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let (mut p, mut w) = (0, 0);
    // Where the last star stood, and how much of the word it has taken.
    let mut star: Option<(usize, usize)> = None;
    while w < word.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, w));
                p += 1;
            }
            Some(c) if *c == '?' || *c == word[w] => (p, w) = (p + 1, w + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, w) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn patterns_fit_as_people_expect() {
        for (pattern, word, fit) in [
            ("slack-*", "Slack-HQ", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xxaxxab", true),
            ("*a*b", "xxaxxa", false),
            ("", "x", false),
            ("été-*", "ÉTÉ-1", true),
        ] {
            assert_eq!(glob(pattern, word), fit, "{pattern} {word}");
        }
    }
}
