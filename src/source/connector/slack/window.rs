//! A stretch of a channel's history, sorted into talk, threads and notices.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Site, api::Trouble};
use crate::{
    domain::{Event, Message},
    source::{
        slack_message::{Posting, WireMessage},
        slack_talk::instant,
    },
};

/// What a channel holds from one instant to another.
#[derive(Default)]
pub(super) struct Window {
    /// Outside threads, oldest first.
    pub talk: Vec<Posting>,
    pub notices: Vec<(Timestamp, Event)>,
    pub roots: Vec<Root>,
    /// Replies that were shown to the channel as well: to which root, and when.
    pub replies: Vec<(String, Timestamp)>,
    pub unreadable: Vec<Unreadable>,
    /// Whether this is all there is.
    pub whole: bool,
}

/// The first message of one of Slack's threads, as a list shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Root {
    pub ts: String,
    pub replies: u64,
    /// `ts` of the last reply.
    pub latest: String,
    /// Of its own words.
    pub sum: String,
}

/// A message that could not be read: its `ts` where it has one, and why.
pub(super) struct Unreadable {
    pub ts: String,
    pub what: String,
}

/// One message of the wire, read.
struct Read {
    posting: Posting,
    root: Root,
}

/// Reads what was written in `[from, to)`; without an end, up to now.
pub(super) async fn read(site: &Site<'_>, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Window, Trouble> {
    let (oldest, latest) = (from.map(ts_of), to.map(ts_of));
    let mut query = vec![("channel", site.channel.id.as_str()), ("inclusive", "true")];
    query.extend(oldest.as_deref().map(|ts| ("oldest", ts)));
    query.extend(latest.as_deref().map(|ts| ("latest", ts)));
    let (values, whole) = site.api.messages("conversations.history", &query).await?;
    let (mut window, mut seen) = (Window { whole, ..Window::default() }, HashSet::new());
    let mut postings = Vec::new();
    for value in values {
        match one(site, value) {
            Ok(read) => {
                let at = read.posting.at;
                let inside = from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
                if inside && seen.insert(read.root.ts.clone()) {
                    postings.push(read);
                }
            }
            Err(unreadable) => window.unreadable.push(unreadable),
        }
    }
    postings.sort_by_key(|read| read.posting.at);
    for Read { posting, root } in postings {
        match (&posting.root, posting.notice) {
            (Some(thread), _) if *thread == root.ts => window.roots.push(root),
            (Some(thread), _) => window.replies.push((thread.clone(), posting.at)),
            (None, Some(event)) => window.notices.push((posting.at, event)),
            (None, None) => window.talk.push(Posting { notice: None, ..posting }),
        }
    }
    Ok(window)
}

/// One of Slack's threads, oldest first.
pub(super) struct Replies {
    pub root: Root,
    pub said: Vec<Posting>,
    pub notices: Vec<Event>,
    pub unreadable: Vec<Unreadable>,
}

/// Reads the thread whose first message is `ts`.
pub(super) async fn replies(site: &Site<'_>, ts: &str) -> Result<Replies, Trouble> {
    let query = [("channel", site.channel.id.as_str()), ("ts", ts)];
    let (values, whole) = site.api.messages("conversations.replies", &query).await?;
    if !whole {
        return Err(Trouble::Here("its pages come to no end".to_owned()));
    }
    let (mut out, mut seen) = (replies_of(ts), HashSet::new());
    for value in values {
        match one(site, value) {
            Ok(Read { posting, root }) if seen.insert(root.ts.clone()) => {
                if root.ts == ts {
                    out.root = root;
                }
                match posting.notice {
                    Some(event) => out.notices.push(event),
                    None => out.said.push(posting),
                }
            }
            Ok(_) => {}
            Err(unreadable) => out.unreadable.push(unreadable),
        }
    }
    out.said.sort_by_key(|posting| posting.at);
    Ok(out)
}

fn replies_of(ts: &str) -> Replies {
    let root = Root { ts: ts.to_owned(), ..Root::default() };
    Replies { root, said: Vec::new(), notices: Vec::new(), unreadable: Vec::new() }
}

fn one(site: &Site<'_>, value: Value) -> Result<Read, Unreadable> {
    let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let (ts, latest) = (word("ts"), word("latest_reply"));
    let replies = value.get("reply_count").and_then(Value::as_u64).unwrap_or(0);
    let failed = |what: String| Unreadable { ts: ts.clone(), what };
    let wire: WireMessage = serde_json::from_value(value).map_err(|error| failed(error.to_string()))?;
    let people = &site.workspace.people;
    let posting = wire.posting(&people.names, &people.bots).map_err(failed)?;
    let sum = sum([&posting.message]);
    Ok(Read { posting, root: Root { ts, replies, latest, sum } })
}

/// A short digest of messages: two of the same are the same messages, word for word.
pub(super) fn sum<'a>(messages: impl IntoIterator<Item = &'a Message>) -> String {
    let mut digest = Sha256::new();
    for message in messages {
        let edited = message.edited_at.map(|at| at.to_string()).unwrap_or_default();
        for part in [&message.id, &message.text, &edited, message.author.as_deref().unwrap_or("")] {
            digest.update(part.len().to_le_bytes());
            digest.update(part.as_bytes());
        }
    }
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// As Slack writes an instant.
pub(super) fn ts_of(at: Timestamp) -> String {
    format!("{}.{:06}", at.as_second(), at.subsec_microsecond())
}

/// The instant of a `ts`; the beginning of time where it is none.
pub(super) fn at_of(ts: &str) -> Timestamp {
    instant(ts).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ts_comes_back_as_it_was() {
        for ts in ["1433558319.000002", "1772442000.999999", "1772442000.000000"] {
            assert_eq!(ts_of(at_of(ts)), ts);
        }
    }

    #[test]
    fn a_digest_tells_every_edit() {
        let message = |id: &str, text: &str| Message { id: id.into(), text: text.into(), ..Message::default() };
        let same = sum([&message("1", "ab"), &message("2", "c")]);
        assert_eq!(same, sum([&message("1", "ab"), &message("2", "c")]));
        assert_ne!(same, sum([&message("1", "a"), &message("2", "bc")]));
        assert_ne!(same, sum([&message("1", "ab")]));
    }
}
