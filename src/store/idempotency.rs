//! Answers to requests that may be sent again: who sends the same key again within a day gets the same answer.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};

/// How long an answer is kept. Milliseconds.
const KEPT_MS: i64 = 24 * 3_600_000;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Never,
    /// The same was asked before; this was the answer.
    Before {
        status: u16,
        answer: String,
    },
    /// Something else was asked by that key.
    Otherwise,
}

/// What `who` asked by `key` within the last day; `request` is the sha256 of what is asked now.
pub fn asked(on: &Connection, key: &str, who: &str, request: &[u8], now: Timestamp) -> rusqlite::Result<Asked> {
    let sql = "SELECT request, status, answer FROM idempotency WHERE key = ?1 AND who = ?2 AND at_ms > ?3";
    let since_ms = now.as_millisecond() - KEPT_MS;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?));
    Ok(match on.prepare_cached(sql)?.query_row(params![key, who, since_ms], row).optional()? {
        None => Asked::Never,
        Some((before, status, answer)) if before == request => Asked::Before { status, answer },
        Some(_) => Asked::Otherwise,
    })
}

impl Store {
    /// Keeps the answer that `who` got for `request`, and forgets answers older than a day.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn keep_answer(
        &self,
        key: &str,
        who: &str,
        request: &[u8],
        status: u16,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now_ms = now.as_millisecond();
        self.write_aside(|on| {
            on.prepare_cached("DELETE FROM idempotency WHERE at_ms <= ?1")?.execute([now_ms - KEPT_MS])?;
            let sql = "INSERT OR REPLACE INTO idempotency (key, who, request, status, answer, at_ms) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            on.prepare_cached(sql)?.execute(params![key, who, request, status, answer, now_ms]).map(drop)
        })
    }
}
