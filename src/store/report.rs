//! Threads by what stirred in them since an instant, and counts by source and channel. Never by person.

use jiff::Timestamp;
use rusqlite::{Connection, Row, types::Value};

use super::thread::{self, Filter, Listed};

/// A thread in which something was said, and what its newest summary has.
#[derive(Clone, Debug, PartialEq)]
pub struct Stirred {
    pub thread: Listed,
    /// Messages since.
    pub new_messages: usize,
    pub claims: Claims,
}

/// How much a summary has of what somebody must know or do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    pub decisions: usize,
    pub open_asks: usize,
    pub open_questions: usize,
    pub blockers: usize,
}

/// What there is in one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    pub source: String,
    pub channel: Option<String>,
    pub threads: usize,
    pub messages: usize,
    /// Threads active in the last seven days.
    pub active: usize,
    /// Threads that wait to be read.
    pub unread: usize,
    pub claims: Claims,
}

const WEEK_MS: i64 = 7 * 24 * 3_600_000;

/// The most recently active threads since `since`, at most `most`, and how many there are in all.
pub fn stirred(
    on: &Connection,
    filter: &Filter,
    since: Timestamp,
    most: usize,
) -> rusqlite::Result<(Vec<Stirred>, usize)> {
    let filter = Filter { since: Some(since), ..filter.clone() };
    let (clauses, values) = filter.sql();
    let all: usize = on
        .prepare_cached(&format!("SELECT count(*) FROM thread WHERE {clauses}"))?
        .query_row(rusqlite::params_from_iter(values), |row| row.get(0))?;
    let since_ms = since.as_millisecond();
    let mut out = Vec::new();
    for thread in thread::page(on, &filter, None, most)? {
        let sql = "SELECT count(*) FROM message WHERE thread_id = ?1 AND sent_ms >= ?2";
        let new_messages = on.prepare_cached(sql)?.query_row([thread.id, since_ms], |row| row.get(0))?;
        out.push(Stirred { new_messages, claims: claims(on, thread.id)?, thread });
    }
    Ok((out, all))
}

/// What the newest summary of a thread has.
fn claims(on: &Connection, thread: i64) -> rusqlite::Result<Claims> {
    let sql = "SELECT section, count(*) FROM claim WHERE (state IS NULL OR state = 'open') AND summary_id = \
               (SELECT max(id) FROM summary WHERE thread_id = ?1) GROUP BY section";
    let mut claims = Claims::default();
    let mut find = on.prepare_cached(sql)?;
    let mut rows = find.query([thread])?;
    while let Some(row) = rows.next()? {
        let section: String = row.get(0)?;
        let count = row.get(1)?;
        match section.as_str() {
            "decision" => claims.decisions = count,
            "ask" => claims.open_asks = count,
            "question" => claims.open_questions = count,
            "blocker" => claims.blockers = count,
            _ => {}
        }
    }
    Ok(claims)
}

/// Counts of every channel, by source and channel.
pub fn channels(on: &Connection, filter: &Filter, now: Timestamp) -> rusqlite::Result<Vec<Channel>> {
    let (clauses, values) = filter.sql();
    let sql = format!(
        "SELECT source.name, thread.channel, count(*), sum(thread.messages), sum(thread.last_ms >= ?), \
         sum(thread.version <> thread.read_version), sum(coalesce(decisions, 0)), sum(coalesce(asks, 0)), \
         sum(coalesce(questions, 0)), sum(coalesce(blockers, 0)) \
         FROM thread JOIN source ON source.id = thread.source_id LEFT JOIN (\
         SELECT summary.thread_id AS of_thread, sum(section = 'decision') AS decisions, \
         sum(section = 'ask' AND state = 'open') AS asks, sum(section = 'question' AND state = 'open') AS questions, \
         sum(section = 'blocker') AS blockers FROM claim JOIN summary ON summary.id = claim.summary_id \
         WHERE summary.id IN (SELECT max(id) FROM summary GROUP BY thread_id) GROUP BY summary.thread_id) \
         ON of_thread = thread.id WHERE {clauses} GROUP BY source.name, thread.channel ORDER BY source.name, thread.channel"
    );
    let mut wanted = vec![Value::from(now.as_millisecond() - WEEK_MS)];
    wanted.extend(values);
    on.prepare_cached(&sql)?.query_map(rusqlite::params_from_iter(wanted), channel)?.collect()
}

fn channel(row: &Row<'_>) -> rusqlite::Result<Channel> {
    Ok(Channel {
        source: row.get(0)?,
        channel: row.get(1)?,
        threads: row.get(2)?,
        messages: row.get(3)?,
        active: row.get(4)?,
        unread: row.get(5)?,
        claims: Claims {
            decisions: row.get(6)?,
            open_asks: row.get(7)?,
            open_questions: row.get(8)?,
            blockers: row.get(9)?,
        },
    })
}
