//! `bluf sync`: has the daemon pull now.

use anyhow::{Result, anyhow};

use super::{BadInput, Call, Exit, ask};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this source; all of them without it
    pub source: Option<String>,
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    let config = &call.effective.config;
    let all = config.sources.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    let names = match &args.source {
        Some(name) if !all.contains(name) => {
            return Err(BadInput(anyhow!("there is no source '{name}'; configured are: {}", all.join(", "))).into());
        }
        Some(name) => vec![name.clone()],
        None => all,
    };
    for name in names {
        ask::post(call, &format!("sources/{name}/sync"), None)?;
        call.terminal.note(&format!("{name}: is being pulled"));
    }
    Ok(Exit::Fine)
}
