//! Which thread an id belongs to: letters arrive in any order, and what they refer to may come later or never.
//!
//! Ids that occur together name one thread (connected components, kept in `alias`); when a new item connects two threads
//! they become one, whichever came first.

use rusqlite::{OptionalExtension, Transaction, params};

use super::change;

/// The thread that any of `ids` names. Where they name several, these are one from now on: the oldest.
pub(super) fn resolve(on: &Transaction<'_>, source: i64, ids: &[&str], now_ms: i64) -> rusqlite::Result<Option<i64>> {
    let mut named = Vec::new();
    let mut find = on.prepare_cached("SELECT thread_id FROM alias WHERE source_id = ?1 AND external_id = ?2")?;
    for id in ids {
        named.extend(find.query_row(params![source, id], |row| row.get::<_, i64>(0)).optional()?);
    }
    named.sort_unstable();
    named.dedup();
    let Some((&oldest, others)) = named.split_first() else { return Ok(None) };
    for &other in others {
        merge(on, source, oldest, other, now_ms)?;
    }
    Ok(Some(oldest))
}

/// Has `ids` name `thread` from now on.
pub(super) fn name(on: &Transaction<'_>, source: i64, thread: i64, ids: &[&str]) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO alias (source_id, external_id, thread_id) VALUES (?1, ?2, ?3)";
    let mut add = on.prepare_cached(sql)?;
    for id in ids {
        add.execute(params![source, id, thread])?;
    }
    Ok(())
}

/// Moves everything of `from` to `into`. What both have is kept once.
fn merge(on: &Transaction<'_>, source: i64, into: i64, from: i64, now_ms: i64) -> rusqlite::Result<()> {
    let key: String = on.query_row("SELECT key FROM thread WHERE id = ?1", [from], |row| row.get(0))?;
    // Its claims go with it; the joined thread is read again.
    on.execute("DELETE FROM summary WHERE thread_id = ?1", [from])?;
    for table in ["message", "event", "vector", "alias"] {
        on.execute(&format!("UPDATE OR IGNORE {table} SET thread_id = ?1 WHERE thread_id = ?2"), [into, from])?;
    }
    let sql = "UPDATE thread SET participants = (SELECT json_group_array(value) FROM (SELECT value FROM (\
               SELECT value, 0 AS part, key AS place FROM json_each(thread.participants) UNION ALL \
               SELECT value, 1, key FROM json_each((SELECT participants FROM thread WHERE id = ?2))) \
               GROUP BY value ORDER BY min(part), min(place))) WHERE id = ?1";
    on.execute(sql, [into, from])?;
    on.execute("DELETE FROM thread WHERE id = ?1", [from])?;
    change::note(on, "thread.gone", source, Some(&key), now_ms)?;
    Ok(())
}
