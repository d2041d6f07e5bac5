//! `bluf summarize`: one BLUF a thread, no daemon and no database.

use anyhow::{Context, Result};

use super::{
    Call, Exit,
    input::{Given, Taken},
    progress::Reading as Drawn,
    workshop::Workshop,
};
use crate::{
    domain::Thread,
    render::{self, Out},
    time::{Clock, FixedClock, SystemClock},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub given: Given,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub out: Out,
    /// The same as --out json
    #[arg(long, conflicts_with = "out")]
    pub json: bool,
    /// Word the bottom lines with this model, by name or by the path of a GGUF file
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Lay this adapter beside the model's weights: a safetensors file, or none
    #[arg(long, value_name = "FILE")]
    pub adapter: Option<String>,
    /// Load no model: choose and quote, and word nothing
    #[arg(long, conflicts_with_all = ["model", "adapter"])]
    pub no_model: bool,
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    let Taken { threads, skipped } = args.given.threads(call)?;
    let out = if args.json { Out::Json } else { args.out };
    print_all(&threads, out, args, call, skipped)
}

fn print_all(threads: &[Thread], out: Out, args: &Args, call: &Call, mut skipped: bool) -> Result<Exit> {
    if threads.is_empty() {
        return Ok(if skipped { Exit::Degraded } else { Exit::Fine });
    }
    let mut workshop = Workshop::open(&call.effective.config, !args.no_model)
        .context("cannot load the models; --no-model goes without")?;
    let clock: &dyn Clock = match &args.given.as_of {
        Some(at) => &FixedClock(*at),
        None => &SystemClock,
    };
    let judged_at = args.given.judged_at(threads, clock.now());
    let page = call.terminal.page();
    let drawn = Drawn::begin(threads.len(), call.terminal);
    for (thread, judged_at) in threads.iter().zip(judged_at) {
        drawn.reading(&thread.title);
        let summary = workshop.summarize(thread, clock, judged_at);
        let summary = summary.with_context(|| format!("cannot summarise '{}'", thread.id))?;
        skipped |= !summary.coverage.skipped.is_empty();
        drawn.apart(|| call.terminal.out(&render::render(&summary, out, page)))?;
    }
    drawn.end();
    Ok(if skipped { Exit::Degraded } else { Exit::Fine })
}
