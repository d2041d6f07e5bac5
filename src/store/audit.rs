//! Who read or did what. No text of a thread is ever in it.

use rusqlite::{Connection, Row, Transaction, params};

use super::{Store, StoreError};

/// One thing that somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// A token's name, or how they came in without one.
    pub who: String,
    /// `read`, `search`, `refresh`, `ingest`, …
    pub what: String,
    /// The key of a thread, or the name of a source.
    pub subject: Option<String>,
    pub request_id: Option<String>,
}

/// Keeps one entry in the transaction of what it tells of.
pub(super) fn note(on: &Transaction<'_>, who: &str, what: &str, subject: &str, at_ms: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO audit (at_ms, who, what, subject) VALUES (?1, ?2, ?3, ?4)";
    on.prepare_cached(sql)?.execute(params![at_ms, who, what, subject]).map(drop)
}

impl Store {
    /// Keeps entries, and when tokens (by row) were last used, Unix milliseconds.
    ///
    /// # Errors
    /// Whatever the database says; then none of them is kept.
    pub fn keep_audit(&self, entries: &[Entry], used: &[(i64, i64)]) -> Result<(), StoreError> {
        self.write_aside(|on| {
            let sql = "INSERT INTO audit (at_ms, who, what, subject, request_id) VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut add = on.prepare_cached(sql)?;
            for entry in entries {
                add.execute(params![entry.at_ms, entry.who, entry.what, entry.subject, entry.request_id])?;
            }
            let mut touch = on.prepare_cached("UPDATE token SET used_ms = ?2 WHERE id = ?1")?;
            for (token, at_ms) in used {
                touch.execute([token, at_ms])?;
            }
            Ok(())
        })
    }
}

/// The newest entries, at most `most`, latest first.
pub fn newest(on: &Connection, most: usize) -> rusqlite::Result<Vec<Entry>> {
    let sql = "SELECT at_ms, who, what, subject, request_id FROM audit ORDER BY id DESC LIMIT ?1";
    let entry = |row: &Row<'_>| {
        Ok(Entry {
            at_ms: row.get(0)?,
            who: row.get(1)?,
            what: row.get(2)?,
            subject: row.get(3)?,
            request_id: row.get(4)?,
        })
    };
    on.prepare_cached(sql)?.query_map([most as i64], entry)?.collect()
}
