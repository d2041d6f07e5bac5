//! Prints the units of training threads as the summarizer sees them, one thread a line of JSON, for `pairs.py`.
//!
//! `cargo run --release --example generator_notes -- --data FOLDER [--encoder FOLDER] > notes.jsonl`
//!
//! A unit comes with who says it, how it is shown, the bytes it quotes and what it was read as; `evidence` lists the units that
//! would be the generator's notes, best first. Without `--encoder` the reading is by cue words alone: enough to choose by.

use std::{fs, io::Read, path::PathBuf};

use anyhow::{Context, Result};
use bluf::{
    classify::Classifier,
    domain::{Kind, Thread},
    model::{Embedder, embed::BertEmbedder},
    summarize::{choose, cite, rank::Ranker, sections, view::View},
};
use clap::Parser;
use serde_json::{Value, json};

/// The sets, and how many threads of each are read (evenly spread over the file).
const SETS: [(&str, usize); 11] = [
    ("ami", usize::MAX),
    ("bc3", usize::MAX),
    ("convosumm_email", usize::MAX),
    ("docs", 400),
    ("ethpm_notes", usize::MAX),
    ("irc_answered", usize::MAX),
    ("qmsum_academic", usize::MAX),
    ("qmsum_committee", usize::MAX),
    ("qmsum_product", usize::MAX),
    ("stalled_proposals", 150),
    ("w3c_minutes", usize::MAX),
];
/// Evidence is chosen up to this many words, as the summarizer does.
const MOST_WORDS: usize = 170;
/// A unit of fewer words than this tells nothing out of its place.
const FEWEST_WORDS: usize = 6;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    encoder: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let classifier = Classifier::embedded()?;
    let ranker = Ranker::shipped()?;
    let mut encoder = match &args.encoder {
        Some(folder) => Some(BertEmbedder::load(folder, &bluf::model::Place::cpu(0))?),
        None => None,
    };
    for (set, most) in SETS {
        let threads = threads(&args.data.join(format!("{set}.jsonl.gz")))?;
        let step = threads.len().div_ceil(most.min(threads.len()).max(1));
        for (thread, item) in threads.iter().step_by(step) {
            let acts = classifier.classify(thread, lend(&mut encoder), &|| false)?;
            let view = View::new(thread, acts, lend(&mut encoder))?;
            let scores = ranker.scores(thread, &view.features());
            println!("{}", line(set, thread, item, &view, &scores));
        }
    }
    Ok(())
}

fn lend(encoder: &mut Option<BertEmbedder>) -> Option<&mut dyn Embedder> {
    encoder.as_mut().map(|e| e as &mut dyn Embedder)
}

/// One thread: what is known of it, and its units.
fn line(set: &str, thread: &Thread, item: &Value, view: &View, scores: &[f32]) -> Value {
    let units: Vec<Value> = (0..view.units.len()).map(|n| unit(view, scores, n)).collect();
    let tells = |n: usize| view.units[n].words >= FEWEST_WORDS;
    let evidence = choose::choose(view, scores, MOST_WORDS, tells);
    let decided: Vec<usize> = (0..view.units.len()).filter(|&n| sections::may_head(view, n)).collect();
    json!({
        "set": set, "id": thread.id, "group": item["group"], "kind": thread.kind.as_str(), "title": thread.title,
        "names": thread.participants, "spoken": thread.kind == Kind::Transcript,
        "units": units, "evidence": evidence, "decided": decided,
    })
}

fn unit(view: &View, scores: &[f32], n: usize) -> Value {
    let unit = &view.units[n];
    let quotes: Vec<&str> = unit.spans.iter().map(|&s| view.thread.quote(s)).collect();
    let acts: Vec<&str> = unit.sentences.iter().map(|&s| view.acts.sentences[s].act.as_str()).collect();
    let messages: Vec<usize> = unit.spans.iter().map(|s| s.message).collect();
    json!({
        "speaker": cite::speaker(view, n), "author": view.thread.messages[unit.message()].author, "shown": unit.shown,
        "quotes": quotes, "acts": acts, "messages": messages, "score": scores[n],
    })
}

/// Threads of a gzipped JSONL file, each with its line as it stands.
fn threads(path: &std::path::Path) -> Result<Vec<(Thread, Value)>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text)?;
    let name = path.display().to_string();
    let mut read = Vec::new();
    for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        if let Some(thread) = bluf::source::thread_jsonl::read(line, &name).threads.pop() {
            read.push((thread, serde_json::from_slice(line)?));
        }
    }
    Ok(read)
}
