//! What a folder's cursor remembers: of each origin how it looked, and of each thread read from it which one and what it said.
//!
//! An origin is what is read in one go: a file, a Maildir, an unpacked Slack export, all GitHub JSON below the folder. It
//! costs some 60 bytes and 45 for each of its threads: 100,000 files of one thread each make a cursor of about 10 MB, which
//! is rewritten with every page.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{Cursor, Moment, Thread};

/// A stamp of nothing: the origin has been read in part, or must be read again.
pub(super) const UNFINISHED: u64 = 0;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The commit that was read last, where the folder is one of a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    #[serde(default)]
    pub origins: BTreeMap<String, Entry>,
    /// Files that are parts of the GitHub origin, by what they looked like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub github: BTreeMap<String, u64>,
}

/// How an origin looked when it was read, and what it held.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "s")]
    pub stamp: u64,
    /// Digest of a thread's id to digest of all of it; 0 where another origin's thread of that id stands.
    #[serde(rename = "t", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub threads: BTreeMap<u64, u64>,
}

impl Manifest {
    /// What `cursor` remembers. One that cannot be read is one that remembers nothing: everything is read anew, which
    /// changes nothing.
    pub(super) fn of(cursor: Option<&Cursor>) -> Manifest {
        let Some(cursor) = cursor else { return Manifest::default() };
        serde_json::from_str(&cursor.0).unwrap_or_else(|_| {
            tracing::warn!("a folder's cursor cannot be read; the folder is read from the beginning");
            Manifest::default()
        })
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    pub(super) fn stamp(&self, origin: &str) -> u64 {
        self.origins.get(origin).map_or(UNFINISHED, |entry| entry.stamp)
    }

    /// Threads stop being those of `origin`. Another origin that has one of the same id is to be read again, since its
    /// thread was hidden, or goes with this one.
    pub(super) fn release(&mut self, origin: &str, threads: &[u64]) -> bool {
        let mut again = false;
        for (_, other) in self.origins.iter_mut().filter(|(name, _)| *name != origin) {
            for thread in threads {
                if other.threads.remove(thread).is_some() {
                    other.stamp = UNFINISHED;
                    again = true;
                }
            }
        }
        again
    }
}

/// Which thread of an id is the one that stands, where several origins hold one: that of the first origin by name.
#[derive(Debug, Default)]
pub(super) struct Owners(HashMap<u64, String>);

impl Owners {
    /// Of the origins that are still there.
    pub(super) fn of<'a>(manifest: &Manifest, standing: impl Iterator<Item = &'a str>) -> Owners {
        let mut owners = HashMap::new();
        for origin in standing {
            for thread in manifest.origins.get(origin).into_iter().flat_map(|entry| entry.threads.keys()) {
                let owner = owners.entry(*thread).or_insert_with(|| origin.to_owned());
                if *origin < **owner {
                    *owner = origin.to_owned();
                }
            }
        }
        Owners(owners)
    }

    /// Whether `origin` may say what the thread is; from then on it is the one to ask. `Err` names the one that is.
    pub(super) fn claim(&mut self, thread: u64, origin: &str) -> Result<(), &str> {
        let owner = self.0.entry(thread).or_insert_with(|| origin.to_owned());
        if origin <= owner.as_str() {
            origin.clone_into(owner);
            return Ok(());
        }
        Err(owner)
    }

    /// `origin` has the thread no more, and whoever has it may say so.
    pub(super) fn leave(&mut self, thread: u64, origin: &str) {
        if self.0.get(&thread).is_some_and(|owner| owner == origin) {
            self.0.remove(&thread);
        }
    }
}

/// A digest of words and numbers, never [`UNFINISHED`].
#[derive(Default)]
pub(super) struct Print(Sha256);

impl Print {
    pub(super) fn text(mut self, text: &str) -> Print {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
        self
    }

    pub(super) fn number(mut self, number: u64) -> Print {
        self.0.update(number.to_le_bytes());
        self
    }

    fn maybe(self, text: Option<&str>) -> Print {
        match text {
            None => self.number(u64::MAX),
            Some(text) => self.text(text),
        }
    }

    fn moment(self, moment: Option<Moment>) -> Print {
        self.maybe(moment.map(|m| m.to_string()).as_deref())
    }

    pub(super) fn finish(self) -> u64 {
        let digest = self.0.finalize();
        let first = digest.iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        first.max(UNFINISHED + 1)
    }
}

pub(super) fn print_of_id(id: &str) -> u64 {
    Print::default().text(id).finish()
}

/// A digest of all that a thread says.
pub(super) fn print_of(thread: &Thread) -> u64 {
    let mut print = Print::default()
        .text(&thread.source)
        .text(thread.kind.as_str())
        .text(&thread.id)
        .text(&thread.title)
        .maybe(thread.url.as_deref())
        .maybe(thread.channel.as_deref())
        .moment(thread.as_of)
        .number(thread.participants.len() as u64)
        .number(thread.messages.len() as u64)
        .number(thread.events.len() as u64);
    for name in &thread.participants {
        print = print.text(name);
    }
    for m in &thread.messages {
        print = print
            .text(&m.id)
            .maybe(m.author.as_deref())
            .maybe(m.author_id.as_deref())
            .moment(m.sent_at)
            .text(&m.text)
            .maybe(m.reply_to.as_deref())
            .moment(m.edited_at)
            .number(u64::from(m.bot));
    }
    for e in &thread.events {
        print = print.moment(e.at).text(&e.kind).maybe(e.actor.as_deref()).maybe(e.subject.as_deref());
    }
    print.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let entry = || Entry { stamp: 7, threads: [(1, 10), (2, 20)].into() };
        Manifest { origins: [("a".to_owned(), entry()), ("b".to_owned(), entry())].into(), ..Manifest::default() }
    }

    #[test]
    fn a_cursor_is_read_back_and_a_foreign_one_begins_anew() {
        let manifest = Manifest { head: Some("c0ffee".to_owned()), ..manifest() };
        let back = Manifest::of(Some(&manifest.cursor()));
        assert_eq!((back.head.as_deref(), back.stamp("a"), back.origins["b"].threads[&2]), (Some("c0ffee"), 7, 20));
        assert!(Manifest::of(Some(&Cursor("not ours".to_owned()))).origins.is_empty());
    }

    #[test]
    fn the_first_origin_by_name_owns_a_thread_and_gives_it_up() {
        let mut manifest = manifest();
        let mut owners = Owners::of(&manifest, ["b", "a"].into_iter());
        assert_eq!(owners.claim(1, "b"), Err("a"));
        assert_eq!(owners.claim(3, "b"), Ok(()));
        owners.leave(1, "a");
        owners.leave(3, "a");
        assert_eq!(owners.claim(1, "b"), Ok(()));
        assert_eq!(owners.claim(3, "c"), Err("b"));
        let mut alone = Owners::of(&manifest, ["b"].into_iter());
        assert_eq!(
            [alone.claim(1, "b").is_ok(), alone.claim(1, "a").is_ok(), alone.claim(1, "b").is_ok()],
            [true, true, false]
        );
        assert!(manifest.release("a", &[1]) && !manifest.release("a", &[9]));
        assert_eq!((manifest.stamp("b"), manifest.stamp("a")), (UNFINISHED, 7));
    }
}
