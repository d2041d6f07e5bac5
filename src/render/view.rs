//! A summary as sections of entries, in reading order: what the text and Markdown layouts share.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::plain;
use crate::domain::{
    Moment,
    summary::{Ask, AskState, Cite, Flag, Question, QuestionState, Statement, Summary, ThreadFacts},
};

/// Quotes under the bottom line; the rest are in the JSON.
const BOTTOM_LINE_QUOTES: usize = 2;

/// Letters of a quote that are shown; the rest are in the JSON.
const QUOTE_LETTERS: usize = 240;

/// A heading and what stands under it.
#[derive(Debug, PartialEq)]
pub struct Section {
    pub heading: &'static str,
    pub entries: Vec<Entry>,
}

/// One claim. Every text is on one line and safe for a terminal, not yet for Markdown.
#[derive(Debug, Default, PartialEq)]
pub struct Entry {
    pub text: String,
    /// What is known of it beside the text: "for Ana", "due by Friday".
    pub facts: Vec<String>,
    pub quotes: Vec<Quote>,
}

/// A quote and who said it when ("Ana, 12 Nov 14:02"). No words where the claim's text is the quote itself.
#[derive(Debug, PartialEq)]
pub struct Quote {
    pub words: Option<String>,
    pub said_by: String,
}

/// The line under the title: kind, messages, people, dates.
pub fn headline(summary: &Summary) -> String {
    let thread = &summary.thread;
    let mut parts = vec![
        thread.kind.to_string(),
        counted(thread.messages, "message", "messages"),
        counted(thread.participants.len(), "person", "people"),
    ];
    parts.extend(period(thread.opened_at.as_deref(), thread.last_activity_at.as_deref()));
    parts.join(" · ")
}

/// The title, or what else the thread is known by.
pub fn title(thread: &ThreadFacts) -> String {
    let title = plain::line(&thread.title);
    if title.is_empty() { plain::line(&thread.id) } else { title }
}

pub fn bottom_line(summary: &Summary) -> Entry {
    let line = &summary.bottom_line;
    let text = plain::line(unlabelled(&line.text, &line.cites));
    let mut quotes = quotes(&text, &line.cites, &summary.thread);
    let more = quotes.len().saturating_sub(BOTTOM_LINE_QUOTES);
    quotes.truncate(BOTTOM_LINE_QUOTES);
    let facts =
        if more == 0 { Vec::new() } else { vec![format!("{} more in the JSON", counted(more, "quote", "quotes"))] };
    Entry { text, facts, quotes }
}

/// The sections that have entries, in reading order.
pub fn sections(summary: &Summary) -> Vec<Section> {
    let thread = &summary.thread;
    let questions = |state| summary.questions.iter().filter(move |q| q.state == state).map(|q| question(q, thread));
    let all = [
        ("Needs attention", summary.flags.iter().map(|f| flag(f, thread)).collect()),
        ("Decisions", summary.decisions.iter().map(|d| entry(&d.text, &d.cites, decision_facts(d), thread)).collect()),
        ("Asks", summary.asks.iter().map(|a| entry(&a.text, &a.cites, ask_facts(a), thread)).collect()),
        ("Open questions", questions(QuestionState::Open).collect()),
        ("Blockers", summary.blockers.iter().map(|b| entry(&b.text, &b.cites, blocker_facts(b), thread)).collect()),
        ("Answered questions", questions(QuestionState::Answered).collect()),
        ("Context", summary.context.iter().map(|c| entry(&c.text, &c.cites, Vec::new(), thread)).collect()),
    ];
    all.into_iter()
        .map(|(heading, entries): (_, Vec<Entry>)| Section { heading, entries })
        .filter(|s| !s.entries.is_empty())
        .collect()
}

/// What needs a person.
pub fn flag(flag: &Flag, thread: &ThreadFacts) -> Entry {
    entry(&flag.reason, &flag.cites, flag_facts(flag), thread)
}

/// "No decision, blocker found." for what a reader would look for and the thread does not have.
pub fn not_found(summary: &Summary) -> Option<String> {
    let open = summary.questions.iter().any(|q| q.state == QuestionState::Open);
    let missing: Vec<&str> = [
        ("decision", summary.decisions.is_empty()),
        ("ask", summary.asks.is_empty()),
        ("open question", !open),
        ("blocker", summary.blockers.is_empty()),
    ]
    .into_iter()
    .filter_map(|(what, missing)| missing.then_some(what))
    .collect();
    match missing[..] {
        [] => None,
        [only] => Some(format!("No {only} found.")),
        [ref first @ .., last] => Some(format!("No {} or {last} found.", first.join(", "))),
    }
}

/// What was read, what was dropped, who worded it and how long it took.
pub fn coverage(summary: &Summary) -> String {
    let coverage = &summary.coverage;
    let mut parts = vec![format!("Read {} of {}", coverage.read, counted(coverage.messages, "message", "messages"))];
    if !coverage.skipped.is_empty() {
        let mut reasons: Vec<(String, usize)> = Vec::new();
        for skipped in &coverage.skipped {
            let reason = plain::line(&skipped.reason);
            match reasons.iter_mut().find(|(r, _)| *r == reason) {
                Some((_, n)) => *n += 1,
                None => reasons.push((reason, 1)),
            }
        }
        let reasons: Vec<String> = reasons.into_iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        parts.push(format!("not read: {}", reasons.join(", ")));
    }
    let made = &summary.provenance;
    if made.dropped_claims > 0 {
        parts.push(format!("{} dropped", counted(made.dropped_claims, "claim", "claims")));
    }
    let seconds = (made.read_ms + made.prefill_ms + made.decode_ms) as f64 / 1000.0;
    parts.push(match &made.model {
        Some(model) => format!("by {} on this machine, {seconds:.1} s", plain::line(model)),
        None => format!("by quotation alone, {seconds:.1} s"),
    });
    parts.join(" · ")
}

fn entry(text: &str, cites: &[Cite], facts: Vec<String>, thread: &ThreadFacts) -> Entry {
    let text = plain::line(unlabelled(text, cites));
    let quotes = quotes(&text, cites, thread);
    Entry { text, facts: facts.iter().map(|f| plain::line(f)).collect(), quotes }
}

fn question(question: &Question, thread: &ThreadFacts) -> Entry {
    let mut entry = entry(&question.text, &question.cites, Vec::new(), thread);
    for asked in entry.quotes.extract_if(.., |q| q.words.is_none()) {
        entry.facts.push(format!("asked by {}", asked.said_by));
    }
    if let Some(Statement { text, cites }) = &question.answer {
        let text = plain::line(unlabelled(text, cites));
        let mut quotes = quotes(&text, cites, thread);
        let said_by: String =
            quotes.extract_if(.., |q| q.words.is_none()).map(|q| format!(" — {}", q.said_by)).collect();
        entry.facts.push(format!("answer: {text}{said_by}"));
        entry.quotes.append(&mut quotes);
    }
    entry
}

fn decision_facts(decision: &crate::domain::summary::Decision) -> Vec<String> {
    let quoted = |by: &str| decision.cites.iter().any(|c| c.author.as_deref() == Some(by));
    decision.decided_by.iter().filter(|by| !quoted(by)).map(|by| format!("decided by {by}")).collect()
}

fn ask_facts(ask: &Ask) -> Vec<String> {
    let mut facts = vec![ask.owner.as_ref().map_or_else(|| "nobody named".to_string(), |owner| format!("for {owner}"))];
    facts.extend(ask.due.as_ref().map(|due| format!("due: {due}")));
    if ask.state == AskState::Done {
        facts.push("done".to_string());
    }
    facts
}

fn blocker_facts(blocker: &crate::domain::summary::Blocker) -> Vec<String> {
    blocker.owner.iter().map(|owner| format!("with {owner}")).collect()
}

fn flag_facts(flag: &Flag) -> Vec<String> {
    let mut facts = vec![format!("{} severity", flag.severity)];
    if !flag.owed_by.is_empty() {
        facts.push(format!("waiting on {}", flag.owed_by.join(", ")));
    }
    facts.extend(flag.due_at.as_ref().map(|due| format!("due {}", moment(due, None))));
    facts
}

fn quotes(text: &str, cites: &[Cite], thread: &ThreadFacts) -> Vec<Quote> {
    let year = thread.last_activity_at.as_deref().and_then(Moment::parse).and_then(civil).map(DateTime::year);
    let quoted = is_quoted(text, cites);
    let mut quotes: Vec<Quote> = cites
        .iter()
        .map(|cite| {
            let words = plain::line(&cite.quote);
            let who = cite.author.as_deref().map_or_else(|| "unsigned".to_string(), plain::line);
            let when = cite.sent_at.as_deref().map(|at| format!(", {}", moment(at, year))).unwrap_or_default();
            Quote { words: (!quoted).then(|| shortened(&words)), said_by: format!("{who}{when}") }
        })
        .collect();
    if quoted {
        // One breath over several messages is one speaker's; the first says when it began.
        quotes.truncate(1);
    }
    quotes
}

/// A claim's text without its speaker's name before it, which the attribution says again.
fn unlabelled<'a>(text: &'a str, cites: &[Cite]) -> &'a str {
    let author = cites.first().and_then(|c| c.author.as_deref()).unwrap_or("");
    text.strip_prefix(author).and_then(|rest| rest.strip_prefix(": ")).filter(|_| !author.is_empty()).unwrap_or(text)
}

/// Whether the text is its quotes, at most with fillers and marks of markup left out.
fn is_quoted(text: &str, cites: &[Cite]) -> bool {
    let mut said = cites.iter().flat_map(|c| words(&c.quote));
    !cites.is_empty() && words(text).all(|word| said.any(|s| s == word))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

pub(super) fn shortened(words: &str) -> String {
    match words.char_indices().nth(QUOTE_LETTERS) {
        None => words.to_string(),
        Some((at, _)) => {
            let kept = &words[..at];
            format!("{} …", kept.rfind(' ').map_or(kept, |space| &kept[..space]))
        }
    }
}

fn period(opened: Option<&str>, last: Option<&str>) -> Option<String> {
    let (from, to) = (Moment::parse(opened.or(last)?), Moment::parse(last.or(opened)?));
    match (from.and_then(civil), to.and_then(civil)) {
        (Some(from), Some(to)) if from.date() == to.date() => {
            let day = from.strftime("%-d %b %Y");
            Some(if from == to {
                day.to_string()
            } else {
                format!("{day}, {}–{}", from.strftime("%H:%M"), to.strftime("%H:%M"))
            })
        }
        (Some(from), Some(to)) if from.year() == to.year() => {
            Some(format!("{} – {}", from.strftime("%-d %b"), to.strftime("%-d %b %Y")))
        }
        (Some(from), Some(to)) => Some(format!("{} – {}", from.strftime("%-d %b %Y"), to.strftime("%-d %b %Y"))),
        _ => match (from?, to?) {
            (from, to) if from == to => Some(from.to_string()),
            (from, to) => Some(format!("{} – {}", moment_of(from), moment_of(to))),
        },
    }
}

/// "12 Nov 14:02", with the year where it is not `year`.
pub(super) fn moment(text: &str, year: Option<i16>) -> String {
    let Some(moment) = Moment::parse(text) else { return plain::line(text) };
    let Some(at) = civil(moment) else { return moment_of(moment) };
    let day = if year.is_none_or(|y| y == at.year()) { "%-d %b" } else { "%-d %b %Y" };
    let undated = matches!(moment, Moment::Local(_)) && at.time() == jiff::civil::Time::midnight();
    at.strftime(&if undated { day.to_string() } else { format!("{day} %H:%M") }).to_string()
}

fn moment_of(moment: Moment) -> String {
    let text = moment.to_string();
    text.split_once('.').map_or(text.clone(), |(whole, _)| whole.to_string())
}

/// The date and time on the writer's own clock.
fn civil(moment: Moment) -> Option<DateTime> {
    let on_clock = |instant: Timestamp, offset: Offset| offset.to_datetime(instant);
    match moment {
        Moment::At { instant, offset } => Some(on_clock(instant, offset)),
        Moment::Local(at) => Some(at),
        Moment::Elapsed(_) | Moment::TimeOfDay(_) => None,
    }
}

pub(super) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
