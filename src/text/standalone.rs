//! How much a sentence leans on what stood before it: "It does, if not for that" tells nobody anything.

use std::sync::LazyLock;

use regex::Regex;

/// Openings that point back: connectives, pronouns, answers.
static POINTS_BACK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)^\W*(?:
            and|but|so|or|nor|yet|because|which|whereas|although|though|otherwise|also|then|too|however|therefore|thus|hence
            |instead|besides|likewise|anyway|e\.g|i\.e|p\.?s
            |moreover|furthermore|additionally|finally|next|meanwhile|as\ (?:such|well)|for\ (?:example|instance)
            |note\ that|if\ (?:not|so)|in\ (?:that|this|which)\ case|for\ (?:that|this)\ reason
            |yes|no|yeah|yep|nope|well|ok|okay|right|sure|exactly|indeed|thanks|hi|hello
            |it|its|it['’]s|that|that['’]s|these|those|they|them|their|he|she|his|her|such|same
            |the\ (?:former|latter|same|other|above|following|first|second)\b
            |one\ (?:is|was|of)|another\ (?:one|is)|both\ of|none\ of\ (?:them|these|those)
        )\b",
    )
});
/// "This" points back unless it names what it speaks of.
static THIS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W*this\b(?:\W+(?:pep|eip|kep|rfc|proposal|document|specification|draft|paper|change|release|meeting|week|year|month)\b)?",
    )
});
/// Endings that point on.
static POINTS_ON: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?::|\b(?:the following|as follows|below|reads|such as|etc|for example))\W*$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("it compiles")
}

/// The number of ways in which `text` leans on its surroundings; 0 for what can stand alone.
pub fn leanings(text: &str) -> usize {
    let this =
        THIS.find(text).is_some_and(|m| m.as_str().trim_start_matches(|c: char| !c.is_alphanumeric()).len() == 4);
    let lower = text.trim_start().starts_with(char::is_lowercase);
    usize::from(POINTS_BACK.is_match(text) || this) + usize::from(POINTS_ON.is_match(text)) + usize::from(lower)
}

#[cfg(test)]
mod tests {
    use super::leanings;

    #[test]
    fn what_points_nowhere_stands_alone() {
        for text in [
            "We agreed to move the release to 14 March.",
            "This proposal adds a field to the header.",
            "If the export fails again, Tomasz is paged.",
            "The latency of the export has doubled.",
            "Agreed: the window is 05:00 to 05:45.",
        ] {
            assert_eq!(leanings(text), 0, "{text}");
        }
    }

    #[test]
    fn what_points_back_or_on_leans() {
        for text in [
            "If not, the old one stays.",
            "It has a server for that.",
            "This is what we need.",
            "But the parser is not ready.",
            "that is what we said.",
            "We have an item that reads:",
            "The latter is cheaper.",
        ] {
            assert!(leanings(text) > 0, "{text}");
        }
    }
}
