//! The `bluf` program: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    bluf::cli::run()
}
