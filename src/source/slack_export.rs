//! Slack exports: the zip, or the same tree unpacked. Users and channels by name, one file a channel and day.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use serde::de::DeserializeOwned;

use super::{
    Reading, bytes,
    slack_message::{Posting, WireMessage},
    slack_people::{People, WireUser},
    slack_talk::{self, Group},
    tree::Tree,
};
use crate::domain::{Fault, Thread};

/// Reads an export zip.
///
/// Slack's own threads stay threads. Every message outside them joins its channel's current conversation (see
/// `slack_talk::CONVERSATION_GAP_SECS`), so the number of messages is Slack's and the number of threads is smaller: Slack
/// counts a thread for every message whose `reply_to` is `None`. Notices (somebody joined) are events.
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
    people: People,
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
        let (people, titles) = Default::default();
        let mut export = Export { tree, name, root, people, titles, out: Reading::default() };
        export.users();
        export.channels();
        export.threads();
        export.out
    }

    fn users(&mut self) {
        let users: Vec<WireUser> = self.list("users.json");
        self.people = People::of(users);
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
                self.people.names.channels.insert(channel.id, folder.clone());
                self.titles.insert(folder, title);
            }
        }
    }

    fn members(&self, ids: &[String]) -> Option<String> {
        let names: Vec<&str> =
            ids.iter().map(|id| self.people.names.users.get(id).map_or(id.as_str(), String::as_str)).collect();
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
                .and_then(|wire| wire.posting(&self.people.names, &self.people.bots));
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
        let groups = slack_talk::grouped(talk, None);
        if groups.is_empty() && !notices.is_empty() {
            let what = format!("#{folder} holds {} notices and no message: left out", notices.len());
            self.out.faults.push(Fault::new(bytes::file(self.name), what));
        }
        let went_on = slack_talk::went_on(&groups);
        let began: Vec<_> = groups.iter().map(|group| (group.conversation, group.began())).collect();
        let mut threads: Vec<Thread> = groups.into_iter().map(|group| self.thread(folder, group)).collect();
        for (at, event) in notices {
            let during = began.iter().rposition(|(conversation, from)| *conversation && *from <= Some(at));
            if let Some(thread) = threads.get_mut(during.unwrap_or(0)) {
                thread.events.push(event);
            }
        }
        for (thread, event) in threads.iter_mut().zip(went_on) {
            thread.events.extend(event);
        }
        self.out.threads.append(&mut threads);
    }

    fn thread(&self, folder: &str, group: Group) -> Thread {
        let place = self.titles.get(folder).cloned().unwrap_or_else(|| format!("#{folder}"));
        let first = group.postings.first().map_or("", |posting| posting.message.id.as_str());
        let id = format!("{folder}/{first}");
        slack_talk::thread(&place, id, group.postings)
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
struct WireChannel {
    id: String,
    name: String,
    members: Vec<String>,
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
                ("general/1772442000.000100", 2, 2),
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
    fn what_is_no_export_says_so() {
        assert_eq!(read(b"PK\x03\x04 broken", "a.zip").faults.len(), 1);
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(read_folder(empty.path()).faults.len(), 1);
    }
}
