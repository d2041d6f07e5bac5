//! The number of threads that inference may use.
//!
//! candle reads it from the environment, once, before its first product. A process cannot safely change its own
//! environment, so one that is told a number starts itself again with it.

use std::env;

use anyhow::{Context, Result};

/// What candle and its thread pool look at.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Makes `threads` the limit; 0 leaves it at one a core. A variable that somebody has set is theirs.
pub fn apply(threads: usize) -> Result<()> {
    if threads == 0 || env::var_os(VARIABLE).is_some() {
        return Ok(());
    }
    again(threads)
}

#[cfg(unix)]
fn again(threads: usize) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let program = env::current_exe().context("cannot find this program to start it with another number of threads")?;
    // Returns only when it failed: the process goes on as the new one.
    let failed =
        std::process::Command::new(program).args(env::args_os().skip(1)).env(VARIABLE, threads.to_string()).exec();
    Err(failed).context("cannot start with another number of threads; unset threads under [model]")
}

#[cfg(not(unix))]
fn again(threads: usize) -> Result<()> {
    anyhow::bail!("set the environment variable {VARIABLE}={threads} instead of threads under [model]")
}
