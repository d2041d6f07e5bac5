//! `bluf bench`: how fast the models run on this machine, for people who choose a model or a machine.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::{Call, Exit, workshop::Weights};
use crate::{
    model::{
        kernel::{Cpu, Dispatch},
        speed::{self, Plan, Rate, Speed},
    },
    render::json,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Threads that the models may use; 0 for one a physical core
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Measure this model, by name or by the path of a GGUF file
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Lay this adapter beside the model's weights: a safetensors file, or none
    #[arg(long, value_name = "FILE")]
    pub adapter: Option<String>,
    /// Lengths of prompts to read, in tokens
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "512,2048,8192")]
    pub prefill: Vec<usize>,
    /// Positions already read when tokens are written
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0,4096")]
    pub decode: Vec<usize>,
    /// Measure everything so often and take the median
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub rounds: usize,
    /// Leave out the eight texts written side by side
    #[arg(long)]
    pub no_batch: bool,
    /// Leave out the sentence encoder
    #[arg(long)]
    pub no_encoder: bool,
    /// One object
    #[arg(long)]
    pub json: bool,
    /// Run on kernels that are not the best of this CPU
    #[arg(long, hide = true, value_name = "LEVEL")]
    pub dispatch: Option<String>,
}

/// The generator that was measured.
struct Measured {
    name: String,
    adapter_sha256: Option<String>,
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    let config = &call.effective.config;
    let files = Weights::open(config)?.files(config).context("run `bluf models pull`")?;
    let plan = Plan {
        prefill: args.prefill.clone(),
        decode: args.decode.iter().map(|&depth| depth.max(1)).collect(),
        batch: !args.no_batch,
        encoder: !args.no_encoder,
        rounds: args.rounds,
    };
    let cpu = match &args.dispatch {
        None => Cpu::new(config.model.threads),
        Some(level) => forced(level, config.model.threads)?,
    };
    let measured = Measured { name: files.name, adapter_sha256: files.adapter_sha256 };
    let speed = speed::measure(&files.generator, files.adapter, &files.encoder, cpu, &plan)?;
    let report = if args.json { json::line(&object(&speed, &measured)) } else { table(&speed, &measured) };
    call.terminal.out(&report)?;
    Ok(Exit::Fine)
}

fn forced(level: &str, threads: usize) -> Result<Cpu> {
    let here: Vec<&str> = Dispatch::here().into_iter().map(Dispatch::name).collect();
    match Dispatch::named(level).and_then(|dispatch| Cpu::with(dispatch, threads)) {
        Some(cpu) => Ok(cpu),
        None => bail!("this CPU has no kernels called '{level}'; it has {}", here.join(", ")),
    }
}

/// The depth as it was asked for: one token stands for an empty sequence, which nothing can follow.
fn depth(measured: usize) -> usize {
    if measured == 1 { 0 } else { measured }
}

fn object(speed: &Speed, measured: &Measured) -> Value {
    let by = |clock: fn(&Rate) -> Option<f64>| {
        let number = |rate: &Rate| clock(rate).map(|rate| (rate * 10.0).round() / 10.0);
        let each = |rates: &[(usize, Rate)], key: fn(usize) -> usize| -> Map<String, Value> {
            rates.iter().map(|(n, rate)| (key(*n).to_string(), json!(number(rate)))).collect()
        };
        json!({
            "prefill": each(&speed.prefill, |n| n),
            "decode": each(&speed.decode, depth),
            "batch8": speed.batch8.as_ref().and_then(number),
            "encoder_sentences": speed.encoder_sentences.as_ref().and_then(number),
        })
    };
    let (name, adapter) = (&measured.name, &measured.adapter_sha256);
    let mut object =
        json!({ "model": name, "adapter_sha256": adapter, "threads": speed.threads, "dispatch": speed.dispatch });
    let fields = object.as_object_mut().expect("it was made an object");
    if let Value::Object(rates) = by(|rate| rate.cpu) {
        fields.extend(rates);
    }
    fields.insert("peak_mib".to_owned(), json!(peak_mib()));
    fields.insert("load_s".to_owned(), json!((speed.load.as_secs_f64() * 1000.0).round() / 1000.0));
    fields.insert("cpu".to_owned(), json!(cpu_name()));
    fields.insert("wall".to_owned(), by(|rate| Some(rate.wall)));
    object
}

fn table(speed: &Speed, measured: &Measured) -> String {
    let adapter = if measured.adapter_sha256.is_some() { " with its adapter" } else { "" };
    let mut lines = vec![format!(
        "{}{adapter} on {}, {} threads, {} kernels; loaded in {:.2} s{}",
        measured.name,
        cpu_name().unwrap_or_else(|| "this CPU".to_owned()),
        speed.threads,
        speed.dispatch,
        speed.load.as_secs_f64(),
        peak_mib().map_or(String::new(), |mib| format!("; {mib} MiB at most")),
    )];
    lines.push(format!("{:<32}{:>14}{:>14}", "", "per CPU second", "per second"));
    let mut line = |what: String, rate: &Rate| {
        let cpu = rate.cpu.map_or("-".to_owned(), |rate| format!("{rate:.1}"));
        lines.push(format!("{what:<32}{cpu:>14}{:>14.1}", rate.wall));
    };
    for (n, rate) in &speed.prefill {
        line(format!("tokens read of {n}"), rate);
    }
    for (n, rate) in &speed.decode {
        line(format!("tokens written after {}", depth(*n)), rate);
    }
    if let Some(rate) = &speed.batch8 {
        line("tokens written, 8 texts at once".to_owned(), rate);
    }
    if let Some(rate) = &speed.encoder_sentences {
        line("sentences encoded".to_owned(), rate);
    }
    lines.join("\n")
}

/// The most memory that this process has had, where the system says so.
fn peak_mib() -> Option<u64> {
    let kib = field(Path::new("/proc/self/status"), "VmHWM")?;
    Some(kib.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

fn cpu_name() -> Option<String> {
    field(Path::new("/proc/cpuinfo"), "model name")
}

/// What stands behind `name:` in a file of such lines.
fn field(file: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}
