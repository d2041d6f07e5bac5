//! Obligations as they were last worked out from their threads. Their words stay with the messages that they quote.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Store, StoreError, print::print, thread::Filter};
use crate::domain::{Closed, Evidence, Health, How, Metric, Obligation, ObligationKind, ThreadLine};

/// An obligation with the deadline that was worked out for it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Reckoned {
    pub obligation: Obligation,
    pub policy: Option<String>,
    /// IANA name of the zone that its times are shown in.
    pub zone: String,
    pub warn_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    /// Why its clock stands still.
    pub paused: Option<String>,
    pub round_the_clock: bool,
}

/// An obligation as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub reckoned: Reckoned,
    /// The thread's row.
    pub thread_id: i64,
    pub thread: ThreadLine,
    pub first_seen: Timestamp,
    /// Whose words opened it, and when they were said.
    pub said_by: Option<String>,
    pub said_at: Option<Timestamp>,
    /// Whose words ended it.
    pub ended_by: Option<String>,
    pub acknowledged: Option<Hold>,
    pub snoozed: Option<Hold>,
    pub waived: Option<Hold>,
    /// Since when something in its thread has waited to be read.
    pub unread_since: Option<Timestamp>,
}

/// What somebody did about an obligation.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hold {
    pub by: String,
    pub at: Timestamp,
    /// Of a snooze.
    pub until: Option<Timestamp>,
    pub reason: Option<String>,
}

/// Which obligations a list has.
#[derive(Clone, Debug, Default)]
pub struct Which {
    pub threads: Filter,
    /// Only those of the thread in this row.
    pub thread: Option<i64>,
    pub kind: Option<ObligationKind>,
    /// Also those that have ended.
    pub closed: bool,
    /// Only those whose deadline is before this instant.
    pub due_before: Option<Timestamp>,
    /// Owed by somebody of this name.
    pub owed_by: Option<String>,
}

const COLUMNS: &str = "o.id, o.thread_id, o.kind, o.metric, o.owed_by, o.owed_to, o.opened_ms, o.start, o.\"end\", o.event, \
    o.first_opened_ms, o.stated_due_ms, o.policy, o.zone, o.warn_ms, o.due_ms, o.paused, o.round_the_clock, o.closed_ms, \
    o.closed_how, o.closed_start, o.closed_end, o.closed_event, \
    opening.external_id, substr(CAST(opening.text AS BLOB), o.start + 1, o.\"end\" - o.start), opening.author, opening.sent_ms, \
    closing.external_id, substr(CAST(closing.text AS BLOB), o.closed_start + 1, o.closed_end - o.closed_start), \
    thread.key, thread.external_id, thread.title, thread.url, source.name, thread.channel, thread.kind, sighting.first_ms, \
    (SELECT json_group_array(json_array(kind, who, at_ms, until_ms, reason)) FROM hold WHERE obligation_id = o.id), \
    CASE WHEN thread.version <> thread.read_version THEN thread.unread_ms END, closing.author";
const TABLES: &str = "obligation AS o JOIN thread ON thread.id = o.thread_id JOIN source ON source.id = thread.source_id \
    LEFT JOIN sighting ON sighting.obligation_id = o.id LEFT JOIN message AS opening ON opening.id = o.message_id \
    LEFT JOIN message AS closing ON closing.id = o.closed_message_id";

impl Kept {
    /// When it last came to a new stage by `now`, while it is open.
    pub fn stage_since(&self, now: Timestamp) -> Option<Timestamp> {
        let open = self.reckoned.obligation.closed.is_none();
        [self.reckoned.warn_at, self.reckoned.due_at].into_iter().flatten().filter(|at| open && *at <= now).max()
    }

    /// How it stands at `now`, as far as is known.
    pub fn health(&self, now: Timestamp) -> Health {
        let Reckoned { obligation, warn_at, due_at, paused, .. } = &self.reckoned;
        let come = |at: &Option<Timestamp>| at.is_some_and(|at| at <= now);
        match &obligation.closed {
            Some(closed) if closed.how != How::Met => Health::Lifted,
            Some(closed) if due_at.is_none_or(|due| closed.at <= due) => Health::Met,
            Some(_) => Health::Missed,
            None if self.waived.is_some() => Health::Lifted,
            None if come(due_at) => Health::Breached,
            None if come(warn_at) && paused.is_none() => Health::AtRisk,
            None => Health::OnTrack,
        }
    }
}

impl Store {
    /// Keeps what the thread in row `thread` leaves owing, as it was worked out from `version` with messages in `rows` (id and
    /// row of each). `flags`: a JSON list, what is told of the thread with its summary. `false`, and nothing kept, where
    /// the thread has changed since, or is gone. What is kept already stays as it is, with when it is to be looked at.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn keep_docket<K: Borrow<str> + Eq + Hash>(
        &self,
        thread: i64,
        version: i64,
        rows: &HashMap<K, i64>,
        docket: &[Reckoned],
        flags: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write_aside(|on| {
            let sql = "SELECT 1 FROM thread WHERE id = ?1 AND version = ?2";
            if on.prepare_cached(sql)?.query_row((thread, version), |_| Ok(())).optional()?.is_none() {
                return Ok(false);
            }
            let found: (i64, Option<String>, String) = on
                .prepare_cached("SELECT source_id, channel, kind FROM thread WHERE id = ?1")?
                .query_row([thread], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let mut stale = prints(on, thread)?;
            for reckoned in docket {
                // Who is told hangs on where a thread is as well.
                let places = Places::of(&reckoned.obligation, rows);
                let print = print(&(&reckoned, &places, &found));
                if stale.remove(&reckoned.obligation.id) != Some(print) {
                    add(on, thread, places, reckoned, print, now)?;
                }
            }
            for id in stale.into_keys() {
                on.prepare_cached("DELETE FROM obligation WHERE id = ?1")?.execute([id])?;
            }
            let sql = "UPDATE thread SET docket_version = ?2, flags = ?3, docket_ms = ?4 WHERE id = ?1";
            on.prepare_cached(sql)?.execute(params![thread, version, flags, now.as_millisecond()])?;
            Ok(true)
        })
    }

    /// Leaves a thread whose obligations cannot be worked out alone until it changes.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn skip_docket(&self, thread: i64) -> Result<(), StoreError> {
        let sql = "UPDATE thread SET docket_version = read_version WHERE id = ?1";
        self.write_aside(|on| on.execute(sql, [thread]).map(drop))
    }

    /// Notes what deadlines are reckoned by; where that has changed, every thread's obligations are to be worked out again.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn reckon_by(&self, fingerprint: &str) -> Result<(), StoreError> {
        self.write_aside(|on| {
            let known: Option<String> =
                on.query_row("SELECT fingerprint FROM rules", (), |row| row.get(0)).optional()?;
            if known.as_deref() != Some(fingerprint) {
                on.execute("INSERT OR REPLACE INTO rules (id, fingerprint) VALUES (1, ?1)", [fingerprint])?;
                on.execute("UPDATE thread SET docket_version = 0 WHERE docket_version <> 0", ())?;
            }
            Ok(())
        })
    }
}

/// The obligations of a thread that are kept, with the print of each.
fn prints(on: &Transaction<'_>, thread: i64) -> rusqlite::Result<HashMap<String, i64>> {
    let sql = "SELECT id, print FROM obligation WHERE thread_id = ?1";
    on.prepare_cached(sql)?.query_map([thread], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn add(
    on: &Transaction<'_>,
    thread: i64,
    Places { opened, closed }: Places,
    reckoned: &Reckoned,
    print: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let owed = &reckoned.obligation;
    let ms = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    let sql = "INSERT OR REPLACE INTO obligation (id, thread_id, kind, metric, owed_by, owed_to, opened_ms, message_id, start, \
               \"end\", event, first_opened_ms, stated_due_ms, policy, zone, warn_ms, due_ms, paused, round_the_clock, \
               closed_ms, closed_how, closed_message_id, closed_start, closed_end, closed_event, next_ms, print) VALUES (?1, ?2, \
               ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)";
    on.prepare_cached(sql)?.execute(params![
        owed.id,
        thread,
        owed.kind.as_str(),
        owed.metric.as_str(),
        json(&owed.owed_by)?,
        json(&owed.owed_to)?,
        owed.opened_at.as_millisecond(),
        opened.message,
        opened.start,
        opened.end,
        opened.event,
        ms(owed.first_opened_at),
        ms(owed.stated_due),
        reckoned.policy,
        reckoned.zone,
        ms(reckoned.warn_at),
        ms(reckoned.due_at),
        reckoned.paused,
        reckoned.round_the_clock,
        owed.closed.as_ref().map(|closed| closed.at.as_millisecond()),
        owed.closed.as_ref().map(|closed| json(&closed.how)).transpose()?,
        closed.message,
        closed.start,
        closed.end,
        closed.event,
        // Whoever watches looks at once, and says when it will look again.
        now.as_millisecond(),
        print,
    ])?;
    let sql = "INSERT OR IGNORE INTO sighting (obligation_id, thread_id, first_ms) VALUES (?1, ?2, ?3)";
    on.prepare_cached(sql)?.execute(params![owed.id, thread, now.as_millisecond()])?;
    Ok(())
}

/// Where what opened and what ended an obligation stands.
#[derive(Hash)]
struct Places {
    opened: Place,
    closed: Place,
}

impl Places {
    fn of<K: Borrow<str> + Eq + Hash>(owed: &Obligation, rows: &HashMap<K, i64>) -> Places {
        let closed = owed.closed.as_ref().map(|closed| Place::of(&closed.by, rows)).unwrap_or_default();
        Places { opened: Place::of(&owed.opened_by, rows), closed }
    }
}

/// Where evidence stands in the database.
#[derive(Default, Hash)]
struct Place {
    message: Option<i64>,
    start: Option<usize>,
    end: Option<usize>,
    event: Option<String>,
}

impl Place {
    fn of<K: Borrow<str> + Eq + Hash>(evidence: &Evidence, rows: &HashMap<K, i64>) -> Place {
        match evidence {
            Evidence::Words { message, start, end, .. } => {
                let message = rows.get(message.as_str()).copied();
                Place { message, start: Some(*start), end: Some(*end), event: None }
            }
            Evidence::Event { .. } => Place { event: serde_json::to_string(evidence).ok(), ..Place::default() },
        }
    }
}

/// Forgets what quotes a message whose words change or go.
pub(super) fn forget(on: &Transaction<'_>, message: i64) -> rusqlite::Result<()> {
    on.prepare_cached("DELETE FROM obligation WHERE message_id = ?1 OR closed_message_id = ?1")?.execute([message])?;
    let sql = "UPDATE thread SET flags = NULL WHERE id = (SELECT thread_id FROM message WHERE id = ?1)";
    on.prepare_cached(sql)?.execute([message]).map(drop)
}

/// Threads that were read and whose obligations have not been worked out since, at most `most`.
pub fn undocketed(on: &Connection, most: usize) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT id FROM thread WHERE docket_version <> read_version AND read_version = version LIMIT ?1";
    on.prepare_cached(sql)?.query_map([most], |row| row.get(0))?.collect()
}

/// Obligations to look at by `now`, the longest waiting first.
pub fn to_look_at(on: &Connection, now: Timestamp, most: usize) -> rusqlite::Result<Vec<Kept>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE o.next_ms <= ?1 ORDER BY o.next_ms LIMIT ?2");
    on.prepare_cached(&sql)?.query_map(params![now.as_millisecond(), most], kept)?.collect()
}

/// When the next obligation is to be looked at, Unix milliseconds.
pub fn next_look_ms(on: &Connection) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT next_ms FROM obligation WHERE next_ms IS NOT NULL ORDER BY next_ms LIMIT 1";
    on.prepare_cached(sql)?.query_row((), |row| row.get(0)).optional()
}

pub fn find(on: &Connection, id: &str) -> rusqlite::Result<Option<Kept>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE o.id = ?1");
    on.prepare_cached(&sql)?.query_row([id], kept).optional()
}

/// Obligations, first due first and those without a deadline last, from the one after `(due_ms, id)` on.
pub fn list(on: &Connection, which: &Which, after: Option<(i64, &str)>, most: usize) -> rusqlite::Result<Vec<Kept>> {
    let (mut sql, mut values) = which.threads.sql();
    if !which.closed {
        sql.push_str(" AND o.closed_ms IS NULL AND NOT EXISTS (SELECT 1 FROM hold WHERE obligation_id = o.id AND kind = 'waive')");
    }
    let mut clause = |text: &str, value: rusqlite::types::Value| {
        sql.push_str(text);
        values.push(value);
    };
    if let Some(thread) = which.thread {
        clause(" AND o.thread_id = ?", thread.into());
    }
    if let Some(kind) = which.kind {
        clause(" AND o.kind = ?", kind.as_str().to_owned().into());
    }
    if let Some(before) = which.due_before {
        clause(" AND o.due_ms < ?", before.as_millisecond().into());
    }
    if let Some(name) = &which.owed_by {
        clause(" AND EXISTS (SELECT 1 FROM json_each(o.owed_by) WHERE value = ? COLLATE NOCASE)", name.clone().into());
    }
    if let Some((due_ms, id)) = after {
        clause(" AND (coalesce(o.due_ms, 9e18), o.id) > (?, ?)", due_ms.into());
        values.push(id.to_owned().into());
    }
    values.push((most as i64).into());
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE {sql} ORDER BY coalesce(o.due_ms, 9e18), o.id LIMIT ?");
    on.prepare_cached(&sql)?.query_map(rusqlite::params_from_iter(values), kept)?.collect()
}

/// Sources in which something is open under `policy`.
pub fn open_under(on: &Connection, policy: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT DISTINCT source.name FROM obligation JOIN thread ON thread.id = thread_id \
               JOIN source ON source.id = source_id WHERE policy = ?1 AND closed_ms IS NULL";
    on.prepare_cached(sql)?.query_map([policy], |row| row.get(0))?.collect()
}

/// The flags of a thread as they were last worked out, a JSON list.
pub fn flags(on: &Connection, thread: i64) -> rusqlite::Result<Option<String>> {
    on.prepare_cached("SELECT flags FROM thread WHERE id = ?1")?.query_row([thread], |row| row.get(0))
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let at = |column: usize| {
        row.get::<_, Option<i64>>(column).map(|ms| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    };
    let evidence = |event: usize, message: usize, quote: usize, start: usize, end: usize| -> rusqlite::Result<_> {
        if let Some(event) = row.get::<_, Option<String>>(event)? {
            return Ok(serde_json::from_str(&event).ok());
        }
        let Some(message) = row.get::<_, Option<String>>(message)? else { return Ok(None) };
        let quote = row.get::<_, Option<Vec<u8>>>(quote)?.unwrap_or_default();
        let quote = String::from_utf8_lossy(&quote).into_owned();
        Ok(Some(Evidence::Words { message, start: row.get(start)?, end: row.get(end)?, quote }))
    };
    let gone = || Evidence::Words { message: String::new(), start: 0, end: 0, quote: String::new() };
    let closed = match (at(18)?, row.get::<_, Option<String>>(19)?) {
        (Some(at), Some(how)) => {
            let by = evidence(22, 27, 28, 20, 21)?.unwrap_or_else(gone);
            Some(Closed { at, how: word(&how).unwrap_or(How::Met), by })
        }
        _ => None,
    };
    let kind: String = row.get(35)?;
    let obligation = Obligation {
        id: row.get(0)?,
        thread: row.get(30)?,
        kind: word(&row.get::<_, String>(2)?).unwrap_or(ObligationKind::Reply),
        metric: word(&row.get::<_, String>(3)?).unwrap_or(Metric::NextResponse),
        owed_by: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
        owed_to: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default(),
        opened_at: at(6)?.unwrap_or(Timestamp::UNIX_EPOCH),
        opened_by: evidence(9, 23, 24, 7, 8)?.unwrap_or_else(gone),
        first_opened_at: at(10)?,
        stated_due: at(11)?,
        closed,
    };
    let (acknowledged, snoozed, waived) = holds(row.get::<_, Option<String>>(37)?.as_deref());
    Ok(Kept {
        reckoned: Reckoned {
            obligation,
            policy: row.get(12)?,
            zone: row.get(13)?,
            warn_at: at(14)?,
            due_at: at(15)?,
            paused: row.get(16)?,
            round_the_clock: row.get(17)?,
        },
        thread_id: row.get(1)?,
        thread: ThreadLine {
            key: row.get(29)?,
            title: row.get(31)?,
            url: row.get(32)?,
            source: row.get(33)?,
            channel: row.get(34)?,
            kind: crate::domain::Kind::nearest(&kind),
        },
        first_seen: at(36)?.unwrap_or(Timestamp::UNIX_EPOCH),
        said_by: row.get(25)?,
        said_at: at(26)?,
        acknowledged,
        snoozed,
        waived,
        unread_since: at(38)?,
        ended_by: row.get(39)?,
    })
}

fn holds(list: Option<&str>) -> (Option<Hold>, Option<Hold>, Option<Hold>) {
    type Line = (String, String, i64, Option<i64>, Option<String>);
    let lines: Vec<Line> = list.and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
    let find = |kind: &str| {
        let (_, by, at_ms, until_ms, reason) = lines.iter().find(|line| line.0 == kind)?.clone();
        let until = until_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Some(Hold { by, at: Timestamp::from_millisecond(at_ms).ok()?, until, reason })
    };
    (find("ack"), find("snooze"), find("waive"))
}

/// A word that was written by [`json`] or by `as_str`.
fn word<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    let plain = || serde_json::from_value(serde_json::Value::from(word)).ok();
    serde_json::from_str(word).ok().or_else(plain)
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
