//! `bluf man`: the manual, as pages for `man`.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::Man;

use super::{Cli, Exit, print::Terminal};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write a page for every verb into this folder; without it, the page of bluf itself is printed
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

pub fn run(args: &Args, terminal: Terminal) -> Result<Exit> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page)?;
        terminal.out(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Fine);
    };
    let unwritten = || format!("cannot write pages into {}", folder.display());
    fs::create_dir_all(folder).with_context(unwritten)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(unwritten)?;
    terminal.note(&format!(
        "The pages are in {}; `man {}/bluf.1` shows the first.",
        folder.display(),
        folder.display()
    ));
    Ok(Exit::Fine)
}
