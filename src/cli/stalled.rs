//! `bluf stalled`: what waits for whom, by when, and what is late, without daemon and database.

use anyhow::{Context, Result};

use super::{
    Call, Exit,
    acts::ActReader,
    input::{Given, Taken, rewind},
    progress::Reading as Drawn,
};
use crate::{
    docket::{DocketLine, docket},
    render::{docket as paper, json},
    time::{Clock, SystemClock},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub given: Given,
    /// One object a thread and line
    #[arg(long)]
    pub json: bool,
    /// Load no model: cue words tell who asks, promises and decides
    #[arg(long)]
    pub no_model: bool,
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    let Taken { mut threads, mut skipped } = args.given.threads(call)?;
    let judged_at = args.given.judged_at(&threads, SystemClock.now());
    let config = &call.effective.config;
    let mut reader =
        ActReader::open(config, !args.no_model).context("cannot load the encoder; --no-model goes without")?;
    let (mut trouble, mut lines) = (false, Vec::new());
    let drawn = Drawn::begin(threads.len(), call.terminal);
    for (thread, now) in threads.iter_mut().zip(judged_at) {
        drawn.reading(&thread.title);
        rewind(thread, now);
        let acts = reader.read(thread)?;
        skipped |= !acts.skipped.is_empty();
        let docket = docket(thread, &acts, &config.rules, now);
        let line = DocketLine::new(thread, docket, now, &config.rules.zone);
        trouble |= line.is_trouble();
        if args.json {
            drawn.apart(|| call.terminal.out(&json::line(&line)))?;
        } else {
            lines.push(line);
        }
    }
    drawn.end();
    if !args.json {
        call.terminal.out(&paper::render(&lines, call.terminal.page()))?;
    }
    Ok(match (trouble, skipped) {
        (true, _) => Exit::Trouble,
        (false, true) => Exit::Degraded,
        (false, false) => Exit::Fine,
    })
}
