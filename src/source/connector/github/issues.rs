//! Issues and pull requests: the list of what changed, oldest change first, and each of them read whole.
//!
//! A list is read from the last change seen on until it is exhausted; from then on from some days before it, since a comment
//! that is deleted leaves the time of the last change as it was and shows only in the number of comments.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    MOST_THREADS, Site,
    settle::{Patience, Seen, Settled},
    thread,
};
use crate::{
    domain::{Fault, Page, Place, Poisoned},
    net::page::{Guard, next_link},
    source::{connector::SourceError, github_json::text},
};

/// How far a repository's issues have been read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Issues {
    /// The last change that was read.
    high: Option<Timestamp>,
    /// Whether the list was read to its end.
    caught_up: bool,
    /// Those changed lately, as they were.
    seen: BTreeMap<u64, Seen>,
    /// Those that failed, and how often.
    later: BTreeMap<u64, u8>,
    /// The list's tag, and the beginning that it belongs to.
    etag: Option<(Timestamp, String)>,
}

/// What a list showed.
#[derive(Default)]
struct Listing {
    changed: Vec<(u64, Seen, Value)>,
    present: BTreeSet<u64>,
    /// Whether more had changed than was wanted.
    cut: bool,
    /// Whether the server led in a circle, so that nothing can be said about what is not there.
    circled: bool,
    /// The tag, where the list is no longer than a page: of a longer one the first page says nothing about the rest.
    etag: Option<String>,
}

impl Issues {
    /// One page further. Whether there is more at once.
    pub(super) async fn step(&mut self, site: &Site<'_>, page: &mut Page) -> Result<bool, SourceError> {
        let from = match self.high {
            Some(high) if self.caught_up => Some(site.look_back(high)),
            Some(high) => Some(high),
            None => site.since,
        };
        let Some(listing) = self.list(site, from, page).await? else {
            return self.again(site, BTreeSet::new(), page).await;
        };
        let (before, mut patience) = (self.high, Patience::default());
        for (number, seen, issue) in listing.changed {
            let fetched = thread::whole(site, number, issue).await;
            self.settled(site, number, fetched, page, &mut patience)?;
            self.seen.insert(number, seen);
            self.high = self.high.max(Some(seen.0));
        }
        if listing.cut {
            self.caught_up &= self.high == before;
            return Ok(true);
        }
        let gone =
            if self.caught_up && !listing.circled { self.missing(from, &listing.present) } else { BTreeSet::new() };
        self.etag = from.zip(listing.etag).filter(|_| self.caught_up);
        self.caught_up = true;
        let oldest = self.high.map(|high| site.look_back(high));
        self.seen.retain(|_, seen| Some(seen.0) >= oldest);
        self.again(site, gone, page).await
    }

    /// What changed since `from`; `None` where the server says that nothing did.
    async fn list(
        &self,
        site: &Site<'_>,
        from: Option<Timestamp>,
        page: &mut Page,
    ) -> Result<Option<Listing>, SourceError> {
        let since = from.map(|from| from.to_string()).unwrap_or_default();
        let mut query = vec![("state", "all"), ("sort", "updated"), ("direction", "asc"), ("per_page", site.per_page)];
        query.extend(from.map(|_| ("since", since.as_str())));
        let etag = self.etag.as_ref().filter(|(of, _)| Some(*of) == from).map(|(_, tag)| tag.as_str());
        let mut response = site.api.get(&format!("/repos/{}/issues", site.repo), &query, etag).await?;
        if response.status == 304 {
            return Ok(None);
        }
        let room = MOST_THREADS.saturating_sub(page.items.len()).max(1);
        let (mut listing, mut guard) = (Listing::default(), Guard::default());
        let tag = response.header("etag").map(str::to_owned);
        listing.etag = tag.filter(|_| next_link(&response.headers).is_none());
        loop {
            for (at, entry) in response.json::<Vec<Value>>()?.into_iter().enumerate() {
                let Some((number, seen)) = entry_of(&entry) else {
                    page.poisoned.push(unreadable(site, &entry, at));
                    continue;
                };
                // One that changes while the list is read moves to a later page and comes twice.
                if !listing.present.insert(number) || self.seen.get(&number) == Some(&seen) {
                    continue;
                }
                if listing.changed.len() == room {
                    listing.cut = true;
                    return Ok(Some(listing));
                }
                listing.changed.push((number, seen, entry));
            }
            let Some(next) = guard.follow(next_link(&response.headers)) else {
                listing.circled = guard.circled();
                return Ok(Some(listing));
            };
            response = site.api.get(&next, &[], None).await?;
        }
    }

    /// Issues that a whole list should have shown and did not: deleted, or moved elsewhere.
    fn missing(&self, from: Option<Timestamp>, present: &BTreeSet<u64>) -> BTreeSet<u64> {
        let due = self.seen.iter().filter(|(number, seen)| Some(seen.0) >= from && !present.contains(number));
        due.map(|(number, _)| *number).collect()
    }

    /// Asks for those by number that are missing or failed before.
    async fn again(&mut self, site: &Site<'_>, missing: BTreeSet<u64>, page: &mut Page) -> Result<bool, SourceError> {
        let mut patience = Patience::default();
        let numbers: BTreeSet<u64> = missing.iter().chain(self.later.keys()).copied().collect();
        for number in numbers {
            let fetched = thread::by_number(site, number).await;
            self.settled(site, number, fetched, page, &mut patience)?;
            // There after all: the list says when it changes again.
            if missing.contains(&number) {
                self.seen.remove(&number);
            }
        }
        Ok(false)
    }

    fn settled(
        &mut self,
        site: &Site<'_>,
        number: u64,
        fetched: Result<thread::Fetched, crate::net::NetError>,
        page: &mut Page,
        patience: &mut Patience,
    ) -> Result<(), SourceError> {
        let tries = self.later.get(&number).copied().unwrap_or(0);
        match patience.settle(site, number, tries, fetched, page)? {
            Settled::Later => self.later.insert(number, tries + 1),
            Settled::Done => self.later.remove(&number),
            Settled::Gone => {
                self.seen.remove(&number);
                self.later.remove(&number)
            }
        };
        Ok(())
    }
}

fn entry_of(entry: &Value) -> Option<(u64, Seen)> {
    let updated = text(entry, "updated_at").parse().ok()?;
    let comments = entry.get("comments").and_then(Value::as_u64).unwrap_or(0);
    Some((entry.get("number")?.as_u64()?, Seen(updated, comments)))
}

fn unreadable(site: &Site<'_>, entry: &Value, at: usize) -> Poisoned {
    let id = ["number", "id"].iter().find_map(|key| entry.get(key)).map(Value::to_string);
    let place = Place { item: Some(at + 1), ..Place::default() };
    Poisoned {
        id: format!("{}#{}", site.repo, id.unwrap_or_else(|| "?".to_owned())),
        fault: Fault::new(place, "an entry of the list of issues without a number or a time: left out"),
    }
}
