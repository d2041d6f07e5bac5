//! How much speech falters: "this meeting we are it's fo should be about" has words enough, and says nothing in writing.
//!
//! What is taken up again, broken off or begun anew is counted; sounds like "um" are not, since leaving them out costs nothing.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::compiled;

/// Marks of transcribers where speech breaks off, and words that stop in the middle.
static BROKEN: LazyLock<Regex> = LazyLock::new(|| {
    let marks =
        r"(?i)\{(?:disfmarker|gap)\}|\[(?:inaudible|unclear|crosstalk)\]|@ ?@|\w[-–—](?:\s|$)|\.\.\.|…|\w\s--?\s";
    compiled(&format!(r"{marks}|\b(?:the|a|an|of)\s*,|\b(?-i:[b-hj-z])\s+(?-i:[a-z])"))
});
/// A subject, then another one before the first did anything: "we can we decided", "we are it's", "we the project".
static RESTART: LazyLock<Regex> = LazyLock::new(|| {
    let subject = r"(?:i|we|you|they|he|she|it)";
    let begun = r"(?:['’](?:s|re|m|ve|ll|d))?(?:\s+(?:am|is|are|was|were|can|could|will|would|should|might|must|have|has|had|do|does|did|just|also))*";
    compiled(&format!(
        r"(?i)\b{subject}{begun}\s+{subject}\b|\b(?:we|i|they|he|she)\s+(?:the|a|an|this|my|our)\b|\b(?:the|an)\s+(?:is|are|was|were|the|a|an|we|you|they|i)\b|\b(?:of|to|in|for|with)\s+(?:is|are|was|were)\b"
    ))
});
/// The same pair of words twice: "size of the of the device".
const PAIR: usize = 2;
/// As many words in a row, said again after a few others, were begun anew: "the last run in the last run we".
const PHRASE: usize = 3;
const PHRASE_WITHIN: usize = 6;
/// What is said while looking for words. One such is how people talk; several leave little said.
static MUMBLED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:you know|i mean|i guess|kind of|sort of|kinda|sorta|and stuff|or something|or whatever|and whatnot|whatnot|and so on|yeah|you see|like,|basically|actually)",
    )
});
/// Short words that begin longer ones and are themselves words: "the theory" is no stutter.
const WORDS: &str = "a i an the to in on of or so no we be he me my at as is it if up do go by us am for are not one all any can her his \
                     out our per she was who you but how its now old own see two use way end new let put set did get has had him";

/// How often `quote`, as it was said, breaks off, is taken up again or begun anew.
pub fn falters(quote: &str) -> usize {
    let words: Vec<String> =
        quote.split_whitespace().map(bare).filter(|word| !word.is_empty() && !is_sound(word)).collect();
    let again = words.windows(2).filter(|pair| stutters(&pair[0], &pair[1])).count();
    let pairs = words.windows(2 * PAIR).filter(|four| four[..PAIR] == four[PAIR..] && four[0] != four[1]).count();
    let phrase = |n: usize| {
        let said = &words[n..n + PHRASE];
        let rest = &words[n + PHRASE..(n + PHRASE + PHRASE_WITHIN).min(words.len())];
        rest.windows(PHRASE).any(|again| again == said)
    };
    let phrases = (0..words.len().saturating_sub(PHRASE)).filter(|&n| phrase(n)).count().min(1);
    again + pairs + phrases + BROKEN.find_iter(quote).count() + RESTART.find_iter(&words.join(" ")).count()
}

/// How often `quote` fills in while its speaker looks for words.
pub fn mumbles(quote: &str) -> usize {
    MUMBLED.find_iter(quote).count()
}

/// "the the", "th the", "fo for".
fn stutters(first: &str, second: &str) -> bool {
    let twice = first == second && !matches!(first, "that" | "had" | "very" | "no" | "yeah");
    let begun =
        second.len() > first.len() && second.starts_with(first) && !WORDS.split_whitespace().any(|word| word == first);
    twice || begun && first.chars().all(char::is_alphabetic) && first.chars().count() <= 5
}

fn is_sound(word: &str) -> bool {
    matches!(word, "uh" | "um" | "uhm" | "er" | "erm" | "hm" | "hmm" | "mm" | "mhm" | "ah" | "eh" | "oh")
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{falters, mumbles};

    #[test]
    fn plain_speech_does_not_falter() {
        for said in [
            "Um, I think we should move the export to five.",
            "The theory is that the queue was never emptied.",
            "We decided that that part can wait.",
            "You know it works, and I hope they will see it.",
            "It is to be used by the team on call, in a hurry, for the whole of the night, with a lamp.",
        ] {
            assert_eq!(falters(said), 0, "{said}");
        }
    }

    #[test]
    fn what_breaks_off_or_begins_anew_falters() {
        for said in [
            "this meeting we are it's fo should be about the queue",
            "we can we decided to use the small one",
            "it depends on the size of the of the device",
            "so the the export is late",
            "what is the tec technical side",
            "yeah so we the project is now the queue",
            "it is used like a b a hard case",
            "and then we would- well the other one",
            "what the last run in the last run we had is slow",
        ] {
            assert!(falters(said) > 0, "{said}");
        }
    }

    #[test]
    fn who_looks_for_words_mumbles() {
        assert_eq!(mumbles("I guess it is, you know, kind of slow or something."), 4);
        assert_eq!(mumbles("The export is slow and we do not know why."), 0);
    }
}
