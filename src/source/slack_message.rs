//! One message of a Slack export: who, when, and the words a person saw, files and cards included.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    slack_markup::Names,
    slack_people::WireProfile,
    slack_talk::{instant, moment, notice},
    wire::Text,
};
use crate::domain::{Event, Message};

/// Slack's own helper account, which no `users.json` marks as a bot.
const SLACKBOT: &str = "USLACKBOT";
/// Texts inside blocks nested deeper than this are not looked for.
const DEEPEST_BLOCK: usize = 16;
/// Subtypes that are something said. Every other subtype is a notice.
const SAID: [&str; 9] = [
    "me_message",
    "bot_message",
    "file_share",
    "file_comment",
    "thread_broadcast",
    "reply_broadcast",
    "slackbot_response",
    "reminder_add",
    "huddle_thread",
];

/// A message or a notice, in its place in the channel.
#[derive(Clone)]
pub(super) struct Posting {
    pub at: Timestamp,
    /// The `ts` of the thread it belongs to; `None` for talk outside threads.
    pub root: Option<String>,
    pub message: Message,
    /// Set where this is no message but a notice.
    pub notice: Option<Event>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WireMessage {
    ts: Text,
    thread_ts: Text,
    subtype: Text,
    user: Text,
    username: Text,
    bot_id: Text,
    text: Text,
    edited: Option<WireEdited>,
    user_profile: Option<WireProfile>,
    comment: Option<WireComment>,
    file: Option<Value>,
    files: Option<Vec<Value>>,
    attachments: Option<Vec<Value>>,
    blocks: Option<Value>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct WireEdited {
    ts: Text,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct WireComment {
    user: Text,
}

impl WireMessage {
    pub(super) fn posting(self, names: &Names, bots: &HashSet<String>) -> Result<Posting, String> {
        let ts = self.ts.as_str().to_owned();
        let at = instant(&ts).ok_or_else(|| format!("its ts {ts:?} is no time"))?;
        let author = self.author(names);
        let text = self.shown(names);
        let subtype = self.subtype.as_str();
        let said = subtype.is_empty() || SAID.contains(&subtype);
        let notice = (!said).then(|| notice(moment(&ts), subtype, author.clone(), text.clone()));
        let user = self.user.as_str();
        let bot = subtype == "bot_message"
            || user == SLACKBOT
            || bots.contains(user)
            || (user.is_empty() && !self.bot_id.as_str().is_empty());
        let root = self.thread_ts.filled();
        let message = Message {
            id: ts,
            author,
            author_id: Some(user.to_owned()).filter(|id| !id.is_empty()),
            sent_at: Some(crate::domain::Moment::utc(at)),
            text,
            reply_to: root.clone(),
            edited_at: self.edited.and_then(|e| moment(e.ts.as_str())),
            bot,
        };
        Ok(Posting { at, root, message, notice })
    }

    fn author(&self, names: &Names) -> Option<String> {
        let commented = self.comment.as_ref().map_or("", |c| c.user.as_str());
        let id = if self.user.as_str().is_empty() { commented } else { self.user.as_str() };
        let profile = self.user_profile.as_ref();
        let own = profile.and_then(|p| p.display_name.clone().filter(|n| !n.is_empty()).or(p.real_name.clone()));
        let named = names.users.get(id).cloned().or(own).filter(|name| !name.is_empty());
        let fallback = [self.username.as_str(), id, self.bot_id.as_str()].into_iter().find(|name| !name.is_empty());
        named.or(fallback.map(str::to_owned))
    }

    fn shown(&self, names: &Names) -> String {
        let mut text = names.readable(self.text.as_str());
        if text.trim().is_empty()
            && let Some(blocks) = &self.blocks
        {
            let mut words = Vec::new();
            block_texts(blocks, 0, &mut words);
            text = names.readable(&words.join(""));
        }
        for card in self.attachments.iter().flatten() {
            if let Some(card) = card_text(card, text.trim().is_empty()) {
                paragraph(&mut text, &names.readable(&card));
            }
        }
        for file in self.files.iter().flatten().chain(&self.file) {
            let title = [field(file, "title"), field(file, "name")].into_iter().find(|name| !name.is_empty());
            if let Some(title) = title.filter(|title| !text.contains(*title)) {
                paragraph(&mut text, &format!("[file: {title}]"));
            }
        }
        text
    }
}

/// A forwarded message is quoted; a program's card is its message; the preview of a link is nobody's words and is left out.
fn card_text(card: &Value, alone: bool) -> Option<String> {
    let body = [field(card, "pretext"), field(card, "title"), field(card, "text")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    let body = if body.is_empty() { field(card, "fallback").to_owned() } else { body };
    if body.is_empty() {
        return None;
    }
    let set = |key| card.get(key).is_some_and(|v| v.as_bool().unwrap_or(!v.is_null()));
    if set("is_msg_unfurl") || set("is_share") {
        let author =
            [field(card, "author_name"), field(card, "author_subname")].into_iter().find(|name| !name.is_empty());
        let quoted = body.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n");
        return Some(author.map_or(quoted.clone(), |author| format!("> {author} wrote:\n{quoted}")));
    }
    let preview = set("from_url") || set("original_url") || set("service_name") || set("title_link");
    (!preview || alone).then_some(body)
}

fn block_texts(value: &Value, depth: usize, out: &mut Vec<String>) {
    if depth > DEEPEST_BLOCK {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| block_texts(item, depth + 1, out)),
        Value::Object(fields) => {
            match (field(value, "type"), fields.get("text")) {
                ("user", _) => out.push(format!("<@{}>", field(value, "user_id"))),
                ("channel", _) => out.push(format!("<#{}>", field(value, "channel_id"))),
                ("broadcast", _) => out.push(format!("@{}", field(value, "range"))),
                ("emoji", _) => out.push(format!(":{}:", field(value, "name"))),
                ("link", None) => out.push(field(value, "url").to_owned()),
                (_, Some(Value::String(text))) => out.push(text.clone()),
                (_, Some(nested)) => block_texts(nested, depth + 1, out),
                _ => {}
            }
            for key in ["elements", "fields"] {
                fields.get(key).into_iter().for_each(|nested| block_texts(nested, depth + 1, out));
            }
            if matches!(field(value, "type"), "rich_text_section" | "section" | "header" | "context") {
                out.push("\n".to_owned());
            }
        }
        _ => {}
    }
}

fn paragraph(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}

fn field<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}
