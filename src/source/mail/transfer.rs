//! Transfer encodings, undone as far as damaged input allows.

/// Undoes quoted-printable. An `=` that escapes nothing stands for itself.
pub(super) fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
        if rest.get(blanks).is_none_or(|&b| b == b'\n') {
            at += blanks + 1;
            continue;
        }
        match (rest.first().copied().and_then(hex), rest.get(1).copied().and_then(hex)) {
            (Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 2;
            }
            _ => out.push(byte),
        }
    }
    out
}

/// Undoes base64 up to where it breaks off, and says whether it was whole.
pub(super) fn base64(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let (mut bits, mut held, mut whole) = (0u32, 0u32, true);
    for &byte in bytes {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                // Padding ends a run; some programs join several runs into one body.
                (bits, held) = (0, 0);
                continue;
            }
            _ if byte.is_ascii_whitespace() => continue,
            _ => {
                whole = false;
                continue;
            }
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xFF) as u8);
        }
    }
    // Six bits left over are half a byte that never came.
    (out, whole && held < 6)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_survives_damage() {
        assert_eq!(quoted_printable(b"caf=C3=A9 =\r\nau lait = 3 =4"), "café au lait = 3 =4".as_bytes());
        assert_eq!(quoted_printable(b"ends ="), b"ends ");
    }

    #[test]
    fn base64_is_read_as_far_as_it_goes() {
        assert_eq!(base64(b"aGVsbG8=\r\n"), (b"hello".to_vec(), true));
        assert_eq!(base64(b"aGVsbG8gd"), (b"hello ".to_vec(), false));
        assert_eq!(base64(b"aGV\0sbG8="), (b"hello".to_vec(), false));
    }
}
