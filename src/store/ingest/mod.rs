//! Takes a page of a source: its items and its cursor in one transaction, so that a crash repeats work and loses nothing.

mod message;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::{Store, StoreError, change, join, obligation};
use crate::domain::{Item, Moment, Page, Thread};

/// Letters of the key that the API calls a thread by (64 bits of a sha256).
const KEY_LETTERS: usize = 16;

/// What a page changed. All zeros: nothing, it was known already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub threads: usize,
    pub added: usize,
    pub edited: usize,
    pub gone: usize,
    pub poisoned: usize,
}

impl Store {
    /// Takes `page` of `source` and remembers its cursor, unless that is empty.
    ///
    /// # Errors
    /// Whatever the database says; then nothing of the page is kept.
    pub fn take(&self, source: &str, page: &Page, now: Timestamp) -> Result<Taken, StoreError> {
        let now_ms = now.as_millisecond();
        let taken = self.write(|on| {
            let name = source;
            let source = source_id(on, name)?;
            let mut taking = Taking {
                on,
                name,
                source,
                now_ms,
                people: HashMap::new(),
                touched: BTreeSet::new(),
                taken: Taken::default(),
            };
            for item in &page.items {
                taking.item(item)?;
            }
            taking.close()?;
            for poisoned in &page.poisoned {
                taking.set_aside(&poisoned.id, &poisoned.fault.to_string())?;
            }
            let pulled_ms = (!page.more).then_some(now_ms);
            let sql = "UPDATE source SET cursor = coalesce(nullif(?2, ''), cursor), pulled_ms = coalesce(?3, pulled_ms) WHERE id = ?1";
            on.prepare_cached(sql)?.execute(params![source, page.next.0, pulled_ms])?;
            Ok(taking.taken)
        })?;
        if taken.gone + taken.edited > 0 {
            self.checkpoint()?;
        }
        Ok(taken)
    }
}

/// The row of a source, made where it is new.
pub(super) fn source_id(on: &Transaction<'_>, name: &str) -> rusqlite::Result<i64> {
    on.prepare_cached("INSERT OR IGNORE INTO source (name) VALUES (?1)")?.execute([name])?;
    on.prepare_cached("SELECT id FROM source WHERE name = ?1")?.query_row([name], |row| row.get(0))
}

struct Taking<'t> {
    on: &'t Transaction<'t>,
    name: &'t str,
    source: i64,
    now_ms: i64,
    people: HashMap<String, i64>,
    /// Threads in which something is new.
    touched: BTreeSet<i64>,
    taken: Taken,
}

impl Taking<'_> {
    fn item(&mut self, item: &Item) -> rusqlite::Result<()> {
        match item {
            Item::Whole { thread, origin } => self.whole(thread, origin.as_deref()),
            Item::Part { thread, joins } => self.part(thread, joins),
            Item::Gone { message } => self.message_gone(message),
            Item::ThreadGone { thread } => {
                let sql = "SELECT thread_id FROM alias WHERE source_id = ?1 AND external_id = ?2";
                let find = |row: &rusqlite::Row<'_>| row.get(0);
                match self.on.query_row(sql, params![self.source, thread], find).optional()? {
                    Some(id) => self.remove(id),
                    None => Ok(()),
                }
            }
            Item::Origin { origin, threads } => self.origin(origin, threads),
        }
    }

    fn whole(&mut self, thread: &Thread, origin: Option<&str>) -> rusqlite::Result<()> {
        let (id, new) = self.thread(thread, &[&thread.id])?;
        let mut known = self.known(id)?;
        let mut changed = new | self.describe(id, thread, origin)?;
        for (at, message) in thread.messages.iter().enumerate() {
            let before = known.remove(&message.id);
            changed |= self.message(id, message, Some(at as i64), before)?;
        }
        for (_, left) in known {
            self.remove_message(left.id)?;
            changed = true;
        }
        changed |= self.events(id, &thread.events, true)?;
        self.touch(id, changed);
        Ok(())
    }

    fn part(&mut self, thread: &Thread, joins: &[String]) -> rusqlite::Result<()> {
        let mut ids: Vec<&str> = vec![&thread.id];
        ids.extend(joins.iter().map(String::as_str));
        // Where threads are known by what refers to what, messages are known by their own ids as well.
        if !joins.is_empty() {
            ids.extend(thread.messages.iter().map(|m| m.id.as_str()));
        }
        let (id, mut changed) = self.thread(thread, &ids)?;
        for message in &thread.messages {
            let before = self.known_message(id, &message.id)?;
            let ordinal = before.as_ref().and_then(|known| known.ordinal);
            changed |= self.message(id, message, ordinal, before)?;
        }
        changed |= self.events(id, &thread.events, false)?;
        if changed {
            self.title_of_the_first(id, thread)?;
            self.add_participants(id, thread)?;
        }
        self.touch(id, changed);
        Ok(())
    }

    /// The thread's row, and whether it is new.
    fn thread(&mut self, thread: &Thread, ids: &[&str]) -> rusqlite::Result<(i64, bool)> {
        let found = join::resolve(self.on, self.source, ids, self.now_ms)?;
        let (id, new) = match found {
            Some(id) => (id, false),
            None => (self.add_thread(thread)?, true),
        };
        join::name(self.on, self.source, id, ids)?;
        Ok((id, new))
    }

    fn add_thread(&self, thread: &Thread) -> rusqlite::Result<i64> {
        let sql = "INSERT INTO thread (key, source_id, external_id, kind, channel, title, url, participants, as_of) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.on.prepare_cached(sql)?.execute(params![
            key(self.name, &thread.id),
            self.source,
            thread.id,
            thread.kind.as_str(),
            thread.channel,
            thread.title,
            thread.url,
            list(&thread.participants),
            thread.as_of.map(|m| m.to_string()),
        ])?;
        Ok(self.on.last_insert_rowid())
    }

    /// Takes over what a whole thread says of itself; whether that is something new.
    fn describe(&self, id: i64, thread: &Thread, origin: Option<&str>) -> rusqlite::Result<bool> {
        let sql = "UPDATE thread SET kind = ?2, channel = ?3, title = ?4, url = ?5, participants = ?6, as_of = ?7, origin = ?8 \
                   WHERE id = ?1 AND (kind, channel, title, url, participants, as_of, origin) \
                   IS NOT (?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let changed = self.on.prepare_cached(sql)?.execute(params![
            id,
            thread.kind.as_str(),
            thread.channel,
            thread.title,
            thread.url,
            list(&thread.participants),
            thread.as_of.map(|m| m.to_string()),
            origin,
        ])?;
        Ok(changed > 0)
    }

    /// Of a thread that comes in parts the earliest message says what it is called.
    fn title_of_the_first(&self, id: i64, part: &Thread) -> rusqlite::Result<()> {
        let first = part.messages.iter().filter_map(|m| m.sent_at.and_then(Moment::instant)).min();
        let sql = "UPDATE thread SET title = ?2, url = coalesce(?3, url), channel = coalesce(?4, channel) WHERE id = ?1 \
                   AND NOT EXISTS (SELECT 1 FROM message WHERE thread_id = ?1 AND sent_ms < ?5)";
        if let Some(first) = first {
            let first_ms = first.as_millisecond();
            self.on.prepare_cached(sql)?.execute(params![id, part.title, part.url, part.channel, first_ms])?;
        }
        Ok(())
    }

    fn add_participants(&self, id: i64, part: &Thread) -> rusqlite::Result<()> {
        let known: String = self
            .on
            .prepare_cached("SELECT participants FROM thread WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        let mut all: Vec<String> = serde_json::from_str(&known).unwrap_or_default();
        let before = all.len();
        for name in part.participants.iter().chain(part.messages.iter().filter_map(|m| m.author.as_ref())) {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        if all.len() > before {
            self.on
                .prepare_cached("UPDATE thread SET participants = ?2 WHERE id = ?1")?
                .execute(params![id, list(&all)])?;
        }
        Ok(())
    }

    fn message_gone(&mut self, message: &str) -> rusqlite::Result<()> {
        let sql = "SELECT message.id, thread_id FROM message JOIN thread ON thread.id = thread_id \
                   WHERE source_id = ?1 AND message.external_id = ?2";
        let mut find = self.on.prepare_cached(sql)?;
        let rows = find.query_map(params![self.source, message], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (id, thread) in rows.collect::<rusqlite::Result<Vec<(i64, i64)>>>()? {
            self.remove_message(id)?;
            let sql = "SELECT EXISTS (SELECT 1 FROM message WHERE thread_id = ?1)";
            if self.on.prepare_cached(sql)?.query_row([thread], |row| row.get(0))? {
                self.touch(thread, true);
            } else {
                self.remove(thread)?;
            }
        }
        Ok(())
    }

    fn origin(&mut self, origin: &str, threads: &[String]) -> rusqlite::Result<()> {
        let sql = "SELECT id, external_id FROM thread WHERE source_id = ?1 AND origin = ?2";
        let mut find = self.on.prepare_cached(sql)?;
        let rows = find.query_map(params![self.source, origin], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (id, external) in rows.collect::<rusqlite::Result<Vec<(i64, String)>>>()? {
            if !threads.contains(&external) {
                self.remove(id)?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, thread: i64) -> rusqlite::Result<()> {
        let sql = "SELECT key, messages FROM thread WHERE id = ?1";
        let (key, messages): (String, usize) =
            self.on.query_row(sql, [thread], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.on.prepare_cached("DELETE FROM summary WHERE thread_id = ?1")?.execute([thread])?;
        self.on.prepare_cached("DELETE FROM thread WHERE id = ?1")?.execute([thread])?;
        change::note(self.on, "thread.gone", self.source, Some(&key), self.now_ms)?;
        self.taken.threads += 1;
        self.taken.gone += messages.max(1);
        Ok(())
    }

    fn remove_message(&mut self, id: i64) -> rusqlite::Result<()> {
        self.forget_claims(id)?;
        self.on.prepare_cached("DELETE FROM message WHERE id = ?1")?.execute([id])?;
        self.taken.gone += 1;
        Ok(())
    }

    /// Drops every summary, obligation and flag that quotes a message, so that its words are nowhere; the thread is read again.
    fn forget_claims(&self, message: i64) -> rusqlite::Result<()> {
        let sql = "DELETE FROM summary WHERE id IN (SELECT summary_id FROM claim JOIN cite ON claim_id = claim.id \
                   WHERE message_id = ?1)";
        self.on.prepare_cached(sql)?.execute([message])?;
        obligation::forget(self.on, message)
    }

    fn touch(&mut self, thread: i64, changed: bool) {
        if changed {
            self.touched.insert(thread);
        }
    }

    /// Sets what is known in short of every thread that changed; it is to be read again.
    fn close(&mut self) -> rusqlite::Result<()> {
        let first = "SELECT sent_at FROM message WHERE thread_id = ?1 AND sent_at IS NOT NULL \
                     ORDER BY ordinal, sent_ms, id LIMIT 1";
        let last = "SELECT sent_at FROM message WHERE thread_id = ?1 AND sent_at IS NOT NULL \
                    ORDER BY ordinal DESC, sent_ms DESC, id DESC LIMIT 1";
        let sql = format!(
            "UPDATE thread SET unread_ms = CASE WHEN version = read_version THEN ?3 ELSE unread_ms END, \
             version = ?2, changed_ms = ?3, read_failures = 0, next_read_ms = 0, read_error = NULL, \
             messages = (SELECT count(*) FROM message WHERE thread_id = ?1), opened_at = ({first}), last_at = ({last}), \
             last_ms = coalesce((SELECT max(sent_ms) FROM message WHERE thread_id = ?1), ?3) WHERE id = ?1"
        );
        for thread in std::mem::take(&mut self.touched) {
            let find = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
            let key =
                self.on.prepare_cached("SELECT key FROM thread WHERE id = ?1")?.query_row([thread], find).optional()?;
            // A thread may have been joined to another, or gone, since it was touched.
            let Some(key) = key else { continue };
            let version = change::note(self.on, "thread.changed", self.source, Some(&key), self.now_ms)?;
            self.on.prepare_cached(&sql)?.execute(params![thread, version, self.now_ms])?;
            self.taken.threads += 1;
        }
        Ok(())
    }

    fn set_aside(&mut self, id: &str, what: &str) -> rusqlite::Result<()> {
        let sql = "INSERT INTO quarantine (source_id, external_id, what, first_ms, last_ms) VALUES (?1, ?2, ?3, ?4, ?4) \
                   ON CONFLICT (source_id, external_id) DO UPDATE SET what = excluded.what, last_ms = excluded.last_ms";
        self.on.prepare_cached(sql)?.execute(params![self.source, id, what, self.now_ms])?;
        self.taken.poisoned += 1;
        Ok(())
    }
}

/// What the API calls a thread: the same for the same source and id, whenever it comes.
fn key(source: &str, external_id: &str) -> String {
    let mut key = String::new();
    for byte in Sha256::digest(format!("{source}\0{external_id}").as_bytes()) {
        key.push_str(&format!("{byte:02x}"));
    }
    key.truncate(KEY_LETTERS);
    key
}

fn list(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}
