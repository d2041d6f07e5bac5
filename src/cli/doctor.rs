//! `bluf doctor`: is everything here, is it whole, does it run?

use anyhow::Result;
use serde::Serialize;

use super::{
    Call, Exit, models,
    progress::Pulling,
    workshop::{Check, Weights, Workshop},
};
use crate::{
    config::Config,
    render::{json, plain},
    time::Stopwatch,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// One object a line
    #[arg(long)]
    pub json: bool,
}

/// What one examination found.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    well: bool,
    /// What was seen, or what to do.
    says: String,
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    let config = &call.effective.config;
    let mut well = true;
    let mut report = |finding: Finding| {
        well &= finding.well;
        let line = if args.json {
            json::line(&finding)
        } else {
            let mark = if finding.well { "ok  " } else { "FAIL" };
            format!("{mark}  {}: {}", finding.what, plain::line(&finding.says))
        };
        call.terminal.out(&line)
    };
    report(Finding { what: "config".to_string(), well: true, says: "no fault".to_string() })?;
    for name in models::named_or_configured(&[], config) {
        report(weights(&name, call))?;
    }
    report(generation(config))?;
    Ok(if well { Exit::Fine } else { Exit::Failed })
}

fn weights(name: &str, call: &Call) -> Finding {
    let checked = Weights::open(&call.effective.config).and_then(|w| w.verify(name, &Pulling::new(call.terminal)));
    let (well, says) = match checked {
        Ok(Check::Whole) => (true, "here, and its sha256 is right".to_string()),
        Ok(Check::Absent) => (false, format!("not here; run `bluf models pull {name}`")),
        Ok(Check::Damaged(what)) => (false, format!("{what}; run `bluf models rm {name} && bluf models pull {name}`")),
        Err(e) => (false, format!("{e:#}")),
    };
    Finding { what: format!("weights of {name}"), well, says }
}

fn generation(config: &Config) -> Finding {
    let watch = Stopwatch::start();
    let (well, says) = match Workshop::open(config, true).and_then(|mut w| w.one_token()) {
        Ok(token) => (true, format!("wrote one token ({token:?}) after {:.1} s", watch.elapsed().as_secs_f64())),
        Err(e) => (false, format!("{e:#}")),
    };
    Finding { what: "generation".to_string(), well, says }
}
