//! What people say to be kind to each other: it is read, and tells a reader who was not there nothing.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::compiled;

/// Longer than this it is said about something. Words.
const MOST_WORDS: usize = 14;

static OPENING: LazyLock<Regex> = LazyLock::new(|| {
    let said = r"thanks?|thank\ you|many\ thanks|cheers|ha(?:ha)+|lol|hi|hello|hey|bye|goodbye|welcome|congrat\w*|enjoy|same\ here
                |good\ (?:morning|afternoon|evening|night|luck)|(?:have|had)\ an?\ (?:nice|good|great|lovely)|see\ you|happy\ \w+
                |(?:what|such)\ an?\ (?:nice|good|great|lovely)|sounds\ (?:good|great)|(?:nice|good|great)\ (?:work|job|to\ see)";
    compiled(&format!(r"(?ix)^\W*(?:(?:oh|and|so|well|yes|ok|okay|wow)\b\W*)*(?:{said})\b"))
});

/// Words with which a courtesy goes on to something else.
static ABOUT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)[0-9?:/]|['’]ll\b|\b(?:please|will|could|should|needs?|must|agreed?|decided?|but|because|if|unless)\b",
    )
});

/// True for thanks, greetings and good wishes that are nothing else.
pub fn is_courtesy(text: &str) -> bool {
    !ABOUT.is_match(text) && text.split_whitespace().count() <= MOST_WORDS && OPENING.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::is_courtesy;

    #[test]
    fn thanks_and_wishes_are_courtesies() {
        for text in [
            "Thanks a lot for the lovely cake, it was great.",
            "Haha, have a nice weekend everyone.",
            "Oh, thank you all so much, see you soon!",
            "Good morning everybody!",
        ] {
            assert!(is_courtesy(text), "{text}");
        }
    }

    #[test]
    fn what_is_about_something_is_none() {
        for text in [
            "Thanks to the new pool the nightly export of all of the depots now ends before the morning shift begins.",
            "Thanks, please send the list.",
            "Hi, the release moves to 14 March.",
            "The welcome page is broken.",
            "Goodbye old parser: it is deleted.",
        ] {
            assert!(!is_courtesy(text), "{text}");
        }
    }
}
