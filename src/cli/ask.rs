//! Asks the daemon over its socket.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::{BadInput, Call, place};

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts to `/api/v1/PATH`.
///
/// # Errors
/// `BadInput` with the daemon's own words where it refuses; what to do where it is not reached.
pub fn post(call: &Call, path: &str, body: Option<&Value>) -> Result<()> {
    let Some(socket) = place::socket(&call.effective.config)? else {
        bail!("the daemon is asked over its socket; [web] socket is \"none\"")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let unreached = || format!("the daemon at {} was not reached; is it running?", socket.display());
    let (accepted, said) = runtime.block_on(send(&socket, path, body)).with_context(unreached)?;
    if accepted {
        return Ok(());
    }
    let problem: Value = serde_json::from_str(&said).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("the daemon refuses that");
    Err(BadInput(anyhow!("{detail}")).into())
}

async fn send(socket: &std::path::Path, path: &str, body: Option<&Value>) -> Result<(bool, String)> {
    // Plain HTTP over a socket of this machine; but the client has its cryptography chosen all the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().unix_socket(socket).timeout(PATIENCE).build()?;
    let request = client.post(format!("http://localhost/api/v1/{path}"));
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let response = request.send().await?;
    let status = response.status();
    if status.is_server_error() {
        bail!("it answered {status}; its log says why");
    }
    Ok((status.is_success(), response.text().await?))
}
