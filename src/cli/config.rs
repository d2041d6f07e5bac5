//! `bluf config`: what is in force, where it came from, and every mistake at once.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{BadInput, Cli, Exit, print::Terminal, settings, usual_files};
use crate::{
    config::{ConfigError, check::check, key::Value, load::EXAMPLE, schema::schema, sections},
    render::json,
};

#[derive(Debug, Subcommand)]
pub enum Args {
    /// Report every fault of FILE, or of the configuration in force
    Check { file: Option<PathBuf> },
    /// Print every setting in force and where it came from
    Show {
        /// One object a line
        #[arg(long)]
        json: bool,
    },
    /// Print the configuration's JSON Schema
    Schema,
    /// Print where configuration is looked for, and what is there
    Path,
    /// Write a commented configuration to change
    Init,
}

pub fn run(args: &Args, cli: &Cli, terminal: Terminal) -> Result<Exit> {
    match args {
        Args::Check { file: Some(file) } => check_file(file, terminal),
        Args::Check { file: None } => {
            settings(cli).load().map_err(|e| BadInput(e.into()))?;
            terminal.out("no fault")?;
            Ok(Exit::Fine)
        }
        Args::Show { json } => show(*json, cli, terminal),
        Args::Schema => {
            terminal.out(&serde_json::to_string_pretty(&schema())?)?;
            Ok(Exit::Fine)
        }
        Args::Path => path(cli, terminal),
        Args::Init => init(cli, terminal),
    }
}

fn check_file(file: &PathBuf, terminal: Terminal) -> Result<Exit> {
    let text = fs::read_to_string(file).map_err(|e| BadInput(anyhow!(e).context(file.display().to_string())))?;
    let name = file.display().to_string();
    let (_, mut faults) = check(&name, &text);
    faults.extend(sections::faults(&name, &text, TimeZone::system()));
    faults.sort_by_key(|f| (f.place.line, f.place.column));
    if !faults.is_empty() {
        return Err(BadInput(ConfigError::Faulty(faults).into()).into());
    }
    terminal.out(&format!("{}: no fault", file.display()))?;
    Ok(Exit::Fine)
}

/// Valid TOML with each value's origin in a comment, so that it can be kept as a file.
fn show(as_json: bool, cli: &Cli, terminal: Terminal) -> Result<Exit> {
    let effective = settings(cli).load().map_err(|e| BadInput(e.into()))?;
    let mut text = String::new();
    let mut section = "";
    for (key, value, origin) in &effective.values {
        if as_json {
            let value = match value {
                Value::Text(text) => json!(text),
                Value::Whole(n) => json!(n),
                Value::Flag(yes) => json!(yes),
                Value::List(words) => json!(words),
            };
            text.push_str(&json::line(&json!({ "key": key.path, "value": value, "from": origin.to_string() })));
            continue;
        }
        if key.section() != section {
            text.push_str(&format!("{}[{}]\n", if section.is_empty() { "" } else { "\n" }, key.section()));
            section = key.section();
        }
        text.push_str(&format!("{:32} # {origin}\n", format!("{} = {}", key.name(), value.to_toml())));
    }
    terminal.out(&text)?;
    Ok(Exit::Fine)
}

fn path(cli: &Cli, terminal: Terminal) -> Result<Exit> {
    let places = cli.config.clone().map_or_else(usual_files, |named| vec![named]);
    let mut read = false;
    let lines = places.iter().map(|place| {
        let state = match (place.exists(), read) {
            (false, _) => "not there",
            (true, true) => "not read, since an earlier one is there",
            (true, false) => "read",
        };
        read |= place.exists();
        format!("{}: {state}\n", place.display())
    });
    terminal.out(&lines.collect::<String>())?;
    Ok(Exit::Fine)
}

fn init(cli: &Cli, terminal: Terminal) -> Result<Exit> {
    let file =
        cli.config.clone().or_else(|| usual_files().into_iter().next()).context("no place for a configuration")?;
    if file.exists() {
        return Err(BadInput(anyhow!("{} is there already; nothing was written", file.display())).into());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(&file, EXAMPLE).with_context(|| format!("cannot write {}", file.display()))?;
    terminal.out(&format!("{}: written; every setting is in it, commented out", file.display()))?;
    Ok(Exit::Fine)
}
