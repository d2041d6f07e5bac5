//! A document with its history: sections dated by the commits that wrote them, changes as events.

use std::collections::HashMap;

use gix::ObjectId;

use super::{super::origin, format_of, history::Version};
use crate::{
    domain::{Event, Fault, Message, Moment, Thread},
    source::{Input, Reading, read as read_bytes},
};

/// The bytes of a version, or why they cannot be had.
pub(super) type Bytes<'a> = &'a dyn Fn(ObjectId) -> Result<Vec<u8>, Fault>;

/// Versions of one document that are looked into, newest first.
const MOST_VERSIONS: usize = 500;
/// Events of one document that are kept, newest first.
const MOST_EVENTS: usize = 300;

/// Reads the document whose newest bytes are `head`. `bytes` gives those of any version.
///
/// A section is sent when it first stood in the document and edited when its words last changed; its author stays
/// "section: NAME" as for any document, and the people who committed take part. A commit that touches many documents at
/// once is nobody's word about this one: it makes no event and no participant.
pub(super) fn read(name: &str, head: ObjectId, versions: &[Version], bytes: Bytes<'_>) -> Result<Reading, Fault> {
    let mut reading = text_at(name, &bytes(head)?);
    let versions = versions.get(..MOST_VERSIONS).unwrap_or(versions);
    let past: Vec<Past<'_>> = versions.iter().map(|v| Past::of(v, name, bytes)).collect::<Result<_, Fault>>()?;
    if let Some(thread) = reading.threads.first_mut().filter(|_| !past.is_empty()) {
        let mut seen = HashMap::new();
        for message in &mut thread.messages {
            let key = key_of(message, &mut seen);
            date(message, &key, &past);
        }
        participants(thread, &past);
        events(thread, &past);
    }
    Ok(reading)
}

/// A version and what stood in it.
struct Past<'v> {
    version: &'v Version,
    sections: HashMap<String, String>,
    status: Option<String>,
}

impl<'v> Past<'v> {
    fn of(version: &'v Version, name: &str, bytes: Bytes<'_>) -> Result<Past<'v>, Fault> {
        let thread = text_at(name, &bytes(version.blob)?).threads.into_iter().next();
        let (mut sections, mut seen) = (HashMap::new(), HashMap::new());
        let status = thread.as_ref().and_then(status).map(str::to_owned);
        for message in thread.into_iter().flat_map(|t| t.messages) {
            sections.insert(key_of(&message, &mut seen), message.text);
        }
        Ok(Past { version, sections, status })
    }

    fn at(&self) -> Option<Moment> {
        self.version.commit.at
    }
}

/// A section by its name, and by which of that name it is.
fn key_of(message: &Message, seen: &mut HashMap<String, usize>) -> String {
    let name = message.author.clone().unwrap_or_default();
    let times = seen.entry(name.clone()).or_default();
    *times += 1;
    format!("{times} {name}")
}

/// Walks back from now: where the words differ from the version before they were edited, and before the version in which
/// nothing of that name stood they were not there.
fn date(message: &mut Message, key: &str, past: &[Past<'_>]) {
    let mut now = Some(&message.text);
    let mut edited = None;
    for (at, here) in past.iter().enumerate() {
        let before = past.get(at + 1).and_then(|before| before.sections.get(key));
        let Some(older) = before else {
            message.sent_at = here.at().or(message.sent_at);
            break;
        };
        if now != Some(older) && !here.version.is_bulk() {
            edited = edited.or(Some(here));
        }
        now = Some(older);
    }
    message.edited_at = edited.and_then(Past::at);
}

/// The people who committed, in the order in which they came, then those whom the document names.
fn participants(thread: &mut Thread, past: &[Past<'_>]) {
    let committers = past.iter().rev().filter(|p| !p.version.is_bulk()).map(|p| p.version.commit.author.clone());
    let named = std::mem::take(&mut thread.participants);
    let mut people: Vec<String> = Vec::new();
    for person in committers.chain(named) {
        if !people.contains(&person) {
            people.push(person);
        }
    }
    if people.is_empty() {
        people.extend(past.last().map(|first| first.version.commit.author.clone()));
    }
    thread.participants = people;
}

fn events(thread: &mut Thread, past: &[Past<'_>]) {
    let now = status(thread).map(str::to_owned);
    thread.events.clear();
    let mut status: Option<&String> = None;
    for (at, here) in past.iter().enumerate().rev() {
        let changed = here.status.as_ref().filter(|new| Some(*new) != status);
        status = here.status.as_ref();
        if here.version.is_bulk() {
            continue;
        }
        let mut push = |kind: &str, subject: Option<String>| {
            let actor = Some(here.version.commit.author.clone());
            thread.events.push(Event { at: here.at(), kind: kind.to_owned(), actor, subject });
        };
        match &here.version.from {
            Some(from) => push("renamed", Some(format!("{from} → {}", here.version.path))),
            None if at + 1 == past.len() => push("created", Some(here.version.commit.summary.clone())),
            None => push("edited", Some(here.version.commit.summary.clone())),
        }
        if let Some(new) = changed {
            push("status", Some(new.clone()));
        }
    }
    let said = thread.events.iter().rev().find(|e| e.kind == "status").and_then(|e| e.subject.as_ref());
    if now.as_ref() != said {
        thread.events.extend(now.map(|now| Event {
            at: None,
            kind: "status".to_owned(),
            actor: None,
            subject: Some(now),
        }));
    }
    let extra = thread.events.len().saturating_sub(MOST_EVENTS);
    thread.events.drain(..extra);
}

/// What the document says of itself.
fn status(thread: &Thread) -> Option<&str> {
    thread.events.iter().find(|e| e.kind == "status")?.subject.as_deref()
}

/// A version without words, or that is no text, is one without sections.
fn text_at(name: &str, bytes: &[u8]) -> Reading {
    read_bytes(Input::Bytes { bytes, name }, format_of(name)).unwrap_or_else(|error| origin::refused(name, &error))
}
