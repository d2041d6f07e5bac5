//! Bytes of unknown encoding become text, and characters that no reader sees are found; nothing is altered silently.

use std::ops::Range;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Text made of foreign bytes, and how sure that making was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub text: String,
    /// The encoding's name in the WHATWG registry.
    pub encoding: &'static str,
    /// Replacement characters put where bytes made no sense in that encoding.
    pub replaced: usize,
}

/// Reads `bytes` by their byte order mark, else as UTF-8 where they are valid UTF-8, else by the `label` that came with
/// them, else as windows-1252, which has a character for almost every byte.
///
/// Valid UTF-8 outranks a label: text of another encoding that happens to be valid UTF-8 is pure ASCII or vanishingly
/// rare, and labels that are wrong about UTF-8 are common. The exception is an encoding that is itself written in ASCII
/// bytes (ISO-2022-JP), where only the label can tell.
pub fn decode(bytes: &[u8], label: Option<&str>) -> Decoded {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode_as(encoding, bytes.get(mark..).unwrap_or_default());
    }
    let labelled = label.and_then(|l| Encoding::for_label_no_replacement(l.trim().as_bytes()));
    let wide = [UTF_16LE, UTF_16BE];
    if let Some(encoding) = labelled.filter(|e| !(e.is_ascii_compatible() || wide.contains(e) && is_utf8_text(bytes))) {
        return decode_as(encoding, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: text.to_owned(), encoding: UTF_8.name(), replaced: 0 };
    }
    match labelled.filter(|&e| e != UTF_8) {
        Some(encoding) => decode_as(encoding, bytes),
        None if mostly_utf8(bytes) => decode_as(UTF_8, bytes),
        None => decode_as(WINDOWS_1252, bytes),
    }
}

/// The byte ranges of characters that show nothing and say nothing, in order: zero-width and bidirectional controls, soft
/// hyphens, tag characters, byte order marks inside, control codes. Joiners that a script or an emoji needs are not among
/// them.
pub fn invisible(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut before = None;
    let mut flag = false;
    for (at, c) in text.char_indices() {
        flag = c == '\u{1F3F4}' || flag && is_tag(c);
        if is_invisible(c) && !(is_tag(c) && flag) {
            let end = at + c.len_utf8();
            let joins = is_joiner(c)
                && before.is_some_and(needs_joiners)
                && text[end..].chars().next().is_some_and(needs_joiners);
            match found.last_mut() {
                _ if joins => {}
                Some(last) if last.end == at => last.end = end,
                _ => found.push(at..end),
            }
        }
        before = Some(c);
    }
    found
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    // A replacement character that the writer typed is in the bytes of a Unicode encoding and nowhere else.
    let typed = if encoding == UTF_8 { count(bytes, "\u{FFFD}".as_bytes()) } else { 0 };
    let replaced = text.matches('\u{FFFD}').count().saturating_sub(typed);
    Decoded { text: text.into_owned(), encoding: encoding.name(), replaced }
}

fn is_utf8_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

/// Whether `bytes` are UTF-8 with a few broken places (a cut at the end, a stray byte) and not a single-byte encoding: at
/// least three in four of its non-ASCII sequences are whole.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole > 0 && whole >= broken * 3
}

fn count(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|w| *w == what).count()
}

fn is_invisible(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{C}' => false,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => true,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{FEFF}' => true,
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => true,
        '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}' => true,
        _ => false,
    }
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0020}'..='\u{E007F}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Characters of scripts that shape by joining, and emoji with their modifiers: between two of these a joiner is spelling.
fn needs_joiners(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{8FF}' | '\u{900}'..='\u{DFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{18AF}')
        || matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{FE0F}' | '\u{1F000}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], label: Option<&str>, text: &str, encoding: &str, replaced: usize) {
        let decoded = decode(bytes, label);
        assert_eq!((decoded.text.as_str(), decoded.encoding, decoded.replaced), (text, encoding, replaced));
    }

    #[test]
    fn the_bytes_outrank_the_label_wherever_they_can_tell() {
        check(b"plain", None, "plain", "UTF-8", 0);
        check(b"\xEF\xBB\xBFcaf\xC3\xA9", Some("latin1"), "café", "UTF-8", 0);
        check(b"\xFF\xFEh\0i\0", None, "hi", "UTF-16LE", 0);
        check("café".as_bytes(), Some("iso-8859-1"), "café", "UTF-8", 0);
        check(b"plain", Some("utf-16"), "plain", "UTF-8", 0);
    }

    #[test]
    fn the_label_decides_what_the_bytes_cannot() {
        check(b"caf\xE9", Some("ISO-8859-1"), "café", "windows-1252", 0);
        check(b"\xD2\xC5\xD3\xD4", Some("koi8-r"), "рест", "KOI8-R", 0);
        check(b"\x1B$B%F\x1B(B", Some("iso-2022-jp"), "テ", "ISO-2022-JP", 0);
        check(b"caf\xE9", Some("x-no-such-thing"), "café", "windows-1252", 0);
        check(b"caf\xE9", Some("utf-8"), "café", "windows-1252", 0);
    }

    #[test]
    fn broken_places_are_counted() {
        check(b"\xC3\xA9\xC3\xA8\xC3\xA0 cut \xE2\x82", None, "éèà cut \u{FFFD}", "UTF-8", 1);
        check("typed \u{FFFD}".as_bytes(), None, "typed \u{FFFD}", "UTF-8", 0);
    }

    #[track_caller]
    fn hidden(text: &str, parts: &[&str]) {
        let found: Vec<&str> = invisible(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(found, parts, "{text:?}");
    }

    #[test]
    fn what_nobody_sees_is_found() {
        hidden("a\u{200B}\u{200B}b\u{AD}c", &["\u{200B}\u{200B}", "\u{AD}"]);
        hidden("pay\u{202E}liam\u{202C} now", &["\u{202E}", "\u{202C}"]);
        hidden("in\u{FEFF}side\0", &["\u{FEFF}", "\0"]);
        hidden("tags\u{E0061}\u{E0062}", &["\u{E0061}\u{E0062}"]);
        hidden("a\u{200D}b", &["\u{200D}"]);
    }

    #[test]
    fn joiners_that_spell_are_left_alone() {
        hidden("👩\u{200D}💻 می\u{200C}خواهم ❤\u{FE0F}\u{200D}🔥", &[]);
        hidden("🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}", &[]);
        hidden("one\ttwo\r\nthree", &[]);
    }
}
