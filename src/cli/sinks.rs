//! `bluf sinks`: where people are told, how telling goes, and whether notices arrive.

use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    BadInput, Call, Exit,
    finding::{Finding, Report},
    place,
    probe::{self, Probe},
    sources::{instant, reach},
};
use crate::{
    config::SinkSection,
    domain::Envelope,
    render::{json, plain},
    store::{
        Store,
        outbox::{self, SinkState},
    },
    time::{Clock, SystemClock},
};

#[derive(Debug, Subcommand)]
pub enum Args {
    /// List the sinks that are configured, whom each talks to, and how telling it goes
    List {
        /// One object a line
        #[arg(long)]
        json: bool,
    },
    /// Ask every sink, or this one, whether it is there and lets bluf in; nobody is told anything
    Check {
        name: Option<String>,
        /// One object a line
        #[arg(long)]
        json: bool,
    },
    /// Send one notice that says that it is a test
    Test { name: String },
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    match args {
        Args::List { json } => list(*json, call),
        Args::Check { name, json } => check(name.as_deref(), *json, call),
        Args::Test { name } => test(name, call),
    }
}

fn list(as_json: bool, call: &Call) -> Result<Exit> {
    let config = &call.effective.config;
    if config.sinks.is_empty() && !as_json {
        call.terminal.note("No sink is configured; `bluf config init` writes a file that explains them.");
    }
    let database = place::database(config)?;
    let told = if database.exists() { Store::open_to_read(&database)?.read(outbox::sinks)? } else { Vec::new() };
    let mut failing = false;
    for section in &config.sinks {
        let state = told.iter().find(|state| state.name == section.name);
        let is_named = config.routes.names(&section.name);
        failing |= state.is_some_and(|state| state.failing > 0);
        call.terminal.out(&if as_json {
            json::line(&object_of(section, state, is_named))
        } else {
            line_of(section, state, is_named)
        })?;
    }
    Ok(if failing { Exit::Degraded } else { Exit::Fine })
}

fn check(name: Option<&str>, as_json: bool, call: &Call) -> Result<Exit> {
    let config = &call.effective.config;
    let asked = match name {
        Some(name) => vec![find(name, call)?],
        None => config.sinks.iter().collect(),
    };
    let mut report = Report::new(call.terminal, as_json);
    let unnamed: Vec<Finding> = asked.iter().filter_map(|section| unrouted(section, call)).collect();
    report.all(probe::ask(asked.into_iter().map(|section| Probe::of_sink(section, call.terminal)).collect())?)?;
    report.all(unnamed)?;
    Ok(report.exit())
}

fn test(name: &str, call: &Call) -> Result<Exit> {
    let section = find(name, call)?;
    let (sink, now) = (probe::build(section, call.terminal)?, SystemClock.now());
    let envelope = Envelope::test(name, now);
    probe::have(sink.send(&envelope, now)).with_context(|| format!("[sink.{name}] was not told"))?;
    call.terminal.note(&format!("{name} took the notice \"{}\"; look whether it is there.", envelope.id));
    Ok(Exit::Fine)
}

fn find<'a>(name: &str, call: &'a Call) -> Result<&'a SinkSection> {
    let all = &call.effective.config.sinks;
    let none = || {
        let names: Vec<&str> = all.iter().map(|section| section.name.as_str()).collect();
        BadInput(anyhow!("there is no sink '{name}'; configured are: {}", names.join(", ")))
    };
    Ok(all.iter().find(|section| section.name == name).ok_or_else(none)?)
}

/// A sink that nothing is ever told to is worth a word.
pub(super) fn unrouted(section: &SinkSection, call: &Call) -> Option<Finding> {
    let is_named = call.effective.config.routes.names(&section.name);
    let says = "no route names it, so it is never told anything; add it under [alert] routes, or remove it";
    (!is_named).then(|| Finding::warn(format!("sink {}", section.name), says))
}

fn line_of(section: &SinkSection, state: Option<&SinkState>, is_named: bool) -> String {
    let hosts = section.config.hosts().map_err(|error| error.to_string());
    let mut line = format!("{} ({}): {}", section.name, section.config.kind(), reach(hosts));
    match state.and_then(|state| instant(state.sent_ms)) {
        Some(at) => line.push_str(&format!("; told {at:.0}")),
        None => line.push_str("; told nothing yet"),
    }
    if let Some(state) = state {
        line.push_str(&format!(", {} waiting", state.waiting));
        if let Some(error) = &state.last_error {
            line.push_str(&format!("; failing: {}", plain::line(error)));
        }
    }
    if !is_named {
        line.push_str("; no route names it");
    }
    line
}

fn object_of(section: &SinkSection, state: Option<&SinkState>, is_named: bool) -> Value {
    json!({
        "name": section.name,
        "type": section.config.kind(),
        "hosts": section.config.hosts().ok(),
        "routed": is_named,
        "told_at": state.and_then(|state| instant(state.sent_ms)),
        "waiting": state.map_or(0, |state| state.waiting),
        "failing": state.map_or(0, |state| state.failing),
        "last_error": state.and_then(|state| state.last_error.clone()),
    })
}
