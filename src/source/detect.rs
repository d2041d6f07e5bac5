//! What a file is: by its content first, and by its name where the content could be anything.

use std::sync::LazyLock;

use regex::Regex;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Format, ReadError, assemble, bytes, irc, mail, markdown, otter, rst, zoom_chat};
use crate::pattern::compiled;

/// How much of a file is looked at, bytes. JSON alone is looked at whole, since its keys may come late.
const HEAD_BYTES: usize = 64 * 1024;

/// The format of `bytes`, called `name`. Plain text where nothing else fits.
pub(super) fn format(bytes: &[u8], name: &str) -> Result<Format, ReadError> {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    if head.starts_with(b"PK\x03\x04") && !is_office(head) {
        return Ok(Format::SlackExport);
    }
    if let Some(what) = binary(head) {
        return Err(ReadError::Binary { name: name.to_owned(), what });
    }
    // The last line of a head may be cut, even inside a character.
    let text = bytes::decode(head, name, &mut Vec::new());
    let text = text.trim_start();
    Ok(by_content(bytes, head, text).or_else(|| by_extension(name)).or_else(|| by_shape(text)).unwrap_or(Format::Text))
}

fn by_content(bytes: &[u8], head: &[u8], text: &str) -> Option<Format> {
    if text.starts_with("WEBVTT") {
        return Some(Format::Vtt);
    }
    if is_json(text) {
        return Some(json(bytes));
    }
    if rst::has_pep_header(text) {
        return Some(Format::Rst);
    }
    if zoom_chat::is(text) {
        return Some(Format::ZoomChat);
    }
    if irc::is(text) {
        return Some(Format::Irc);
    }
    if mail::is_mbox(head) {
        return Some(Format::Mbox);
    }
    if let Some(format) = captions(text) {
        return Some(format);
    }
    if otter::is(text) {
        return Some(Format::Otter);
    }
    mail::is_eml(head).then_some(Format::Eml)
}

fn by_extension(name: &str) -> Option<Format> {
    Some(match assemble::extension(name).as_str() {
        "jsonl" | "ndjson" | "json" => Format::Jsonl,
        "mbox" | "mbx" => Format::Mbox,
        "eml" => Format::Eml,
        "vtt" => Format::Vtt,
        "srt" => Format::Srt,
        "md" | "markdown" | "mdown" | "mkd" => Format::Markdown,
        "rst" | "rest" => Format::Rst,
        _ => return None,
    })
}

fn by_shape(text: &str) -> Option<Format> {
    if markdown::is(text) {
        Some(Format::Markdown)
    } else if rst::is(text) {
        Some(Format::Rst)
    } else {
        None
    }
}

fn binary(head: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 6] = [
        (b"\x1f\x8b", "compressed with gzip; unpack it first (gunzip)"),
        (b"BZh", "compressed with bzip2; unpack it first (bunzip2)"),
        (b"\xfd7zXZ", "compressed with xz; unpack it first (unxz)"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first (unzstd)"),
        (b"%PDF", "a PDF; save its text first (pdftotext)"),
        (b"PK\x03\x04", "an office document; save it as text or Markdown first"),
    ];
    if let Some((_, what)) = KINDS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(what);
    }
    let wide = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    (!wide && head.contains(&0)).then_some("not text; bluf reads threads and documents in text formats")
}

fn is_office(head: &[u8]) -> bool {
    let has = |name: &[u8]| head.windows(name.len()).take(4096).any(|window| window == name);
    has(b"[Content_Types].xml") || has(b"mimetypeapplication/vnd.") || has(b"META-INF/")
}

/// `{"`, `{}`, `[{`, `[[`: a bracket alone also opens Markdown links and IRC times.
fn is_json(text: &str) -> bool {
    let mut rest = text.chars().filter(|c| !c.is_whitespace());
    match (rest.next(), rest.next()) {
        (Some('{'), next) => matches!(next, Some('"' | '}') | None),
        (Some('['), next) => matches!(next, Some('{')),
        _ => false,
    }
}

fn json(bytes: &[u8]) -> Format {
    let mut keys = Vec::new();
    let text = bytes::decode(bytes, "", &mut Vec::new());
    // An error after the keys still leaves the keys.
    let _ = Keys(&mut keys).deserialize(&mut serde_json::Deserializer::from_str(text.trim_start()));
    let has = |key: &str| keys.iter().any(|k| k == key);
    let all = |wanted: &[&str]| wanted.iter().all(|key| has(key));
    let github = [
        &["issue", "events"][..],
        &["pull", "events"],
        &["issue", "comments"],
        &["pull", "comments"],
        &["pull_request", "comments"],
        &["pull_request", "reviews"],
        &["magic", "issues", "pulls"],
        &["repo", "issues", "pulls"],
        &["number", "title", "user"],
        &["issue_url", "body"],
        &["pull_request_url", "body"],
        &["event", "actor"],
    ];
    if !has("messages") && github.iter().any(|wanted| all(wanted)) { Format::GithubJson } else { Format::Jsonl }
}

/// SubRip and headless WebVTT: the first filled lines hold a line with two times.
fn captions(text: &str) -> Option<Format> {
    static TIMES: LazyLock<Regex> =
        LazyLock::new(|| compiled(r"^\s*(\d+:)?\d+:\d\d([.,]\d+)?\s*-->\s*(\d+:)?\d+:\d\d"));
    let (_, line) =
        bytes::lines(text).filter(|(_, line)| !line.trim().is_empty()).take(3).find(|(_, l)| TIMES.is_match(l))?;
    Some(if line.contains(',') { Format::Srt } else { Format::Vtt })
}

/// Collects the keys of the first object, or of the first object of a list, building nothing.
struct Keys<'a>(&'a mut Vec<String>);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(key) = fields.next_key::<String>()? {
            self.0.push(key);
            fields.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        items.next_element_seed(Keys(&mut *self.0))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, name: &str, expected: Format) {
        assert_eq!(format(text.as_bytes(), name).unwrap(), expected, "{name}");
    }

    #[test]
    fn content_comes_before_the_name() {
        check("WEBVTT\n\n00:01.000 --> 00:02.000\nHi", "a.txt", Format::Vtt);
        check("1\n00:00:01,000 --> 00:00:02,000\nHi", "a.txt", Format::Srt);
        check("{\"messages\":[]}", "a.txt", Format::Jsonl);
        check(
            "{\n \"number\": 3, \"title\": \"t\", \"user\": {}, \"body\": \"\\\"messages\\\"\"}",
            "-",
            Format::GithubJson,
        );
        check("{\"magic\":\"x\",\"issues\":[],\"pulls\":[]}", "archive.json", Format::GithubJson);
        check("[10:01] <ana> hello\n[10:02] <ben> hi\n", "log.md", Format::Irc);
        check("00:01:02\tAna:\thello\r\n", "chat.txt", Format::ZoomChat);
        check("PEP: 9999\nTitle: T\nAuthor: A\n\nAbstract\n========\n", "x", Format::Rst);
    }

    #[test]
    fn the_name_decides_where_the_content_could_be_anything() {
        check("hello", "a.md", Format::Markdown);
        check("hello", "a.rst", Format::Rst);
        check("hello", "a", Format::Text);
        check("[a link](x) opens this", "a.md", Format::Markdown);
        check("# One\n\ntext\n\n## Two\n\ntext\n", "-", Format::Markdown);
        check("Title\n=====\n\ntext::\n\n  code\n\nNext\n----\n", "-", Format::Rst);
    }

    #[test]
    fn what_is_not_text_says_what_to_do() {
        for bytes in [&b"\x1f\x8b\x08"[..], b"%PDF-1.7", b"a\0b", b"PK\x03\x04....[Content_Types].xml"] {
            assert!(matches!(format(bytes, "a"), Err(ReadError::Binary { .. })), "{bytes:?}");
        }
    }
}
