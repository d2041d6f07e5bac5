//! What changed in a channel's threads since they were last read.
//!
//! A list shows of a thread its first message, how many replies it has and when the last came. That tells of every new and
//! every deleted reply of the window, not of edited ones, and nothing of threads begun before: so besides, in every round a
//! few known threads are read again, the longest unread and most lately active first.

use jiff::Timestamp;

use super::{
    MOST_THREADS, Site,
    api::Trouble,
    channel::{Channel, Known},
    window::{self, Replies, Root, Window, at_of, sum},
};
use crate::{
    domain::{Fault, Item, Page, Place, Poisoned},
    source::{connector::SourceError, slack_talk::thread},
};

/// A thread that failed this often with a passing trouble is set aside as unreadable.
const MOST_TRIES: u8 = 5;
/// Threads that fail one after another: then it is the server, and no thread is to blame.
const MOST_IN_A_ROW: u8 = 3;
const DAY_SECS: i64 = 24 * 60 * 60;

/// Puts every thread that changed on `page`. Whether all of them found room.
pub(super) async fn follow(
    state: &mut Channel,
    site: &Site<'_>,
    window: &Window,
    to: Option<Timestamp>,
    page: &mut Page,
) -> Result<bool, Trouble> {
    if window.whole {
        gone(state, window, to, page);
    }
    let mut in_a_row = 0;
    for root in changed(state, window) {
        if page.items.len() >= MOST_THREADS {
            return Ok(false);
        }
        take(state, site, root, page, &mut in_a_row).await?;
    }
    if to.is_none() {
        for root in due(state, site) {
            if page.items.len() >= MOST_THREADS {
                break;
            }
            take(state, site, root, page, &mut in_a_row).await?;
        }
    }
    Ok(true)
}

/// Threads that the list shows otherwise than before, and those that a reply in the channel tells of.
fn changed(state: &Channel, window: &Window) -> Vec<Root> {
    let differs = |root: &&Root| state.threads.get(&root.ts).is_none_or(|known| !known.is(root));
    let mut roots: Vec<Root> = window.roots.iter().filter(differs).cloned().collect();
    for (ts, at) in &window.replies {
        let listed = window.roots.iter().chain(&roots).any(|root| root.ts == *ts);
        let known = state.threads.get(ts);
        if !listed && known.is_none_or(|known| at_of(&known.latest) < *at) {
            roots.push(Root { ts: ts.clone(), ..Root::default() });
        }
    }
    roots
}

/// Known threads of the window that the list no longer shows.
fn gone(state: &mut Channel, window: &Window, to: Option<Timestamp>, page: &mut Page) {
    let inside = |at| Some(at) >= state.from && to.is_none_or(|to| at < to);
    let listed = |ts: &String| window.roots.iter().any(|root| root.ts == *ts);
    let vanished: Vec<String> = state.threads.keys().filter(|ts| inside(at_of(ts)) && !listed(ts)).cloned().collect();
    for ts in vanished {
        let id = format!("{}/{ts}", state.folder);
        // A thread that lost its replies is talk again, and may begin a conversation of the same id.
        if !state.talk.contains_key(&id) {
            page.items.push(Item::ThreadGone { thread: id });
        }
        state.threads.remove(&ts);
    }
}

/// Those to read again though nothing tells of a change.
fn due(state: &Channel, site: &Site<'_>) -> Vec<Root> {
    let age = |known: &Known| (site.now.as_second() - at_of(&known.latest).as_second()).max(0) / DAY_SECS;
    let mut known: Vec<(i64, &String)> = state
        .threads
        .iter()
        .filter(|(_, known)| known.checked < state.round && known.tries < MOST_TRIES)
        .map(|(ts, known)| (i64::from(known.checked) + age(known), ts))
        .collect();
    known.sort();
    known.into_iter().take(site.recheck).map(|(_, ts)| Root { ts: ts.clone(), ..Root::default() }).collect()
}

/// Reads one thread and puts it on `page` if it is not as it was.
async fn take(
    state: &mut Channel,
    site: &Site<'_>,
    listed: Root,
    page: &mut Page,
    in_a_row: &mut u8,
) -> Result<(), Trouble> {
    let ts = listed.ts.clone();
    let id = format!("{}/{ts}", state.folder);
    let mut known = state.threads.get(&ts).cloned().unwrap_or_default();
    let read = window::replies(site, &ts).await;
    *in_a_row = if matches!(read, Err(Trouble::Source(SourceError::Transient(_)))) { *in_a_row + 1 } else { 0 };
    known.checked = state.round;
    let mut put_aside = |what: &str| page.poisoned.push(Poisoned { id: id.clone(), fault: fault(what) });
    match read {
        Ok(replies) => {
            state.report(&replies.unreadable, page);
            let root = if listed.latest.is_empty() { replies.root.clone() } else { listed };
            let digest = sum(replies.said.iter().map(|posting| &posting.message));
            if digest != known.sum {
                page.items.push(item(site, id, replies));
            }
            known = Known { sum: digest, tries: 0, ..known.shown(root) };
        }
        Err(Trouble::Here(word)) if matches!(word.as_str(), "thread_not_found" | "message_not_found") => {
            page.items.push(Item::ThreadGone { thread: id });
            state.threads.remove(&ts);
            return Ok(());
        }
        Err(Trouble::Here(word)) => {
            put_aside(&word);
            known = Known { tries: MOST_TRIES, ..known.shown(listed) };
        }
        Err(Trouble::Source(SourceError::Transient(what))) if *in_a_row < MOST_IN_A_ROW => {
            let tries = known.tries + 1;
            if tries == MOST_TRIES {
                put_aside(&what);
            }
            known = Known { tries, checked: 0, ..known.shown(listed) };
        }
        Err(error) => return Err(error),
    }
    state.threads.insert(ts, known);
    Ok(())
}

/// A thread of which nothing but notices is left is gone.
pub(super) fn item(site: &Site<'_>, id: String, replies: Replies) -> Item {
    if replies.said.is_empty() {
        return Item::ThreadGone { thread: id };
    }
    let mut thread = thread(&site.channel.title(), id, replies.said);
    thread.events = replies.notices;
    Item::Whole { thread: site.own(thread), origin: None }
}

pub(super) fn fault(what: &str) -> Fault {
    Fault::new(Place::default(), what)
}
