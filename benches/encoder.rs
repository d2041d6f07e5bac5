//! How near our sentence vectors are to candle's in f32, and how fast each comes, on real sentences.
//!
//! Usage: `encoder ENCODER_FOLDER THREADS.jsonl [SENTENCES [ROUNDS [LIST.json]]]`; one thread. Prints the least and mean
//! cosine and sentences per second of processor time, medians of five rounds that take turns; writes the sentences to
//! `LIST.json`, for `encoder_peers.py`.

use std::{path::Path, sync::Arc};

use bluf::{
    model::{Embedder, Place, arch::bert::Precision, embed::BertEmbedder, kernel::Cpu},
    text::sentence,
    time::CpuStopwatch,
};
use candle_core::Device;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, folder, threads, rest @ ..] = &args[..] else {
        anyhow::bail!("usage: encoder ENCODER_FOLDER THREADS.jsonl [SENTENCES [ROUNDS [LIST.json]]]")
    };
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let sentences = sentences(threads, rest.first().map_or(Ok(1000), |n| n.parse())?)?;
    let rounds: usize = rest.get(1).map_or(Ok(5), |n| n.parse())?;
    if let Some(list) = rest.get(2) {
        std::fs::write(list, serde_json::to_vec(&sentences)?)?;
    }
    let texts: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let folder = Path::new(folder);
    let ours = |precision| BertEmbedder::with_precision(folder, &Place::Cpu(Arc::new(Cpu::new(1))), precision);
    let mut all = [
        ("candle f32", BertEmbedder::load(folder, &Place::Candle(Device::Cpu))?),
        ("ours f32", ours(Precision::F32)?),
        ("ours", ours(Precision::Mixed)?),
    ];
    let mut rates = vec![Vec::new(); all.len()];
    let mut vectors = vec![Vec::new(); all.len()];
    for _ in 0..rounds {
        for (n, (_, encoder)) in all.iter_mut().enumerate() {
            let watch = CpuStopwatch::start().expect("a clock of processor time");
            vectors[n] = encoder.embed(&texts)?;
            rates[n].push(texts.len() as f64 / watch.elapsed().as_secs_f64());
        }
    }
    for (n, (name, _)) in all.iter().enumerate() {
        rates[n].sort_by(f64::total_cmp);
        let near: Vec<f32> = vectors[n].iter().zip(&vectors[0]).map(|(a, b)| cosine(a, b)).collect();
        let least = near.iter().copied().fold(1.0, f32::min);
        let mean = near.iter().sum::<f32>() / near.len() as f32;
        println!("{name:<12} {:>8.1} sentences/s  cosine least {least:.5} mean {mean:.5}", rates[n][rounds / 2]);
    }
    Ok(())
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `count` sentences spread over the threads of a JSONL file.
fn sentences(file: &str, count: usize) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    for line in std::fs::read_to_string(file)?.lines() {
        let thread: serde_json::Value = serde_json::from_str(line)?;
        for message in thread["messages"].as_array().into_iter().flatten() {
            let text = message["text"].as_str().unwrap_or_default();
            all.extend(sentence::split(text, 0..text.len()).into_iter().map(|range| text[range].to_owned()));
        }
    }
    let step = (all.len() / count.max(1)).max(1);
    Ok(all.into_iter().step_by(step).take(count).collect())
}
