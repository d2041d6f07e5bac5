//! What happened, numbered in order: a thread's version is the number of the change that last touched it.

use rusqlite::{Connection, Row, Transaction, params};

/// Changes that are kept for those who resume the event stream.
const KEPT: i64 = 20_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    pub seq: i64,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// `thread.changed`, `thread.gone`, `summary.made`, `source.down`, `source.up`.
    pub kind: String,
    /// The source's name.
    pub source: Option<String>,
    /// The thread's key.
    pub thread: Option<String>,
}

/// Notes what happened; the number it gets.
pub(super) fn note(
    on: &Transaction<'_>,
    kind: &str,
    source: i64,
    thread_key: Option<&str>,
    at_ms: i64,
) -> rusqlite::Result<i64> {
    on.prepare_cached("INSERT INTO change (at_ms, kind, source_id, thread_key) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![at_ms, kind, source, thread_key])?;
    Ok(on.last_insert_rowid())
}

impl Change {
    /// What happened after `seq`, in order, at most `most`; and whether some of it is no longer kept.
    pub fn after(on: &Connection, seq: i64, most: usize) -> rusqlite::Result<(Vec<Change>, bool)> {
        let sql = "SELECT seq, at_ms, kind, source.name, thread_key FROM change LEFT JOIN source ON source.id = source_id \
                   WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let rows =
            on.prepare_cached(sql)?.query_map(params![seq, most], Change::of)?.collect::<rusqlite::Result<_>>()?;
        let first: Option<i64> = on.query_row("SELECT min(seq) FROM change", (), |row| row.get(0))?;
        Ok((rows, first.is_some_and(|first| first > seq + 1)))
    }

    /// The number of the last change; 0 before the first.
    pub fn last(on: &Connection) -> rusqlite::Result<i64> {
        on.query_row("SELECT coalesce(max(seq), 0) FROM change", (), |row| row.get(0))
    }

    /// Forgets all but the newest.
    pub fn prune(on: &Transaction<'_>) -> rusqlite::Result<usize> {
        on.execute("DELETE FROM change WHERE seq <= (SELECT max(seq) FROM change) - ?1", [KEPT])
    }

    fn of(row: &Row<'_>) -> rusqlite::Result<Change> {
        Ok(Change { seq: row.get(0)?, at_ms: row.get(1)?, kind: row.get(2)?, source: row.get(3)?, thread: row.get(4)? })
    }
}
