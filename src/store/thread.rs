//! Threads as they are read back: in lists, one by one, and whole.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params, types::Value};

use crate::domain::{Event, Kind, Message, Moment, Thread};

/// What a list shows of a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub id: i64,
    /// What the API calls it.
    pub key: String,
    pub source: String,
    pub external_id: String,
    pub kind: Kind,
    pub channel: Option<String>,
    pub title: String,
    pub url: Option<String>,
    pub participants: Vec<String>,
    pub messages: usize,
    pub opened_at: Option<String>,
    pub last_at: Option<String>,
    /// Last activity, Unix milliseconds: lists are sorted by it.
    pub last_ms: i64,
    /// The number of the change that last touched it.
    pub version: i64,
    /// Whether its newest summary takes everything in it into account.
    pub is_read: bool,
    /// Why it could not be read, where that is so.
    pub read_error: Option<String>,
    /// The bottom line of its newest summary.
    pub bottom_line: Option<String>,
}

/// Which threads a list has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// The only sources that the reader may see; `None`: all.
    pub visible: Option<Vec<String>>,
    pub source: Option<String>,
    pub kind: Option<Kind>,
    pub channel: Option<String>,
    /// Active at or after this instant.
    pub since: Option<Timestamp>,
}

/// Where a page of a list begins: after the thread with this last activity and row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct After {
    pub last_ms: i64,
    pub id: i64,
}

/// A message with its row and what it said before.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub id: i64,
    pub message: Message,
    pub versions: usize,
}

const COLUMNS: &str = "thread.id, thread.key, source.name, thread.external_id, thread.kind, thread.channel, thread.title, \
                       thread.url, thread.participants, thread.messages, thread.opened_at, thread.last_at, thread.last_ms, \
                       thread.version, thread.version = thread.read_version AND thread.read_error IS NULL, thread.read_error, \
                       (SELECT bottom_line FROM summary WHERE thread_id = thread.id ORDER BY summary.id DESC LIMIT 1)";

impl Filter {
    /// SQL that follows a `WHERE`, and its values.
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let mut sql = String::from("1");
        let mut values = Vec::new();
        let mut clause = |text: &str, value: Value| {
            sql.push_str(" AND ");
            sql.push_str(text);
            values.push(value);
        };
        if let Some(visible) = &self.visible {
            let names = serde_json::Value::from(visible.as_slice()).to_string();
            clause(
                "thread.source_id IN (SELECT id FROM source WHERE name IN (SELECT value FROM json_each(?)))",
                names.into(),
            );
        }
        if let Some(source) = &self.source {
            clause("thread.source_id = (SELECT id FROM source WHERE name = ?)", source.clone().into());
        }
        if let Some(kind) = self.kind {
            clause("thread.kind = ?", kind.as_str().to_owned().into());
        }
        if let Some(channel) = &self.channel {
            clause("thread.channel = ?", channel.clone().into());
        }
        if let Some(since) = self.since {
            clause("thread.last_ms >= ?", since.as_millisecond().into());
        }
        (sql, values)
    }
}

/// The most recently active threads, at most `most`.
pub fn page(on: &Connection, filter: &Filter, after: Option<After>, most: usize) -> rusqlite::Result<Vec<Listed>> {
    let (mut clauses, mut values) = filter.sql();
    if let Some(after) = after {
        clauses.push_str(" AND (thread.last_ms, thread.id) < (?, ?)");
        values.extend([after.last_ms.into(), after.id.into()]);
    }
    values.push((most as i64).into());
    let sql = format!(
        "SELECT {COLUMNS} FROM thread JOIN source ON source.id = thread.source_id WHERE {clauses} \
         ORDER BY thread.last_ms DESC, thread.id DESC LIMIT ?"
    );
    on.prepare_cached(&sql)?.query_map(rusqlite::params_from_iter(values), listed)?.collect()
}

/// Threads in the order they were first seen, from the row after `after` on: each once, whatever changes meanwhile.
pub fn by_row(on: &Connection, filter: &Filter, after: i64, most: usize) -> rusqlite::Result<Vec<Listed>> {
    let (clauses, mut values) = filter.sql();
    values.extend([after.into(), (most as i64).into()]);
    let sql = format!(
        "SELECT {COLUMNS} FROM thread JOIN source ON source.id = thread.source_id WHERE {clauses} AND thread.id > ? \
         ORDER BY thread.id LIMIT ?"
    );
    on.prepare_cached(&sql)?.query_map(rusqlite::params_from_iter(values), listed)?.collect()
}

/// The thread that the API calls `key`.
pub fn find(on: &Connection, key: &str) -> rusqlite::Result<Option<Listed>> {
    let sql = format!("SELECT {COLUMNS} FROM thread JOIN source ON source.id = thread.source_id WHERE thread.key = ?1");
    on.prepare_cached(&sql)?.query_row([key], listed).optional()
}

/// The thread that its source calls `id`; the most recently active one, where several sources have that id.
pub fn find_external(on: &Connection, id: &str) -> rusqlite::Result<Option<Listed>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM thread JOIN source ON source.id = thread.source_id WHERE thread.external_id = ?1 \
         ORDER BY thread.last_ms DESC LIMIT 1"
    );
    on.prepare_cached(&sql)?.query_row([id], listed).optional()
}

/// The thread of this row.
pub fn of_row(on: &Connection, id: i64) -> rusqlite::Result<Option<Listed>> {
    let sql = format!("SELECT {COLUMNS} FROM thread JOIN source ON source.id = thread.source_id WHERE thread.id = ?1");
    on.prepare_cached(&sql)?.query_row([id], listed).optional()
}

/// A whole thread as its source gave it, with what it is known again by.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    pub thread: Thread,
    /// Of its messages.
    pub rows: Vec<i64>,
    pub version: i64,
    /// What is kept of each message to know it again.
    sums: Vec<Vec<u8>>,
}

impl Whole {
    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.thread.messages.iter().map(|message| message.text.len() + message.id.len() + 400).sum()
    }
}

/// The whole thread as its source gave it, the rows of its messages, and its version.
pub fn load(on: &Connection, id: i64) -> rusqlite::Result<Option<(Thread, Vec<i64>, i64)>> {
    Ok(load_again(on, id, None)?.map(|Whole { thread, rows, version, .. }| (thread, rows, version)))
}

/// The whole thread. Of `before`, what was loaded of it earlier, the messages are taken up to the first that is another by now.
pub fn load_again(on: &Connection, id: i64, before: Option<Whole>) -> rusqlite::Result<Option<Whole>> {
    let Some(listed) = of_row(on, id)? else { return Ok(None) };
    let as_of: Option<String> = on.query_row("SELECT as_of FROM thread WHERE id = ?1", [id], |row| row.get(0))?;
    let before = before.map(|before| (before.thread.messages, before.rows, before.sums));
    let (mut messages, mut rows, mut sums) = before.unwrap_or_default();
    let same = still_there(on, id, &messages, &rows, &sums)?;
    messages.truncate(same);
    rows.truncate(same);
    sums.truncate(same);
    let sql = "SELECT id, external_id, author, author_id, sent_at, edited_at, reply_to, bot, text, hash FROM message \
               WHERE thread_id = ?1 ORDER BY ordinal, sent_ms, id LIMIT -1 OFFSET ?2";
    let mut find = on.prepare_cached(sql)?;
    let mut said = find.query(params![id, same])?;
    while let Some(row) = said.next()? {
        rows.push(row.get(0)?);
        messages.push(message(row)?);
        sums.push(row.get(9)?);
    }
    let thread = Thread {
        source: listed.source,
        kind: listed.kind,
        id: listed.external_id,
        title: listed.title,
        url: listed.url,
        channel: listed.channel,
        participants: listed.participants,
        events: events(on, id)?,
        as_of: as_of.as_deref().and_then(Moment::parse),
        messages,
    };
    Ok(Some(Whole { thread, rows, version: listed.version, sums }))
}

/// How many of a thread's messages, from the first on, are these.
fn still_there(
    on: &Connection,
    thread: i64,
    messages: &[Message],
    rows: &[i64],
    sums: &[Vec<u8>],
) -> rusqlite::Result<usize> {
    if messages.is_empty() {
        return Ok(0);
    }
    let sql = "SELECT id, external_id, hash FROM message WHERE thread_id = ?1 ORDER BY ordinal, sent_ms, id";
    let mut find = on.prepare_cached(sql)?;
    let mut there = find.query([thread])?;
    let mut same = 0;
    for ((message, known), sum) in messages.iter().zip(rows).zip(sums) {
        let Some(row) = there.next()? else { break };
        // A row may have been given to another message since, and the sum is of all but the id.
        let is_known = row.get::<_, i64>(0)? == *known
            && row.get_ref(1)?.as_str()? == message.id
            && row.get_ref(2)?.as_blob()? == sum.as_slice();
        if !is_known {
            break;
        }
        same += 1;
    }
    Ok(same)
}

/// Messages of a thread in reading order, from the `from`th on, counted from 0, at most `most`.
pub fn messages(on: &Connection, thread: i64, from: usize, most: usize) -> rusqlite::Result<Vec<Kept>> {
    let sql = "SELECT id, external_id, author, author_id, sent_at, edited_at, reply_to, bot, text, \
               (SELECT count(*) FROM message_version WHERE message_id = message.id) \
               FROM message WHERE thread_id = ?1 ORDER BY ordinal, sent_ms, id LIMIT ?2 OFFSET ?3";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    on.prepare_cached(sql)?.query_map(params![thread, most, from as i64], kept)?.collect()
}

/// The ids of a thread's messages in reading order.
pub fn message_ids(on: &Connection, thread: i64) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT external_id FROM message WHERE thread_id = ?1 ORDER BY ordinal, sent_ms, id";
    on.prepare_cached(sql)?.query_map([thread], |row| row.get(0))?.collect()
}

/// Messages of a thread in reading order from the one after row `after` on, wherever that one stands by now. Where it is
/// gone, `None`.
pub fn messages_after(on: &Connection, thread: i64, after: i64, most: usize) -> rusqlite::Result<Option<Vec<Kept>>> {
    let sql = "SELECT count(*) FROM message AS other JOIN message AS this ON this.id = ?2 AND this.thread_id = ?1 \
               WHERE other.thread_id = ?1 AND (coalesce(other.ordinal, -1), coalesce(other.sent_ms, -9e18), other.id) \
               <= (coalesce(this.ordinal, -1), coalesce(this.sent_ms, -9e18), this.id)";
    let before: usize = on.prepare_cached(sql)?.query_row([thread, after], |row| row.get(0))?;
    if before == 0 { Ok(None) } else { messages(on, thread, before, most).map(Some) }
}

fn events(on: &Connection, thread: i64) -> rusqlite::Result<Vec<Event>> {
    let sql = "SELECT at, kind, actor, subject FROM event WHERE thread_id = ?1 ORDER BY at_ms, id";
    let event =
        |row: &Row<'_>| Ok(Event { at: moment(row, 0)?, kind: row.get(1)?, actor: row.get(2)?, subject: row.get(3)? });
    on.prepare_cached(sql)?.query_map([thread], event)?.collect()
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let kind: String = row.get(4)?;
    let participants: String = row.get(8)?;
    Ok(Listed {
        id: row.get(0)?,
        key: row.get(1)?,
        source: row.get(2)?,
        external_id: row.get(3)?,
        kind: Kind::nearest(&kind),
        channel: row.get(5)?,
        title: row.get(6)?,
        url: row.get(7)?,
        participants: serde_json::from_str(&participants).unwrap_or_default(),
        messages: row.get(9)?,
        opened_at: row.get(10)?,
        last_at: row.get(11)?,
        last_ms: row.get(12)?,
        version: row.get(13)?,
        is_read: row.get(14)?,
        read_error: row.get(15)?,
        bottom_line: row.get(16)?,
    })
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept { id: row.get(0)?, message: message(row)?, versions: row.get(9)? })
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(1)?,
        author: row.get(2)?,
        author_id: row.get(3)?,
        sent_at: moment(row, 4)?,
        edited_at: moment(row, 5)?,
        reply_to: row.get(6)?,
        bot: row.get(7)?,
        text: row.get(8)?,
    })
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Moment>> {
    Ok(row.get::<_, Option<String>>(column)?.as_deref().and_then(Moment::parse))
}
