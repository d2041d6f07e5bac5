//! What is left to do, as the database has it: sources to pull, threads to read.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError, change, ingest::source_id};
use crate::domain::Cursor;

/// A thread that changed since it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub id: i64,
    pub key: String,
    pub version: i64,
}

/// Where a source stands.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct SourceState {
    pub name: String,
    /// When it was last pulled to its end, Unix milliseconds.
    pub pulled_ms: Option<i64>,
    pub next_try_ms: i64,
    /// In a row.
    pub failures: usize,
    pub last_error: Option<String>,
    pub threads: usize,
    /// Items set aside because they could not be read.
    pub quarantined: usize,
}

/// A thread that never falls quiet is read when it has waited this many times as long.
const LONGEST_QUIET: i64 = 10;
/// A thread that failed this often is set aside until it changes.
const MOST_READS: usize = 5;
/// The first wait after a failure; each further one is twice as long. Milliseconds.
const FIRST_WAIT_MS: i64 = 30_000;
const LONGEST_WAIT_MS: i64 = 3_600_000;

/// Threads to read at `now`, most recently active first: those that changed and have been quiet for `quiet_ms`, or have waited
/// long enough.
pub fn unread(on: &Connection, now: Timestamp, quiet_ms: i64, most: usize) -> rusqlite::Result<Vec<Unread>> {
    let sql = "SELECT id, key, version FROM thread WHERE version <> read_version AND next_read_ms <= ?1 \
               AND (changed_ms <= ?1 - ?2 OR unread_ms <= ?1 - ?4) ORDER BY last_ms DESC LIMIT ?3";
    let row = |row: &rusqlite::Row<'_>| Ok(Unread { id: row.get(0)?, key: row.get(1)?, version: row.get(2)? });
    on.prepare_cached(sql)?
        .query_map(params![now.as_millisecond(), quiet_ms, most, LONGEST_QUIET * quiet_ms], row)?
        .collect()
}

/// When the next thread is to be read, Unix milliseconds; `None` where nothing is left to read.
pub fn next_unread_ms(on: &Connection, quiet_ms: i64) -> rusqlite::Result<Option<i64>> {
    let sql =
        "SELECT min(max(next_read_ms, min(changed_ms + ?1, unread_ms + ?2))) FROM thread WHERE version <> read_version";
    on.prepare_cached(sql)?.query_row([quiet_ms, LONGEST_QUIET * quiet_ms], |row| row.get(0))
}

/// How many threads wait to be read.
pub fn unread_count(on: &Connection) -> rusqlite::Result<usize> {
    on.prepare_cached("SELECT count(*) FROM thread WHERE version <> read_version")?.query_row((), |row| row.get(0))
}

/// How far `source` has been pulled.
pub fn cursor(on: &Connection, source: &str) -> rusqlite::Result<Option<Cursor>> {
    let sql = "SELECT cursor FROM source WHERE name = ?1";
    let found: Option<Option<String>> = on.prepare_cached(sql)?.query_row([source], |row| row.get(0)).optional()?;
    Ok(found.flatten().map(Cursor))
}

/// Every source that was ever pulled, by name.
pub fn sources(on: &Connection) -> rusqlite::Result<Vec<SourceState>> {
    let sql = "SELECT name, pulled_ms, next_try_ms, failures, last_error, \
               (SELECT count(*) FROM thread WHERE source_id = source.id), \
               (SELECT count(*) FROM quarantine WHERE source_id = source.id) FROM source ORDER BY name";
    let row = |row: &rusqlite::Row<'_>| {
        Ok(SourceState {
            name: row.get(0)?,
            pulled_ms: row.get(1)?,
            next_try_ms: row.get(2)?,
            failures: row.get(3)?,
            last_error: row.get(4)?,
            threads: row.get(5)?,
            quarantined: row.get(6)?,
        })
    };
    on.prepare_cached(sql)?.query_map((), row)?.collect()
}

impl Store {
    /// Has a thread read again, at once.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn to_be_read(&self, thread: i64) -> Result<(), StoreError> {
        let sql = "UPDATE thread SET read_version = 0, read_failures = 0, next_read_ms = 0, changed_ms = 0, unread_ms = 0, \
                   read_error = NULL WHERE id = ?1";
        self.write(|on| on.execute(sql, [thread]).map(drop))
    }

    /// Notes that a thread could not be read at `version`, and when to try again: never, where it has failed too often.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn reading_failed(&self, thread: i64, version: i64, why: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(|on| {
            let sql = "UPDATE thread SET read_failures = read_failures + 1, read_error = ?2 WHERE id = ?1 \
                       RETURNING read_failures";
            let Some(failures) = on.query_row(sql, params![thread, why], |row| row.get::<_, usize>(0)).optional()?
            else {
                return Ok(());
            };
            if failures >= MOST_READS {
                let sql = "UPDATE thread SET read_version = ?2 WHERE id = ?1";
                return on.execute(sql, params![thread, version]).map(drop);
            }
            let next_ms = now.as_millisecond() + wait_ms(failures);
            on.execute("UPDATE thread SET next_read_ms = ?2 WHERE id = ?1", params![thread, next_ms]).map(drop)
        })
    }

    /// Notes that `source` could not be pulled, and when to try again: after `retry_after_ms`, or ever later.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn pull_failed(
        &self,
        source: &str,
        why: &str,
        retry_after_ms: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now_ms = now.as_millisecond();
        self.write_aside(|on| {
            let id = source_id(on, source)?;
            let sql = "UPDATE source SET failures = failures + 1, last_error = ?2 WHERE id = ?1 RETURNING failures";
            let failures: usize = on.query_row(sql, params![id, why], |row| row.get(0))?;
            let next_ms = now_ms + retry_after_ms.unwrap_or_else(|| wait_ms(failures));
            on.execute("UPDATE source SET next_try_ms = ?2 WHERE id = ?1", params![id, next_ms])?;
            if failures == 1 {
                change::note(on, "source.down", id, None, now_ms)?;
            }
            Ok(())
        })
    }

    /// Notes that `source` was pulled to its end.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn pulled(&self, source: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write_aside(|on| {
            let id = source_id(on, source)?;
            let failures: usize = on.query_row("SELECT failures FROM source WHERE id = ?1", [id], |row| row.get(0))?;
            let now_ms = now.as_millisecond();
            let sql =
                "UPDATE source SET failures = 0, last_error = NULL, next_try_ms = 0, pulled_ms = ?2 WHERE id = ?1";
            on.execute(sql, params![id, now_ms])?;
            if failures > 0 {
                change::note(on, "source.up", id, None, now_ms)?;
            }
            Ok(())
        })
    }
}

fn wait_ms(failures: usize) -> i64 {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(20);
    FIRST_WAIT_MS.saturating_mul(1 << doublings).min(LONGEST_WAIT_MS)
}
