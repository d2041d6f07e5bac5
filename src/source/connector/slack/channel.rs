//! How far one channel has been read, and one step further.
//!
//! The first reading goes forward from the beginning, a stretch of time at a time. From then on the last days are read again
//! in every round, because that is the only way to notice what was edited or deleted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Site,
    api::Trouble,
    talk::{conversations, converse},
    threads::{fault, follow},
    window::{self, Root, Unreadable, Window, at_of, sum},
};
use crate::{
    domain::{Page, Poisoned},
    source::slack_talk::thread,
};

/// The first stretch of a first reading; the next is longer or shorter by how much was said. Seconds.
const FIRST_SLICE_SECS: i64 = 7 * DAY_SECS;
const LEAST_SLICE_SECS: i64 = DAY_SECS;
const MOST_SLICE_SECS: i64 = 10 * 365 * DAY_SECS;
const DAY_SECS: i64 = 24 * 60 * 60;
/// A stretch with fewer messages is doubled, one with ten times as many halved.
const FEW_MESSAGES: usize = 200;
/// Threads begun before the days that are read again, of which late replies are still looked for.
const MOST_OLD_THREADS: usize = 200;
/// How long nobody wrote in such a thread until it is no longer looked at. Seconds.
const OLD_THREAD_SECS: i64 = 90 * DAY_SECS;

/// A channel's part of the cursor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Channel {
    /// The first part of its threads' ids: its name when it was first read, whatever it is called since.
    pub folder: String,
    /// From here on it is read again.
    pub from: Option<Timestamp>,
    slice_secs: i64,
    /// The conversation that was going on at `from`, or the last before.
    pub open: Option<Open>,
    /// Conversations with messages since `from`, by thread id.
    pub talk: BTreeMap<String, Talk>,
    /// Threads by the `ts` of their first message.
    pub threads: BTreeMap<String, Known>,
    /// Messages already reported as unreadable, by `ts`.
    unreadable: BTreeSet<String>,
    /// How often it was read to its end.
    pub round: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Open {
    pub thread: String,
    pub title: String,
    /// When somebody last wrote in it, before `from`.
    pub last: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Talk {
    pub last: Timestamp,
    pub sum: String,
}

/// A thread as it was last read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    pub replies: u64,
    pub latest: String,
    /// Of its first message alone.
    pub root: String,
    /// Of all its messages.
    pub sum: String,
    /// The round it was last read in.
    pub checked: u32,
    /// How often reading it failed.
    pub tries: u8,
}

impl Known {
    /// Whether a list shows it as it was.
    pub(super) fn is(&self, root: &Root) -> bool {
        self.replies == root.replies && self.latest == root.latest && self.root == root.sum
    }

    /// As a list shows it now.
    pub(super) fn shown(self, root: Root) -> Known {
        let latest = if root.latest.is_empty() { self.latest } else { root.latest };
        Known { replies: root.replies, latest, root: root.sum, ..self }
    }
}

impl Channel {
    /// One step further. Whether there is more at once.
    pub(super) async fn visit(&mut self, site: &Site<'_>, page: &mut Page) -> Result<bool, Trouble> {
        if self.folder.is_empty() {
            self.folder = site.channel.folder().to_owned();
        }
        let from = *self.from.get_or_insert_with(|| site.since.max(site.channel.created()));
        let to = self.slice_end(from, site.horizon);
        let window = window::read(site, Some(from), to).await?;
        self.report(&window.unreadable, page);
        let fitted = converse(self, site, &window, to, page).await? && follow(self, site, &window, to, page).await?;
        if !fitted {
            return Ok(true);
        }
        self.advance(site, &window, to);
        Ok(to.is_some())
    }

    /// Where this step ends: now, once the days are reached that are read again.
    fn slice_end(&mut self, from: Timestamp, horizon: Timestamp) -> Option<Timestamp> {
        if from >= horizon {
            return None;
        }
        if self.slice_secs == 0 {
            self.slice_secs = FIRST_SLICE_SECS;
        }
        let end = from.checked_add(SignedDuration::from_secs(self.slice_secs)).unwrap_or(horizon);
        Some(end.min(horizon))
    }

    /// Sets messages aside that could not be read, each once.
    pub(super) fn report(&mut self, unreadable: &[Unreadable], page: &mut Page) {
        for Unreadable { ts, what } in unreadable {
            if self.unreadable.insert(ts.clone()) {
                let what = format!("a message that could not be read: {what}; left out");
                page.poisoned.push(Poisoned { id: format!("{}/{ts}", self.folder), fault: fault(&what) });
            }
        }
    }

    /// Remembers what the next step needs, now that everything of `window` is delivered.
    fn advance(&mut self, site: &Site<'_>, window: &Window, to: Option<Timestamp>) {
        let from = to.or(self.from.max(Some(site.horizon))).unwrap_or(site.horizon);
        let (mut open, mut talk) = (self.open.take(), BTreeMap::new());
        // Conversations are told apart by what was open before them.
        self.open.clone_from(&open);
        for conversation in conversations(self, window) {
            let (before, since): (Vec<_>, Vec<_>) = conversation.said.into_iter().partition(|p| p.at < from);
            if let Some(last) = since.last() {
                let sum = sum(since.iter().map(|posting| &posting.message));
                talk.insert(conversation.id.clone(), Talk { last: last.at, sum });
            }
            if let Some(last) = before.last().map(|posting| posting.at) {
                let kept = open.as_ref().filter(|open| conversation.continued && open.thread == conversation.id);
                let title = kept.map(|open| open.title.clone());
                let title = title.unwrap_or_else(|| thread(&site.channel.title(), String::new(), before).title);
                open = Some(Open { thread: conversation.id, title, last });
            }
        }
        (self.open, self.talk, self.from) = (open, talk, Some(from));
        self.unreadable.retain(|ts| at_of(ts) >= from);
        self.forget_old_threads(site, from);
        if to.is_none() {
            self.round += 1;
        }
        let said = window.talk.len() + window.roots.len();
        self.slice_secs = match said {
            _ if to.is_none() => 0,
            few if few < FEW_MESSAGES => (self.slice_secs * 2).min(MOST_SLICE_SECS),
            many if many > 10 * FEW_MESSAGES => (self.slice_secs / 2).max(LEAST_SLICE_SECS),
            _ => self.slice_secs,
        };
    }

    fn forget_old_threads(&mut self, site: &Site<'_>, from: Timestamp) {
        let mut old: Vec<(Timestamp, String)> = self
            .threads
            .iter()
            .filter(|(ts, _)| at_of(ts) < from)
            .map(|(ts, known)| (at_of(&known.latest), ts.clone()))
            .collect();
        old.sort();
        let quiet = |latest: &Timestamp| site.now.as_second() - latest.as_second() > OLD_THREAD_SECS;
        let too_many = old.len().saturating_sub(MOST_OLD_THREADS);
        for (at, (latest, ts)) in old.iter().enumerate() {
            if at < too_many || quiet(latest) {
                self.threads.remove(ts);
            }
        }
    }
}
