//! What people do about obligations: acknowledge, snooze, waive; and silences over many at once.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Store, StoreError, audit};
use crate::alert::{RouteMatch, Silence};

/// What is done about an obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Somebody sees to it.
    Acknowledge,
    Snooze {
        until: Timestamp,
    },
    /// It need not be done.
    Waive {
        reason: String,
    },
}

impl Act {
    pub fn as_str(&self) -> &'static str {
        match self {
            Act::Acknowledge => "ack",
            Act::Snooze { .. } => "snooze",
            Act::Waive { .. } => "waive",
        }
    }
}

impl Store {
    /// Notes that `who` did this about an obligation, with the audit; `false` where there is no such obligation.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn act(&self, obligation: &str, act: &Act, who: &str, now: Timestamp) -> Result<bool, StoreError> {
        let now_ms = now.as_millisecond();
        self.write(|on| {
            let sql = "SELECT thread_id FROM obligation WHERE id = ?1";
            let thread: Option<i64> = on.prepare_cached(sql)?.query_row([obligation], |row| row.get(0)).optional()?;
            let Some(thread) = thread else { return Ok(false) };
            let (until_ms, reason) = match act {
                Act::Acknowledge => (None, None),
                Act::Snooze { until } => (Some(until.as_millisecond()), None),
                Act::Waive { reason } => (None, Some(reason.as_str())),
            };
            let sql = "INSERT OR REPLACE INTO hold (obligation_id, thread_id, kind, who, at_ms, until_ms, reason) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            on.prepare_cached(sql)?.execute(params![
                obligation,
                thread,
                act.as_str(),
                who,
                now_ms,
                until_ms,
                reason
            ])?;
            look_again(on, Some(obligation), now)?;
            audit::note(on, who, act.as_str(), obligation, now_ms)?;
            Ok(true)
        })
    }

    /// Keeps a silence; its number.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn silence(
        &self,
        matches: &RouteMatch,
        until: Timestamp,
        who: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let json = serde_json::to_string(matches).map_err(|error| StoreError::Failed(error.to_string()))?;
        self.write(|on| {
            let sql = "INSERT INTO silence (matches, from_ms, until_ms, who, why) VALUES (?1, ?2, ?3, ?4, ?5)";
            on.execute(sql, params![json, now.as_millisecond(), until.as_millisecond(), who, why])?;
            let id = on.last_insert_rowid();
            audit::note(on, who, "silence", &id.to_string(), now.as_millisecond())?;
            Ok(id)
        })
    }

    /// Ends a silence now; `false` where there is none of that number that still holds.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn end_silence(&self, id: i64, who: &str, now: Timestamp) -> Result<bool, StoreError> {
        let now_ms = now.as_millisecond();
        self.write(|on| {
            let sql = "UPDATE silence SET until_ms = ?2 WHERE id = ?1 AND until_ms > ?2";
            if on.execute(sql, [id, now_ms])? == 0 {
                return Ok(false);
            }
            look_again(on, None, now)?;
            audit::note(on, who, "silence.end", &id.to_string(), now_ms)?;
            Ok(true)
        })
    }
}

/// Has the watch look at an obligation at once; at all that wait for something, where none is named.
fn look_again(on: &Transaction<'_>, obligation: Option<&str>, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE obligation SET next_ms = ?2 WHERE id = ?1 OR (?1 IS NULL AND next_ms IS NOT NULL)";
    on.prepare_cached(sql)?.execute(params![obligation, now.as_millisecond()]).map(drop)
}

/// Silences that have not ended at `now`.
pub fn silences(on: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Silence>> {
    let sql = "SELECT id, matches, from_ms, until_ms, who, why FROM silence WHERE until_ms > ?1 ORDER BY until_ms";
    let at = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let row = |row: &Row<'_>| {
        let matches: String = row.get(1)?;
        Ok(Silence {
            id: row.get(0)?,
            // One that cannot be read would otherwise silence everything.
            matches: serde_json::from_str(&matches).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
            })?,
            from: at(row.get(2)?),
            until: at(row.get(3)?),
            by: row.get(4)?,
            why: row.get(5)?,
        })
    };
    on.prepare_cached(sql)?.query_map([now.as_millisecond()], row)?.collect()
}
