//! Trains the heads of `classify` on labelled sentences, and says how good they are on meetings and mails left out.
//!
//! `cargo run --release --example train_heads -- --data FOLDER --encoder FOLDER --out models/heads [--cache FILE]`

#[path = "heads/blend.rs"]
mod blend;
#[path = "heads/corpus.rs"]
mod corpus;
#[path = "heads/examples.rs"]
mod examples;
#[path = "heads/learn.rs"]
mod learn;
#[path = "heads/linear.rs"]
mod linear;
#[path = "heads/measure.rs"]
mod measure;
#[path = "heads/vectors.rs"]
mod vectors;

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use clap::Parser;

use bluf::classify::heads::Head;

/// Where to read and write.
#[derive(Parser)]
struct Args {
    /// The folder that holds ami, acts_ami, bc3, acts_bc3 and acts_emailintent (.jsonl or .jsonl.gz).
    #[arg(long)]
    data: PathBuf,
    /// The encoder's folder: config.json, tokenizer.json, model.safetensors.
    #[arg(long)]
    encoder: PathBuf,
    /// Where heads.safetensors goes.
    #[arg(long)]
    out: PathBuf,
    /// Keeps sentence vectors between runs.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Which seventh of the meeting groups is left out for testing; what ships is fold 0.
    #[arg(long, default_value_t = 0)]
    fold: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let started = Instant::now();
    let threads = corpus::read(&args.data, args.fold)?;
    let vectors = vectors::embed(&threads, &args.encoder, args.cache.as_deref())?;
    println!("{} sentences, embedded in {:.0} s", corpus::count(&threads), started.elapsed().as_secs_f64());
    let examples = examples::Examples::new(&threads, &vectors);
    let trained = Instant::now();
    let held = blend::held_out(&examples)?;
    let learned = blend::train(&examples, &held)?;
    println!("trained in {:.0} s", trained.elapsed().as_secs_f64());
    let thresholds = measure::thresholds(&examples, &held);
    measure::report_held(&examples, &held, &thresholds);
    measure::report(&examples, &learned, &thresholds)?;
    std::fs::create_dir_all(&args.out)?;
    let file = args.out.join("heads.safetensors");
    let encoder_sha256 = vectors::sha256(&args.encoder.join("model.safetensors"))?;
    let bytes = learned.to_safetensors(&thresholds, &encoder_sha256)?;
    std::fs::write(&file, &bytes).with_context(|| file.display().to_string())?;
    println!("{} heads, {} bytes, sha256 {}", Head::ALL.len(), bytes.len(), vectors::sha256(&file)?);
    Ok(())
}
