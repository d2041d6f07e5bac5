//! The way out: HTTP to hosts that were named, bounded in time and size, by which secrets, and what an answer asks for.

pub mod client;
pub mod credential;
pub mod json;
pub mod page;
pub mod retry;
pub mod sign;

use std::time::Duration;

pub use client::{Client, Host, Options, Request, Response, is_own_name};
pub use reqwest::header::HeaderMap;

/// Why a request brought nothing, by what the caller must do. No variant holds a secret, a query or a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// Try again soon: a timeout, a cut line, a 5xx.
    #[error("{0}")]
    Transient(String),
    /// Try again no sooner than this.
    #[error("rate limited; next try in {} s", retry_after.as_secs())]
    RateLimited { retry_after: Duration },
    /// Of no use until a person has changed something.
    #[error("{what}")]
    Permanent {
        /// The answer's status; `None` where there was no answer.
        status: Option<u16>,
        what: String,
    },
}

impl NetError {
    /// A fault that no answer told of.
    pub fn permanent(what: impl Into<String>) -> NetError {
        NetError::Permanent { status: None, what: what.into() }
    }
}
