//! Summaries with their claims and cites as rows, so that an edit or a deletion finds what it takes away.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, types::Value};

use super::{Store, StoreError, change, print::print, thread::Filter};
use crate::{
    court,
    domain::{
        Moment, Sentence, Span, SpeechAct, ThreadActs,
        summary::{AskState, Cite, QuestionState, Summary},
    },
};

/// A summary as it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Grows with every summary: the newest is the one that counts.
    pub id: i64,
    /// The thread's version that it was made from.
    pub thread_version: i64,
    pub made_ms: i64,
    /// `bluf.summary/1`, with the thread's flags as they were last worked out.
    pub json: String,
    /// When that was.
    pub flagged_ms: i64,
}

/// Summaries are kept with an empty list of flags, and nothing else in JSON looks like one: in a string its quotes are escaped.
const MADE: &str = "summary.id, thread_version, made_ms, \
                    replace(json, '\"flags\":[]', '\"flags\":' || coalesce(thread.flags, '[]')), docket_ms";

/// A decision of any thread, for the decision log.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Decided {
    #[serde(skip)]
    pub row: i64,
    pub text: String,
    pub decided_by: Option<String>,
    pub at: Option<String>,
    #[serde(skip)]
    pub at_ms: Option<i64>,
    /// The thread's key.
    pub thread: String,
    pub title: String,
    pub source: String,
    pub url: Option<String>,
    /// The first message it rests on, and its words.
    pub message_id: Option<String>,
    pub quote: Option<String>,
}

/// One claim on its way into the database.
struct Claim<'s> {
    section: &'static str,
    text: &'s str,
    person: Option<&'s str>,
    at: Option<&'s str>,
    state: Option<&'static str>,
    cites: &'s [Cite],
}

impl Store {
    /// Keeps a summary of the thread in row `thread` that was read at `version`, with what its sentences do. `rows`: the rows of
    /// the messages that it was read from. `false`, and nothing kept, where the thread has lost or changed words that it
    /// quotes in the meantime, or is gone: it is to be read again.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn keep_summary(
        &self,
        thread: i64,
        version: i64,
        rows: &[i64],
        acts: &ThreadActs,
        summary: &Summary,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // Flags change with time, and quote without a claim's row: they are kept with what is owed.
        let unflagged = Summary { flags: Vec::new(), ..summary.clone() };
        let json = serde_json::to_string(&unflagged).map_err(|e| StoreError::Failed(e.to_string()))?;
        let now_ms = now.as_millisecond();
        let kept = self.write_aside(|on| {
            let sql = "SELECT source_id, key FROM thread WHERE id = ?1";
            let found = on.query_row(sql, [thread], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).optional()?;
            let Some((source, key)) = found else { return Ok(false) };
            let claims = claims(summary);
            let Some(cited) = cited(on, thread, &claims)? else { return Ok(false) };
            let sql = "INSERT INTO summary (thread_id, thread_version, made_ms, bottom_line, json) VALUES (?1, ?2, ?3, ?4, ?5)";
            on.prepare_cached(sql)?.execute(params![thread, version, now_ms, summary.bottom_line.text, json])?;
            let id = on.last_insert_rowid();
            for claim in &claims {
                add(on, id, claim, &cited)?;
            }
            keep_acts(on, thread, rows, acts)?;
            let sql = "UPDATE thread SET read_version = ?2, read_failures = 0, read_error = NULL, next_read_ms = 0 WHERE id = ?1";
            on.prepare_cached(sql)?.execute(params![thread, version])?;
            change::note(on, "summary.made", source, Some(&key), now_ms)?;
            Ok(true)
        });
        self.showing.was_read(thread);
        kept
    }
}

/// The newest summary of a thread.
pub fn newest(on: &Connection, thread: i64) -> rusqlite::Result<Option<Made>> {
    let sql = format!(
        "SELECT {MADE} FROM summary JOIN thread ON thread.id = thread_id WHERE thread_id = ?1 ORDER BY summary.id DESC LIMIT 1"
    );
    on.prepare_cached(&sql)?.query_row([thread], made).optional()
}

/// The newest summary of every thread that was active in `filter`, most recently active first, with the thread's row.
pub fn newest_of_all(on: &Connection, filter: &Filter, most: usize) -> rusqlite::Result<Vec<(i64, Made)>> {
    let (clauses, mut values) = filter.sql();
    values.push((most as i64).into());
    let sql = format!(
        "SELECT {MADE}, thread.id FROM thread JOIN summary ON summary.id = \
         (SELECT max(id) FROM summary WHERE thread_id = thread.id) WHERE {clauses} ORDER BY thread.last_ms DESC LIMIT ?"
    );
    let row = |row: &Row<'_>| Ok((row.get(5)?, made(row)?));
    on.prepare_cached(&sql)?.query_map(rusqlite::params_from_iter(values), row)?.collect()
}

/// Decisions of the newest summaries, latest first, from the one after `(at_ms, row)` on.
pub fn decisions(
    on: &Connection,
    filter: &Filter,
    after: Option<(i64, i64)>,
    most: usize,
) -> rusqlite::Result<Vec<Decided>> {
    let (mut clauses, mut values) = filter.sql();
    if let Some((at_ms, row)) = after {
        clauses.push_str(" AND (coalesce(claim.at_ms, 0), claim.id) < (?, ?)");
        values.extend([Value::from(at_ms), Value::from(row)]);
    }
    values.push((most as i64).into());
    let sql = format!(
        "SELECT claim.id, claim.text, claim.person, claim.at, claim.at_ms, thread.key, thread.title, source.name, thread.url, \
         message.external_id, substr(CAST(message.text AS BLOB), cite.start + 1, cite.\"end\" - cite.start) \
         FROM claim JOIN summary ON summary.id = claim.summary_id JOIN thread ON thread.id = summary.thread_id \
         JOIN source ON source.id = thread.source_id \
         LEFT JOIN cite ON cite.id = (SELECT min(id) FROM cite WHERE claim_id = claim.id) \
         LEFT JOIN message ON message.id = cite.message_id \
         WHERE claim.section = 'decision' AND summary.id = (SELECT max(id) FROM summary WHERE thread_id = thread.id) \
         AND {clauses} ORDER BY coalesce(claim.at_ms, 0) DESC, claim.id DESC LIMIT ?"
    );
    let row = |row: &Row<'_>| {
        Ok(Decided {
            row: row.get(0)?,
            text: row.get(1)?,
            decided_by: row.get(2)?,
            at: row.get(3)?,
            at_ms: row.get(4)?,
            thread: row.get(5)?,
            title: row.get(6)?,
            source: row.get(7)?,
            url: row.get(8)?,
            message_id: row.get(9)?,
            quote: row.get::<_, Option<Vec<u8>>>(10)?.and_then(|bytes| String::from_utf8(bytes).ok()),
        })
    };
    on.prepare_cached(&sql)?.query_map(rusqlite::params_from_iter(values), row)?.collect()
}

fn made(row: &Row<'_>) -> rusqlite::Result<Made> {
    Ok(Made {
        id: row.get(0)?,
        thread_version: row.get(1)?,
        made_ms: row.get(2)?,
        json: row.get(3)?,
        flagged_ms: row.get(4)?,
    })
}

fn claims(summary: &Summary) -> Vec<Claim<'_>> {
    let claim = |section, text, cites| Claim { section, text, person: None, at: None, state: None, cites };
    let line = &summary.bottom_line;
    let mut claims = vec![claim("bottom_line", line.text.as_str(), line.cites.as_slice())];
    claims.extend(summary.decisions.iter().map(|d| Claim {
        person: d.decided_by.as_deref(),
        at: d.at.as_deref(),
        ..claim("decision", &d.text, &d.cites)
    }));
    claims.extend(summary.asks.iter().map(|a| {
        let state = if a.state == AskState::Open { "open" } else { "done" };
        Claim { person: a.owner.as_deref(), state: Some(state), ..claim("ask", &a.text, &a.cites) }
    }));
    for q in &summary.questions {
        let state = if q.state == QuestionState::Open { "open" } else { "answered" };
        let asked = claim("question", &q.text, &q.cites);
        claims.push(Claim { person: q.asked_by.as_deref(), at: q.at.as_deref(), state: Some(state), ..asked });
        claims.extend(q.answer.iter().map(|a| Claim { state: Some("answer"), ..claim("question", &a.text, &a.cites) }));
    }
    claims.extend(summary.blockers.iter().map(|b| Claim {
        person: b.owner.as_deref(),
        at: b.since.as_deref(),
        ..claim("blocker", &b.text, &b.cites)
    }));
    claims.extend(summary.context.iter().map(|c| claim("context", &c.text, &c.cites)));
    claims.extend(summary.flags.iter().map(|f| claim("context", &f.reason, &f.cites)));
    claims
}

/// The row of every message that is quoted, by its id; `None` where one no longer says what is quoted.
fn cited(on: &Transaction<'_>, thread: i64, claims: &[Claim<'_>]) -> rusqlite::Result<Option<HashMap<String, i64>>> {
    let sql = "SELECT id, text FROM message WHERE thread_id = ?1 AND external_id = ?2";
    let mut find = on.prepare_cached(sql)?;
    let mut rows: HashMap<String, (i64, String)> = HashMap::new();
    for cite in claims.iter().flat_map(|claim| claim.cites) {
        if !rows.contains_key(&cite.message_id) {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let Some(found) = find.query_row(params![thread, cite.message_id], row).optional()? else {
                return Ok(None);
            };
            rows.insert(cite.message_id.clone(), found);
        }
        let says = rows.get(&cite.message_id).and_then(|(_, text)| text.get(cite.start..cite.end));
        if says != Some(cite.quote.as_str()) {
            return Ok(None);
        }
    }
    Ok(Some(rows.into_iter().map(|(id, (row, _))| (id, row)).collect()))
}

fn add(on: &Transaction<'_>, summary: i64, claim: &Claim<'_>, rows: &HashMap<String, i64>) -> rusqlite::Result<()> {
    let at_ms = claim.at.and_then(Moment::parse).and_then(Moment::instant).map(Timestamp::as_millisecond);
    let sql =
        "INSERT INTO claim (summary_id, section, text, person, at, at_ms, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = params![summary, claim.section, claim.text, claim.person, claim.at, at_ms, claim.state];
    on.prepare_cached(sql)?.execute(row)?;
    let id = on.last_insert_rowid();
    let sql = "INSERT INTO cite (claim_id, message_id, start, \"end\") VALUES (?1, ?2, ?3, ?4)";
    for cite in claim.cites {
        let message = rows.get(&cite.message_id);
        on.prepare_cached(sql)?.execute(params![id, message, cite.start as i64, cite.end as i64])?;
    }
    Ok(())
}

/// Writes down what the sentences of messages do where it differs from what is written. One more message moves every
/// probability a little: that alone is nothing to write down, unless the law makes something else of it.
fn keep_acts(on: &Transaction<'_>, thread: i64, rows: &[i64], acts: &ThreadActs) -> rusqlite::Result<()> {
    let mut find = on.prepare_cached("SELECT id, acts FROM message WHERE thread_id = ?1")?;
    let known: HashMap<i64, Option<i64>> =
        find.query_map([thread], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut forget = on.prepare_cached("DELETE FROM act WHERE message_id = ?1")?;
    let mut mark = on.prepare_cached("UPDATE message SET acts = ?2 WHERE id = ?1")?;
    let sql = "INSERT INTO act (message_id, start, \"end\", act, probability, addressee, action, due_start, due_end) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut add = on.prepare_cached(sql)?;
    let mut rest = acts.sentences.as_slice();
    for (at, message) in rows.iter().enumerate() {
        let (said, after) = rest.split_at(rest.iter().take_while(|s| s.span.message == at).count());
        rest = after;
        let said_of = |s: &Sentence| (s.span.start, s.span.end, s.act, s.due.map(|due| (due.start, due.end)));
        let print = print(&said.iter().map(|s| (said_of(s), &s.addressee, court::weight(s))).collect::<Vec<_>>());
        // A message that is gone meanwhile has nothing to be kept with.
        let Some(before) = known.get(message).filter(|before| **before != Some(print)) else { continue };
        if before.is_some() || !said.is_empty() {
            forget.execute([message])?;
        }
        for s in said {
            let (start, end) = (s.due.map(|due| due.start), s.due.map(|due| due.end));
            let (span, act) = (s.span, s.act.as_str());
            add.execute(params![message, span.start, span.end, act, s.probability, s.addressee, s.action, start, end])?;
        }
        mark.execute(params![message, print])?;
    }
    Ok(())
}

/// What the sentences of a thread's messages do, as they were last read: all that the law asks of them.
pub fn acts(on: &Connection, thread: i64, rows: &[i64]) -> rusqlite::Result<ThreadActs> {
    let places: HashMap<i64, usize> = rows.iter().enumerate().map(|(at, row)| (*row, at)).collect();
    let sql = "SELECT message_id, start, act.\"end\", act, probability, addressee, action, due_start, due_end FROM act \
               WHERE message_id IN (SELECT id FROM message WHERE thread_id = ?1) ORDER BY act.id";
    let mut by_message = vec![Vec::new(); rows.len()];
    let mut find = on.prepare_cached(sql)?;
    let mut found = find.query([thread])?;
    while let Some(row) = found.next()? {
        let Some(&message) = places.get(&row.get(0)?) else { continue };
        let act: String = row.get(3)?;
        let due: Option<(usize, usize)> = row.get::<_, Option<usize>>(7)?.zip(row.get(8)?);
        by_message[message].push(Sentence {
            span: Span { message, start: row.get(1)?, end: row.get(2)? },
            act: SpeechAct::ALL.into_iter().find(|a| a.as_str() == act).unwrap_or(SpeechAct::Other),
            probability: row.get(4)?,
            acts: [0.0; 11],
            salience: 0.0,
            decision: 0.0,
            action: row.get(6)?,
            addressee: row.get(5)?,
            due: due.map(|(start, end)| Span { message, start, end }),
            words: 0,
        });
    }
    let sentences = by_message.into_iter().flatten().collect();
    Ok(ThreadActs { sentences, ..ThreadActs::default() })
}
