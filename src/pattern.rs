//! Patterns for what people write, compiled small.
//!
//! The 780 ranges of Unicode's `\w` become large automata, forwards and backwards, wherever they stand in a pattern: of the
//! 39 MB that a daemon with nothing to do had allocated, 32 were patterns and what they keep to match. Blocks of letters are a
//! few ranges. A digit is one that we can reckon with.

use regex::{Regex, RegexSet, RegexSetBuilder};

/// `\w` but for some signs: letters, digits, marks and joiners; beside them the few other characters of the blocks of letters,
/// as `×` and the Arabic comma. No punctuation of Latin, Greek, Cyrillic or CJK text, no symbol, no emoji.
const WORD: &str = r"0-9A-Z_a-z\x{AA}\x{B5}\x{BA}\x{C0}-\x{1FFF}\x{200C}\x{200D}\x{203F}\x{2C00}-\x{2DFF}\x{3005}-\x{3007}\x{3031}-\x{3035}\x{3041}-\x{30FA}\x{30FC}-\x{D7FF}\x{F900}-\x{FDFF}\x{FE00}-\x{FE0F}\x{FE20}-\x{FE2F}\x{FE70}-\x{FEFC}\x{FF10}-\x{FF19}\x{FF21}-\x{FF3A}\x{FF3F}\x{FF41}-\x{FF5A}\x{FF66}-\x{FFDC}\x{10000}-\x{1EFFF}\x{20000}-\x{3FFFF}\x{E0100}-\x{E01EF}";

/// The pattern, compiled. In it `\w` and `\W` are told apart by blocks, `\d` is `[0-9]`, and `\b` is Unicode's.
///
/// # Panics
/// Where it is no pattern: every one is a constant, and a test compiles it.
pub fn compiled(pattern: &str) -> Regex {
    Regex::new(&small(pattern)).expect("the pattern is a constant, and a test compiles it")
}

/// Patterns that are looked for at once, whatever their case; as in [`compiled`]. `dfa_bytes`: room for their lazy automaton, where
/// the usual 2 MiB are too few and matching would be many times slower.
///
/// # Panics
/// As [`compiled`].
pub fn compiled_set(patterns: &[impl AsRef<str>], dfa_bytes: Option<usize>) -> RegexSet {
    let mut builder = RegexSetBuilder::new(patterns.iter().map(|pattern| small(pattern.as_ref())));
    builder.case_insensitive(true);
    if let Some(bytes) = dfa_bytes {
        builder.dfa_size_limit(bytes);
    }
    builder.build().expect("the patterns are constants, and a test compiles them")
}

/// The same with small classes. A class within a class adds to it, so that `[\w-]` and `[^\W_]` stay what they are.
fn small(pattern: &str) -> String {
    let mut small = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match (c, (c == '\\').then(|| rest.next()).flatten()) {
            (_, Some('w')) => small.extend(["[", WORD, "]"]),
            (_, Some('W')) => small.extend(["[^", WORD, "]"]),
            (_, Some('d')) => small.push_str("[0-9]"),
            (_, Some('D')) => small.push_str("[^0-9]"),
            (_, escaped) => small.extend([c].into_iter().chain(escaped)),
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_part_of_a_word_is_and_what_is_not_is_not() {
        let (ours, unicode) = (compiled(r"^\w$"), Regex::new(r"^\w$").expect("a pattern"));
        let not = compiled(r"^\W$");
        let mut letter = [0; 4];
        let all = ('\0'..=char::MAX).filter(|c| !c.is_control());
        let (mut missed, mut taken) = (0, Vec::new());
        for c in all {
            let text: &str = c.encode_utf8(&mut letter);
            let word = ours.is_match(text);
            assert_ne!(word, not.is_match(text), "{c:?}");
            missed += usize::from(unicode.is_match(text) && !word);
            // Assigned to something, and yet no part of a word.
            if word && !unicode.is_match(text) && (' '..='\u{24F}').contains(&c) {
                taken.push(c);
            }
        }
        // Raised and circled letters, signs that letters were made into, and combining marks for signs.
        assert!(missed < 320, "{missed}");
        assert_eq!(taken, ['×', '÷']);
        for c in
            "“”‘’«»„‚–—…•·→←¿¡§°€£™✓✔★☐■、。「」『』！？：；（）・．🎉👍🏽\u{a0}\u{200b}\u{202e}\u{feff}\u{e000}".chars()
        {
            assert!(!ours.is_match(c.encode_utf8(&mut letter)), "{c:?}");
        }
        for c in "äßøœłžşğĩαωЖяіאبहिกまカ漢字한글𝒜𠀀_0９ｚ\u{301}\u{200d}".chars() {
            assert!(ours.is_match(c.encode_utf8(&mut letter)), "{c:?}");
        }
    }

    #[test]
    fn classes_stay_what_they_are_wherever_they_stand() {
        let whole = |pattern: &str, text: &str| compiled(&format!("^(?:{pattern})$")).is_match(text);
        assert!(whole(r"[\w.-]+", "Zoë.mc-intyre") && !whole(r"[\w.-]+", "Zoë!"));
        assert!(whole(r"[\W_]+", "“_ –") && !whole(r"[\W_]+", "“_a"));
        assert!(whole(r"[^\W_]+", "añ0") && !whole(r"[^\W_]+", "a_"));
        assert!(whole(r"[^\w\s]", "!") && !whole(r"[^\w\s]", " "));
        assert!(whole(r"\d{2}[\d:]", "10:") && !whole(r"\d", "٣") && whole(r"\D", "٣"));
        assert!(whole(r"\\w\.", r"\w.") && whole(r"(?x) \w \ \w", "a b") && whole(r"(?i)straße", "STRAßE"));
    }

    #[test]
    fn a_set_says_which_of_its_patterns_are_there() {
        let set = compiled_set(&[r"\bdepot \d+", r"^\w+$", "x"], Some(1 << 20));
        assert_eq!(set.matches("the DEPOT 7").into_iter().collect::<Vec<_>>(), [0]);
        assert_eq!(set.matches("Zoë").into_iter().collect::<Vec<_>>(), [1]);
    }
}
