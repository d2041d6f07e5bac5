//! `bluf sources`: where threads come from, how pulling goes, and whether each can be reached.

use anyhow::{Result, anyhow};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{BadInput, Call, Exit, finding::Report, place, probe};
use crate::{
    config::SourceSection,
    render::{json, plain},
    store::{
        Store,
        work::{self, SourceState},
    },
};

#[derive(Debug, Subcommand)]
pub enum Args {
    /// List the sources that are configured, whom each talks to, and how pulling it went
    List {
        /// One object a line
        #[arg(long)]
        json: bool,
    },
    /// Ask every source, or this one, whether it can be reached and lets bluf read
    Check {
        name: Option<String>,
        /// One object a line
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    match args {
        Args::List { json } => list(*json, call),
        Args::Check { name, json } => check(name.as_deref(), *json, call),
    }
}

fn list(as_json: bool, call: &Call) -> Result<Exit> {
    let config = &call.effective.config;
    if config.sources.is_empty() && !as_json {
        call.terminal.note("No source is configured; `bluf config init` writes a file that explains them.");
    }
    let database = place::database(config)?;
    let pulled = if database.exists() { Store::open_to_read(&database)?.read(work::sources)? } else { Vec::new() };
    let mut failing = false;
    for section in &config.sources {
        let state = pulled.iter().find(|state| state.name == section.name);
        failing |= state.is_some_and(|state| state.failures > 0);
        call.terminal.out(&if as_json { json::line(&object_of(section, state)) } else { line_of(section, state) })?;
    }
    Ok(if failing { Exit::Degraded } else { Exit::Fine })
}

fn check(name: Option<&str>, as_json: bool, call: &Call) -> Result<Exit> {
    let all = &call.effective.config.sources;
    let asked: Vec<_> = all.iter().filter(|section| name.is_none_or(|name| section.name == name)).collect();
    if let Some(name) = name.filter(|_| asked.is_empty()) {
        let names: Vec<&str> = all.iter().map(|section| section.name.as_str()).collect();
        return Err(BadInput(anyhow!("there is no source '{name}'; configured are: {}", names.join(", "))).into());
    }
    let mut report = Report::new(call.terminal, as_json);
    report.all(probe::ask(asked.into_iter().map(probe::Probe::of_source).collect())?)?;
    Ok(report.exit())
}

/// Whom it talks to, in words.
pub(super) fn reach(hosts: Result<Vec<String>, String>) -> String {
    match hosts {
        Ok(hosts) if hosts.is_empty() => "talks to nobody".to_owned(),
        Ok(hosts) => format!("talks to {}", hosts.join(", ")),
        Err(why) => format!("cannot say whom it talks to: {}", plain::line(&why)),
    }
}

pub(super) fn instant(ms: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(ms?).ok()
}

fn line_of(section: &SourceSection, state: Option<&SourceState>) -> String {
    let hosts = section.config.hosts().map_err(|error| error.to_string());
    let mut line = format!("{} ({}): {}", section.name, section.config.kind(), reach(hosts));
    match state.map(|state| (state, instant(state.pulled_ms))) {
        Some((state, Some(at))) => line.push_str(&format!("; pulled {at:.0}, {} threads", state.threads)),
        Some((state, None)) => line.push_str(&format!("; never pulled to its end, {} threads", state.threads)),
        None => line.push_str("; never pulled"),
    }
    if let Some(state) = state.filter(|state| state.failures > 0) {
        let why = state.last_error.as_deref().map(plain::line).unwrap_or_default();
        line.push_str(&format!("; failed {} times in a row: {why}", state.failures));
    }
    line
}

fn object_of(section: &SourceSection, state: Option<&SourceState>) -> Value {
    json!({
        "name": section.name,
        "type": section.config.kind(),
        "hosts": section.config.hosts().ok(),
        "poll_secs": section.poll_secs,
        "keep_days": section.keep_days,
        "pulled_at": state.and_then(|state| instant(state.pulled_ms)),
        "threads": state.map(|state| state.threads),
        "quarantined": state.map(|state| state.quarantined),
        "failures": state.map(|state| state.failures),
        "last_error": state.and_then(|state| state.last_error.clone()),
    })
}
