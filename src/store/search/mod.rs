//! Search: words by FTS5's bm25, meaning by the mean of a thread's vectors, joined by reciprocal rank.
//!
//! Where very many messages have the words, how often they have them tells little and costs much: then the newest come first,
//! so that a search takes milliseconds whatever is looked for, and [`Found::is_ranked`] says so.

pub mod centroid;
mod snippet;
mod words;

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, types::Value};

pub use centroid::Centroids;
pub use snippet::Snippet;
pub use words::Words;

use snippet::Phrase;

use super::thread::{self, Filter, Listed};

/// Messages that are ranked by their words. Where more have them, the newest come first.
const RANKED_MESSAGES: usize = 1000;
/// A filter that fewer messages pass is applied to messages rather than to their threads.
const FEW_MESSAGES: usize = 5000;
const OF_THREADS: &str = "FROM thread CROSS JOIN message ON message.thread_id = thread.id";
/// Threads that each of the two ways brings.
const BROUGHT: usize = 100;
/// Messages of a thread that are shown.
const SHOWN_MESSAGES: usize = 3;
/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009).
const FUSION: f64 = 60.0;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub words: Words,
    /// What the encoder makes of it.
    pub vector: Option<Vec<f32>>,
    pub filter: Filter,
    /// Threads.
    pub most: usize,
}

/// What was found, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// Whether the messages that have the words were ranked by them, and are not the newest of very many.
    pub is_ranked: bool,
    /// Whether no message has all of the words, so that any of them was looked for.
    pub any: bool,
}

/// A thread that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub thread: Listed,
    /// The sum of 1 / (60 + rank) over the ways that found it.
    pub score: f64,
    /// Messages that have the words, best first; none where only the meaning is near.
    pub messages: Vec<Matched>,
}

/// A message that has the words.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    pub id: String,
    pub author: Option<String>,
    pub sent_at: Option<String>,
    pub snippet: Snippet,
    /// The snippet's words.
    pub text: String,
}

/// A message's row and its thread's.
#[derive(Clone, Copy)]
struct Place {
    message: i64,
    thread: i64,
}

/// Looks for `query`.
pub fn search(on: &Connection, centroids: &Centroids, query: &Query) -> rusqlite::Result<Found> {
    let mut found = Found { is_ranked: true, ..Found::default() };
    let mut places = Vec::new();
    if !query.words.is_empty() {
        (places, found.is_ranked) = by_words(on, &query.words.fts(false), &query.filter)?;
        if places.is_empty() && query.words.several() {
            (places, found.is_ranked) = by_words(on, &query.words.fts(true), &query.filter)?;
            found.any = !places.is_empty();
        }
    }
    let mut scores: HashMap<i64, f64> = HashMap::new();
    let mut of_thread: HashMap<i64, Vec<i64>> = HashMap::new();
    for place in places {
        let rank = of_thread.len();
        let messages = of_thread.entry(place.thread).or_default();
        if messages.is_empty() {
            *scores.entry(place.thread).or_default() += 1.0 / (FUSION + rank as f64);
        }
        messages.push(place.message);
    }
    if let Some(vector) = &query.vector {
        let allowed = allowed(on, &query.filter)?;
        for (rank, thread) in centroids.nearest(vector, allowed.as_ref(), BROUGHT).into_iter().enumerate() {
            *scores.entry(thread).or_default() += 1.0 / (FUSION + rank as f64);
        }
    }
    let mut ranked: Vec<(i64, f64)> = scores.into_iter().collect();
    ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
    let phrases = query.words.phrases();
    for (id, score) in ranked {
        if found.hits.len() == query.most {
            break;
        }
        // A centroid may outlive its thread by a moment.
        let Some(thread) = thread::of_row(on, id)? else { continue };
        let rows = of_thread.remove(&id).unwrap_or_default();
        let messages = rows.iter().take(SHOWN_MESSAGES).map(|&row| matched(on, &phrases, row));
        let messages = messages.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect();
        found.hits.push(Hit { thread, score, messages });
    }
    Ok(found)
}

/// The best messages that have the words, and whether they are the best by bm25 or the newest.
fn by_words(on: &Connection, fts: &str, filter: &Filter) -> rusqlite::Result<(Vec<Place>, bool)> {
    let (clauses, values) = filter.sql();
    let from = Narrowed::by(on, &clauses, &values)?.sql(&clauses);
    let rows = |order: &str, most: usize| -> rusqlite::Result<Vec<i64>> {
        let words = std::iter::once(Value::from(fts.to_owned()));
        let wanted = words.chain(values.iter().cloned()).chain([Value::from(most as i64)]);
        let sql = format!("SELECT message_fts.rowid {from} ORDER BY {order} LIMIT ?");
        on.prepare_cached(&sql)?.query_map(rusqlite::params_from_iter(wanted), |row| row.get(0))?.collect()
    };
    let newest = rows("message_fts.rowid DESC", RANKED_MESSAGES + 1)?;
    let is_ranked = newest.len() <= RANKED_MESSAGES;
    let most = BROUGHT * SHOWN_MESSAGES;
    let best = match (is_ranked, newest.len()) {
        (true, 2..) => rows("bm25(message_fts), message_fts.rowid DESC", most)?,
        _ => newest,
    };
    let mut thread_of = on.prepare_cached("SELECT thread_id FROM message WHERE id = ?1")?;
    let place = |message: i64| Ok(Place { message, thread: thread_of.query_row([message], |row| row.get(0))? });
    Ok((best.into_iter().take(most).map(place).collect::<rusqlite::Result<_>>()?, is_ranked))
}

/// How the messages that have the words are held against a filter.
enum Narrowed {
    /// There is none.
    Not,
    /// Few messages pass it: they are looked up once, and whatever has the words is held against them. A word that many others
    /// have would otherwise cost a look at the thread of each.
    ToFew,
    /// Many pass: the first that have the words are soon found.
    ToMany,
}

impl Narrowed {
    fn by(on: &Connection, clauses: &str, values: &[Value]) -> rusqlite::Result<Narrowed> {
        if clauses == "1" {
            return Ok(Narrowed::Not);
        }
        let sql = format!("SELECT count(*) FROM (SELECT 1 {OF_THREADS} WHERE {clauses} LIMIT {FEW_MESSAGES})");
        let few: usize = on.prepare_cached(&sql)?.query_row(rusqlite::params_from_iter(values), |row| row.get(0))?;
        Ok(if few < FEW_MESSAGES { Narrowed::ToFew } else { Narrowed::ToMany })
    }

    /// SQL from `FROM` on; its first value is the words.
    fn sql(&self, clauses: &str) -> String {
        let words = "message_fts MATCH ?";
        match self {
            Narrowed::Not => format!("FROM message_fts WHERE {words}"),
            // The plus keeps SQLite from asking the index of words once for each of them.
            Narrowed::ToFew => format!(
                "FROM message_fts WHERE {words} AND +message_fts.rowid IN (SELECT message.id {OF_THREADS} WHERE {clauses})"
            ),
            Narrowed::ToMany => format!(
                "FROM message_fts JOIN message ON message.id = message_fts.rowid \
                 JOIN thread ON thread.id = message.thread_id WHERE {words} AND {clauses}"
            ),
        }
    }
}

/// The rows of the threads that `filter` lets through; `None`: all.
fn allowed(on: &Connection, filter: &Filter) -> rusqlite::Result<Option<HashSet<i64>>> {
    let (clauses, values) = filter.sql();
    if clauses == "1" {
        return Ok(None);
    }
    let mut find = on.prepare_cached(&format!("SELECT id FROM thread WHERE {clauses}"))?;
    find.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?.collect::<rusqlite::Result<_>>().map(Some)
}

fn matched(on: &Connection, phrases: &[Phrase], message: i64) -> rusqlite::Result<Option<Matched>> {
    let sql = "SELECT external_id, author, sent_at, text FROM message WHERE id = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        // The text stays where the database has it; it may be long.
        let text = row.get_ref(3)?.as_str()?;
        let snippet = snippet::of(phrases, text);
        let text = text.get(snippet.start..snippet.end).unwrap_or_default().to_owned();
        Ok(Matched { id: row.get(0)?, author: row.get(1)?, sent_at: row.get(2)?, snippet, text })
    };
    on.prepare_cached(sql)?.query_row([message], row).optional()
}
