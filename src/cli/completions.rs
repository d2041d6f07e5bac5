//! `bluf completions`: a script that teaches a shell bluf's verbs and flags.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Exit, print::Terminal};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_enum)]
    pub shell: Shell,
}

pub fn run(args: &Args, terminal: Terminal) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bluf", &mut script);
    terminal.out(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
