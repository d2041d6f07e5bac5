//! A document with its history: sections dated by the commits that wrote them, changes as events.

use std::collections::{HashMap, hash_map::Entry};

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
/// "section: NAME" as for any document, and the people who committed take part. A merge, and a commit that touches many
/// documents at once, is nobody's word about this one: it makes no event and no participant.
pub(super) fn read(name: &str, head: ObjectId, versions: &[Version], bytes: Bytes<'_>) -> Result<Reading, Fault> {
    let mut reading = text_at(name, &bytes(head)?);
    let versions = versions.get(..MOST_VERSIONS).unwrap_or(versions);
    let mut states: HashMap<ObjectId, State> = HashMap::new();
    for blob in versions.iter().flat_map(|v| v.before.into_iter().chain([v.blob])) {
        if let Entry::Vacant(place) = states.entry(blob) {
            place.insert(State::of(text_at(name, &bytes(blob)?)));
        }
    }
    let nothing = State::default();
    let state = |blob: Option<ObjectId>| blob.and_then(|blob| states.get(&blob)).unwrap_or(&nothing);
    let past: Vec<Past<'_>> = versions
        .iter()
        .map(|version| Past { version, before: state(version.before), after: state(Some(version.blob)) })
        .collect();
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

/// What stood in a document at one time.
#[derive(Default)]
struct State {
    /// Words by name of section.
    sections: HashMap<String, String>,
    status: Option<String>,
}

impl State {
    fn of(reading: Reading) -> State {
        let Some(thread) = reading.threads.into_iter().next() else { return State::default() };
        let status = status(&thread).map(str::to_owned);
        let mut seen = HashMap::new();
        let sections = thread.messages.into_iter().map(|m| (key_of(&m, &mut seen), m.text)).collect();
        State { sections, status }
    }
}

/// A version, and what its commit made of what.
struct Past<'v> {
    version: &'v Version,
    before: &'v State,
    after: &'v State,
}

impl Past<'_> {
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

/// A commit edited a section whose words were others before it, and began one that was not there. Each commit is compared
/// with its own parent, since those next to it in time may be another branch's.
fn date(message: &mut Message, key: &str, past: &[Past<'_>]) {
    let words = |state: &State| state.sections.get(key).cloned();
    let changed = |p: &&Past<'_>| p.after.sections.contains_key(key) && words(p.before) != words(p.after);
    let begun = past.iter().position(|p| changed(&p) && !p.before.sections.contains_key(key));
    let since = past.get(..begun.unwrap_or(past.len())).unwrap_or(past);
    let edited = since.iter().filter(changed).find(|p| !p.version.is_quiet());
    let first = begun.and_then(|at| past.get(at)).or(past.last());
    message.sent_at = first.and_then(Past::at).or(message.sent_at);
    message.edited_at = edited.and_then(Past::at);
}

/// The people who committed, in the order in which they came, then those whom the document names.
fn participants(thread: &mut Thread, past: &[Past<'_>]) {
    let committers = past.iter().rev().filter(|p| !p.version.is_quiet()).map(|p| p.version.commit.author.clone());
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
    for here in past.iter().rev().filter(|p| !p.version.is_quiet()) {
        let changed = here.after.status.as_ref().filter(|_| here.after.status != here.before.status);
        let mut push = |kind: &str, subject: Option<String>| {
            let actor = Some(here.version.commit.author.clone());
            thread.events.push(Event { at: here.at(), kind: kind.to_owned(), actor, subject });
        };
        match &here.version.from {
            Some(from) => push("renamed", Some(format!("{from} → {}", here.version.path))),
            None if here.version.before.is_none() => push("created", Some(here.version.commit.summary.clone())),
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
