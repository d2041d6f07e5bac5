//! The only place that prints: results to standard output, everything else to standard error.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use serde_json::json;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{Level, Log},
    domain::Fault,
    render::{Page, plain},
};

/// Columns when standard output is not a terminal.
const DEFAULT_COLUMNS: usize = 80;

/// Lines longer than this are hard to read, however wide the window.
const MOST_COLUMNS: usize = 100;

/// Narrower than this, wrapping does more harm than the terminal's own.
const LEAST_COLUMNS: usize = 40;

/// Where words go, and how.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    log: Log,
    /// Standard error is a terminal.
    watched: bool,
}

impl Terminal {
    pub fn new(log: Log) -> Terminal {
        Terminal { log, watched: io::stderr().is_terminal() }
    }

    /// For the time before a configuration is read.
    pub fn early(quiet: bool) -> Terminal {
        Terminal::new(Log { level: if quiet { Level::Error } else { Level::Info }, json: false })
    }

    pub fn page(&self) -> Page {
        let stdout = io::stdout();
        let colour = stdout.is_terminal() && !set("NO_COLOR") && env::var_os("TERM").is_none_or(|t| t != "dumb");
        let columns = match terminal_size::terminal_size_of(&stdout) {
            Some((width, _)) if stdout.is_terminal() => usize::from(width.0).clamp(LEAST_COLUMNS, MOST_COLUMNS),
            _ => DEFAULT_COLUMNS,
        };
        Page { columns, colour }
    }

    /// Whether progress may be drawn on standard error.
    pub fn draws_progress(&self) -> bool {
        self.watched && self.log.level >= Level::Info && !self.log.json
    }

    /// Has what the daemon's rooms log go to standard error, as much of it as is wanted, in the form that is wanted.
    pub fn log(&self) {
        let level = match self.log.level {
            Level::Error => tracing::Level::ERROR,
            Level::Warn => tracing::Level::WARN,
            Level::Info => tracing::Level::INFO,
        };
        let ours =
            tracing_subscriber::filter::Targets::new().with_target("bluf", level).with_default(tracing::Level::ERROR);
        let colour = self.watched && !set("NO_COLOR");
        let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
        let registry = tracing_subscriber::registry().with(ours);
        // A second call, in a test, finds the first one's place taken.
        let _ = if self.log.json {
            registry.with(lines.json().flatten_event(true)).try_init()
        } else {
            registry.with(lines.with_ansi(colour)).try_init()
        };
    }

    /// A result. An error means that nobody reads any more, or that a disk is full.
    pub fn out(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            stdout.write_all(b"\n")?;
        }
        stdout.flush()
    }

    /// Something worth knowing that is no result.
    pub fn note(&self, text: &str) {
        if self.log.level >= Level::Info {
            self.say("info", text, "");
        }
    }

    /// Something that was skipped.
    pub fn fault(&self, fault: &Fault) {
        if self.log.level >= Level::Warn {
            self.say("warn", &fault.to_string(), "skipped: ");
        }
    }

    /// What failed, and what to do next.
    pub fn error(&self, error: &anyhow::Error) {
        self.say("error", &format!("{error:#}"), "bluf: ");
    }

    /// Asks a yes-or-no question on standard error; anything but a yes is a no.
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question} [y/N] ")?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    fn say(&self, level: &str, text: &str, prefix: &str) {
        let line = if self.log.json {
            json!({ "level": level, "message": plain::lines(text) }).to_string()
        } else {
            format!("{prefix}{}", plain::lines(text))
        };
        // Nobody is left to tell that standard error is closed.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Whether somebody is there to answer a question.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A variable counts as set when it is not empty.
fn set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|v| !v.is_empty())
}
