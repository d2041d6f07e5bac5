//! How much a way of computing costs in quality: perplexity on real threads, and how far its next-token probabilities are
//! from those of a reference.
//!
//! Usage: `precision MODEL.gguf THREADS.jsonl TOKENS REFERENCE VARIANT...`. Each line of the threads holds
//! `{"messages": [{"text": ..}, ..]}`; `TOKENS` are taken from as many of them as it needs, spread over the whole file. A
//! reference or variant is `f32` (candle on weights expanded to f32, for models of up to 768 MiB of them), `candle`
//! (candle's quantized products), or a level of our kernels, such as `avx512-vnni`. One line out for each, then the same
//! as JSON.

use std::{path::Path, sync::Arc};

use bluf::model::{
    arch::{TextDecoder, candle::Llama, decoder::Decoder, sequence::Step},
    gguf::Gguf,
    kernel::{Cpu, Dispatch},
    tokenizer::TextTokenizer,
};
use candle_core::Device;

/// Tokens of a thread that are predicted, each from those before it.
const WINDOW_TOKENS: usize = 1024;
/// Tokens that are read at a time.
const CHUNK_TOKENS: usize = 256;

/// What was measured of one variant so far; one entry a token.
#[derive(Default)]
struct Figures {
    /// Minus the log of the probability of the token that came.
    surprise: Vec<f64>,
    /// Kullback-Leibler divergence from the reference.
    divergence: Vec<f64>,
    same_first: usize,
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, threads, tokens, names @ ..] = &args[..] else {
        anyhow::bail!("usage: precision MODEL.gguf THREADS.jsonl TOKENS REFERENCE VARIANT...")
    };
    anyhow::ensure!(!names.is_empty(), "name a reference: f32, candle, or a level of the kernels");
    let tokenizer = TextTokenizer::from_gguf(&Gguf::open(Path::new(path), &Device::Cpu)?)?;
    let windows = windows(&std::fs::read_to_string(threads)?, &tokenizer, tokens.parse()?)?;
    let mut engines = names.iter().map(|name| load(name, Path::new(path))).collect::<Result<Vec<_>, _>>()?;
    let mut figures: Vec<Figures> = names.iter().map(|_| Figures::default()).collect();
    for (n, window) in windows.iter().enumerate() {
        eprintln!("text {} of {}, {} tokens", n + 1, windows.len(), window.len());
        let reference = logits(&mut engines[0], window)?;
        figures[0].add(window, &reference, &reference);
        for (engine, figures) in engines.iter_mut().zip(&mut figures).skip(1) {
            figures.add(window, &reference, &logits(engine, window)?);
        }
    }
    for (name, own) in names.iter().zip(&figures) {
        println!("{}", own.line(name, &figures[0]));
    }
    for (name, own) in names.iter().zip(&figures) {
        println!("{}", own.json(name, &figures[0]));
    }
    Ok(())
}

/// The beginnings of as many threads as give `tokens` tokens.
fn windows(threads: &str, tokenizer: &TextTokenizer, tokens: usize) -> anyhow::Result<Vec<Vec<u32>>> {
    let lines: Vec<&str> = threads.lines().collect();
    let step = (lines.len() / tokens.div_ceil(WINDOW_TOKENS).max(1)).max(1);
    // First those that are `step` apart; where threads are short, those between them too.
    let order = (0..step).flat_map(|first| (first..lines.len()).step_by(step));
    let (mut windows, mut left) = (Vec::new(), tokens);
    for line in order.map(|n| lines[n]) {
        let thread: serde_json::Value = serde_json::from_str(line)?;
        let messages = thread["messages"].as_array().map_or(&[][..], |m| m);
        let texts: Vec<&str> = messages.iter().filter_map(|message| message["text"].as_str()).collect();
        let mut ids = tokenizer.encode_text(&texts.join("\n\n"))?;
        ids.truncate(WINDOW_TOKENS.min(left) + 1);
        if ids.len() > 1 {
            left -= ids.len() - 1;
            windows.push(ids);
        }
        if left == 0 {
            break;
        }
    }
    Ok(windows)
}

/// The way to compute logits that `name` stands for.
fn load(name: &str, path: &Path) -> anyhow::Result<TextDecoder> {
    let mut gguf = Gguf::open(path, &Device::Cpu)?;
    if let Some(level) = Dispatch::named(name) {
        let cpu = Cpu::with(level, 0).ok_or_else(|| anyhow::anyhow!("this CPU has no {name}"))?;
        return Ok(TextDecoder::Kernel(Box::new(Decoder::load(&mut gguf, Arc::new(cpu))?)));
    }
    match name {
        "f32" => {}
        "candle" => gguf.keep_quantized(),
        _ => anyhow::bail!("'{name}' is neither f32, candle nor a level of the kernels"),
    }
    Ok(TextDecoder::Candle(Box::new(Llama::load(&mut gguf)?)))
}

/// Logits after each token but the last.
fn logits(decoder: &mut TextDecoder, window: &[u32]) -> anyhow::Result<Vec<Vec<f32>>> {
    let (mut sequence, mut logits) = (decoder.begin(), Vec::new());
    for chunk in window[..window.len() - 1].chunks(CHUNK_TOKENS) {
        let mut steps = [Step::new(&mut sequence, chunk, chunk.len())];
        decoder.read(&mut steps, &|| false)?;
        logits.append(&mut steps[0].logits);
    }
    Ok(logits)
}

/// Logarithms of the probabilities.
fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().fold(f32::NEG_INFINITY, |most, &x| most.max(x));
    let total: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
    logits.iter().map(|x| f64::from(x - most) - total.ln()).collect()
}

fn first(logits: &[f32]) -> usize {
    (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl Figures {
    fn add(&mut self, window: &[u32], reference: &[Vec<f32>], own: &[Vec<f32>]) {
        for ((&token, reference), own) in window[1..].iter().zip(reference).zip(own) {
            let (wanted, got) = (log_softmax(reference), log_softmax(own));
            self.surprise.push(-got[token as usize]);
            self.divergence.push(wanted.iter().zip(&got).map(|(p, q)| p.exp() * (p - q)).sum());
            self.same_first += usize::from(first(reference) == first(own));
        }
    }

    fn perplexity(&self) -> f64 {
        mean(&self.surprise).exp()
    }

    /// The standard error of the ratio of perplexities, from the differences token by token.
    fn error(&self, reference: &Figures) -> f64 {
        let off: Vec<f64> = self.surprise.iter().zip(&reference.surprise).map(|(a, b)| a - b).collect();
        let middle = mean(&off);
        let variance = mean(&off.iter().map(|x| (x - middle).powi(2)).collect::<Vec<_>>());
        (variance / off.len() as f64).sqrt()
    }

    fn line(&self, name: &str, reference: &Figures) -> String {
        let (tokens, own) = (self.surprise.len(), self.perplexity());
        format!(
            "{name:<12} {tokens} tokens  perplexity {own:.4}  ratio {:.5} ± {:.5}  mean KL {:.6}  same first {:.2}%",
            own / reference.perplexity(),
            self.error(reference),
            mean(&self.divergence),
            100.0 * self.same_first as f64 / tokens as f64,
        )
    }

    fn json(&self, name: &str, reference: &Figures) -> serde_json::Value {
        serde_json::json!({
            "variant": name,
            "tokens": self.surprise.len(),
            "perplexity": self.perplexity(),
            "ratio": self.perplexity() / reference.perplexity(),
            "ratio_error": self.error(reference),
            "mean_kl": mean(&self.divergence),
            "same_first": self.same_first as f64 / self.surprise.len() as f64,
        })
    }
}
