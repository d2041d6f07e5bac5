//! JSON: one object a line, with every character that could drive or reorder a terminal written as an escape.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::plain;

/// `value` on one line. What a parser reads back is exactly what was given.
pub fn line(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, Escaping));
    written.expect("these types have string keys and write to memory");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("serde_json writes UTF-8")
}

/// JSON that was written elsewhere, on one line and with the same characters escaped: outside of strings there are none.
pub fn escaped(json: &str) -> String {
    let mut bytes = Vec::with_capacity(json.len() + 1);
    let written = Escaping.write_string_fragment(&mut bytes, json.trim_end());
    written.expect("memory takes what is written to it");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("characters are escaped whole")
}

struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly every text is this, and looking for nothing in it letter by letter is most of what writing costs.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut from = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| c.is_control() || plain::hides(*c)) {
            writer.write_all(&fragment.as_bytes()[from..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            from = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::{escaped, line};

    #[test]
    fn hidden_characters_are_escaped_and_come_back_whole() {
        let text = "a\u{1b}[0m\u{9b}1m\u{202e}\u{e0041}\u{7f} é \"q\"\n";
        let written = line(&text);
        assert_eq!(written, "\"a\\u001b[0m\\u009b1m\\u202e\\udb40\\udc41\\u007f é \\\"q\\\"\\n\"\n");
        assert_eq!(serde_json::from_str::<String>(&written).expect("JSON"), text);
        let elsewhere = serde_json::to_string(&[text]).expect("JSON");
        assert_eq!(escaped(&elsewhere), line(&[text]));
    }
}
