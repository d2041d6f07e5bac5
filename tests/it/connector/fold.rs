//! What a store would hold after taking pages: the yardstick for "nothing new", "nothing lost" and "nothing twice".

use std::{collections::BTreeMap, fmt::Write};

use bluf::{
    domain::{Cursor, Item, Message, Page, Thread},
    source::connector::Source,
};

/// Pulls to the end are given up after this many pages.
const MOST_PAGES: usize = 200;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fold {
    pub threads: BTreeMap<String, Thread>,
    pub poisoned: BTreeMap<String, String>,
}

impl Fold {
    pub fn take(&mut self, page: &Page) {
        page.items.iter().for_each(|item| self.item(item));
        for poisoned in &page.poisoned {
            self.poisoned.insert(poisoned.id.clone(), poisoned.fault.what.clone());
        }
    }

    pub fn item(&mut self, item: &Item) {
        match item {
            Item::Whole { thread, .. } => drop(self.threads.insert(thread.id.clone(), thread.clone())),
            Item::Part { thread, .. } => self.part(thread),
            Item::Gone { message } => {
                self.threads.values_mut().for_each(|thread| thread.messages.retain(|m| m.id != *message));
            }
            Item::ThreadGone { thread } => drop(self.threads.remove(thread)),
            Item::Origin { .. } => panic!("connectors of services have no origins"),
        }
    }

    fn part(&mut self, part: &Thread) {
        let known = self.threads.entry(part.id.clone()).or_insert_with(|| Thread {
            messages: Vec::new(),
            events: Vec::new(),
            participants: Vec::new(),
            ..part.clone()
        });
        for message in &part.messages {
            known.messages.retain(|m| m.id != message.id);
            known.messages.push(message.clone());
        }
        known.messages.sort_by_key(|m| m.sent_at.and_then(|at| at.instant()));
        for event in part.events.iter().filter(|event| !known.events.contains(event)).cloned().collect::<Vec<_>>() {
            known.events.push(event);
        }
        let authors = known.messages.iter().filter_map(|m| m.author.clone());
        known.participants = authors.fold(Vec::new(), |mut all, author| {
            if !all.contains(&author) {
                all.push(author);
            }
            all
        });
    }

    /// Everything, for a person to look over.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for thread in self.threads.values() {
            write_thread(&mut out, thread).expect("strings take everything");
        }
        for (id, what) in &self.poisoned {
            writeln!(out, "poisoned {id}: {what}").expect("strings take everything");
        }
        out
    }

    /// The texts of a thread's messages.
    #[track_caller]
    pub fn said(&self, id: &str) -> Vec<&str> {
        let thread = self.threads.get(id).unwrap_or_else(|| panic!("no {id} among {:?}", self.threads.keys()));
        thread.messages.iter().map(|m| m.text.as_str()).collect()
    }

    /// Whether `words` stand in any message.
    pub fn holds(&self, words: &str) -> bool {
        self.threads.values().flat_map(|thread| &thread.messages).any(|m| m.text.contains(words))
    }
}

fn write_thread(out: &mut String, thread: &Thread) -> std::fmt::Result {
    writeln!(out, "{} [{} {}] {}", thread.id, thread.source, thread.kind.as_str(), thread.title)?;
    writeln!(out, "  in {:?} at {:?}, {}", thread.channel, thread.url, thread.participants.join(", "))?;
    for event in &thread.events {
        let at = event.at.map(|at| at.to_string()).unwrap_or_default();
        writeln!(out, "  * {at} {} {:?} {:?}", event.kind, event.actor, event.subject)?;
    }
    thread.messages.iter().try_for_each(|message| write_message(out, message))
}

fn write_message(out: &mut String, message: &Message) -> std::fmt::Result {
    let shown = |at: Option<bluf::domain::Moment>| at.map(|at| at.to_string()).unwrap_or_default();
    let author = message.author.as_deref().unwrap_or("-");
    write!(out, "  {} {} {author}", message.id, shown(message.sent_at))?;
    if let Some(parent) = &message.reply_to {
        write!(out, " to {parent}")?;
    }
    if message.edited_at.is_some() {
        write!(out, " edited {}", shown(message.edited_at))?;
    }
    if message.bot {
        write!(out, " (program)")?;
    }
    writeln!(out, ": {}", message.text)
}

/// Pulls until there is no more; every cursor on the way, the last at the end.
pub async fn pull_to_end(source: &dyn Source, from: Option<&Cursor>, fold: &mut Fold) -> Vec<Cursor> {
    let mut cursors: Vec<Cursor> = from.cloned().into_iter().collect();
    for _ in 0..MOST_PAGES {
        let page = source.pull(cursors.last()).await.expect("the service is well");
        assert!(page.items.len() <= 40, "a page of {} items is too much to lose", page.items.len());
        fold.take(&page);
        cursors.push(page.next.clone());
        if !page.more {
            return cursors;
        }
    }
    panic!("still more after {MOST_PAGES} pages");
}
