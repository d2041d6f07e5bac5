//! Labelled sentences, by thread and in order, and which part of the work each thread belongs to.

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use bluf::{classify::heads::Head, domain::Kind};

/// How far back the question may lie that a sentence answers.
const ANSWER_WITHIN: usize = 3;

/// Ways to leave out a part of the meeting groups.
const FOLDS: usize = 7;
/// What is left is dealt into as many parts again, to be held out in turn.
pub const SIXTHS: usize = FOLDS - 1;
/// Share of the lone mail sentences that are for testing.
const MAIL_TEST: f64 = 0.18;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    EmailIntent,
    Bc3,
    Ami,
}

/// What a thread is for. A whole meeting group, mail thread or lone sentence is in one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Test,
    /// Kept apart by whoever made the data; other meetings of the same groups may be in `Train`.
    Dev,
}

/// One label a head; `None` where the data does not say.
pub type Labels = [Option<bool>; Head::ALL.len()];

pub struct Labelled {
    pub text: String,
    pub author: Option<String>,
    pub message: usize,
    pub labels: Labels,
}

pub struct Thread {
    pub set: Set,
    pub part: Part,
    /// Which sixth of the training part it is in, for cross-validation.
    pub sixth: usize,
    pub kind: Kind,
    pub lines: Vec<Labelled>,
}

/// The training data, in a fixed order. `fold` (0 to 6) says which meeting groups are left out for testing.
pub fn read(folder: &Path, fold: usize) -> Result<Vec<Thread>> {
    let mut threads = Vec::new();
    for item in items(&folder.join("acts_emailintent.jsonl"))? {
        let text = words(&item["text"]);
        let mut labels = Labels::default();
        labels[Head::Request as usize] = item["intent"].as_bool();
        let (part, sixth) = by_hash(&text);
        let line = Labelled { text, author: None, message: 0, labels };
        threads.push(Thread { set: Set::EmailIntent, part, sixth, kind: Kind::Email, lines: vec![line] });
    }
    let ours = names(&folder.join("bc3.jsonl.gz"), "id")?;
    threads.extend(bc3(&items(&folder.join("acts_bc3.jsonl"))?, &ours));
    let ours = names(&folder.join("ami.jsonl.gz"), "title")?;
    threads.extend(ami(&items(&folder.join("acts_ami.jsonl.gz"))?, &ours, fold));
    for thread in &mut threads {
        thread.lines.retain(|l| !l.text.is_empty());
    }
    Ok(threads)
}

pub fn count(threads: &[Thread]) -> usize {
    threads.iter().map(|t| t.lines.len()).sum()
}

/// The threads that are in the training part as whole threads. The act files hold more: sentences of threads that are
/// kept apart as `dev`, and those must not be trained on.
fn names(file: &Path, field: &str) -> Result<HashSet<String>> {
    Ok(items(file)?.iter().filter_map(|i| i[field].as_str().map(str::to_owned)).collect())
}

fn bc3(items: &[Value], ours: &HashSet<String>) -> Vec<Thread> {
    let mut threads: Vec<Thread> = Vec::new();
    let mut open = "";
    for item in items {
        let id = item["id"].as_str().unwrap_or("");
        let (thread, place) = id.split_once('#').unwrap_or((id, ""));
        if thread != open || threads.is_empty() {
            open = thread;
            let part = if ours.contains(thread) { Part::Train } else { Part::Dev };
            let sixth = threads.iter().filter(|t| t.part == Part::Train).count() % SIXTHS;
            threads.push(Thread { set: Set::Bc3, part, sixth, kind: Kind::Email, lines: Vec::new() });
        }
        let votes = |act: &str| item["acts"][act].as_u64().unwrap_or(0);
        let mut labels = Labels::default();
        labels[Head::Request as usize] = Some(votes("request") >= 1);
        labels[Head::Suggest as usize] = Some(votes("propose") >= 1);
        labels[Head::Salience as usize] = item["extractive_votes"].as_u64().map(|n| n >= 2);
        let message = place.split('.').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let line = Labelled { text: words(&item["text"]), author: None, message, labels };
        if let Some(thread) = threads.last_mut() {
            thread.lines.push(line);
        }
    }
    threads
}

fn ami(items: &[Value], ours: &HashSet<String>, fold: usize) -> Vec<Thread> {
    let mut groups: Vec<&str> = items.iter().filter_map(|i| i["group"].as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.sort_by_cached_key(|name| Sha256::digest(name.as_bytes()));
    let mut threads = Vec::new();
    for meeting in items.chunk_by(|a, b| a["meeting"] == b["meeting"]) {
        let group = meeting[0]["group"].as_str().unwrap_or("");
        let mut das = Vec::new();
        let mut lines = Vec::new();
        for (at, item) in meeting.iter().enumerate() {
            let links: Vec<&str> = item["links"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let labels = speech(item["da"].as_str(), &links);
            let author = item["author"].as_str().map(str::to_owned);
            das.push(item["da"].as_str().unwrap_or("").to_owned());
            lines.push(Labelled { text: words(&item["text"]), author, message: at, labels });
        }
        answers(&mut lines, &das);
        let kept_apart = !meeting[0]["meeting"].as_str().is_some_and(|name| ours.contains(name));
        let (part, sixth) = by_group(&groups, group, fold);
        let part = if kept_apart { Part::Dev } else { part };
        threads.push(Thread { set: Set::Ami, part, sixth, kind: Kind::Transcript, lines });
    }
    threads
}

/// Labels of an AMI utterance from its dialogue act and the summary sections that point to it.
fn speech(da: Option<&str>, links: &[&str]) -> Labels {
    let mut labels = Labels::default();
    let mut set = |head: Head, is: bool| labels[head as usize] = Some(is);
    if let Some(da) = da.filter(|d| !d.is_empty()) {
        set(Head::Suggest, da == "sug");
        set(Head::Offer, da == "off");
        set(Head::Elicit, da.starts_with("el."));
        set(Head::Inform, da == "inf");
        set(Head::Assess, matches!(da, "ass" | "be.pos" | "be.neg"));
        set(Head::Hear, matches!(da, "bck" | "und"));
        set(Head::Stall, matches!(da, "stl" | "fra"));
    }
    set(Head::Action, links.contains(&"actions"));
    set(Head::Decision, links.contains(&"decisions"));
    set(Head::Salience, !links.is_empty());
    labels
}

/// An utterance that informs or judges answers when another person elicited shortly before.
fn answers(lines: &mut [Labelled], das: &[String]) {
    for at in 0..lines.len() {
        let says = matches!(das.get(at).map(String::as_str), Some("inf" | "ass" | "sug" | "be.pos" | "be.neg"));
        let asked = (at.saturating_sub(ANSWER_WITHIN)..at)
            .any(|before| das[before].starts_with("el.") && lines[before].author != lines[at].author);
        lines[at].labels[Head::Answer as usize] = Some(says && asked);
    }
}

fn words(text: &Value) -> String {
    text.as_str().unwrap_or("").trim().to_owned()
}

/// Groups are few, so they are dealt out: of each `FOLDS` by the order of their hashes, one is for testing, and each of
/// the others is in a sixth of its own.
fn by_group(groups: &[&str], group: &str, fold: usize) -> (Part, usize) {
    let place = groups.iter().position(|g| *g == group).unwrap_or(0);
    match (place + FOLDS - fold % FOLDS) % FOLDS {
        0 => (Part::Test, 0),
        nth => (Part::Train, nth - 1),
    }
}

/// Where a lone sentence belongs, by its hash: the same on every machine.
fn by_hash(sentence: &str) -> (Part, usize) {
    let digest = Sha256::digest(sentence.as_bytes());
    let mut first = [0u8; 4];
    first.copy_from_slice(&digest[..4]);
    let part =
        if f64::from(u32::from_be_bytes(first)) / f64::from(u32::MAX) < MAIL_TEST { Part::Test } else { Part::Train };
    (part, usize::from(digest[4]) % SIXTHS)
}

fn items(file: &Path) -> Result<Vec<Value>> {
    let open = File::open(file).with_context(|| file.display().to_string())?;
    let reader: Box<dyn Read> =
        if file.extension().is_some_and(|e| e == "gz") { Box::new(GzDecoder::new(open)) } else { Box::new(open) };
    BufReader::new(reader)
        .lines()
        .map(|line| serde_json::from_str(&line?).with_context(|| file.display().to_string()))
        .collect()
}
