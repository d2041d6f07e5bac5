//! How the daemon is: what a person or a supervisor asks before trusting it.

use std::sync::{Mutex, PoisonError};

use super::reader::ModelState;
use crate::store::{StoreError, work::SourceState};

/// What `/readyz`, `bluf status` and the watchdog read.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Health {
    /// Why nothing can be kept at present; `None`: all is well.
    pub database: Option<String>,
    pub model: ModelState,
    pub sources: Vec<SourceState>,
    /// Threads that wait to be read.
    pub unread: usize,
}

impl Health {
    /// Whether it takes in and keeps what it is there for. A source that is down, or a model that loads, does not stop
    /// that.
    pub fn is_ready(&self) -> bool {
        self.database.is_none() && !matches!(self.model, ModelState::Failed(_))
    }
}

/// What the last attempt to write said.
#[derive(Debug, Default)]
pub struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// Notes how writing went, and hands the result on.
    pub fn of<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let says = match &done {
            Ok(_) => None,
            // Somebody else has it for a moment: that says nothing of how it is.
            Err(StoreError::Busy) => return done,
            Err(error) => Some(error.to_string()),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = says;
        done
    }

    pub fn says(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
