//! Slack exports: the zip, or the same tree unpacked. Users and channels by name, one file a channel and day.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{
    Reading, assemble, bytes,
    slack_markup::Names,
    slack_message::{Posting, WireMessage},
    tree::Tree,
};
use crate::domain::{Event, Fault, Kind, Message, Moment, Thread};

/// Talk in a channel outside Slack's own threads is one conversation until nobody has written for this long. A thread for
/// every such message, as Slack's data has it, would leave nothing to sum up. Seconds.
pub const CONVERSATION_GAP_SECS: i64 = 4 * 60 * 60;
/// Longest title taken from a first message, characters.
const TITLE_CHARS: usize = 60;

/// Reads an export zip.
///
/// Slack's own threads stay threads. Every message outside them joins its channel's current conversation (see
/// [`CONVERSATION_GAP_SECS`]), so the number of messages is Slack's and the number of threads is smaller: Slack counts a
/// thread for every message whose `reply_to` is `None`. Notices (somebody joined) are events.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    match Tree::of_zip(bytes) {
        Ok(tree) => Export::read(tree, name),
        Err(what) => Reading { threads: Vec::new(), faults: vec![Fault::new(bytes::file(name), what)] },
    }
}

/// Reads an unpacked export.
pub fn read_folder(path: &Path) -> Reading {
    Export::read(Tree::of_folder(path), &path.to_string_lossy())
}

/// Whether a folder is an unpacked export: it names users or channels and has days of a channel.
pub fn is_folder(path: &Path) -> bool {
    if !["users.json", "channels.json"].iter().any(|name| path.join(name).is_file()) {
        return false;
    }
    Tree::of_folder(path).names().any(|name| channel_of(name).is_some())
}

struct Export<'a> {
    tree: Tree<'a>,
    name: &'a str,
    /// Folders above the export itself, as some zips have them.
    root: String,
    names: Names,
    bots: HashSet<String>,
    /// What a channel's folder is called to people, by folder.
    titles: HashMap<String, String>,
    out: Reading,
}

impl<'a> Export<'a> {
    fn read(tree: Tree<'a>, name: &'a str) -> Reading {
        let root = ["users.json", "channels.json", "dms.json"]
            .iter()
            .find_map(|file| {
                tree.names().find_map(|n| n.strip_suffix(file).filter(|r| r.is_empty() || r.ends_with('/')))
            })
            .unwrap_or("")
            .to_owned();
        let (names, bots, titles) = Default::default();
        let mut export = Export { tree, name, root, names, bots, titles, out: Reading::default() };
        export.users();
        export.channels();
        export.threads();
        export.out
    }

    fn users(&mut self) {
        let users: Vec<WireUser> = self.list("users.json");
        let mut bearers: HashMap<String, usize> = HashMap::new();
        for user in &users {
            *bearers.entry(user.shown()).or_default() += 1;
        }
        for user in users {
            let mut shown = user.shown();
            // Two people of one name must not become one person.
            if bearers.get(&shown).is_some_and(|n| *n > 1) && !user.name.is_empty() {
                shown = format!("{shown} ({})", user.name);
            }
            if user.is_bot {
                self.bots.insert(user.id.clone());
            }
            self.names.users.insert(user.id, shown);
        }
    }

    fn channels(&mut self) {
        for file in ["channels.json", "groups.json", "mpims.json", "dms.json"] {
            let channels: Vec<WireChannel> = self.list(file);
            for channel in channels {
                let folder = if channel.name.is_empty() { channel.id.clone() } else { channel.name.clone() };
                let title = match file {
                    "channels.json" | "groups.json" => format!("#{folder}"),
                    _ => self.members(&channel.members).unwrap_or_else(|| folder.clone()),
                };
                self.names.channels.insert(channel.id, folder.clone());
                self.titles.insert(folder, title);
            }
        }
    }

    fn members(&self, ids: &[String]) -> Option<String> {
        let names: Vec<&str> =
            ids.iter().map(|id| self.names.users.get(id).map_or(id.as_str(), String::as_str)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    fn threads(&mut self) {
        let mut days: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in self.tree.names() {
            if let Some(channel) = file.strip_prefix(&self.root).and_then(channel_of) {
                days.entry(channel.to_owned()).or_default().push(file.to_owned());
            }
        }
        if days.is_empty() {
            let what = "no CHANNEL/YYYY-MM-DD.json in it: not a Slack export";
            self.out.faults.push(Fault::new(bytes::file(self.name), what));
        }
        for (folder, files) in days {
            let mut postings: Vec<Posting> = Vec::new();
            for file in files {
                self.day(&file, &mut postings);
            }
            self.channel(&folder, postings);
        }
    }

    fn day(&mut self, file: &str, postings: &mut Vec<Posting>) {
        for (at, value) in self.list_at::<serde_json::Value>(file).into_iter().enumerate() {
            let posting = serde_json::from_value::<WireMessage>(value)
                .map_err(|e| e.to_string())
                .and_then(|wire| wire.posting(&self.names, &self.bots));
            match posting {
                Ok(posting) => postings.push(posting),
                Err(what) => {
                    let place = crate::domain::Place { item: Some(at + 1), ..bytes::file(file) };
                    self.out
                        .faults
                        .push(Fault::new(place, format!("a message that could not be read: {what}; left out")));
                }
            }
        }
    }

    fn channel(&mut self, folder: &str, mut postings: Vec<Posting>) {
        postings.sort_by_key(|p| p.at);
        let mut seen = HashSet::new();
        let (mut talk, mut notices) = (Vec::new(), Vec::new());
        for posting in postings {
            match posting.notice {
                Some(event) => notices.push((posting.at, event)),
                // A reply that was also sent to the channel may be exported twice.
                None if seen.insert(posting.message.id.clone()) => talk.push(posting),
                None => {}
            }
        }
        let mut threads = self.grouped(folder, talk);
        if threads.is_empty() && !notices.is_empty() {
            let what = format!("#{folder} holds {} notices and no message: left out", notices.len());
            self.out.faults.push(Fault::new(bytes::file(self.name), what));
        }
        for (at, event) in notices {
            let during = threads.iter().rposition(|(from, conversation, _)| *conversation && *from <= at);
            let nearest = during.or((!threads.is_empty()).then_some(0));
            if let Some((_, _, thread)) = nearest.and_then(|i| threads.get_mut(i)) {
                thread.events.push(event);
            }
        }
        self.out.threads.extend(threads.into_iter().map(|(_, _, thread)| thread));
    }

    /// Threads in the order of their first messages: when each began, and whether it is a conversation of the channel.
    fn grouped(&self, folder: &str, talk: Vec<Posting>) -> Vec<(Timestamp, bool, Thread)> {
        let mut groups: Vec<(bool, Vec<Posting>)> = Vec::new();
        let mut own: HashMap<String, usize> = HashMap::new();
        let mut current: Option<(usize, Timestamp)> = None;
        for posting in talk {
            if let Some(root) = posting.root.clone() {
                let at = *own.entry(root).or_insert_with(|| {
                    groups.push((false, Vec::new()));
                    groups.len() - 1
                });
                groups.get_mut(at).into_iter().for_each(|(_, g)| g.push(posting.clone()));
                continue;
            }
            let at = match current {
                Some((at, last)) if posting.at.as_second() - last.as_second() <= CONVERSATION_GAP_SECS => at,
                _ => {
                    groups.push((true, Vec::new()));
                    groups.len() - 1
                }
            };
            current = Some((at, posting.at));
            groups.get_mut(at).into_iter().for_each(|(_, g)| g.push(posting.clone()));
        }
        groups
            .into_iter()
            .filter_map(|(conversation, group)| {
                let from = group.first()?.at;
                Some((from, conversation, self.thread(folder, group)))
            })
            .collect()
    }

    fn thread(&self, folder: &str, group: Vec<Posting>) -> Thread {
        let mut messages: Vec<Message> = group.into_iter().map(|p| p.message).collect();
        let ids: HashSet<String> = messages.iter().map(|m| m.id.clone()).collect();
        for message in &mut messages {
            message.reply_to = message.reply_to.take().filter(|id| *id != message.id && ids.contains(id));
        }
        let place = self.titles.get(folder).cloned().unwrap_or_else(|| format!("#{folder}"));
        let first = messages.first();
        let opening = first.map_or(String::new(), |m| assemble::opening_words(&m.text, TITLE_CHARS));
        let id = first.map_or(folder.to_owned(), |m| format!("{folder}/{}", m.id));
        let mut thread = assemble::thread("slack", Kind::Chat, "", messages);
        thread.id = id;
        thread.title = if opening.is_empty() { place } else { format!("{place}: {opening}") };
        thread
    }

    fn list<T: DeserializeOwned + Default>(&mut self, file: &str) -> Vec<T> {
        let path = format!("{}{file}", self.root);
        if self.tree.names().any(|name| name == path) { self.list_at(&path) } else { Vec::new() }
    }

    /// The members of a JSON list, broken ones left out and said.
    fn list_at<T: DeserializeOwned>(&mut self, path: &str) -> Vec<T> {
        let values = self.tree.read(path).and_then(|bytes| {
            serde_json::from_slice::<Vec<serde_json::Value>>(&bytes).map_err(|e| format!("not a JSON list: {e}"))
        });
        let values = match values {
            Ok(values) => values,
            Err(what) => {
                self.out.faults.push(Fault::new(bytes::file(path), what));
                return Vec::new();
            }
        };
        let mut out = Vec::with_capacity(values.len());
        for (at, value) in values.into_iter().enumerate() {
            match serde_json::from_value(value) {
                Ok(item) => out.push(item),
                Err(error) => {
                    let place = crate::domain::Place { item: Some(at + 1), ..bytes::file(path) };
                    self.out.faults.push(Fault::new(place, format!("could not be read: {error}")));
                }
            }
        }
        out
    }
}

/// The channel folder of `CHANNEL/YYYY-MM-DD.json`.
fn channel_of(name: &str) -> Option<&str> {
    let (folder, file) = name.rsplit_once('/')?;
    let day = file.strip_suffix(".json")?;
    day.parse::<jiff::civil::Date>().ok()?;
    (!folder.contains("__MACOSX")).then(|| folder.rsplit('/').next().unwrap_or(folder))
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct WireUser {
    id: String,
    name: String,
    real_name: Option<String>,
    is_bot: bool,
    profile: WireProfile,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WireProfile {
    pub display_name: Option<String>,
    pub real_name: Option<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct WireChannel {
    id: String,
    name: String,
    members: Vec<String>,
}

impl WireUser {
    /// What Slack shows: the display name, else the full name, else the handle.
    fn shown(&self) -> String {
        let names = [&self.profile.display_name, &self.profile.real_name, &self.real_name];
        let filled = names.into_iter().flatten().map(|name| name.trim()).find(|name| !name.is_empty());
        filled.unwrap_or(if self.name.is_empty() { &self.id } else { &self.name }).to_owned()
    }
}

/// `1433558319.000002` exactly: seconds and microseconds, never through a floating-point number.
pub(super) fn instant(ts: &str) -> Option<Timestamp> {
    let (secs, fraction) = ts.split_once('.').unwrap_or((ts, "0"));
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Timestamp::new(secs.parse().ok()?, nanos).ok()
}

pub(super) fn moment(ts: &str) -> Option<Moment> {
    instant(ts).map(Moment::utc)
}

/// A notice of the channel ("joined") as an event.
pub(super) fn notice(at: Option<Moment>, kind: &str, actor: Option<String>, subject: String) -> Event {
    Event { at, kind: kind.to_owned(), actor, subject: (!subject.is_empty()).then_some(subject) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/source/slack-export")
    }

    #[test]
    fn threads_conversations_and_notices() {
        assert!(is_folder(&sample()));
        let reading = read_folder(&sample());
        assert!(reading.faults.is_empty(), "{:?}", reading.faults);
        let found: Vec<_> = reading.threads.iter().map(|t| (t.id.as_str(), t.messages.len(), t.events.len())).collect();
        assert_eq!(
            found,
            [
                ("general/1772442000.000100", 2, 1),
                ("general/1772442100.000300", 2, 0),
                ("general/1772528400.000600", 2, 0)
            ]
        );
        let own = &reading.threads[1];
        assert_eq!(own.title, "#general: @Ben Example can you tag the release?");
        assert_eq!(own.messages[1].reply_to.as_deref(), Some("1772442100.000300"));
        assert_eq!(own.messages[1].sent_at.unwrap().to_string(), "2026-03-02T09:03:20.0004+00:00");
        assert_eq!(own.messages[1].edited_at.unwrap().to_string(), "2026-03-02T09:05:00+00:00");
        let last = &reading.threads[2].messages;
        assert_eq!(last[0].text, "Build 12 failed\n[file: log.txt]");
        assert!(last[0].bot && !last[1].bot);
        assert_eq!(last[1].text, "Look:\n> Ana wrote:\n> Ship & tag");
    }

    #[test]
    fn microseconds_are_exact() {
        let shown = |ts| moment(ts).map(|m| m.to_string());
        assert_eq!(shown("1433558319.000002").as_deref(), Some("2015-06-06T02:38:39.000002+00:00"));
        assert_eq!(shown("1433558319").as_deref(), Some("2015-06-06T02:38:39+00:00"));
        assert_eq!(shown("1433558319.x"), None);
        assert_eq!(shown(""), None);
    }

    #[test]
    fn what_is_no_export_says_so() {
        assert_eq!(read(b"PK\x03\x04 broken", "a.zip").faults.len(), 1);
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(read_folder(empty.path()).faults.len(), 1);
    }
}
