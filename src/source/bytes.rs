//! Foreign bytes to text: byte-order marks, UTF-8, and what old programs wrote instead.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::domain::{Fault, Place};

/// The text of `bytes`. Whatever could not be read exactly is said in `faults`, once.
pub(super) fn decode<'a>(bytes: &'a [u8], name: &str, faults: &mut Vec<Fault>) -> Cow<'a, str> {
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, bytes.get(length..).unwrap_or_default()),
        None => (UTF_8, bytes),
    };
    if encoding == UTF_8 {
        return utf8(rest, name, faults);
    }
    let (text, replaced) = encoding.decode_without_bom_handling(rest);
    if replaced {
        faults.push(Fault::new(
            file(name),
            format!("some characters are not valid {}: shown as \u{fffd}", encoding.name()),
        ));
    }
    text
}

/// Lines with their numbers from 1, without their ends: LF, CRLF, or CR where nothing else ends a line.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = if text.contains('\n') { '\n' } else { '\r' };
    let text = text.strip_suffix(end).unwrap_or(text);
    text.split(end).map(|line| line.strip_suffix('\r').unwrap_or(line)).enumerate().map(|(at, line)| (at + 1, line))
}

/// A place that names only the file.
pub(super) fn file(name: &str) -> Place {
    Place { file: Some(name.to_owned()), ..Place::default() }
}

/// A line of a file, counted from 1.
pub(super) fn line(name: &str, number: usize) -> Place {
    Place { line: Some(number), ..file(name) }
}

fn utf8<'a>(bytes: &'a [u8], name: &str, faults: &mut Vec<Fault>) -> Cow<'a, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let (mut valid, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // One cut character must not turn every accent of a UTF-8 file into two wrong ones.
    if valid > broken {
        faults.push(Fault::new(file(name), format!("{broken} places are not valid UTF-8: shown as \u{fffd}")));
        return String::from_utf8_lossy(bytes);
    }
    faults.push(Fault::new(file(name), "not UTF-8: read as windows-1252; save it as UTF-8 if accents look wrong"));
    WINDOWS_1252.decode_without_bom_handling(bytes).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], text: &str, faulty: bool) {
        let mut faults = Vec::new();
        assert_eq!(decode(bytes, "a.txt", &mut faults), text);
        assert_eq!(!faults.is_empty(), faulty, "{faults:?}");
    }

    #[test]
    fn encodings_people_meet_are_read_and_guesses_are_said() {
        check("né".as_bytes(), "né", false);
        check(b"\xef\xbb\xbfhi", "hi", false);
        check(b"\xff\xfeh\0i\0", "hi", false);
        check(b"\xfe\xff\0h\0i", "hi", false);
        check(b"caf\xe9", "café", true);
        check("été, déjà \u{fffd}".as_bytes(), "été, déjà \u{fffd}", false);
        check(b"\xc3\xa9t\xc3\xa9 cut\xc3", "été cut\u{fffd}", true);
        check(b"", "", false);
    }

    #[test]
    fn lines_end_in_any_of_three_ways() {
        let of = |text| lines(text).map(|(_, line)| line.to_owned()).collect::<Vec<_>>();
        assert_eq!(of("a\nb\r\nc"), ["a", "b", "c"]);
        assert_eq!(of("a\rb\r"), ["a", "b"]);
        assert_eq!(of("a\n\n"), ["a", ""]);
    }
}
