//! `bluf sync`: has the daemon pull now.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::{BadInput, Call, Exit, place};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this source; all of them without it
    pub source: Option<String>,
}

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

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
    let Some(socket) = place::socket(config)? else {
        bail!("the daemon is asked over its socket; [web] socket is \"none\"")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for name in names {
        let answer = runtime.block_on(ask(&socket, &name));
        answer.with_context(|| format!("the daemon at {} was not reached; is it running?", socket.display()))?;
        call.terminal.note(&format!("{name}: is being pulled"));
    }
    Ok(Exit::Fine)
}

async fn ask(socket: &std::path::Path, name: &str) -> Result<()> {
    // Plain HTTP over a socket of this machine; but the client has its cryptography chosen all the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().unix_socket(socket).timeout(PATIENCE).build()?;
    let address = format!("http://localhost/api/v1/sources/{name}/sync");
    client.post(address).send().await?.error_for_status()?;
    Ok(())
}
