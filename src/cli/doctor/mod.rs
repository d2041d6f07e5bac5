//! `bluf doctor`: is everything here, is it whole, does it run, and who is reached?

mod files;
mod machine;

use anyhow::Result;

use super::{
    BadInput, Call, Cli, Exit, call,
    finding::{Finding, Report},
    models,
    print::Terminal,
    probe::{self, Probe},
    progress::Pulling,
    sinks,
    workshop::{Check, Weights, Workshop},
};
use crate::{
    config::{Config, ConfigError},
    time::Stopwatch,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Leave the models out
    #[arg(long)]
    pub no_model: bool,
    /// Ask no host: leave the sources and sinks out
    #[arg(long)]
    pub offline: bool,
    /// One object a line
    #[arg(long)]
    pub json: bool,
}

/// Runs also where the configuration has faults: then these are what there is to see to.
pub fn run(args: &Args, cli: &Cli, early: Terminal) -> Result<Exit> {
    let settings = super::settings(cli);
    match settings.load() {
        Err(ConfigError::Faulty(faults)) => {
            let mut report = Report::new(early, args.json);
            report.all(faults.iter().map(|fault| Finding::fail("config", fault.to_string())))?;
            report.all(machine::examine())?;
            report.add(&Finding::warn("the rest", "not looked at until the configuration has no fault"))?;
            return Ok(report.exit());
        }
        Err(error) => return Err(BadInput(error.into()).into()),
        Ok(_) => {}
    }
    let call = call(cli)?;
    let mut report = Report::new(call.terminal, args.json);
    report.all(files::examine(&settings, &call.effective.config))?;
    if !args.no_model {
        for name in models::named_or_configured(&[], &call.effective.config) {
            report.add(&weights(&name, &call))?;
        }
        report.add(&generation(&call.effective.config))?;
    }
    if !args.offline {
        report.all(reached(&call)?)?;
    }
    report.all(call.effective.config.sinks.iter().filter_map(|sink| sinks::unrouted(sink, &call)))?;
    report.all(machine::examine())?;
    Ok(report.exit())
}

/// Every source and sink, all at once.
fn reached(call: &Call) -> Result<Vec<Finding>> {
    let config = &call.effective.config;
    let sources = config.sources.iter().map(Probe::of_source);
    let sinks = config.sinks.iter().map(|sink| Probe::of_sink(sink, call.terminal));
    let mut findings = probe::ask(sources.chain(sinks).collect())?;
    if config.sources.is_empty() {
        findings.push(Finding::ok("sources", "none is configured"));
    }
    if config.sinks.is_empty() {
        findings.push(Finding::ok("sinks", "none is configured"));
    }
    Ok(findings)
}

fn weights(name: &str, call: &Call) -> Finding {
    let what = format!("weights of {name}");
    match Weights::open(&call.effective.config).and_then(|w| w.verify(name, &Pulling::new(call.terminal))) {
        Ok(Check::Whole) => Finding::ok(what, "here, and the sha256 is right"),
        Ok(Check::Absent) => Finding::fail(what, format!("not here; run `bluf models pull {name}`")),
        Ok(Check::Damaged(how)) => {
            Finding::fail(what, format!("{how}; run `bluf models rm {name} && bluf models pull {name}`"))
        }
        Err(error) => Finding::fail(what, format!("{error:#}")),
    }
}

fn generation(config: &Config) -> Finding {
    let watch = Stopwatch::start();
    match Workshop::open(config, true).and_then(|mut w| w.one_token()) {
        Ok(token) => {
            let secs = watch.elapsed().as_secs_f64();
            Finding::ok("generation", format!("wrote one token ({token:?}) after {secs:.1} s"))
        }
        Err(error) => Finding::fail("generation", format!("{error:#}")),
    }
}
