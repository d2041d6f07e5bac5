//! An issue or pull request as it comes together from several lists, nothing counted twice.

use std::collections::HashSet;

use super::assemble;
use crate::domain::{Event, Kind, Message, Moment, Thread};

#[derive(Default)]
pub(super) struct Draft {
    pub title: String,
    pub url: Option<String>,
    pub review: bool,
    pub opening: Option<Message>,
    /// The instant the data was taken at, where it says so.
    pub as_of: Option<Moment>,
    pub(super) messages: Vec<Message>,
    pub(super) events: Vec<Event>,
    pub(super) seen: HashSet<String>,
}

impl Draft {
    /// Adds what was said, unless the same id was added before.
    pub(super) fn say(&mut self, message: Message) {
        if self.seen.insert(message.id.clone()) {
            self.messages.push(message);
        }
    }

    /// Adds what happened, unless the same `key` was added before.
    pub(super) fn happen(&mut self, key: String, event: Event) {
        if self.seen.insert(format!("event {key}")) {
            self.events.push(event);
        }
    }

    /// Adds a state the item is in ("assigned to Ana"), unless an event already tells of it.
    pub(super) fn stand(&mut self, at: Option<Moment>, kind: &str, actor: Option<String>, subject: Option<String>) {
        if !self.events.iter().any(|e| e.kind == kind && (subject.is_none() || e.subject == subject)) {
            self.events.push(Event { at, kind: kind.to_owned(), actor, subject });
        }
    }

    /// The thread, opening post first, then everything in the order it was written.
    pub(super) fn thread(self, id: String) -> Thread {
        let mut rest = self.messages;
        rest.sort_by_key(|m| m.sent_at.and_then(Moment::instant));
        let messages: Vec<Message> = self.opening.into_iter().chain(rest).collect();
        let ids: HashSet<&str> = messages.iter().map(|m| m.id.as_str()).collect();
        let orphans: Vec<usize> = messages
            .iter()
            .enumerate()
            .filter(|(_, m)| m.reply_to.as_deref().is_some_and(|to| !ids.contains(to)))
            .map(|(at, _)| at)
            .collect();
        let kind = if self.review { Kind::Review } else { Kind::Issue };
        let mut thread = assemble::thread("github", kind, &id, messages);
        for at in orphans {
            thread.messages.get_mut(at).into_iter().for_each(|m| m.reply_to = None);
        }
        thread.events = self.events;
        thread.events.sort_by_key(|e| e.at.and_then(Moment::instant));
        thread.title = if self.title.is_empty() { id.clone() } else { self.title };
        thread.url = self.url;
        thread.as_of = self.as_of;
        thread.id = id;
        thread
    }
}

/// Our word for a foreign event: the contract writes `labelled`, and a review is what it concluded.
pub(super) fn event_word(word: &str) -> String {
    match word.to_ascii_lowercase().as_str() {
        "labeled" => "labelled".to_owned(),
        "unlabeled" => "unlabelled".to_owned(),
        "commented" | "pending" => "reviewed".to_owned(),
        "dismissed" => "review_dismissed".to_owned(),
        other => other.replace('-', "_"),
    }
}

/// A login that is a program's by its name alone.
pub(super) fn is_bot(login: &str) -> bool {
    login.ends_with("[bot]")
}
