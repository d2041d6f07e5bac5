//! `bluf version`.

use anyhow::Result;
use serde_json::json;

use super::{Exit, print::Terminal};
use crate::{domain::summary::SCHEMA, render::json};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// One object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, terminal: Terminal) -> Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    if args.json {
        let features: Vec<&str> = [("cuda", cfg!(feature = "cuda")), ("metal", cfg!(feature = "metal"))]
            .into_iter()
            .filter(|f| f.1)
            .map(|f| f.0)
            .collect();
        terminal.out(&json::line(
            &json!({ "name": "bluf", "version": version, "summary_schema": SCHEMA, "features": features }),
        ))?;
    } else {
        terminal.out(&format!("bluf {version}"))?;
    }
    Ok(Exit::Fine)
}
