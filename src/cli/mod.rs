//! The terminal: what is asked, in which order, and the exit code.

mod acts;
mod ask;
pub mod bench;
pub mod completions;
pub mod config;
mod cores;
pub mod demo;
mod desk;
pub mod doctor;
mod finding;
pub mod held;
pub mod input;
pub mod keep;
pub mod man;
pub mod models;
pub mod owed;
mod place;
pub mod print;
mod probe;
pub mod progress;
pub mod serve;
pub mod sinks;
pub mod sla;
pub mod sources;
pub mod stalled;
pub mod summarize;
pub mod sync;
pub mod version;
mod workshop;

use std::{
    env, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Parser, Subcommand};
use etcetera::BaseStrategy;

use crate::config::{Effective, Level, Sources};

use print::Terminal;

/// Reads long threads and documents on this machine and says the bottom line first, with quotes.
#[derive(Debug, Parser)]
#[command(name = "bluf", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// Read settings from FILE instead of the usual places
    #[arg(long, global = true, value_name = "FILE", env = "BLUF_CONFIG")]
    pub config: Option<PathBuf>,
    /// Say nothing on standard error but what failed
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Never ask anything; where a question would be asked, fail
    #[arg(long, global = true)]
    pub no_input: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Print a BLUF for every thread of a file, a folder or standard input
    Summarize(summarize::Args),
    /// Say what waits for whom in every thread of a file, a folder or standard input, by when, and what is late
    Stalled(stalled::Args),
    /// Explain deadlines, try policies on recorded threads, and report how channels keep their goals
    #[command(subcommand)]
    Sla(sla::Args),
    /// Pull the models if they are missing, print the BLUFs of a sample workspace and what waits there, and serve it
    Demo(demo::Args),
    /// Run the daemon: pull from the configured sources, keep every thread read, and answer
    Serve(serve::Args),
    /// List the threads that the daemon holds, most recently active first
    Threads(held::Which),
    /// Print the BLUF of a thread that the daemon holds
    Show(held::ShowArgs),
    /// Look for words in everything that the daemon holds
    Search(held::SearchArgs),
    /// List decisions, latest first, each with its thread
    Decisions(held::Which),
    /// List who owes whom what, first due first; exit code 3 where something is late
    Obligations(owed::ListArgs),
    /// List what was told to whom, newest first
    Alerts(owed::AlertsArgs),
    /// Say that somebody sees to an obligation
    Ack(owed::AckArgs),
    /// Put an obligation off: nothing is told of it until then
    Snooze(owed::SnoozeArgs),
    /// Say that an obligation need not be met
    Waive(owed::WaiveArgs),
    /// Have nothing told for a while
    Silence(owed::SilenceArgs),
    /// Print the BLUF of every thread that was active since a time
    Digest(held::DigestArgs),
    /// Say how the daemon and its sources are
    Status(held::StatusArgs),
    /// Have the daemon pull now
    Sync(sync::Args),
    /// Where threads come from: list the sources, and check that each can be reached
    #[command(subcommand)]
    Sources(sources::Args),
    /// Where people are told: list the sinks, check them, and send one a test
    #[command(subcommand)]
    Sinks(sinks::Args),
    /// Bring a file or folder of threads into what the daemon holds
    Import(keep::ImportArgs),
    /// Write everything that the daemon holds as JSON, one thread a line
    Export(keep::ExportArgs),
    /// Copy the database while the daemon goes on
    Backup(keep::BackupArgs),
    /// Put a copy in the database's place
    Restore(keep::RestoreArgs),
    /// Make, list and take back the tokens that others come in with
    #[command(subcommand)]
    Token(keep::TokenArgs),
    /// Get, check and remove weights
    #[command(subcommand)]
    Models(models::Args),
    /// Measure how fast the models run on this machine
    Bench(bench::Args),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(config::Args),
    /// Check that everything bluf needs is here and works
    Doctor(doctor::Args),
    /// Print the version
    Version(version::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page, or write one for every verb
    Man(man::Args),
}

const EXIT_CODES: &str = "Exit codes: 0 all is well; 1 it failed; 2 wrong usage or bad input; 3 it ran and found trouble; \
                          4 it answered and something was skipped.";

/// How a run ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Fine = 0,
    Failed = 1,
    BadInput = 2,
    /// Ran fine and found trouble.
    Trouble = 3,
    /// Answered, but something was skipped.
    Degraded = 4,
}

/// The fault lies in what was asked or given: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct BadInput(pub anyhow::Error);

/// What every verb is handed.
pub struct Call {
    pub effective: Effective,
    pub terminal: Terminal,
    pub no_input: bool,
}

/// Parses, runs, reports.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let early = Terminal::early(cli.quiet);
    let (terminal, ended) = match &cli.verb {
        // These must work while the configuration does not.
        Verb::Version(args) => (early, version::run(args, early)),
        Verb::Completions(args) => (early, completions::run(args, early)),
        Verb::Man(args) => (early, man::run(args, early)),
        Verb::Config(args) => (early, config::run(args, &cli, early)),
        Verb::Doctor(args) => (early, doctor::run(args, &cli, early)),
        _ => match call(&cli) {
            Ok(call) => (call.terminal, dispatch(&cli.verb, &call)),
            Err(error) => (early, Err(error)),
        },
    };
    let exit = ended.unwrap_or_else(|error| failed(&error, terminal));
    ExitCode::from(exit as u8)
}

fn dispatch(verb: &Verb, call: &Call) -> Result<Exit> {
    match verb {
        Verb::Summarize(args) => summarize::run(args, call),
        Verb::Stalled(args) => stalled::run(args, call),
        Verb::Sla(args) => sla::run(args, call),
        Verb::Demo(args) => demo::run(args, call),
        Verb::Serve(args) => serve::run(args, call),
        Verb::Threads(args) => held::threads(args, call),
        Verb::Show(args) => held::show(args, call),
        Verb::Search(args) => held::search(args, call),
        Verb::Decisions(args) => held::decisions(args, call),
        Verb::Obligations(args) => owed::obligations(args, call),
        Verb::Alerts(args) => owed::alerts(args, call),
        Verb::Ack(args) => owed::ack(args, call),
        Verb::Snooze(args) => owed::snooze(args, call),
        Verb::Waive(args) => owed::waive(args, call),
        Verb::Silence(args) => owed::silence(args, call),
        Verb::Digest(args) => held::digest(args, call),
        Verb::Status(args) => held::status(args, call),
        Verb::Sync(args) => sync::run(args, call),
        Verb::Import(args) => keep::import(args, call),
        Verb::Export(args) => keep::export(args, call),
        Verb::Backup(args) => keep::backup(args, call),
        Verb::Restore(args) => keep::restore(args, call),
        Verb::Token(args) => keep::tokens(args, call),
        Verb::Models(args) => models::run(args, call),
        Verb::Bench(args) => bench::run(args, call),
        Verb::Sources(args) => sources::run(args, call),
        Verb::Sinks(args) => sinks::run(args, call),
        Verb::Version(_) | Verb::Completions(_) | Verb::Man(_) | Verb::Config(_) | Verb::Doctor(_) => {
            unreachable!("run without a configuration")
        }
    }
}

fn call(cli: &Cli) -> Result<Call> {
    let effective = settings(cli).load().map_err(|e| BadInput(e.into()))?;
    cores::hold_to_one();
    let mut log = effective.config.log;
    if cli.quiet {
        log.level = Level::Error;
    }
    Ok(Call { effective, terminal: Terminal::new(log), no_input: cli.no_input })
}

/// Where this run's settings come from.
fn settings(cli: &Cli) -> Sources {
    let mut flags = Vec::new();
    if let Verb::Summarize(summarize::Args { model, adapter, .. }) = &cli.verb {
        flags.extend(model.iter().map(|name| ("model.name", name.clone())));
        flags.extend(adapter.iter().map(|name| ("model.adapter", name.clone())));
    }
    if let Verb::Bench(bench::Args { model, adapter, threads, .. }) = &cli.verb {
        flags.extend(model.iter().map(|name| ("model.name", name.clone())));
        flags.extend(adapter.iter().map(|name| ("model.adapter", name.clone())));
        flags.extend(threads.iter().map(|threads| ("model.threads", threads.to_string())));
    }
    let environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Sources { flags, environment, file: cli.config.clone(), usual_files: usual_files() }
}

/// The user's file, then the machine's.
fn usual_files() -> Vec<PathBuf> {
    let users = etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("bluf").join("config.toml"));
    users.into_iter().chain([Path::new("/etc/bluf/config.toml").to_path_buf()]).collect()
}

fn failed(error: &anyhow::Error, terminal: Terminal) -> Exit {
    let closed = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
    if error.chain().any(|e| e.downcast_ref::<io::Error>().is_some_and(closed)) {
        // Whoever was reading has seen enough (`bluf summarize … | head`).
        return Exit::Fine;
    }
    terminal.error(error);
    if error.chain().any(|e| e.is::<BadInput>()) { Exit::BadInput } else { Exit::Failed }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
