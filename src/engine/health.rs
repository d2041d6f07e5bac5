//! How the daemon is: what a person or a supervisor asks before trusting it.

use std::sync::{Mutex, PoisonError};

use super::reader::ModelState;
use crate::store::{StoreError, outbox::SinkState, work::SourceState};

/// What `/readyz`, `bluf status` and the watchdog read.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Health {
    pub database: Database,
    pub model: ModelState,
    pub sources: Vec<SourceState>,
    /// Those that the configuration names, and that were ever to be told something.
    pub sinks: Vec<SinkState>,
    /// Threads that wait to be read.
    pub unread: usize,
}

/// Whether the database takes what it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Database {
    #[default]
    Fine,
    /// The disk is full.
    Full,
    ReadOnly,
    /// Anything else that keeps it from writing.
    Failed(String),
}

/// What the last attempt to write said.
#[derive(Debug, Default)]
pub struct Trouble(Mutex<Database>);

impl Trouble {
    /// Notes how writing went, and hands the result on.
    pub fn of<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let says = match &done {
            Ok(_) => Database::Fine,
            // Somebody else has it for a moment: that says nothing of how it is.
            Err(StoreError::Busy) => return done,
            Err(StoreError::Full) => Database::Full,
            Err(StoreError::ReadOnly { .. }) => Database::ReadOnly,
            Err(error) => Database::Failed(error.to_string()),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = says;
        done
    }

    pub fn says(&self) -> Database {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
