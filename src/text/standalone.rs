//! How much a sentence leans on what stood before it: "It does, if not for that" tells nobody anything.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::compiled;

/// Openings that point back: connectives, pronouns, answers.
static POINTS_BACK: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
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
    compiled(
        r"(?i)^\W*this\b(?:\W+(?:pep|eip|kep|rfc|proposal|document|specification|draft|paper|change|release|meeting|week|year|month)\b)?",
    )
});
/// "This file", "these pumps": what is pointed at is named.
static NAMES: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)^\W*(?:this|these)\s+(?:new\s+)?(\p{L}{3,})\b"));
/// What follows a "this" that stands for itself.
static NO_NAME: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^(?:was|were|are|has|have|had|does|did|can|could|will|would|should|may|might|must|shall|also|then|all|one|ones|way|time|means|meant|makes|made|seems|looks|works|gives|leads|allows|requires|needs|only|just|not|and|but|which|that|too)$",
    )
});

/// Endings that point on.
static POINTS_ON: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)(?::|\b(?:the following|as follows|below|reads|such as|etc|for example|(?:do|does|did|achieve|for|of|like|with|about|doing) (?:this|that|it|these|those|so)))\W*$",
    )
});

/// A pronoun in the middle that something before the sentence stands for: "I can live with it if …".
static POINTS_ELSEWHERE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix)\b(?:with|about|for|of|on|like|do|does|did|doing|try|tried|use|used|have|had|see|saw|support|want|need|make|made|take|took
            |put|get|got|keep|kept|fix|fixed|read|seen|done|move|moved|change|changed)\s(?:it|them|that|this|those|these)
            (?:\s*[.,;:!?)]|$|\s(?:if|when|but|and|because|so|as|in|at|on|by|to|for|with|now|today|again|until|before|after)\b)",
    )
});

/// Verbs that speech is made with, and the ending of the others' past.
static VERB: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix)['’](?:s|re|m|ve|ll|d)\b|n['’]t\b|\b(?:
            am|is|are|was|were|be|been|has|have|had|do|does|did|can|could|will|would|shall|should|may|might|must|gonna|wanna
            |needs?|wants?|thinks?|thought|means?|meant|says?|said|goes|went|gets?|got|makes?|made|takes?|took|gives?|gave
            |knows?|knew|sees?|saw|comes?|came|puts?|lets|keeps?|kept|finds?|found|seems?|looks?|works?|uses?|depends?
            |[a-z]{2,}ed)\b",
    )
});

/// False for what has no verb that shows: "First of all, the case, the surrounding of it". Wrong at times on rare verbs.
pub fn has_verb(text: &str) -> bool {
    VERB.is_match(text)
}

/// Words that no statement ends with. (With a capital they may be names: "plan A", "a logical OR".)
static OPEN: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"\b(?:a|an|the|my|our|your|their|and|or|but|nor|because|if|unless|whether|than|of|into)\W*$")
});
/// Words that it does not end with unless a stop says so.
static OPEN_UNSTOPPED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"\b(?:to|that|which|who|for|with|from|in|on|at|by|as|is|are|was|were|be|we|I|you|they|he|she|can|will|would|should)[^\w.!?…]*$",
    )
});

/// Whether `text` ends before its sentence does: "can we expect that the".
pub fn breaks_off(text: &str) -> bool {
    OPEN.is_match(text) || OPEN_UNSTOPPED.is_match(text)
}

/// The number of ways in which `text` leans on its surroundings; 0 for what can stand alone.
pub fn leanings(text: &str) -> usize {
    let this =
        THIS.find(text).is_some_and(|m| m.as_str().trim_start_matches(|c: char| !c.is_alphanumeric()).len() == 4);
    let lower = text.trim_start().starts_with(char::is_lowercase);
    usize::from(POINTS_BACK.is_match(text) || this) + usize::from(POINTS_ON.is_match(text)) + usize::from(lower)
}

/// Whether all that `text` leans with is a "this" that names what it points at.
pub fn only_points_by_name(text: &str) -> bool {
    let names =
        NAMES.captures(text).and_then(|found| found.get(1)).is_some_and(|name| !NO_NAME.is_match(name.as_str()));
    names && leanings(text) <= 1
}

/// Whether a pronoun within stands for something that stood before. Right for most short sentences; in long ones it may
/// stand for what the sentence itself names.
pub fn points_elsewhere(text: &str) -> bool {
    POINTS_ELSEWHERE.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::{breaks_off, has_verb, leanings, only_points_by_name, points_elsewhere};

    #[test]
    fn a_pronoun_may_stand_for_what_is_elsewhere() {
        for text in ["I can live with it if somebody owns the list.", "We should do that today.", "They moved it."] {
            assert!(points_elsewhere(text), "{text}");
        }
        for text in ["We decided that the export moves.", "Do that many printers fail?", "It rains on those roofs."] {
            assert!(!points_elsewhere(text), "{text}");
        }
    }

    #[test]
    fn a_sentence_may_end_before_it_is_over() {
        for text in
            ["Can we expect that the", "It depends on the.", "They ship it because,", "We would like to", "The rule is"]
        {
            assert!(breaks_off(text), "{text}");
        }
        for text in [
            "They know what it is for.",
            "That is how it is.",
            "Close the list",
            "It is done (by all of us)",
            "We take plan A.",
            "",
        ] {
            assert!(!breaks_off(text), "{text}");
        }
    }

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
    fn a_this_may_name_what_it_points_at() {
        assert!(only_points_by_name("This valve does not close when I turn it off."));
        for text in
            ["This is what we need.", "This does not close.", "It does not close.", "This valve closes as follows:"]
        {
            assert!(!only_points_by_name(text), "{text}");
        }
    }

    #[test]
    fn what_was_begun_and_left_has_no_verb() {
        for text in ["First of all, the case, the surrounding of the remote control.", "Design a new remote control."] {
            assert!(!has_verb(text), "{text}");
        }
        for text in
            ["The budget was cut.", "They dropped the logo.", "It's rubber.", "We don't know.", "This depends on it."]
        {
            assert!(has_verb(text), "{text}");
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
            "You can use the old flag to achieve this.",
        ] {
            assert!(leanings(text) > 0, "{text}");
        }
    }
}
