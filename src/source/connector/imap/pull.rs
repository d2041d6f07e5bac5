//! One page of an account: letters that came, then what became of those that were there.

use std::collections::{BTreeMap, HashMap};

use async_imap::imap_proto::{AttributeValue, Response};
use jiff::{Span, Timestamp, tz::TimeZone};

use super::{
    Config,
    session::{Facts, Failure, Session},
    state::{Place, State},
};
use crate::{
    domain::{Fault, Item, Moment, Page, Place as At, pulled::Poisoned},
    source::mail,
    time::{Clock, SystemClock},
};

/// A page closes once it holds so many letters, or so many bytes of them.
const MOST_LETTERS: usize = 500;
const MOST_BYTES: u64 = 8 << 20;
/// UIDs whose sizes are asked for at once: there may be none, or as many letters.
const SPAN: u32 = 2_000;
/// Letters whose text is asked for at once.
const AT_ONCE: usize = 50;

/// One page being made.
pub(super) struct Step<'a> {
    pub session: &'a mut Session,
    pub config: &'a Config,
    /// In the order of reading, by their names on the wire.
    pub mailboxes: &'a [String],
    pub state: &'a mut State,
    pub page: Page,
    standing: HashMap<String, Place>,
    letters: usize,
    bytes: u64,
}

/// A letter before it is fetched.
struct Waiting {
    uid: u32,
    bytes: u64,
}

/// What was fetched of a letter.
#[derive(Default)]
struct Fetched {
    body: Option<Vec<u8>>,
    arrived_at: Option<Moment>,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        session: &'a mut Session,
        config: &'a Config,
        mailboxes: &'a [String],
        state: &'a mut State,
    ) -> Step<'a> {
        let standing = state.standing(mailboxes);
        Step { session, config, mailboxes, state, page: Page::default(), standing, letters: 0, bytes: 0 }
    }

    /// Everything new comes before anything is said to be gone: a letter that was moved is in its new place by then.
    pub(super) async fn run(mut self) -> Result<Page, Failure> {
        for order in 0..self.mailboxes.len() {
            if !self.arrivals(order).await? {
                self.page.more = true;
                break;
            }
        }
        if !self.page.more {
            self.page.more = !self.departures().await?;
        }
        self.page.next = self.state.cursor();
        Ok(self.page)
    }

    fn is_full(&self) -> bool {
        self.letters >= MOST_LETTERS || self.bytes >= MOST_BYTES
    }

    /// The letters of one mailbox that were not looked at; `false` when there are more than one page takes.
    async fn arrivals(&mut self, order: usize) -> Result<bool, Failure> {
        let Some(name) = self.mailboxes.get(order).cloned() else { return Ok(true) };
        let Some(facts) = self.open(&name).await? else { return Ok(true) };
        loop {
            let mailbox = self.state.mailboxes.entry(name.clone()).or_default();
            let first = mailbox.last.saturating_add(1);
            if first >= facts.next {
                return Ok(true);
            }
            if self.is_full() {
                return Ok(false);
            }
            let last = first.saturating_add(SPAN - 1).min(facts.next - 1);
            let mut waiting = self.sizes(first, last).await?;
            if waiting.is_empty() {
                // UIDs may leave gaps of any width.
                let beyond = self.session.search(&format!("UID {first}:*")).await?;
                let next = beyond.into_iter().find(|uid| *uid >= first).unwrap_or(facts.next);
                self.set_last(&name, next.min(facts.next) - 1);
                continue;
            }
            let whole = self.cut(&mut waiting);
            let until = if whole { last } else { waiting.last().map_or(last, |w| w.uid) };
            for some in waiting.chunks(AT_ONCE) {
                self.take(order, &name, some).await?;
            }
            self.set_last(&name, until);
        }
    }

    /// Opens a mailbox. One that is not there is said; what was read from it stays.
    async fn open(&mut self, name: &str) -> Result<Option<Facts>, Failure> {
        let facts = match self.session.examine(name).await {
            Ok(facts) => facts,
            Err(Failure::Refused(what)) => {
                let fault = Fault::new(At { file: Some(name.to_owned()), ..At::default() }, what);
                self.page.poisoned.push(Poisoned { id: name.to_owned(), fault });
                return Ok(None);
            }
            Err(lost) => return Err(lost),
        };
        let fresh = !self.state.mailboxes.contains_key(name);
        let mailbox = self.state.mailboxes.entry(name.to_owned()).or_default();
        mailbox.meet(&facts);
        if fresh {
            mailbox.since = since(self.config.since_days);
        }
        if let (0, Some(since)) = (mailbox.last, &mailbox.since) {
            let wanted = self.session.search(&format!("SINCE {since}")).await?;
            let before = wanted.first().map_or(facts.next, |first| *first).saturating_sub(1);
            (mailbox.last, mailbox.floor) = (before, before);
        }
        Ok(Some(facts))
    }

    fn set_last(&mut self, name: &str, uid: u32) {
        if let Some(mailbox) = self.state.mailboxes.get_mut(name) {
            mailbox.last = uid;
        }
    }

    /// The letters from `first` to `last`, by UID, with their sizes.
    async fn sizes(&mut self, first: u32, last: u32) -> Result<Vec<Waiting>, Failure> {
        let mut sizes = BTreeMap::new();
        self.session
            .ask(&format!("UID FETCH {first}:{last} (UID RFC822.SIZE)"), |answer| {
                if let Response::Fetch(_, values) = answer
                    && let (Some(uid), Some(bytes)) = (uid_of(values), size_of(values))
                    && (first..=last).contains(&uid)
                {
                    sizes.insert(uid, bytes);
                }
            })
            .await?;
        Ok(sizes.into_iter().map(|(uid, bytes)| Waiting { uid, bytes }).collect())
    }

    /// Keeps as many as the page has room for, one at least; whether that is all of them.
    fn cut(&mut self, waiting: &mut Vec<Waiting>) -> bool {
        let all = waiting.len();
        let mut room = all;
        for (at, letter) in waiting.iter().enumerate() {
            if self.is_full() {
                room = at;
                break;
            }
            self.letters += 1;
            self.bytes += letter.bytes.min(self.config.max_message_bytes);
        }
        waiting.truncate(room);
        room == all
    }

    /// Fetches letters of the mailbox that is open and adds them to the page.
    async fn take(&mut self, order: usize, name: &str, letters: &[Waiting]) -> Result<(), Failure> {
        let most = self.config.max_message_bytes;
        let (small, large): (Vec<&Waiting>, Vec<&Waiting>) = letters.iter().partition(|l| l.bytes <= most);
        for letter in large {
            let what = format!("{} bytes are more than the {most} of max_message_bytes: left out", letter.bytes);
            self.poison(name, letter.uid, what);
        }
        if small.is_empty() {
            return Ok(());
        }
        let mut fetched = self.bodies(&small).await?;
        for letter in small {
            match fetched.remove(&letter.uid) {
                Some(Fetched { body: Some(body), arrived_at }) => {
                    self.letter(order, name, letter.uid, &body, arrived_at)
                }
                Some(_) => self.poison(name, letter.uid, "the server has it and gives no text: left out".to_owned()),
                // Deleted since its size was asked for.
                None => {}
            }
        }
        Ok(())
    }

    async fn bodies(&mut self, letters: &[&Waiting]) -> Result<BTreeMap<u32, Fetched>, Failure> {
        let uids: Vec<String> = letters.iter().map(|l| l.uid.to_string()).collect();
        let mut fetched: BTreeMap<u32, Fetched> = BTreeMap::new();
        self.session
            .ask(&format!("UID FETCH {} (UID INTERNALDATE BODY.PEEK[])", uids.join(",")), |answer| {
                let Response::Fetch(_, values) = answer else { return };
                let Some(uid) = uid_of(values) else { return };
                let letter = fetched.entry(uid).or_default();
                for value in values {
                    match value {
                        AttributeValue::BodySection { section: None, data: Some(data), .. } => {
                            letter.body = Some(data.to_vec());
                        }
                        AttributeValue::InternalDate(date) => letter.arrived_at = moment(date),
                        _ => {}
                    }
                }
            })
            .await?;
        Ok(fetched)
    }

    /// A letter: part of the thread of whatever it refers to, unless another of its id stands before it.
    fn letter(&mut self, order: usize, name: &str, uid: u32, body: &[u8], arrived_at: Option<Moment>) {
        let single = match mail::read_single(body, arrived_at, name) {
            Ok(single) => single,
            Err(what) => return self.poison(name, uid, what),
        };
        let Some(id) = single.thread.messages.first().map(|m| m.id.clone()) else { return };
        if let Some(mailbox) = self.state.mailboxes.get_mut(name) {
            mailbox.insert(uid, id.clone());
        }
        let here = (order, uid);
        if *self.standing.get(&id).unwrap_or(&here) < here {
            return;
        }
        self.standing.insert(id, here);
        for what in single.doubts {
            self.page.poisoned.push(poisoned(name, uid, what));
        }
        self.page.items.push(Item::Part { thread: single.thread, joins: single.joins });
    }

    fn poison(&mut self, name: &str, uid: u32, what: String) {
        if let Some(mailbox) = self.state.mailboxes.get_mut(name) {
            mailbox.insert(uid, String::new());
        }
        self.page.poisoned.push(poisoned(name, uid, what));
    }

    /// What is gone; `false` when something else is to be done first.
    async fn departures(&mut self) -> Result<bool, Failure> {
        let mut seen = Vec::new();
        let mut gone: Vec<(String, Option<Place>)> = Vec::new();
        for (order, name) in self.mailboxes.iter().enumerate() {
            let facts = match self.session.examine(name).await {
                Ok(facts) => facts,
                Err(Failure::Refused(_)) => continue,
                Err(lost) => return Err(lost),
            };
            let Some(mailbox) = self.state.mailboxes.get_mut(name) else { return Ok(false) };
            // Something came meanwhile, and what is gone here may be what came there.
            if mailbox.validity != facts.validity || mailbox.last.saturating_add(1) < facts.next {
                return Ok(false);
            }
            if mailbox.is_as_compared(&facts) && mailbox.before.is_empty() {
                continue;
            }
            // As many letters as are known, and none unknown: the same ones, which is so after most that comes.
            let all_there = mailbox.floor == 0 && usize::try_from(facts.exists) == Ok(mailbox.letters.len());
            if all_there && mailbox.before.is_empty() {
                mailbox.compared = Some((facts.next, facts.exists));
                continue;
            }
            let there = self.session.search(&format!("UID {}:*", mailbox.floor.saturating_add(1))).await?;
            let unseen =
                |uid: &&u32| **uid > mailbox.floor && **uid <= mailbox.last && !mailbox.letters.contains_key(uid);
            if let Some(missed) = there.iter().find(unseen) {
                tracing::debug!("a letter that the server did not show before is there now");
                mailbox.last = missed - 1;
                mailbox.insert(*missed, String::new());
                return Ok(false);
            }
            let lost = mailbox.letters.iter().filter(|(uid, _)| there.binary_search(uid).is_err());
            gone.extend(lost.map(|(uid, id)| (id.clone(), Some((order, *uid)))));
            gone.extend(mailbox.before.iter().map(|id| (id.clone(), None)));
            seen.push((name.clone(), facts));
        }
        let left = self.forget(gone).await?;
        if left {
            for (name, facts) in seen {
                if let Some(mailbox) = self.state.mailboxes.get_mut(&name) {
                    mailbox.compared = Some((facts.next, facts.exists));
                    mailbox.before.clear();
                }
            }
        }
        Ok(left)
    }

    /// Takes letters out of the books. Where another copy stands now, it is what was said; else the letter is gone.
    /// `false` when there are more copies to fetch than one page takes.
    async fn forget(&mut self, gone: Vec<(String, Option<Place>)>) -> Result<bool, Failure> {
        if gone.is_empty() {
            return Ok(true);
        }
        let mut lost = Vec::new();
        let mut again: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        let mut all = true;
        let mut others = self.state.clone();
        for (order, uid) in gone.iter().filter_map(|(_, place)| *place) {
            if let Some(mailbox) = self.mailboxes.get(order).and_then(|name| others.mailboxes.get_mut(name)) {
                mailbox.letters.remove(&uid);
            }
        }
        let after = others.standing(self.mailboxes);
        for (id, place) in gone {
            let stood = place.is_none() || self.standing.get(&id) == place.as_ref();
            match after.get(&id) {
                _ if id.is_empty() || !stood => {}
                Some((order, uid)) if place.is_some() => {
                    if self.letters >= MOST_LETTERS {
                        all = false;
                        continue;
                    }
                    self.letters += 1;
                    again.entry(*order).or_default().push(*uid);
                }
                Some(_) => {}
                None => lost.push(id),
            }
            if let Some((order, uid)) = place
                && let Some(mailbox) = self.mailboxes.get(order).and_then(|name| self.state.mailboxes.get_mut(name))
            {
                mailbox.letters.remove(&uid);
            }
        }
        self.standing = after;
        for (order, uids) in again {
            let Some(name) = self.mailboxes.get(order).cloned() else { continue };
            self.session.examine(&name).await?;
            let (first, last) = (uids.iter().min().copied(), uids.iter().max().copied());
            let (Some(first), Some(last)) = (first, last) else { continue };
            let waiting = self.sizes(first, last).await?;
            let wanted: Vec<Waiting> = waiting.into_iter().filter(|w| uids.contains(&w.uid)).collect();
            for some in wanted.chunks(AT_ONCE) {
                self.take(order, &name, some).await?;
            }
        }
        lost.sort();
        lost.dedup();
        self.page.items.extend(lost.into_iter().map(|message| Item::Gone { message }));
        Ok(all)
    }
}

fn poisoned(name: &str, uid: u32, what: String) -> Poisoned {
    let id = format!("{name}/{uid}");
    Poisoned { fault: Fault::new(At { file: Some(id.clone()), ..At::default() }, what), id }
}

fn uid_of(values: &[AttributeValue<'_>]) -> Option<u32> {
    values.iter().find_map(|value| if let AttributeValue::Uid(uid) = value { Some(*uid) } else { None })
}

fn size_of(values: &[AttributeValue<'_>]) -> Option<u64> {
    values.iter().find_map(|value| if let AttributeValue::Rfc822Size(n) = value { Some(u64::from(*n)) } else { None })
}

/// ` 2-Mar-2026 09:00:00 +0100`.
fn moment(date: &str) -> Option<Moment> {
    let zoned = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", date.trim()).ok()?;
    let offset = zoned.offset()?;
    Some(Moment::At { instant: zoned.to_timestamp().ok()?, offset })
}

/// The day from which on letters are read, as `SEARCH` has it; none where it lies before all days there are.
fn since(days: Option<u32>) -> Option<String> {
    day_before(SystemClock.now(), days?)
}

fn day_before(now: Timestamp, days: u32) -> Option<String> {
    let back = Span::new().try_days(i64::from(days)).ok()?;
    let day = now.to_zoned(TimeZone::UTC).date().checked_sub(back).ok()?;
    Some(day.strftime("%-d-%b-%Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_protocol() {
        assert_eq!(moment(" 2-Mar-2026 09:00:00 +0100").unwrap().to_string(), "2026-03-02T09:00:00+01:00");
        assert_eq!(moment("12-Mar-2026 09:00:00 -0000").unwrap().to_string(), "2026-03-12T09:00:00+00:00");
        let now: Timestamp = "2026-03-05T01:00:00Z".parse().unwrap();
        assert_eq!(day_before(now, 3).as_deref(), Some("2-Mar-2026"));
        assert_eq!(day_before(now, 40_000_000), None);
    }
}
