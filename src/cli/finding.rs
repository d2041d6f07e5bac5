//! What an examination found, a line each, and the exit code that all of it comes to.

use std::io;

use serde::Serialize;

use super::{Exit, print::Terminal};
use crate::render::{json, plain};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// It works, and somebody should see to it.
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub what: String,
    pub state: State,
    /// What was seen, or what to do.
    pub says: String,
}

/// Prints findings as they come.
pub struct Report {
    terminal: Terminal,
    json: bool,
    worst: State,
}

impl Finding {
    pub fn ok(what: impl Into<String>, says: impl Into<String>) -> Finding {
        Finding { what: what.into(), state: State::Ok, says: says.into() }
    }

    pub fn warn(what: impl Into<String>, says: impl Into<String>) -> Finding {
        Finding { what: what.into(), state: State::Warn, says: says.into() }
    }

    pub fn fail(what: impl Into<String>, says: impl Into<String>) -> Finding {
        Finding { what: what.into(), state: State::Fail, says: says.into() }
    }
}

impl Report {
    pub fn new(terminal: Terminal, json: bool) -> Report {
        Report { terminal, json, worst: State::Ok }
    }

    /// # Errors
    /// Where nobody reads any more.
    pub fn add(&mut self, finding: &Finding) -> io::Result<()> {
        self.worst = self.worst.max(finding.state);
        let mark = match finding.state {
            State::Ok => "ok  ",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        let line = format!("{mark}  {}: {}", plain::line(&finding.what), plain::line(&finding.says));
        self.terminal.out(&if self.json { json::line(finding) } else { line })
    }

    /// # Errors
    /// Where nobody reads any more.
    pub fn all(&mut self, findings: impl IntoIterator<Item = Finding>) -> io::Result<()> {
        findings.into_iter().try_for_each(|finding| self.add(&finding))
    }

    pub fn exit(&self) -> Exit {
        match self.worst {
            State::Ok => Exit::Fine,
            State::Warn => Exit::Degraded,
            State::Fail => Exit::Trouble,
        }
    }
}
