//! What a signed webhook comes to, whoever sent it.

use crate::net::sign::SignError;

/// What to do about a webhook that is what its sender signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooked {
    /// Threads to read anew ([`Source::fetch`](super::Source::fetch)), in the source's own words.
    pub threads: Vec<String>,
    /// Whether something changed that only a pull finds.
    pub pull: bool,
    /// What the answer must say, where the sender waits for that.
    pub answer: Option<String>,
}

/// Why a webhook is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// 401: not by whom it says.
    #[error(transparent)]
    Signature(#[from] SignError),
    /// 400: signed, and not what this source sends.
    #[error("{0}")]
    Body(String),
}
