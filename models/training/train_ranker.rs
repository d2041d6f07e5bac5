//! Trains the evidence ranker (`models/heads/ranker.safetensors`) on human summaries.
//!
//! `cargo run --release --example train_ranker -- --data FOLDER --encoder FOLDER [--out models/heads] [--cache FILE]
//! [--judge PENALTY,…]`
//!
//! `--data` is the folder of the sets below, `--encoder` the folder of the sentence encoder, `--cache` keeps its vectors
//! between runs. `--judge` writes no weights: it says how good the summaries of held-out threads are with each penalty. The target of a unit is the share of its words that the human summary repeats, pairs of words counting
//! double; the weights are the exact ridge solution, found by conjugate gradients in a fixed order, so the same data on
//! the same machine gives the same bytes.

mod held_out;
mod remembering;

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use bluf::{
    classify::Classifier,
    domain::Thread,
    model::embed::BertEmbedder,
    summarize::{
        rank::{BUCKETS, Family, Features, Weights, dense_len},
        unit::Unit,
        view::View,
    },
    text::words,
};
use candle_core::{Device, Tensor};
use clap::Parser;
use remembering::Remembering;

/// The penalty on a family's weights, in units of squared feature, chosen by summaries of threads that were held out
/// (`models/heads/README.md`).
const fn ridge(family: Family) -> f64 {
    match family {
        Family::Document => 1000.0,
        Family::Written => 300.0,
        Family::Spoken => 100.0,
    }
}
/// How much larger the bag's features are made than the dense ones before the penalty.
const BAG_SCALE: f32 = 3.0;
const ROUNDS: usize = 200;
/// A thread with more units gives this many, evenly spread, so that long meetings do not drown short mails.
const MOST_UNITS: usize = 300;

/// The sets, and how many threads of each are read (evenly spread over the file).
const SETS: [(&str, usize); 9] = [
    ("docs.jsonl.gz", 430),
    ("convosumm_email.jsonl.gz", usize::MAX),
    ("bc3.jsonl.gz", usize::MAX),
    ("ami.jsonl.gz", 27),
    ("qmsum_product.jsonl.gz", 10),
    ("qmsum_academic.jsonl.gz", 10),
    ("qmsum_committee.jsonl.gz", 12),
    ("w3c_minutes.jsonl.gz", usize::MAX),
    ("ethpm_notes.jsonl.gz", usize::MAX),
];

#[derive(Parser)]
struct Args {
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    encoder: PathBuf,
    #[arg(long, default_value = "models/heads")]
    out: PathBuf,
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Penalties to judge by held-out threads, instead of training
    #[arg(long, value_delimiter = ',')]
    judge: Vec<f64>,
}

/// A thread with its human summaries, read.
struct Sample<'t> {
    set: &'static str,
    golds: &'t [String],
    view: View<'t>,
    features: Vec<Features>,
    targets: Vec<f32>,
}

/// One unit's features: dense, scaled, and its bag.
type Row<'a> = (Vec<f32>, &'a [(u32, f32)]);
/// What a summary says: its content words, and its pairs of neighbouring words.
type GoldWords = (HashSet<String>, HashSet<(String, String)>);

/// Rows of one family.
#[derive(Default)]
struct Rows {
    features: Vec<Features>,
    targets: Vec<f32>,
    threads: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let classifier = Classifier::embedded()?;
    let mut encoder =
        Remembering::open(BertEmbedder::load(&args.encoder, &bluf::model::Place::cpu(0))?, args.cache.as_deref())?;
    let mut sets = Vec::new();
    for (file, most) in SETS {
        let all = threads(&args.data.join(file))?;
        let step = all.len().div_ceil(most.min(all.len()).max(1));
        let some: Vec<_> = all.into_iter().step_by(step).filter(|(_, golds)| !golds.is_empty()).collect();
        sets.push((file, some));
    }
    let mut read: HashMap<Family, Vec<Sample>> = HashMap::new();
    for (set, threads) in &sets {
        for (thread, golds) in threads {
            let acts = classifier.classify(thread, Some(&mut encoder), &|| false)?;
            let view = View::new(thread, acts, Some(&mut encoder))?;
            encoder.save()?;
            let (features, targets) = (view.features(), targets(&view.units, golds));
            read.entry(Family::of(thread.kind)).or_default().push(Sample { set, golds, view, features, targets });
        }
        eprintln!("{set}: {} threads read", threads.len());
    }
    if !args.judge.is_empty() {
        held_out::judge(&read, &args.judge);
        return Ok(());
    }
    let mut tensors = HashMap::new();
    for family in Family::ALL {
        let read = read.get(&family).with_context(|| format!("no threads for {}", family.name()))?;
        let rows = Rows::of(read);
        let (weights, fit) = rows.solve(ridge(family));
        println!("{}: {} units of {} threads, R2 {fit:.3}", family.name(), rows.targets.len(), rows.threads);
        for (part, values) in [
            ("mean", weights.mean),
            ("scale", weights.scale),
            ("dense", weights.dense),
            ("bag", weights.bag),
            ("bias", vec![weights.bias]),
        ] {
            let tensor = Tensor::new(values, &Device::Cpu)?;
            let tensor = if part == "bag" { tensor.to_dtype(candle_core::DType::F16)? } else { tensor };
            tensors.insert(format!("{}.{part}", family.name()), tensor);
        }
    }
    candle_core::safetensors::save(&tensors, args.out.join("ranker.safetensors"))?;
    Ok(())
}

impl Rows {
    fn of<'r>(read: impl IntoIterator<Item = &'r Sample<'r>>) -> Rows {
        let mut rows = Rows::default();
        for one in read {
            let step = one.features.len().div_ceil(MOST_UNITS).max(1);
            rows.features.extend(one.features.iter().step_by(step).cloned());
            rows.targets.extend(one.targets.iter().step_by(step));
            rows.threads += 1;
        }
        rows
    }

    /// Ridge regression by conjugate gradients on the normal equations; also the share of variance explained.
    fn solve(&self, ridge: f64) -> (Weights, f64) {
        let (mean, scale) = self.moments();
        let bias = self.targets.iter().sum::<f32>() / self.targets.len() as f32;
        let width = dense_len() + BUCKETS;
        let row = |n: usize| -> Row {
            let dense =
                self.features[n].dense.iter().zip(mean.iter().zip(&scale)).map(|(x, (m, s))| (x - m) / s).collect();
            (dense, &self.features[n].bag)
        };
        let rows: Vec<Row> = (0..self.targets.len()).map(row).collect();
        let apply = |w: &[f64]| -> Vec<f64> { rows.iter().map(|(dense, bag)| dot(dense, bag, w)).collect() };
        let back = |r: &[f64]| -> Vec<f64> {
            let mut g = vec![0.0; width];
            for ((dense, bag), r) in rows.iter().zip(r) {
                dense.iter().enumerate().for_each(|(i, x)| g[i] += r * f64::from(*x));
                bag.iter().for_each(|&(b, x)| g[dense_len() + b as usize] += r * f64::from(x * BAG_SCALE));
            }
            g
        };
        let wanted: Vec<f64> = self.targets.iter().map(|y| f64::from(y - bias)).collect();
        let mut w = vec![0.0; width];
        let mut residual = back(&wanted);
        let mut direction = residual.clone();
        let mut size = inner(&residual, &residual);
        for _ in 0..ROUNDS {
            let mut image = back(&apply(&direction));
            image.iter_mut().zip(&direction).for_each(|(i, d)| *i += ridge * d);
            let step = size / inner(&direction, &image).max(1e-30);
            w.iter_mut().zip(&direction).for_each(|(w, d)| *w += step * d);
            residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
            let next = inner(&residual, &residual);
            direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + next / size.max(1e-30) * *d);
            size = next;
        }
        let errors: f64 = apply(&w).iter().zip(&wanted).map(|(a, b)| (a - b).powi(2)).sum();
        let fit = 1.0 - errors / inner(&wanted, &wanted);
        let dense = w[..dense_len()].iter().map(|x| *x as f32).collect();
        let bag = w[dense_len()..].iter().map(|x| *x as f32 * BAG_SCALE).collect();
        (Weights { mean, scale, dense, bag, bias }, fit)
    }

    fn moments(&self) -> (Vec<f32>, Vec<f32>) {
        let n = self.features.len() as f64;
        let sum = |f: &dyn Fn(&Features, usize) -> f64, i| self.features.iter().map(|x| f(x, i)).sum::<f64>() / n;
        let mean: Vec<f64> = (0..dense_len()).map(|i| sum(&|x, i| f64::from(x.dense[i]), i)).collect();
        let spread = |i: usize| sum(&|x, i| (f64::from(x.dense[i]) - mean[i]).powi(2), i).sqrt();
        // A feature that never varies tells nothing, and dividing by its spread must not make it loud.
        let scale = (0..dense_len()).map(spread).map(|s| if s < 1e-4 { 1.0 } else { s as f32 }).collect();
        (mean.iter().map(|m| *m as f32).collect(), scale)
    }
}

fn dot(dense: &[f32], bag: &[(u32, f32)], w: &[f64]) -> f64 {
    let direct: f64 = dense.iter().zip(w).map(|(x, w)| f64::from(*x) * w).sum();
    direct + bag.iter().map(|&(b, x)| f64::from(x * BAG_SCALE) * w[dense.len() + b as usize]).sum::<f64>()
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// For each unit, the share of its content words that a summary has plus twice the share of its word pairs, averaged over
/// the summaries. Short units are counted as four words long.
fn targets(units: &[Unit], golds: &[String]) -> Vec<f32> {
    let stemmed =
        |text: &str| -> Vec<String> { words::words(text).iter().map(|w| words::stem(w).into_owned()).collect() };
    let pairs = |stems: &[String]| -> Vec<(String, String)> {
        stems.windows(2).map(|p| (p[0].clone(), p[1].clone())).collect()
    };
    let golds: Vec<GoldWords> = golds
        .iter()
        .map(|g| (words::content_stems(g).into_iter().collect(), pairs(&stemmed(g)).into_iter().collect()))
        .collect();
    let share = |hits: usize, of: usize| hits as f32 / of.max(4) as f32;
    let target = |unit: &Unit| -> f32 {
        let (content, pairs) = (words::content_stems(&unit.shown), pairs(&stemmed(&unit.shown)));
        let one = |(words, both): &GoldWords| {
            let hits = content.iter().filter(|w| words.contains(*w)).count();
            let pair_hits = pairs.iter().filter(|p| both.contains(*p)).count();
            share(hits, content.len()) + 2.0 * share(pair_hits, pairs.len())
        };
        golds.iter().map(one).sum::<f32>() / golds.len() as f32
    };
    units.iter().map(target).collect()
}

/// Threads of a gzipped JSONL file with their human summaries.
fn threads(path: &Path) -> Result<Vec<(Thread, Vec<String>)>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text)?;
    let name = path.display().to_string();
    let read = |line: &[u8]| -> Result<Option<(Thread, Vec<String>)>> {
        let gold: Gold = serde_json::from_slice(line)?;
        let thread = bluf::source::thread_jsonl::read(line, &name).threads.pop();
        Ok(thread.map(|thread| (thread, gold.gold.texts())))
    };
    text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).filter_map(|l| read(l).transpose()).collect()
}

#[derive(serde::Deserialize)]
struct Gold {
    gold: Summaries,
}

#[derive(serde::Deserialize)]
struct Summaries {
    #[serde(default)]
    summaries: Vec<String>,
    summary: Option<String>,
}

impl Summaries {
    fn texts(self) -> Vec<String> {
        let all = if self.summaries.is_empty() { self.summary.into_iter().collect() } else { self.summaries };
        all.into_iter().filter(|s| !s.trim().is_empty()).collect()
    }
}
