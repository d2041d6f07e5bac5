//! JSON from elsewhere: no deeper than can be meant, and a text cut short told from one that was never right.

use serde::de::DeserializeOwned;

use super::NetError;

/// Deeper nesting than this is an attack or a fault: the deepest thing that is read here is a message's blocks. Levels.
pub const DEEPEST: usize = 64;

/// Reads `bytes` that came from `place`.
///
/// # Errors
/// `Transient` where the text breaks off, `Permanent` where it is something else; both name `place`.
pub fn read<T: DeserializeOwned>(bytes: &[u8], place: &str) -> Result<T, NetError> {
    if depth(bytes) > DEEPEST {
        return Err(NetError::permanent(format!("{place}: JSON nested deeper than {DEEPEST} levels is not read")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() {
            NetError::Transient(format!("{place}: the JSON breaks off at byte {}", bytes.len()))
        } else {
            // serde's own words can hold a piece of the text.
            let (line, column) = (error.line(), error.column());
            NetError::permanent(format!("{place}: not the JSON that was expected (line {line}, column {column})"))
        }
    })
}

/// The most brackets open at once, outside of strings.
fn depth(bytes: &[u8]) -> usize {
    let (mut open, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                open += 1;
                most = most.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert_eq!(depth(br#"{"a": "[[[\"[", "b": [1, [2]]}"#), 3);
        assert_eq!(depth(b"]]]["), 1);
    }

    #[test]
    fn a_cut_text_is_worth_another_try_and_a_wrong_one_is_not() {
        let cut = read::<Value>(br#"{"a": ["#, "GET example.org/x");
        assert!(matches!(&cut, Err(NetError::Transient(what)) if what.contains("example.org/x")), "{cut:?}");
        for wrong in [&b"<html>"[..], b"{\"a\": secret}", b"[1] 2"] {
            let Err(NetError::Permanent { what, .. }) = read::<Value>(wrong, "GET example.org/x") else {
                panic!("{wrong:?} was read");
            };
            assert!(what.starts_with("GET example.org/x: ") && !what.contains("secret"), "{what}");
        }
        let deep = "[".repeat(DEEPEST + 1) + &"]".repeat(DEEPEST + 1);
        assert!(matches!(read::<Value>(deep.as_bytes(), "x"), Err(NetError::Permanent { .. })));
        assert_eq!(read::<Vec<u8>>(b"[1]", "x"), Ok(vec![1]));
    }
}
