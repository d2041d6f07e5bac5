//! Messages and events of a thread as they come in: added, edited, or known already.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::Taking;
use crate::domain::{Event, Message, Moment};

/// A message as it stands in the database.
pub(super) struct Known {
    pub id: i64,
    pub hash: Vec<u8>,
    pub ordinal: Option<i64>,
}

impl Taking<'_> {
    /// Adds or replaces a message; whether anything is new.
    pub(super) fn message(
        &mut self,
        thread: i64,
        message: &Message,
        ordinal: Option<i64>,
        before: Option<Known>,
    ) -> rusqlite::Result<bool> {
        let hash = hash_of(message);
        if let Some(known) = &before
            && known.hash == hash
        {
            if known.ordinal != ordinal {
                let sql = "UPDATE message SET ordinal = ?2 WHERE id = ?1";
                self.on.prepare_cached(sql)?.execute(params![known.id, ordinal])?;
            }
            return Ok(false);
        }
        let person = self.person(message)?;
        if let Some(known) = before {
            self.edit(known.id, message, ordinal, person, &hash)?;
            return Ok(true);
        }
        let sql = "INSERT INTO message (thread_id, external_id, ordinal, author, author_id, person_id, sent_at, sent_ms, \
                   edited_at, reply_to, bot, text, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        self.on.prepare_cached(sql)?.execute(params![
            thread,
            message.id,
            ordinal,
            message.author,
            message.author_id,
            person,
            message.sent_at.map(|m| m.to_string()),
            milliseconds(message.sent_at),
            message.edited_at.map(|m| m.to_string()),
            message.reply_to,
            message.bot,
            message.text,
            hash.as_slice(),
        ])?;
        self.taken.added += 1;
        Ok(true)
    }

    fn edit(
        &mut self,
        id: i64,
        message: &Message,
        ordinal: Option<i64>,
        person: Option<i64>,
        hash: &[u8],
    ) -> rusqlite::Result<()> {
        let sql = "INSERT INTO message_version (message_id, author, edited_at, text, replaced_ms) \
                   SELECT id, author, edited_at, text, ?2 FROM message WHERE id = ?1 AND text <> ?3";
        let reworded = self.on.prepare_cached(sql)?.execute(params![id, self.now_ms, message.text])? > 0;
        let sql = "UPDATE message SET ordinal = ?2, author = ?3, author_id = ?4, person_id = ?5, sent_at = ?6, sent_ms = ?7, \
                   edited_at = ?8, reply_to = ?9, bot = ?10, hash = ?11 WHERE id = ?1";
        self.on.prepare_cached(sql)?.execute(params![
            id,
            ordinal,
            message.author,
            message.author_id,
            person,
            message.sent_at.map(|m| m.to_string()),
            milliseconds(message.sent_at),
            message.edited_at.map(|m| m.to_string()),
            message.reply_to,
            message.bot,
            hash,
        ])?;
        if reworded {
            self.forget_claims(id)?;
            self.on.prepare_cached("DELETE FROM act WHERE message_id = ?1")?.execute([id])?;
            let sql = "UPDATE message SET text = ?2, acts = NULL WHERE id = ?1";
            self.on.prepare_cached(sql)?.execute(params![id, message.text])?;
            self.taken.edited += 1;
        }
        Ok(())
    }

    /// The person behind a handle. A name is a handle where the source has nothing better.
    fn person(&mut self, message: &Message) -> rusqlite::Result<Option<i64>> {
        let Some(name) = message.author.as_deref() else { return Ok(None) };
        let handle = message.author_id.as_deref().unwrap_or(name);
        if let Some(&person) = self.people.get(handle) {
            return Ok(Some(person));
        }
        let sql = "SELECT person_id FROM handle WHERE source_id = ?1 AND handle = ?2";
        let found =
            self.on.prepare_cached(sql)?.query_row(params![self.source, handle], |row| row.get(0)).optional()?;
        let person = match found {
            Some(person) => person,
            None => {
                self.on.prepare_cached("INSERT INTO person (name) VALUES (?1)")?.execute([name])?;
                let person = self.on.last_insert_rowid();
                let sql = "INSERT INTO handle (source_id, handle, person_id) VALUES (?1, ?2, ?3)";
                self.on.prepare_cached(sql)?.execute(params![self.source, handle, person])?;
                person
            }
        };
        self.people.insert(handle.to_owned(), person);
        Ok(Some(person))
    }

    /// Adds events; with `all`, those that are not among them go. Whether anything is new.
    pub(super) fn events(&self, thread: i64, events: &[Event], all: bool) -> rusqlite::Result<bool> {
        let sql = "INSERT OR IGNORE INTO event (thread_id, at, at_ms, kind, actor, subject, hash) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut add = self.on.prepare_cached(sql)?;
        let mut hashes = HashSet::new();
        let mut changed = false;
        for event in events {
            let at = event.at.map(|m| m.to_string());
            let hash = digest(&[at.as_deref(), Some(&event.kind), event.actor.as_deref(), event.subject.as_deref()]);
            let row = params![thread, at, milliseconds(event.at), event.kind, event.actor, event.subject, hash];
            changed |= add.execute(row)? > 0;
            hashes.insert(hash);
        }
        if all {
            let mut find = self.on.prepare_cached("SELECT id, hash FROM event WHERE thread_id = ?1")?;
            let rows = find.query_map([thread], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
            for (id, hash) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
                if !hashes.contains(&hash) {
                    self.on.prepare_cached("DELETE FROM event WHERE id = ?1")?.execute([id])?;
                    changed = true;
                }
            }
        }
        Ok(changed)
    }

    pub(super) fn known(&self, thread: i64) -> rusqlite::Result<HashMap<String, Known>> {
        let sql = "SELECT external_id, id, hash, ordinal FROM message WHERE thread_id = ?1";
        let mut find = self.on.prepare_cached(sql)?;
        let row = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, Known { id: row.get(1)?, hash: row.get(2)?, ordinal: row.get(3)? }))
        };
        find.query_map([thread], row)?.collect()
    }

    pub(super) fn known_message(&self, thread: i64, external: &str) -> rusqlite::Result<Option<Known>> {
        let sql = "SELECT id, hash, ordinal FROM message WHERE thread_id = ?1 AND external_id = ?2";
        let row = |row: &rusqlite::Row<'_>| Ok(Known { id: row.get(0)?, hash: row.get(1)?, ordinal: row.get(2)? });
        self.on.prepare_cached(sql)?.query_row(params![thread, external], row).optional()
    }
}

fn hash_of(message: &Message) -> Vec<u8> {
    let (sent, edited) = (message.sent_at.map(|m| m.to_string()), message.edited_at.map(|m| m.to_string()));
    let bot = if message.bot { "bot" } else { "" };
    digest(&[
        message.author.as_deref(),
        message.author_id.as_deref(),
        sent.as_deref(),
        edited.as_deref(),
        message.reply_to.as_deref(),
        Some(bot),
        Some(&message.text),
    ])
}

/// A sha256 over fields, each with its length, so that no two rows of fields run together alike.
fn digest(fields: &[Option<&str>]) -> Vec<u8> {
    let mut sum = Sha256::new();
    for field in fields {
        sum.update(field.map_or(u64::MAX, |f| f.len() as u64).to_le_bytes());
        sum.update(field.unwrap_or_default());
    }
    sum.finalize().to_vec()
}

fn milliseconds(moment: Option<Moment>) -> Option<i64> {
    moment.and_then(Moment::instant).map(Timestamp::as_millisecond)
}
