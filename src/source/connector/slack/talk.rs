//! What changed in a channel's conversations since they were last read.

use jiff::Timestamp;

use super::{
    MOST_THREADS, Site,
    api::Trouble,
    channel::{Channel, Open, Talk},
    window::{self, Window, at_of, sum},
};
use crate::{
    domain::{Event, Item, Page, Thread},
    source::{
        slack_message::Posting,
        slack_talk::{Group, grouped, thread},
    },
};

/// A conversation of the window, with its id.
pub(super) struct Conversation {
    pub id: String,
    /// Begun before the window.
    pub continued: bool,
    pub said: Vec<Posting>,
    pub notices: Vec<Event>,
}

/// The window's conversations, each with the notices that fell into it.
pub(super) fn conversations(state: &Channel, window: &Window) -> Vec<Conversation> {
    let open = state.open.as_ref();
    let named = |group: Group| {
        let first = group.postings.first().map_or("", |posting| posting.message.id.as_str());
        let id = match open {
            Some(open) if group.continued => open.thread.clone(),
            _ => format!("{}/{first}", state.folder),
        };
        Conversation { id, continued: group.continued, said: group.postings, notices: Vec::new() }
    };
    let groups = grouped(window.talk.clone(), open.map(|open| open.last));
    let mut found: Vec<Conversation> = groups.into_iter().map(named).collect();
    for (at, event) in &window.notices {
        let during = found.iter().rposition(|c| c.said.first().is_some_and(|first| first.at <= *at));
        if let Some(conversation) = found.get_mut(during.unwrap_or(0)) {
            conversation.notices.push(event.clone());
        }
    }
    found
}

/// Puts every conversation that changed on `page`. Whether all of them found room.
pub(super) async fn converse(
    state: &mut Channel,
    site: &Site<'_>,
    window: &Window,
    to: Option<Timestamp>,
    page: &mut Page,
) -> Result<bool, Trouble> {
    let found = conversations(state, window);
    if window.whole {
        gone(state, site, window, &found, page).await?;
    }
    for conversation in found {
        let digest = sum(conversation.said.iter().map(|posting| &posting.message));
        let known = state.talk.get(&conversation.id);
        if known.is_some_and(|known| known.sum == digest) {
            continue;
        }
        if page.items.len() >= MOST_THREADS {
            return Ok(false);
        }
        let last = conversation.said.last().map_or(Timestamp::MIN, |posting| posting.at);
        let id = conversation.id.clone();
        let item = match (&state.open, conversation.continued) {
            (Some(open), true) => match added(known, &conversation) {
                Some(from) => part(site, open, conversation, from),
                None => again(site, open, last, to).await?,
            },
            _ => whole(site, conversation),
        };
        page.items.push(item);
        state.talk.insert(id, Talk { last, sum: digest });
    }
    Ok(true)
}

/// Takes conversations off that are no more: deleted, or begun by a message that has become a thread's first.
async fn gone(
    state: &mut Channel,
    site: &Site<'_>,
    window: &Window,
    found: &[Conversation],
    page: &mut Page,
) -> Result<(), Trouble> {
    let absent = |id: &String| !found.iter().any(|conversation| conversation.id == *id);
    let vanished: Vec<String> = state.talk.keys().filter(|id| absent(id)).cloned().collect();
    for id in vanished {
        if let Some(open) = state.open.as_ref().filter(|open| open.thread == id) {
            page.items.push(again(site, open, open.last, None).await?);
        } else if !window.roots.iter().any(|root| id.ends_with(&format!("/{}", root.ts))) {
            page.items.push(Item::ThreadGone { thread: id.clone() });
        }
        state.talk.remove(&id);
    }
    Ok(())
}

/// Since when messages were added, where that is all that happened to a conversation begun before the window.
fn added(known: Option<&Talk>, conversation: &Conversation) -> Option<Timestamp> {
    let Some(known) = known else { return Some(Timestamp::MIN) };
    let before = conversation.said.iter().filter(|posting| posting.at <= known.last);
    (sum(before.map(|posting| &posting.message)) == known.sum).then_some(known.last)
}

fn whole(site: &Site<'_>, conversation: Conversation) -> Item {
    let mut thread = thread(&site.channel.title(), conversation.id, conversation.said);
    thread.events = conversation.notices;
    Item::Whole { thread: site.own(thread), origin: None }
}

fn part(site: &Site<'_>, open: &Open, conversation: Conversation, from: Timestamp) -> Item {
    let said = conversation.said.into_iter().filter(|posting| posting.at > from).collect();
    let recent = |event: &Event| event.at.and_then(|at| at.instant()).is_some_and(|at| at > from);
    let events = conversation.notices.into_iter().filter(recent).collect();
    let thread = Thread { title: open.title.clone(), events, ..thread("", conversation.id, said) };
    Item::Part { thread: site.own(thread), joins: Vec::new() }
}

/// All of a conversation that begins before the window, where something in it is no longer as it was.
async fn again(site: &Site<'_>, open: &Open, last: Timestamp, to: Option<Timestamp>) -> Result<Item, Trouble> {
    let first = open.thread.rsplit('/').next().unwrap_or_default();
    let window = window::read(site, Some(at_of(first)), to).await?;
    if !window.whole {
        return Err(Trouble::Here("its pages come to no end".to_owned()));
    }
    let said = window.talk.into_iter().filter(|posting| posting.at <= last.max(open.last)).collect();
    let notices = window.notices.into_iter().filter(|(at, _)| *at <= last.max(open.last)).map(|(_, event)| event);
    let conversation = Conversation { id: open.thread.clone(), continued: true, said, notices: notices.collect() };
    Ok(whole(site, conversation))
}
