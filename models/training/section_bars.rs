//! How many spoken decisions and asks are right, and how many found, from which strength on: `summarize/sections.rs`.
//!
//! `cargo run --release --example section_bars -- --data FOLDER --encoder FOLDER [--cache FILE]`
//!
//! On AMI meetings of `--data` whose groups the heads were not trained on; people linked each decision and task of their
//! summary to what was said. A unit is right within two messages of a link.

mod remembering;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use bluf::{
    classify::Classifier,
    domain::Thread,
    model::{Place, embed::BertEmbedder},
    summarize::{
        choose::Picked,
        rank::Ranker,
        ranked::Ranked,
        sections::{spoken_ask, spoken_decision},
        view::View,
    },
};
use clap::Parser;
use remembering::Remembering;

/// The groups that `models/training/heads/corpus.rs` leaves for testing.
const GROUPS: [&str; 4] = ["ES2002", "ES2012", "IS1001", "TS3010"];
const BARS: [f32; 12] = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7];
const MOST: [usize; 4] = [3, 4, 6, 8];
/// Messages between a link and what is counted as it.
const NEAR: usize = 2;
/// A transcript's evidence, in words; it does not change which sections there are.
const WORDS: usize = 170;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    data: PathBuf,
    /// The encoder's folder: config.json, tokenizer.json, model.safetensors
    #[arg(long)]
    encoder: PathBuf,
    /// Keeps sentence vectors between runs
    #[arg(long)]
    cache: Option<PathBuf>,
}

/// Units with their strength and messages, strongest first, and the messages of each true item, of one meeting.
struct Meeting {
    said: Vec<(f32, BTreeSet<usize>)>,
    links: Vec<BTreeSet<usize>>,
}

#[derive(serde::Deserialize)]
struct Item {
    title: String,
    gold: Gold,
}

#[derive(serde::Deserialize)]
struct Gold {
    evidence_links: Vec<Link>,
}

#[derive(serde::Deserialize)]
struct Link {
    msg: usize,
    section: String,
    sentence: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let classifier = Classifier::embedded()?;
    let mut encoder = Remembering::open(BertEmbedder::load(&args.encoder, &Place::cpu(0))?, args.cache.as_deref())?;
    let ranker = Ranker::shipped()?;
    let (mut decisions, mut asks) = (Vec::new(), Vec::new());
    for (item, thread) in meetings(&args.data.join("ami.jsonl.gz"))? {
        if !GROUPS.iter().any(|group| item.title.starts_with(group)) {
            continue;
        }
        let acts = classifier.classify(&thread, Some(&mut encoder), &|| false)?;
        let view = View::new(&thread, acts, Some(&mut encoder))?;
        encoder.save()?;
        let ranked = Ranked::new(&view, ranker.scores(&thread, &view.features()), WORDS);
        decisions.push(Meeting::new(&view, &item, "decisions", |n| spoken_decision(&view, &ranked, n)));
        asks.push(Meeting::new(&view, &item, "actions", |n| spoken_ask(&view, &ranked, n)));
    }
    for (name, meetings) in [("decisions", &decisions), ("asks", &asks)] {
        println!(
            "{name}: {} meetings, {} linked",
            meetings.len(),
            meetings.iter().map(|m| m.links.len()).sum::<usize>()
        );
        for most in MOST {
            for bar in BARS {
                println!("  at most {most}, from {bar:.2}: {}", figures(meetings, bar, most));
            }
        }
    }
    Ok(())
}

impl Meeting {
    fn new(view: &View, item: &Item, section: &str, strength: impl Fn(usize) -> f32) -> Meeting {
        let mut order: Vec<(f32, usize)> = (0..view.units.len()).map(|n| (strength(n), n)).collect();
        order.retain(|(strength, _)| *strength >= BARS[0]);
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut picked = Picked::default();
        let messages = |n: usize| view.units[n].spans.iter().map(|span| span.message).collect();
        let said = order.into_iter().filter(|(_, n)| picked.add(view, *n)).map(|(s, n)| (s, messages(n))).collect();
        let mut links: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for link in item.gold.evidence_links.iter().filter(|link| link.section == section) {
            links.entry(&link.sentence).or_default().insert(link.msg);
        }
        Meeting { said, links: links.into_values().collect() }
    }
}

/// Precision and recall from the strength `bar` on, `most` of a meeting.
fn figures(meetings: &[Meeting], bar: f32, most: usize) -> String {
    let (mut shown, mut right, mut linked, mut found) = (0, 0, 0, 0);
    for meeting in meetings {
        let taken: Vec<_> = meeting.said.iter().filter(|(s, _)| *s >= bar).take(most).map(|(_, m)| m).collect();
        shown += taken.len();
        right += taken.iter().filter(|m| meeting.links.iter().any(|link| near(m, link))).count();
        linked += meeting.links.len();
        found += meeting.links.iter().filter(|link| taken.iter().any(|m| near(m, link))).count();
    }
    let share = |part: usize, of: usize| part as f32 / of.max(1) as f32;
    format!("P {:.2} ({right}/{shown}) R {:.2} ({found}/{linked})", share(right, shown), share(found, linked))
}

fn near(a: &BTreeSet<usize>, b: &BTreeSet<usize>) -> bool {
    a.iter().any(|x| b.iter().any(|y| x.abs_diff(*y) <= NEAR))
}

/// The meetings of a gzipped JSONL file.
fn meetings(path: &Path) -> Result<Vec<(Item, Thread)>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text)?;
    let name = path.display().to_string();
    let mut all = Vec::new();
    for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        let thread = bluf::source::thread_jsonl::read(line, &name).threads.pop();
        all.push((serde_json::from_slice(line)?, thread.with_context(|| format!("{name}: a line is no thread"))?));
    }
    Ok(all)
}
