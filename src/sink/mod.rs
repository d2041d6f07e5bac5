//! Where people are told: each sink brings an envelope to one place, and decides nothing about it.
//!
//! A sink is one file here: its `Config`, private wire structs and `impl Sink`. Nothing is kept between two envelopes, and the
//! same envelope sent twice is known by its id at the other end, so that a doubtful delivery may simply be tried again.

pub mod alertmanager;
mod body;
pub mod desktop;
pub mod registry;
pub mod slack;
pub mod smtp;
pub mod stdout;
#[cfg(test)]
mod tests;
pub mod webhook;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    domain::notice::Envelope,
    net::{Host, NetError, Options, credential},
    secret::Secret,
};

/// A receiver answers in seconds, or is asked again later. Tests have less patience.
const ANSWER_SECS: u64 = if cfg!(test) { 1 } else { 15 };
/// For one delivery as a whole.
const TOTAL_SECS: u64 = 2 * ANSWER_SECS;
/// No receiver has more to say. Bytes.
const MOST_ANSWER_BYTES: usize = 1 << 20;

/// A place where people are told.
#[async_trait]
pub trait Sink: Send + Sync {
    /// The name that the configuration gives it.
    fn name(&self) -> &str;

    /// Brings the envelope there. `now` is the instant of this attempt.
    ///
    /// # Errors
    /// By what the caller must do; see [`SinkError`].
    async fn send(&self, envelope: &Envelope, now: Timestamp) -> Result<(), SinkError>;

    /// What is there, found without telling anybody anything.
    ///
    /// # Errors
    /// What is missing (a right, a program, a route).
    async fn check(&self) -> Result<String, SinkError>;
}

/// Why an envelope did not arrive, by what the caller must do. No variant holds a secret, an address or what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Try again soon: a timeout, a cut line, a 5xx.
    #[error("{0}")]
    Transient(String),
    /// Try again no sooner than this.
    #[error("rate limited; next try in {} s", retry_after.as_secs())]
    RateLimited { retry_after: Duration },
    /// Trying again is of no use until a person has changed something: a token, a right, a setting.
    #[error("{0}")]
    Permanent(String),
}

impl From<NetError> for SinkError {
    fn from(error: NetError) -> SinkError {
        match error {
            NetError::Transient(what) => SinkError::Transient(what),
            NetError::RateLimited { retry_after } => SinkError::RateLimited { retry_after },
            NetError::Permanent { what, .. } => SinkError::Permanent(what),
        }
    }
}

fn permanent(what: impl Into<String>) -> SinkError {
    SinkError::Permanent(what.into())
}

/// For a client that brings things: nothing is redirected.
fn options(extra_ca: Option<PathBuf>) -> Options {
    Options {
        read_timeout: Duration::from_secs(ANSWER_SECS),
        total_timeout: Duration::from_secs(TOTAL_SECS),
        most_body_bytes: MOST_ANSWER_BYTES,
        extra_ca,
        redirects: false,
        ..Options::default()
    }
}

/// An address that lets in whoever knows it, and its host. `None` where none is set.
///
/// # Errors
/// `Permanent` where it cannot be read or is no address; the address is not repeated.
fn address(name: &str, given: Option<&Secret>, file: Option<&Path>) -> Result<Option<(Secret, Host)>, SinkError> {
    let Some(address) = credential::secret(name, given.cloned(), file)? else { return Ok(None) };
    let host = Host::of(address.reveal())
        .map_err(|_| permanent(format!("{name} is no http or https address, or holds a user or password")))?;
    Ok(Some((address, host)))
}
