//! What a store must make of pages, in memory and as plainly as can be: the yardstick of the connectors' tests.

use std::collections::{BTreeMap, BTreeSet};

use bluf::{
    domain::{Cursor, Item, Message, Page, Thread, pulled::Poisoned},
    source::connector::Source,
};

/// A source that brings more pages than this is taken to bring them for ever.
const MOST_PAGES: usize = 5_000;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shelf {
    /// Threads that came whole, with their origin.
    pub wholes: BTreeMap<String, (Thread, Option<String>)>,
    /// Messages that came in parts.
    pub messages: BTreeMap<String, Message>,
    /// What belongs together, by any id: an edge to another of the same thread.
    edges: BTreeSet<(String, String)>,
    pub poisoned: BTreeMap<String, String>,
}

impl Shelf {
    pub fn take(&mut self, page: &Page) {
        for item in &page.items {
            match item {
                Item::Whole { thread, origin } => {
                    self.wholes.insert(thread.id.clone(), (thread.clone(), origin.clone()));
                }
                Item::Part { thread, joins } => {
                    for message in &thread.messages {
                        self.edges.insert((thread.id.clone(), message.id.clone()));
                        self.messages.insert(message.id.clone(), message.clone());
                    }
                    self.edges.extend(joins.iter().map(|join| (thread.id.clone(), join.clone())));
                }
                Item::Gone { message } => {
                    self.messages.remove(message);
                }
                Item::ThreadGone { thread } => {
                    self.wholes.remove(thread);
                }
                Item::Origin { origin, threads } => {
                    self.wholes.retain(|id, (_, of)| of.as_ref() != Some(origin) || threads.contains(id));
                }
            }
        }
        for Poisoned { id, fault } in &page.poisoned {
            self.poisoned.insert(id.clone(), fault.what.clone());
        }
    }

    /// The threads that came in parts: the ids of their messages, in order.
    pub fn threads(&self) -> BTreeSet<BTreeSet<String>> {
        let mut above: BTreeMap<&str, &str> = BTreeMap::new();
        for (a, b) in &self.edges {
            let (a, b) = (root(&above, a), root(&above, b));
            if a != b {
                above.insert(b, a);
            }
        }
        let mut threads: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for id in self.messages.keys() {
            threads.entry(root(&above, id)).or_default().insert(id.clone());
        }
        threads.into_values().collect()
    }

    pub fn thread(&self, id: &str) -> &Thread {
        &self.wholes.get(id).unwrap_or_else(|| panic!("no thread {id:?} among {:?}", self.wholes.keys())).0
    }

    /// Everything that a reader would see.
    fn seen(&self) -> String {
        format!("{:#?}\n{:#?}\n{:#?}", self.wholes, self.messages, self.threads())
    }
}

fn root<'a>(above: &BTreeMap<&'a str, &'a str>, id: &'a str) -> &'a str {
    let mut id = id;
    while let Some(next) = above.get(id) {
        id = next;
    }
    id
}

/// Pulls to the end into `shelf`; every cursor on the way, and how many items came.
pub async fn pull(source: &dyn Source, from: Option<&Cursor>, shelf: &mut Shelf) -> (Vec<Cursor>, usize) {
    let (mut cursors, mut items): (Vec<Cursor>, usize) = (Vec::new(), 0);
    for _ in 0..MOST_PAGES {
        let page = source.pull(cursors.last().or(from)).await.expect("a page");
        shelf.take(&page);
        items += page.items.len();
        cursors.push(page.next.clone());
        if !page.more {
            return (cursors, items);
        }
    }
    panic!("{} pages and no end", cursors.len());
}

/// Pulls what is new, and holds the source to its promises: pulling again brings nothing, and pulling from any of
/// `cursors` or from the beginning leaves the shelf as it is. The cursors of this pull are added to `cursors`.
pub async fn pull_and_check(source: &dyn Source, cursors: &mut Vec<Cursor>, shelf: &mut Shelf) -> usize {
    let (new, items) = pull(source, cursors.last(), shelf).await;
    cursors.extend(new);
    let mut again = shelf.clone();
    let (_, nothing) = pull(source, cursors.last(), &mut again).await;
    assert_eq!(nothing, 0, "a second pull brought something");
    for from in cursors.iter().map(Some).chain([None]) {
        let mut again = shelf.clone();
        pull(source, from, &mut again).await;
        assert_eq!(again.seen(), shelf.seen(), "pulling from {from:?} changed something");
    }
    // Everything anew, as after the loss of the database.
    let mut anew = Shelf::default();
    pull(source, None, &mut anew).await;
    assert_eq!(anew.seen(), shelf.seen(), "pulled anew it is something else");
    items
}
