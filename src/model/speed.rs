//! How fast the models run here: what `bluf bench` reports.
//!
//! Rates are tokens (sentences) per second of the process's processor time, and of time as it passes. Processor time does
//! not see other programs that take their turn, only what they do to caches and memory; with several threads it counts
//! all of them, so there the wall speaks.

use std::{path::Path, sync::Arc, time::Duration};

use candle_core::Device;

use super::{
    Embedder, ModelError, Place,
    arch::{
        adapter::Adapter,
        decoder::Decoder,
        sequence::{Sequence, Step},
    },
    embed::BertEmbedder,
    gguf::Gguf,
    kernel::Cpu,
};
use crate::time::{CpuStopwatch, Stopwatch};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Lengths of prompts to read.
    pub prefill: Vec<usize>,
    /// Positions already read when tokens are written.
    pub decode: Vec<usize>,
    /// Eight texts written side by side.
    pub batch: bool,
    pub encoder: bool,
    /// Every rate is the median of as many.
    pub rounds: usize,
}

/// A rate by either clock; `None` where the system keeps no such clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub cpu: Option<f64>,
    pub wall: f64,
}

/// What was measured. A length that the model's context cannot hold is left out.
#[derive(Clone, Debug)]
pub struct Speed {
    pub threads: usize,
    pub dispatch: &'static str,
    pub prefill: Vec<(usize, Rate)>,
    pub decode: Vec<(usize, Rate)>,
    pub batch8: Option<Rate>,
    pub encoder_sentences: Option<Rate>,
    /// Until generator and encoder were ready.
    pub load: Duration,
}

/// Prompt tokens read at a time, as `generate` does with long ones.
const CHUNK: usize = 512;
/// Tokens written in one measurement.
const WRITTEN: usize = 32;
const BATCH: usize = 8;
/// Sentences of one measurement.
const SENTENCES: usize = 256;
/// Sentences as threads have them, 8 to 60 word pieces.
const SAMPLES: [&str; 4] = [
    "Can you review the migration plan before Thursday?",
    "We decided to keep the old queue until the new consumer has run for two weeks without a restart.",
    "I am blocked on the credentials for the staging database, and nobody in the channel seems to know who hands them out \
     now that Mara is away, so please tell me whom to ask.",
    "Let's ship it on Monday, after the backup has been restored once, read back, compared line by line with what was \
     written the day before, and signed off by the two people who wrote the importer; until then the flag stays off for \
     everybody but the test accounts.",
];

/// Loads the models on `cpu`, the generator with `adapter` if there is one, and measures what `plan` asks for.
///
/// # Errors
/// When weights cannot be read, or the adapter does not fit them.
pub fn measure(
    gguf: &Path,
    adapter: Option<Adapter>,
    encoder: &Path,
    cpu: Cpu,
    plan: &Plan,
) -> Result<Speed, ModelError> {
    let cpu = Arc::new(cpu);
    let watch = Stopwatch::start();
    let mut gguf = Gguf::open(gguf, &Device::Cpu)?;
    if let Some(adapter) = adapter {
        gguf.adapt(adapter)?;
    }
    let mut decoder = Decoder::load(&mut gguf, Arc::clone(&cpu))?;
    drop(gguf);
    let mut embedder = match plan.encoder {
        true => Some(BertEmbedder::load(encoder, &Place::Cpu(Arc::clone(&cpu)))?),
        false => None,
    };
    let load = watch.elapsed();
    let fits = |tokens: &usize| *tokens <= decoder.context_tokens();
    let lengths: Vec<usize> = plan.prefill.iter().copied().filter(fits).collect();
    let depths: Vec<usize> = plan.decode.iter().copied().filter(|d| d + WRITTEN <= decoder.context_tokens()).collect();
    // The first pass makes buffers grow; it is nobody's figure.
    read(&mut decoder, CHUNK / 8)?;
    let mut prefill = Vec::new();
    for length in lengths {
        prefill.push((length, rate(plan.rounds, length, || read(&mut decoder, length).map(drop))?));
    }
    let mut decode = Vec::new();
    for depth in depths {
        let read = read(&mut decoder, depth)?;
        decode.push((depth, writing(&mut decoder, &read, 1, plan.rounds)?));
    }
    let batch8 = match plan.batch {
        true => {
            let read = read(&mut decoder, 1)?;
            Some(writing(&mut decoder, &read, BATCH, plan.rounds)?)
        }
        false => None,
    };
    let encoder_sentences = match &mut embedder {
        Some(embedder) => {
            let texts: Vec<&str> = SAMPLES.into_iter().cycle().take(SENTENCES).collect();
            embedder.embed(&texts[..BATCH])?;
            Some(rate(plan.rounds, SENTENCES, || embedder.embed(&texts).map(drop))?)
        }
        None => None,
    };
    let (threads, dispatch) = (cpu.threads(), cpu.dispatch().name());
    Ok(Speed { threads, dispatch, prefill, decode, batch8, encoder_sentences, load })
}

/// A sequence of `length` tokens, read.
fn read(decoder: &mut Decoder, length: usize) -> Result<Sequence, ModelError> {
    let vocabulary = decoder.vocabulary();
    let tokens: Vec<u32> = (0..length).map(|i| ((i * 7919 + 13) % vocabulary) as u32).collect();
    let mut sequence = decoder.begin();
    for (n, chunk) in tokens.chunks(CHUNK).enumerate() {
        let last = (n + 1) * CHUNK >= length;
        decoder.read(&mut [Step::new(&mut sequence, chunk, usize::from(last))], &|| false)?;
    }
    Ok(sequence)
}

/// Writes `WRITTEN` tokens after each of `batch` copies of `start`.
fn writing(decoder: &mut Decoder, start: &Sequence, batch: usize, rounds: usize) -> Result<Rate, ModelError> {
    let mut sequences = (0..batch).map(|_| start.beginning(start.seen())).collect::<Result<Vec<_>, _>>()?;
    rate(rounds, batch * WRITTEN, || {
        sequences.iter_mut().for_each(|sequence| sequence.rewind(start.seen()));
        for i in 0..WRITTEN {
            let token = [((i * 131 + 5) % decoder.vocabulary()) as u32];
            let mut steps: Vec<Step> = sequences.iter_mut().map(|s| Step::new(s, &token, 1)).collect();
            decoder.read(&mut steps, &|| false)?;
        }
        Ok(())
    })
}

/// The median rate of `rounds` times `work`, which does `count` things.
fn rate(rounds: usize, count: usize, mut work: impl FnMut() -> Result<(), ModelError>) -> Result<Rate, ModelError> {
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        let (watch, cpu_watch) = (Stopwatch::start(), CpuStopwatch::start());
        work()?;
        cpu.extend(cpu_watch.map(|watch| count as f64 / watch.elapsed().as_secs_f64()));
        wall.push(count as f64 / watch.elapsed().as_secs_f64());
    }
    Ok(Rate { cpu: median(cpu), wall: median(wall).unwrap_or(0.0) })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
