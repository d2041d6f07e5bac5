//! `bluf models`: what weights there are, and getting, checking and removing them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use serde::Serialize;

use super::{
    BadInput, Call, Exit,
    print::can_ask,
    progress::Pulling,
    workshop::{Check, Weights},
};
use crate::{
    config::Config,
    model::manifest::{Manifest, Role},
    render::json,
};

#[derive(Debug, Subcommand)]
pub enum Args {
    /// List the weights that bluf knows, and which are here
    List {
        /// One object a line
        #[arg(long)]
        json: bool,
    },
    /// Get weights: those that the configuration names, or these
    Pull {
        names: Vec<String>,
        /// Copy the files from this folder and ask nobody else
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
    },
    /// Check the weights that are here, or these, against their sha256
    Verify { names: Vec<String> },
    /// Remove weights from this machine
    Rm {
        #[arg(required = true)]
        names: Vec<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// One set of weights as `list` shows it.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    role: &'static str,
    /// `None` until they are pulled.
    path: Option<PathBuf>,
    sha256: String,
    bytes: u64,
    licence: String,
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    match args {
        Args::List { json } => list(*json, call),
        Args::Pull { names, from } => pull(names, from.as_deref(), call),
        Args::Verify { names } => verify(names, call),
        Args::Rm { names, yes } => remove(names, *yes, call),
    }
}

fn list(as_json: bool, call: &Call) -> Result<Exit> {
    let weights = Weights::open(&call.effective.config)?;
    let all: Vec<Row> = weights.catalogue.iter().map(|manifest| Row::of(manifest, &weights)).collect();
    let text = if as_json { all.iter().map(json::line).collect() } else { table(&all) };
    if !text.is_empty() {
        call.terminal.out(&text)?;
    }
    Ok(Exit::Fine)
}

fn pull(names: &[String], from: Option<&Path>, call: &Call) -> Result<Exit> {
    for name in named_or_configured(names, &call.effective.config) {
        pull_one(&name, from, call)?;
    }
    Ok(Exit::Fine)
}

/// Gets one set of weights and says where it is.
pub(super) fn pull_one(name: &str, from: Option<&Path>, call: &Call) -> Result<()> {
    let weights = known(name, &call.effective.config)?;
    let pulled = weights
        .pull(name, from, &Pulling::new(call.terminal))
        .with_context(|| format!("cannot pull {name}; run the same command again to resume"))?;
    call.terminal.note(&format!("{name}: {}", pulled.folder.display()));
    Ok(())
}

fn verify(names: &[String], call: &Call) -> Result<Exit> {
    let config = &call.effective.config;
    let names = if names.is_empty() {
        let weights = Weights::open(config)?;
        weights.catalogue.iter().filter(|m| weights.shelf.present(m)).map(|m| m.name.clone()).collect()
    } else {
        names.to_vec()
    };
    if names.is_empty() {
        bail!("no weights are on this machine; run `bluf models pull`");
    }
    let mut exit = Exit::Fine;
    for name in names {
        let weights = known(&name, config)?;
        let found = match weights.verify(&name, &Pulling::new(call.terminal))? {
            Check::Whole => "whole".to_string(),
            Check::Damaged(what) => format!("{what}; run `bluf models rm {name} && bluf models pull {name}`"),
            Check::Absent => format!("not here; run `bluf models pull {name}`"),
        };
        if found != "whole" {
            exit = Exit::Failed;
        }
        call.terminal.out(&format!("{name}: {found}"))?;
    }
    Ok(exit)
}

fn remove(names: &[String], yes: bool, call: &Call) -> Result<Exit> {
    for name in names {
        known(name, &call.effective.config)?;
    }
    if !yes {
        if call.no_input || !can_ask() {
            return Err(BadInput(anyhow!("nothing was removed: add --yes, since nobody is there to ask")).into());
        }
        if !call.terminal.confirm(&format!("Remove {}?", names.join(", ")))? {
            call.terminal.note("Nothing was removed.");
            return Ok(Exit::Fine);
        }
    }
    for name in names {
        let weights = known(name, &call.effective.config)?;
        let freed = weights.shelf.remove(weights.catalogue.find(name)?, &Pulling::new(call.terminal))?;
        call.terminal.out(&format!("{name}: {} freed", size(freed)))?;
    }
    Ok(Exit::Fine)
}

/// The encoder and the generator that the configuration names, unless others are asked for. A generator that is named by
/// its file's path is the user's own to bring.
pub(super) fn named_or_configured(names: &[String], config: &Config) -> Vec<String> {
    if !names.is_empty() {
        return names.to_vec();
    }
    let model = &config.model;
    [&model.encoder, &model.name].into_iter().filter(|n| !n.ends_with(".gguf")).cloned().collect()
}

/// The weights, of which one set is called `name`.
fn known(name: &str, config: &Config) -> Result<Weights> {
    let weights = Weights::open(config)?;
    weights.catalogue.find(name).map_err(|e| BadInput(e.into()))?;
    Ok(weights)
}

impl Row {
    fn of(manifest: &Manifest, weights: &Weights) -> Row {
        let role = match manifest.role {
            Role::Generator => "generator",
            Role::Encoder => "encoder",
        };
        // The weights proper are the largest file; the others are small tables beside it.
        let largest = manifest.files.iter().max_by_key(|f| f.bytes);
        Row {
            name: manifest.name.clone(),
            role,
            path: weights.shelf.present(manifest).then(|| weights.shelf.folder(manifest)),
            sha256: largest.map(|f| f.sha256.to_string()).unwrap_or_default(),
            bytes: manifest.bytes(),
            licence: manifest.licence.clone(),
        }
    }
}

fn table(all: &[Row]) -> String {
    let width = all.iter().map(|w| w.name.len()).max().unwrap_or_default();
    all.iter()
        .map(|w| {
            let here = w.path.as_ref().map_or_else(|| "not here".to_string(), |p| p.display().to_string());
            format!("{:width$}  {:9}  {:>8}  {:10}  {here}\n", w.name, w.role, size(w.bytes), w.licence)
        })
        .collect()
}

/// Bytes for a person, in powers of ten as disks are sold.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(512), "1 kB");
        assert_eq!(size(98_362_432), "98 MB");
        assert_eq!(size(1_117_320_768), "1.1 GB");
    }
}
