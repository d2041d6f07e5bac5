//! One message: its headers, its text, who wrote it and when.

use std::sync::LazyLock;

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType, parsers::MessageStream};
use regex::Regex;

use super::transfer;
use crate::{
    domain::Moment,
    pattern::compiled,
    text::{html, normalize},
};

/// A message on its own, before threading.
#[derive(Debug, Default)]
pub(super) struct Letter {
    /// Position among the items of its input, counted from 1.
    pub item: usize,
    /// `Message-ID` without its brackets.
    pub id: Option<String>,
    /// The messages it follows, the one it answers last.
    pub chain: Vec<String>,
    pub author: Option<Author>,
    pub sent_at: Option<Moment>,
    pub subject: String,
    pub text: String,
    /// The list it went over.
    pub list: Option<String>,
    pub bot: bool,
}

/// Who a `From` line names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Author {
    /// The display name, else the local part of the address.
    pub name: String,
    /// In lower case; empty where there is none.
    pub address: String,
    /// Whether the name is a display name.
    pub named: bool,
}

impl Author {
    /// Whether `name` says the same as this author's name, or more.
    pub fn may_be(&self, name: &str) -> bool {
        !self.named || self.name.to_lowercase() == name.to_lowercase()
    }
}

/// A `From` line without a usable name or address is not searched beyond this.
const ADDRESS_BYTES: usize = 10_000;

/// Whether a file that begins with `head` is a single message: header fields, and among them those that mail has.
pub fn is_eml(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let (mut sender, mut other) = (false, false);
    for (n, line) in head.split(|&b| b == b'\n').enumerate().take(400) {
        if line.trim_ascii().is_empty() && n > 0 {
            break;
        }
        if n > 0 && line.starts_with(b" ") || line.starts_with(b"\t") || n < 2 && line.starts_with(b">From ") {
            continue;
        }
        if !is_field(line) {
            // The head may have been cut inside its last line.
            return sender && other && n > 2;
        }
        let name = line.split(|&b| b == b':').next().unwrap_or_default().to_ascii_lowercase();
        sender |= matches!(&name[..], b"from" | b"received" | b"return-path" | b"delivered-to");
        other |= matches!(&name[..], b"date" | b"message-id" | b"subject" | b"to" | b"mime-version" | b"received");
    }
    sender && other
}

/// Whether `line` begins with a header field's name and colon.
pub(super) fn is_field(line: &[u8]) -> bool {
    let name = line.iter().position(|&b| b == b':').and_then(|colon| line.get(..colon)).unwrap_or_default();
    let name = name.trim_ascii_end();
    !name.is_empty() && name.len() < 80 && name.iter().all(|b| b.is_ascii_graphic())
}

/// Reads a message. `Err` says why there is none; beside the letter stand the doubts about it.
pub(super) fn read(bytes: &[u8], postmark: Option<Moment>) -> Result<(Letter, Vec<String>), String> {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return Err("is empty or has no header that can be read; left out".to_owned());
    };
    let mut doubts = Vec::new();
    let head = Head { message: &message };
    let from = head.first("From").or_else(|| head.first("Sender"));
    let subject = head.first("Subject").unwrap_or_default();
    let text = body(&message, &mut doubts);
    let author = from.as_deref().and_then(author);
    if author.is_none() && text.is_empty() && subject.is_empty() {
        return Err("names no sender, has no subject and no text; left out".to_owned());
    }
    let letter = Letter {
        item: 0,
        id: head.raw("Message-ID").and_then(|v| ids(&v).into_iter().next()),
        chain: chain(&head),
        bot: is_automatic(&head, author.as_ref(), &subject),
        author,
        sent_at: sent_at(&head, postmark),
        subject,
        text,
        list: list(&head),
    };
    Ok((letter, doubts))
}

/// The header fields of a message.
struct Head<'m> {
    message: &'m Message<'m>,
}

impl Head<'_> {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let raw = &self.message.raw_message;
        let headers = self.message.parts.first().map_or(&[][..], |root| &root.headers[..]);
        headers
            .iter()
            .filter(move |h| h.name.as_str().eq_ignore_ascii_case(name))
            .filter_map(move |h| raw.get(h.offset_start as usize..h.offset_end as usize))
    }

    /// The first value of a field as it stands, unfolded.
    fn raw(&self, name: &str) -> Option<String> {
        let text = normalize::decode(self.values(name).next()?, None).text;
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The first value of a field with its encoded words decoded.
    fn first(&self, name: &str) -> Option<String> {
        let mut text = normalize::decode(self.values(name).next()?, None).text.replace(['\r', '\n'], " ");
        text.push('\n');
        let value = MessageStream::new(text.as_bytes()).parse_unstructured();
        let words: Vec<&str> = value.as_text()?.split_whitespace().collect();
        Some(words.join(" ")).filter(|v| !v.is_empty())
    }
}

/// The message ids in a field's value: in brackets, or bare where an archive dropped them.
fn ids(value: &str) -> Vec<String> {
    static BRACKETED: LazyLock<Regex> = LazyLock::new(|| compiled(r"<([^<>\s]+)>"));
    let bracketed: Vec<String> =
        BRACKETED.captures_iter(value).filter_map(|c| Some(c.get(1)?.as_str().to_owned())).collect();
    let bare = || value.split_whitespace().map(|w| w.trim_matches(['<', '>', ',', ';']));
    if bracketed.is_empty() && bare().all(|w| w.contains('@')) {
        return bare().map(str::to_owned).collect();
    }
    bracketed
}

fn chain(head: &Head<'_>) -> Vec<String> {
    let mut chain = head.raw("References").map(|v| ids(&v)).unwrap_or_default();
    let answered = head.raw("In-Reply-To").unwrap_or_default();
    // Old programs write "message from Ann <ann@…> of Monday <id>" here: the id comes last, and is alone where References
    // already names it.
    if let Some(id) = ids(&answered).pop().filter(|id| !chain.contains(id)) {
        let prose = answered.starts_with(|c: char| c.is_alphabetic()) && answered.contains('<');
        if chain.is_empty() || !prose {
            chain.push(id);
        }
    }
    chain
}

fn sent_at(head: &Head<'_>, postmark: Option<Moment>) -> Option<Moment> {
    let received = || head.raw("Received").and_then(|v| date(v.rsplit(';').next()?));
    head.raw("Date").and_then(|v| date(&v)).or(postmark).or_else(received)
}

/// A date as mail states it. Forms of other sources (a time of day, seconds) would be chance matches here.
fn date(value: &str) -> Option<Moment> {
    let bare = value.split('(').next().unwrap_or_default().trim();
    let moment = Moment::parse(value).or_else(|| Moment::parse(bare))?;
    matches!(moment, Moment::At { .. } | Moment::Local(_)).then_some(moment)
}

/// Reads who a `From` value names: `Ann Lee <ann@ex.org>`, `ann@ex.org (Ann Lee)`, `ann at ex.org (Ann Lee)`,
/// `"Lee, Ann" ann@ex.org`, or an address alone.
pub(super) fn author(value: &str) -> Option<Author> {
    static VIA: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)^(.+?)\s+via\s+\S.*$"));
    let value = value.trim();
    if value.len() > ADDRESS_BYTES {
        return None;
    }
    let (name, address) = if let Some((name, rest)) = value.split_once('<') {
        (name, rest.split('>').next().unwrap_or_default())
    } else if let Some((address, name)) = value.strip_suffix(')').and_then(|v| v.split_once('(')) {
        (name, address)
    } else {
        match value.rsplit_once(' ') {
            Some((name, last)) if last.contains('@') => (name, last),
            _ => ("", value),
        }
    };
    let address = address.trim().trim_end_matches(',').to_lowercase().replace(" at ", "@").replace(' ', "");
    let name = unquote(name);
    let name = VIA.captures(&name).and_then(|c| c.get(1)).map_or(name.clone(), |m| unquote(m.as_str()));
    let named = !name.is_empty() && !name.contains('@');
    let local = address.split('@').next().unwrap_or_default();
    let name = if named { name } else { local.to_owned() };
    (!name.is_empty()).then_some(Author { name, address, named })
}

fn unquote(name: &str) -> String {
    let bare = name.replace("\\\"", "\"");
    let bare = bare.trim().trim_matches(['"', '\'', ' ', '\t']);
    bare.split_whitespace().filter(|w| *w != "\"\"").collect::<Vec<_>>().join(" ")
}

/// The list's own name: the first label of `List-Id`, or the mailbox that `List-Post` names.
fn list(head: &Head<'_>) -> Option<String> {
    let inside = |v: String| {
        let from = v.rfind('<').map_or(0, |at| at + 1);
        v.get(from..).map(|v| v.trim_end_matches('>').trim().to_owned())
    };
    let id = head.first("List-Id").and_then(inside).and_then(|v| Some(v.split('.').next()?.to_owned()));
    let post = || {
        let value = inside(head.first("List-Post")?)?;
        Some(value.strip_prefix("mailto:")?.split('@').next()?.to_owned())
    };
    id.or_else(post).filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

fn is_automatic(head: &Head<'_>, author: Option<&Author>, subject: &str) -> bool {
    static ROBOT: LazyLock<Regex> = LazyLock::new(|| {
        compiled(
            r"^(?:no-?_?reply|do-?not-?reply|donotreply|mailer-daemon|postmaster|autoreply|auto-reply|bounces?|cron(?:daemon)?)\b",
        )
    });
    static ABSENT: LazyLock<Regex> = LazyLock::new(|| {
        compiled(
            r"(?i)^(?:auto(?:matic|mated)?[ -]?(?:reply|response)|out of (?:the )?office|abwesenheit|réponse automatique|undeliver|delivery status notification|mail delivery failed)",
        )
    });
    let lower = |name: &str| head.raw(name).unwrap_or_default().to_ascii_lowercase();
    let submitted = lower("Auto-Submitted");
    let precedence = lower("Precedence");
    let answers_itself = ["X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply"]
        .iter()
        .any(|n| head.values(n).next().is_some());
    !submitted.is_empty() && !submitted.starts_with("no")
        || answers_itself
        || precedence.contains("auto")
        || ABSENT.is_match(subject)
        || author.is_some_and(|a| ROBOT.is_match(&a.address))
}

/// The text of a message: its plain parts, else its HTML as text. Attachments are not part of it.
fn body(message: &Message<'_>, doubts: &mut Vec<String>) -> String {
    let text_of = |ids: &[u32], doubts: &mut Vec<String>| {
        let parts = ids.iter().filter_map(|&id| message.parts.get(id as usize));
        let texts: Vec<String> =
            parts.filter_map(|part| part_text(message, part, doubts)).filter(|t| !t.is_empty()).collect();
        texts.join("\n\n")
    };
    let text = text_of(&message.text_body, doubts);
    if text.is_empty() { text_of(&message.html_body, doubts) } else { text }
}

fn part_text(message: &Message<'_>, part: &MessagePart<'_>, doubts: &mut Vec<String>) -> Option<String> {
    let is_html = match part.body {
        PartType::Html(_) => true,
        PartType::Text(_) | PartType::Binary(_) | PartType::InlineBinary(_) => false,
        PartType::Message(_) | PartType::Multipart(_) => return None,
    };
    let kind = part.content_type();
    if kind.is_some_and(|k| {
        k.ctype() != "text" || !matches!(k.subtype(), Some("plain" | "html" | "enriched" | "markdown") | None)
    }) {
        return None;
    }
    let raw = message.raw_message.get(part.offset_body as usize..part.offset_end as usize)?;
    let transfer = part.content_transfer_encoding().unwrap_or_default().trim().to_ascii_lowercase();
    let decoded = match transfer.as_str() {
        "quoted-printable" => {
            normalize::decode(&transfer::quoted_printable(raw), kind.and_then(|k| k.attribute("charset")))
        }
        "base64" => {
            let (bytes, whole) = transfer::base64(raw);
            if !whole {
                doubts.push("its base64 text is damaged or cut off; what could be decoded was read".to_owned());
            }
            normalize::decode(&bytes, kind.and_then(|k| k.attribute("charset")))
        }
        _ => normalize::decode(raw, kind.and_then(|k| k.attribute("charset"))),
    };
    if decoded.replaced > 0 {
        doubts.push(format!("{} characters are not {} and were replaced", decoded.replaced, decoded.encoding));
    }
    let text = if is_html {
        let rendered = html::to_text(&decoded.text);
        if rendered.hidden_chars > 0 {
            doubts.push(format!("{} characters that its HTML hides were left out", rendered.hidden_chars));
        }
        rendered.text
    } else {
        decoded.text
    };
    Some(unwrapped(&text))
}

/// Line ends as one newline and no empty lines around: what transport put there, not the writer.
fn unwrapped(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim_end();
    let start = text
        .char_indices()
        .find(|(_, c)| !c.is_whitespace())
        .map_or(0, |(at, _)| text[..at].rfind('\n').map_or(0, |n| n + 1));
    text[start..].to_owned()
}
