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
    let wanted = |most: usize| {
        let words = std::iter::once(Value::from(fts.to_owned()));
        rusqlite::params_from_iter(words.chain(values.iter().cloned()).chain([Value::from(most as i64)]))
    };
    let from = format!(
        "FROM message_fts JOIN message ON message.id = message_fts.rowid JOIN thread ON thread.id = message.thread_id \
         WHERE message_fts MATCH ? AND {clauses}"
    );
    let count = if clauses == "1" {
        "SELECT count(*) FROM (SELECT 1 FROM message_fts WHERE message_fts MATCH ? LIMIT ?)".to_owned()
    } else {
        format!("SELECT count(*) FROM (SELECT 1 {from} LIMIT ?)")
    };
    let matching: usize = on.prepare_cached(&count)?.query_row(wanted(RANKED_MESSAGES + 1), |row| row.get(0))?;
    let is_ranked = matching <= RANKED_MESSAGES;
    let order = if is_ranked { "bm25(message_fts), message.id DESC" } else { "message_fts.rowid DESC" };
    let sql = format!("SELECT message.id, message.thread_id {from} ORDER BY {order} LIMIT ?");
    let place = |row: &rusqlite::Row<'_>| Ok(Place { message: row.get(0)?, thread: row.get(1)? });
    let most = BROUGHT * SHOWN_MESSAGES;
    let places = on.prepare_cached(&sql)?.query_map(wanted(most), place)?.collect::<Result<_, _>>()?;
    Ok((places, is_ranked))
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
