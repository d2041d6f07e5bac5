//! The outbox: what is to be told to which sink, in the transaction that says so, and how telling it went.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};

use super::{Store, StoreError, change, obligation};
use crate::{
    alert::{Receipt, Tell},
    domain::{SourceDown, Stage, Topic},
};

/// Letters of an envelope's id.
const ID_LETTERS: usize = 32;
/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(10);
/// What failed more often than this keeps its wait: it is not its sink that is at fault.
const HURRIED_FAILURES: u32 = 20;
/// For so long an envelope is tried.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(72);
/// What was told is remembered at least this long,
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 180);
/// and so many envelopes are forgotten at one time.
const PRUNED: usize = 500;
/// Notices of one envelope.
const MOST_TOGETHER: usize = 40;
/// A source is down when it could not be pulled this often in a row.
const FAILURES: usize = 3;

/// What an obligation leads to, and when to look at it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub obligation: String,
    /// The thread's key and its source, for the event stream and to put notices together.
    pub thread: String,
    pub source: String,
    pub tell: Vec<Tell>,
    pub next: Option<Timestamp>,
    /// When it last came to a new stage: what is told of its thread from then on is worked out anew.
    pub stage_since: Option<Timestamp>,
}

/// An envelope that waits to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub id: String,
    pub sink: String,
    pub topic: Topic,
    pub group: String,
    pub source: Option<SourceDown>,
    pub made_at: Timestamp,
    /// Times that it was tried before.
    pub attempts: u32,
    /// Of these, those of which the sink said that it failed. Where bluf itself ended meanwhile no sink is to blame.
    pub failures: u32,
    /// What it tells.
    pub notices: Vec<(String, Stage)>,
}

/// An alert as a list shows it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Alert {
    #[serde(skip)]
    pub row: i64,
    /// The envelope's.
    pub id: String,
    pub at: Timestamp,
    pub sink: String,
    pub stage: Stage,
    pub obligation: String,
    /// The thread's key.
    pub thread: Option<String>,
    pub title: Option<String>,
    pub sent_at: Option<Timestamp>,
    pub attempts: u32,
    /// Why it was not sent, where that is so.
    pub ended: Option<String>,
    pub last_error: Option<String>,
}

/// How telling one sink goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SinkState {
    pub name: String,
    /// Notices that are to be sent, now or later.
    pub waiting: usize,
    /// Of these, those that were tried and could not be sent.
    pub failing: usize,
    /// Why the one that was made last could not.
    pub last_error: Option<String>,
    /// When a notice last arrived, Unix milliseconds.
    pub sent_ms: Option<i64>,
}

impl Store {
    /// Puts what was planned into the outbox, once however often it is planned, and notes when to look again.
    ///
    /// # Errors
    /// Whatever the database says; then nothing of it is kept.
    pub fn tell(&self, planned: &[Planned], now: Timestamp) -> Result<(), StoreError> {
        self.write_aside(|on| {
            for plan in planned {
                for tell in &plan.tell {
                    put(on, plan, tell, now)?;
                }
                let next_ms = plan.next.map(Timestamp::as_millisecond);
                let sql = "UPDATE obligation SET next_ms = ?2 WHERE id = ?1";
                on.prepare_cached(sql)?.execute(params![plan.obligation, next_ms])?;
                let sql = "UPDATE thread SET docket_version = 0 WHERE key = ?1 AND docket_ms < ?2";
                let since_ms = plan.stage_since.map(Timestamp::as_millisecond);
                on.prepare_cached(sql)?.execute(params![plan.thread, since_ms])?;
            }
            Ok(())
        })
    }

    /// Puts in the outbox, for every one of `sinks`, that a source has been down, once for each time it goes down.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn tell_down(&self, sinks: &[String], now: Timestamp) -> Result<(), StoreError> {
        self.write_aside(|on| {
            let sql = "SELECT source.name, max(change.at_ms), source.last_error FROM source \
                       JOIN change ON change.source_id = source.id AND change.kind = 'source.down' \
                       WHERE source.failures >= ?1 GROUP BY source.id";
            let row = |row: &Row<'_>| {
                let (name, since, why): (String, i64, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let since = Timestamp::from_millisecond(since).unwrap_or(Timestamp::UNIX_EPOCH);
                Ok(SourceDown { name, since, why: why.unwrap_or_default() })
            };
            let down: Vec<SourceDown> =
                on.prepare_cached(sql)?.query_map([FAILURES], row)?.collect::<rusqlite::Result<_>>()?;
            for source in &down {
                for sink in sinks {
                    let id = id_of(&[sink, "source.down", &source.name, &source.since.to_string()]);
                    let sql = "INSERT OR IGNORE INTO envelope (id, sink, topic, grouped, source, made_ms, next_try_ms) \
                               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
                    let json = serde_json::to_string(source).unwrap_or_default();
                    let row = params![id, sink, Topic::SourceDown.as_str(), source.name, json, now.as_millisecond()];
                    on.prepare_cached(sql)?.execute(row)?;
                }
            }
            Ok(())
        })
    }

    /// Notes that an envelope is about to be sent: from here on its contents stay as they are.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn sending(&self, envelope: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE envelope SET attempts = attempts + 1, together = 0, next_try_ms = ?2 WHERE id = ?1";
        // Where bluf ends before it hears how it went, it is tried again after this.
        let next = now.saturating_add(FIRST_WAIT).unwrap_or(Timestamp::MAX);
        self.write_aside(|on| on.prepare_cached(sql)?.execute(params![envelope, next.as_millisecond()]).map(drop))
    }

    /// Notes that an envelope arrived: its sink is there, so what it missed lately need not wait any longer.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn sent(&self, envelope: &str, now: Timestamp) -> Result<(), StoreError> {
        let now_ms = now.as_millisecond();
        self.write_aside(|on| {
            let sql = "UPDATE envelope SET sent_ms = ?2, next_try_ms = NULL, last_error = NULL WHERE id = ?1";
            on.prepare_cached(sql)?.execute(params![envelope, now_ms])?;
            let sql = "UPDATE envelope SET next_try_ms = ?2 WHERE sink = (SELECT sink FROM envelope WHERE id = ?1) \
                       AND next_try_ms > ?2 AND failures BETWEEN 1 AND ?3";
            on.prepare_cached(sql)?.execute(params![envelope, now_ms, HURRIED_FAILURES]).map(drop)
        })
    }

    /// Notes that nothing in an envelope is left to tell.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn dropped(&self, envelope: &str, why: &str) -> Result<(), StoreError> {
        let sql = "UPDATE envelope SET next_try_ms = NULL, ended = ?2 WHERE id = ?1";
        self.write_aside(|on| on.prepare_cached(sql)?.execute(params![envelope, why]).map(drop))
    }

    /// Forgets what was told long ago of what is no longer owed. What is still there is remembered, so that nobody is told twice.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn prune_outbox(&self, now: Timestamp) -> Result<(), StoreError> {
        let before = now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN).as_millisecond();
        let sql = "DELETE FROM envelope WHERE id IN (SELECT id FROM envelope AS old WHERE made_ms < ?1 AND next_try_ms IS NULL \
                   AND NOT EXISTS (SELECT 1 FROM notice JOIN obligation ON obligation.id = obligation_id \
                   WHERE envelope_id = old.id) LIMIT ?2)";
        self.write_aside(|on| on.prepare_cached(sql)?.execute(params![before, PRUNED]).map(drop))
    }

    /// Notes that an envelope could not be sent, and when to try again: after `retry_after` where its sink said so, else ever
    /// later, and not at all after three days.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn not_sent(
        &self,
        envelope: &Waiting,
        why: &str,
        retry_after: Option<SignedDuration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let late = now.duration_since(envelope.made_at) > TRIED_FOR;
        let wait = retry_after.unwrap_or_else(|| wait(envelope.failures));
        let next = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        let next_ms = (!late).then_some(next.as_millisecond());
        let ended = late.then_some("it could not be sent for three days");
        let sql =
            "UPDATE envelope SET next_try_ms = ?2, last_error = ?3, ended = ?4, failures = failures + 1 WHERE id = ?1";
        self.write_aside(|on| on.prepare_cached(sql)?.execute(params![envelope.id, next_ms, why, ended]).map(drop))
    }
}

/// Puts one notice into an envelope: one that waits for the same time where it may wait for others, else one of its thread.
fn put(on: &Transaction<'_>, plan: &Planned, tell: &Tell, now: Timestamp) -> rusqlite::Result<()> {
    let (stage, round) = (tell.stage.as_str(), i64::from(tell.round));
    let sql = "SELECT 1 FROM notice WHERE obligation_id = ?1 AND stage = ?2 AND sink = ?3 AND round = ?4";
    let key = params![plan.obligation, stage, tell.sink, round];
    if on.prepare_cached(sql)?.query_row(key, |_| Ok(())).optional()?.is_some() {
        return Ok(());
    }
    let (now_ms, next_ms) = (now.as_millisecond(), tell.not_before.as_millisecond());
    let sql = if tell.together {
        "SELECT id FROM envelope WHERE sink = ?1 AND next_try_ms = ?2 AND together = 1 AND attempts = 0 \
         AND (SELECT count(*) FROM notice WHERE envelope_id = envelope.id) < ?3"
    } else {
        // Of one thread at one instant.
        "SELECT id FROM envelope WHERE sink = ?1 AND next_try_ms = ?2 AND made_ms = ?2 AND attempts = 0 AND together = 0 \
         AND grouped = ?3 AND topic = ?4"
    };
    let topic = if tell.together { Topic::Digest } else { tell.stage.topic() };
    let found: Option<String> = if tell.together {
        on.prepare_cached(sql)?.query_row(params![tell.sink, next_ms, MOST_TOGETHER], |row| row.get(0)).optional()?
    } else {
        let row = params![tell.sink, next_ms, plan.thread, topic.as_str()];
        on.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?
    };
    let envelope = match found {
        Some(envelope) => envelope,
        None => {
            let id = id_of(&[&tell.sink, &plan.obligation, stage, &round.to_string()]);
            let sql = "INSERT INTO envelope (id, sink, topic, grouped, made_ms, together, next_try_ms) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let group = if tell.together { "digest" } else { &plan.thread };
            let row = params![id, tell.sink, topic.as_str(), group, now_ms, tell.together, next_ms];
            on.prepare_cached(sql)?.execute(row)?;
            id
        }
    };
    let sql =
        "INSERT INTO notice (obligation_id, stage, sink, round, at_ms, envelope_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    on.prepare_cached(sql)?.execute(params![plan.obligation, stage, tell.sink, round, now_ms, envelope])?;
    let sql = "SELECT id FROM source WHERE name = ?1";
    let source: Option<i64> = on.prepare_cached(sql)?.query_row([&plan.source], |row| row.get(0)).optional()?;
    if let Some(source) = source.filter(|_| tell.round == 0) {
        change::note(on, tell.stage.topic().as_str(), source, Some(&plan.thread), now_ms)?;
    }
    Ok(())
}

/// What a sink was told of an obligation, or is about to be. What ended without being sent was not told.
pub fn receipts(on: &Connection, obligation: &str) -> rusqlite::Result<Vec<Receipt>> {
    let sql = "SELECT stage, notice.sink, round, at_ms, coalesce(sent_ms, at_ms) FROM notice \
               LEFT JOIN envelope ON envelope.id = envelope_id WHERE obligation_id = ?1 ORDER BY at_ms";
    let row = |row: &Row<'_>| {
        let at: i64 = row.get(4)?;
        Ok(Receipt {
            stage: stage(&row.get::<_, String>(0)?),
            sink: row.get(1)?,
            round: row.get(2)?,
            at: Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH),
        })
    };
    on.prepare_cached(sql)?.query_map([obligation], row)?.collect()
}

/// Envelopes for `sink` that are to be sent by `now`, oldest first.
pub fn waiting(on: &Connection, sink: &str, now: Timestamp, most: usize) -> rusqlite::Result<Vec<Waiting>> {
    let sql = "SELECT id, topic, grouped, source, made_ms, attempts, failures FROM envelope WHERE sink = ?1 AND next_try_ms <= ?2 \
               ORDER BY next_try_ms, made_ms LIMIT ?3";
    let row = |row: &Row<'_>| {
        let (topic, source): (String, Option<String>) = (row.get(1)?, row.get(3)?);
        Ok(Waiting {
            id: row.get(0)?,
            sink: sink.to_owned(),
            topic: serde_json::from_value(topic.into()).unwrap_or(Topic::Digest),
            group: row.get(2)?,
            source: source.and_then(|json| serde_json::from_str(&json).ok()),
            made_at: Timestamp::from_millisecond(row.get(4)?).unwrap_or(Timestamp::UNIX_EPOCH),
            attempts: row.get(5)?,
            failures: row.get(6)?,
            notices: Vec::new(),
        })
    };
    let mut found: Vec<Waiting> = on
        .prepare_cached(sql)?
        .query_map(params![sink, now.as_millisecond(), most], row)?
        .collect::<rusqlite::Result<_>>()?;
    for envelope in &mut found {
        let sql = "SELECT obligation_id, stage FROM notice WHERE envelope_id = ?1 ORDER BY at_ms, obligation_id";
        let row = |row: &Row<'_>| Ok((row.get(0)?, stage(&row.get::<_, String>(1)?)));
        envelope.notices = on.prepare_cached(sql)?.query_map([&envelope.id], row)?.collect::<rusqlite::Result<_>>()?;
    }
    Ok(found)
}

/// When the next envelope for `sink` is to be sent, Unix milliseconds.
pub fn next_try_ms(on: &Connection, sink: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT min(next_try_ms) FROM envelope WHERE sink = ?1 AND next_try_ms IS NOT NULL";
    on.prepare_cached(sql)?.query_row([sink], |row| row.get(0))
}

/// How telling every sink goes that was ever to be told something, by name.
pub fn sinks(on: &Connection) -> rusqlite::Result<Vec<SinkState>> {
    let failing = "next_try_ms IS NOT NULL AND last_error IS NOT NULL";
    let sql = format!(
        "SELECT sink, count(next_try_ms), count(*) FILTER (WHERE {failing}), max(sent_ms), \
         (SELECT last_error FROM envelope AS one WHERE one.sink = envelope.sink AND {failing} ORDER BY made_ms DESC LIMIT 1) \
         FROM envelope GROUP BY sink ORDER BY sink"
    );
    let row = |row: &Row<'_>| {
        let (name, waiting, failing) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(SinkState { name, waiting, failing, sent_ms: row.get(3)?, last_error: row.get(4)? })
    };
    on.prepare_cached(&sql)?.query_map((), row)?.collect()
}

/// What was told, or is about to be, newest first, from the one before row `before` on.
pub fn alerts(
    on: &Connection,
    visible: Option<&[String]>,
    before: Option<i64>,
    most: usize,
) -> rusqlite::Result<Vec<Alert>> {
    let visible = visible.map(|names| serde_json::Value::from(names).to_string());
    let sql = "SELECT envelope.id, notice.at_ms, notice.sink, notice.stage, notice.obligation_id, thread.key, thread.title, \
               sent_ms, attempts, ended, envelope.last_error, notice.id FROM notice JOIN envelope ON envelope.id = envelope_id \
               LEFT JOIN sighting ON sighting.obligation_id = notice.obligation_id \
               LEFT JOIN thread ON thread.id = sighting.thread_id LEFT JOIN source ON source.id = thread.source_id \
               WHERE notice.id < ?1 AND (?2 IS NULL OR source.name IN (SELECT value FROM json_each(?2))) \
               ORDER BY notice.id DESC LIMIT ?3";
    let at = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let row = |row: &Row<'_>| {
        Ok(Alert {
            id: row.get(0)?,
            at: at(row.get(1)?),
            sink: row.get(2)?,
            stage: stage(&row.get::<_, String>(3)?),
            obligation: row.get(4)?,
            thread: row.get(5)?,
            title: row.get(6)?,
            sent_at: row.get::<_, Option<i64>>(7)?.map(at),
            attempts: row.get(8)?,
            ended: row.get(9)?,
            last_error: row.get(10)?,
            row: row.get(11)?,
        })
    };
    on.prepare_cached(sql)?.query_map(params![before.unwrap_or(i64::MAX), visible, most], row)?.collect()
}

/// The obligations that an envelope tells of, as they stand; those that are gone are left out.
pub fn contents(on: &Connection, envelope: &Waiting) -> rusqlite::Result<Vec<(obligation::Kept, Stage)>> {
    let mut found = Vec::new();
    for (id, stage) in &envelope.notices {
        found.extend(obligation::find(on, id)?.map(|kept| (kept, *stage)));
    }
    Ok(found)
}

fn stage(word: &str) -> Stage {
    Stage::ALL.into_iter().find(|stage| stage.as_str() == word).unwrap_or(Stage::Breached)
}

fn id_of(parts: &[&str]) -> String {
    let sum = Sha256::digest(parts.join("\u{1f}"));
    let mut id: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    id.truncate(ID_LETTERS);
    id
}

/// How long to wait after one more failure than `failures`.
fn wait(failures: u32) -> SignedDuration {
    let doublings = failures.min(16);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}
