//! Systems that threads are pulled from: each pulls page by page behind a cursor of its own.
//!
//! A connector is one file (or folder) here: its `Config`, private wire structs, and `impl Source`. It decides nothing about
//! a thread and keeps nothing: whatever it must remember is in its cursor.

pub mod files;
pub mod github;
pub mod hook;
pub mod imap;
pub mod push;
pub mod registry;
pub mod slack;

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    domain::{Cursor, Item, Page},
    net::NetError,
};

/// A system that threads are pulled from.
#[async_trait]
pub trait Source: Send + Sync {
    /// The name that the configuration gives it.
    fn name(&self) -> &str;

    /// What there is after `cursor`; from the beginning without one. Overlaps are allowed, gaps are not.
    ///
    /// # Errors
    /// By what the caller must do; see [`SourceError`].
    async fn pull(&self, cursor: Option<&Cursor>) -> Result<Page, SourceError>;

    /// Whether the system can be reached and lets this source read.
    ///
    /// # Errors
    /// What is missing (a scope, a right, a route).
    async fn check(&self) -> Result<Whoami, SourceError>;

    /// Reads the threads anew that a webhook named ([`Hooked::threads`](hook::Hooked::threads)), in whatever order. None where
    /// only a pull can tell. The cursor is read and stays as it is.
    ///
    /// # Errors
    /// By what the caller must do; see [`SourceError`].
    async fn fetch(&self, _threads: &[String], _cursor: Option<&Cursor>) -> Result<Vec<Item>, SourceError> {
        Ok(Vec::new())
    }

    /// Waits until the system says that there is something new, if it can say so (IMAP IDLE, a watched folder); for ever
    /// where it cannot. The engine polls besides, so that a lost word costs a delay.
    async fn changed(&self, _cursor: Option<&Cursor>) {
        std::future::pending().await
    }
}

/// What a probe found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Whoami {
    /// The account, as the system calls it.
    pub account: String,
    /// Facts worth showing: server, scopes, what is left of the rate.
    pub facts: Vec<String>,
}

/// Why a pull brought nothing, by what the caller must do. No variant holds a secret or a message's text.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Try again soon: a timeout, a cut line, a 5xx.
    #[error("{0}")]
    Transient(String),
    /// Try again no sooner than this.
    #[error("rate limited; next try in {} s", retry_after.as_secs())]
    RateLimited { retry_after: Duration },
    /// Trying again is of no use until a person has changed something: a token, a scope, a setting.
    #[error("{0}")]
    Permanent(String),
}

impl From<NetError> for SourceError {
    fn from(error: NetError) -> SourceError {
        match error {
            NetError::Transient(what) => SourceError::Transient(what),
            NetError::RateLimited { retry_after } => SourceError::RateLimited { retry_after },
            NetError::Permanent { what, .. } => SourceError::Permanent(what),
        }
    }
}
