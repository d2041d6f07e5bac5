//! One round through the folder, page by page: what is new or changed is read, what is gone is said last.
//!
//! A thread that moved from one file to another is said to be in its new place before it is said to be gone from the old
//! one, so that nothing which hangs on it is lost on the way.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use super::{
    git::Documents,
    glob::Globs,
    manifest::{Manifest, Owners, Print, UNFINISHED, print_of, print_of_id},
    origin::{self, GITHUB},
    scan::{self, Kind},
};
use crate::{
    domain::{Cursor, Fault, Item, Page, Thread, pulled::Poisoned},
    source::{Format, Reading, bytes},
    time::{Clock, SystemClock},
};

/// A page closes once it holds so many threads, so that a crash loses little.
const MOST_THREADS: usize = 200;
/// A page closes once it holds so much text, bytes.
const MOST_BYTES: usize = 16 << 20;
/// So many vanished origins are said in one page.
const MOST_VANISHED: usize = 1_000;

/// The folder and how it is to be read.
#[derive(Debug)]
pub(super) struct Place {
    pub root: PathBuf,
    pub format: Option<Format>,
    pub globs: Arc<Globs>,
    /// A file written to more recently than this may still be being written.
    pub settle_secs: u64,
}

/// Where a round stands. It is kept between pages to save looking again; losing it costs time alone.
pub(super) struct Round {
    origins: Vec<Origin>,
    next: usize,
    open: Option<Open>,
    owners: Owners,
    documents: Documents,
    /// Folders that could not be looked into: what was read from them is left as it is.
    closed: Vec<String>,
    /// Said with the first page.
    faults: Vec<Poisoned>,
    overflowed: bool,
    /// Whether a thread came free of an origin that hid another's.
    again: bool,
    /// Whether a file was left for the next round because it was being written to.
    pub unsettled: bool,
    /// The cursor that this round goes on from.
    pub after: Cursor,
}

struct Origin {
    name: String,
    what: What,
    stamp: u64,
    written_ns: u64,
}

enum What {
    Lies(Kind),
    Github(Vec<String>),
    Document,
}

/// An origin whose threads did not fit in one page.
struct Open {
    threads: std::vec::IntoIter<Thread>,
    ids: Vec<String>,
    faults: Vec<Fault>,
    said: bool,
}

impl Round {
    pub(super) fn new(place: &Place, documents: Documents, manifest: &mut Manifest) -> Round {
        // In a repository the documents are what was committed; other files are read where somebody asked for them.
        let scan = if documents.is_empty() || place.globs.is_chosen() {
            scan::scan(&place.root, place.format, &place.globs)
        } else {
            scan::Scan::default()
        };
        let closed = scan.closed.iter().map(|(name, _)| name.clone()).collect();
        let mut faults: Vec<Poisoned> =
            scan.closed.into_iter().map(|(name, what)| poisoned(&name, &name, what)).collect();
        if scan.overflowed {
            let what = format!("more than {} files: the rest is left out; name fewer with include", scan::MOST_FILES);
            faults.push(poisoned(".", ".", what));
        }
        let mut origins: Vec<Origin> = documents
            .stamps(manifest)
            .map(|(name, stamp)| Origin { name, what: What::Document, stamp, written_ns: 0 })
            .collect();
        let tracked: HashSet<&str> = origins.iter().map(|o| o.name.as_str()).collect();
        let untracked = scan.found.into_iter().filter(|f| !tracked.contains(f.origin.as_str())).collect();
        origins.extend(lying(place, untracked, manifest));
        origins.sort_by(|a, b| a.name.cmp(&b.name));
        let owners = Owners::of(manifest, origins.iter().map(|o| o.name.as_str()));
        Round {
            origins,
            next: 0,
            open: None,
            owners,
            documents,
            closed,
            faults,
            overflowed: scan.overflowed,
            again: false,
            unsettled: false,
            after: Cursor::default(),
        }
    }

    /// The next page, and whether the round is over with it.
    pub(super) fn page(&mut self, place: &Place, manifest: &mut Manifest) -> (Page, bool) {
        let mut page = Page { poisoned: std::mem::take(&mut self.faults), ..Page::default() };
        let mut full = false;
        while !full && self.next < self.origins.len() {
            full = !self.origin(place, manifest, &mut page);
            self.next += usize::from(!full);
        }
        let over = !full && self.vanished(manifest, &mut page);
        if over {
            manifest.head = self.documents.head();
        }
        page.next = manifest.cursor();
        page.more = !over || self.again;
        self.after = page.next.clone();
        (page, over)
    }

    /// What is new in the next origin; `false` when the page is full before its end.
    fn origin(&mut self, place: &Place, manifest: &mut Manifest, page: &mut Page) -> bool {
        let Some(origin) = self.origins.get(self.next) else { return true };
        let stamp_before = manifest.stamp(&origin.name);
        if self.open.is_none() {
            if stamp_before == origin.stamp {
                return true;
            }
            if is_young(origin.written_ns, place.settle_secs) {
                self.unsettled = true;
                return true;
            }
            let read = self.read(place, origin);
            let moved = matches!(origin.what, What::Lies(Kind::File))
                && origin::stamp_now(&place.root, &origin.name) != Some(origin.stamp);
            if moved {
                self.unsettled = true;
                return true;
            }
            let reading = match read {
                Ok(reading) => reading,
                // What was read from it before stays until it can be read again, which changes its stamp.
                Err(fault) => {
                    page.poisoned.push(of_fault(&origin.name, fault));
                    manifest.origins.entry(origin.name.clone()).or_default().stamp = origin.stamp;
                    return true;
                }
            };
            let ids = reading.threads.iter().map(|t| t.id.clone()).collect();
            let threads = reading.threads.into_iter();
            self.open = Some(Open { threads, ids, faults: reading.faults, said: stamp_before == UNFINISHED });
        }
        let Some(mut open) = self.open.take() else { return true };
        manifest.origins.entry(origin.name.clone()).or_default().stamp = UNFINISHED;
        while let Some(thread) = open.threads.next() {
            let (id, all) = (print_of_id(&thread.id), print_of(&thread));
            let owner = self.owners.claim(id, &origin.name);
            let differs = |owner: &str| manifest.origins.get(owner).and_then(|e| e.threads.get(&id)) != Some(&all);
            if let Some(owner) = owner.err().filter(|owner| differs(owner)) {
                let what =
                    format!("thread {:?} is another one in {owner}, which stands: give it an id of its own", thread.id);
                open.faults.push(Fault::new(bytes::file(&origin.name), what));
            }
            let entry = manifest.origins.entry(origin.name.clone()).or_default();
            let before = entry.threads.insert(id, if owner.is_ok() { all } else { 0 });
            if owner.is_err() || before == Some(all) {
                continue;
            }
            open.said = true;
            page.items.push(Item::Whole { thread, origin: Some(origin.name.clone()) });
            if is_full(page) && !open.threads.as_slice().is_empty() {
                self.open = Some(open);
                return false;
            }
        }
        let entry = manifest.origins.entry(origin.name.clone()).or_default();
        let held: HashSet<u64> = open.ids.iter().map(|id| print_of_id(id)).collect();
        let dropped: Vec<u64> = entry.threads.keys().copied().filter(|id| !held.contains(id)).collect();
        entry.threads.retain(|id, _| held.contains(id));
        dropped.iter().for_each(|id| self.owners.leave(*id, &origin.name));
        entry.stamp = origin.stamp;
        if open.said || !dropped.is_empty() {
            page.items.push(Item::Origin { origin: origin.name.clone(), threads: open.ids });
        }
        page.poisoned.extend(open.faults.into_iter().map(|fault| of_fault(&origin.name, fault)));
        self.again |= manifest.release(&origin.name, &dropped);
        !is_full(page) || self.next + 1 == self.origins.len()
    }

    fn read(&self, place: &Place, origin: &Origin) -> Result<Reading, Fault> {
        match &origin.what {
            What::Lies(kind) => origin::reading(&place.root, &origin.name, *kind, place.format),
            What::Github(members) => origin::github(&place.root, members),
            What::Document => self.documents.read(&origin.name).map(origin::distinct),
        }
    }

    /// Origins that are no more; `false` when there are too many for one page.
    fn vanished(&mut self, manifest: &mut Manifest, page: &mut Page) -> bool {
        if self.overflowed {
            return true;
        }
        let standing: HashSet<&str> = self.origins.iter().map(|o| o.name.as_str()).collect();
        let hidden = |name: &str| {
            let below = |closed: &String| name == closed || name.starts_with(&format!("{closed}/")) || closed == ".";
            self.closed.iter().any(below)
        };
        let mut gone: Vec<String> = manifest
            .origins
            .keys()
            .filter(|name| !standing.contains(name.as_str()) && !hidden(name))
            .cloned()
            .collect();
        let rest = gone.split_off(gone.len().min(MOST_VANISHED));
        for origin in gone {
            let threads: Vec<u64> =
                manifest.origins.remove(&origin).map(|entry| entry.threads.into_keys().collect()).unwrap_or_default();
            self.again |= manifest.release(&origin, &threads);
            page.items.push(Item::Origin { origin, threads: Vec::new() });
        }
        rest.is_empty()
    }
}

/// What lies on the disk, with the GitHub JSON among it as one origin.
fn lying(place: &Place, found: Vec<scan::Found>, manifest: &mut Manifest) -> Vec<Origin> {
    let mut out = Vec::new();
    let mut members = Vec::new();
    let mut known = std::collections::BTreeMap::new();
    let (mut print, mut newest) = (Print::default(), 0);
    for found in found {
        if found.kind == Kind::File && is_member(place, &found, manifest) {
            print = print.text(&found.origin).number(found.stamp);
            newest = newest.max(found.written_ns);
            known.insert(found.origin.clone(), found.stamp);
            members.push(found.origin);
        } else {
            let scan::Found { origin, kind, stamp, written_ns } = found;
            out.push(Origin { name: origin, what: What::Lies(kind), stamp, written_ns });
        }
    }
    manifest.github = known;
    if !members.is_empty() {
        let what = What::Github(members);
        out.push(Origin { name: GITHUB.to_owned(), what, stamp: print.finish(), written_ns: newest });
    }
    out
}

/// Whether a file is part of the GitHub origin: only one that is new or changed is looked into.
fn is_member(place: &Place, found: &scan::Found, manifest: &Manifest) -> bool {
    let was = manifest.github.get(&found.origin);
    if was == Some(&found.stamp) {
        return true;
    }
    let plain = manifest.stamp(&found.origin) == found.stamp;
    !plain && origin::is_github(&place.root, &found.origin, place.format).unwrap_or(was.is_some())
}

/// A file of another machine may be dated ahead of this one's clock; that says nothing about who writes it now.
fn is_young(written_ns: u64, settle_secs: u64) -> bool {
    let now_ns = u64::try_from(SystemClock.now().as_nanosecond()).unwrap_or(0);
    let age_ns = now_ns.checked_sub(written_ns);
    settle_secs > 0 && age_ns.is_some_and(|age| age < settle_secs.saturating_mul(1_000_000_000))
}

fn is_full(page: &Page) -> bool {
    let threads =
        || page.items.iter().filter_map(|item| if let Item::Whole { thread, .. } = item { Some(thread) } else { None });
    threads().count() >= MOST_THREADS
        || threads().flat_map(|t| &t.messages).map(|m| m.text.len()).sum::<usize>() >= MOST_BYTES
}

fn poisoned(id: &str, file: &str, what: String) -> Poisoned {
    Poisoned { id: id.to_owned(), fault: Fault::new(bytes::file(file), what) }
}

/// A fault is known by the place it names, which stands below its origin.
fn of_fault(origin: &str, fault: Fault) -> Poisoned {
    let place = fault.place.to_string();
    let id = if place.starts_with(origin) { place } else { format!("{origin}: {place}") };
    Poisoned { id: id.trim_end_matches(": ").to_owned(), fault }
}
