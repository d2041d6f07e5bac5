//! What the HTTP face needs of the daemon behind it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{body::Bytes, http::HeaderMap};
use jiff::Timestamp;

use crate::{
    domain::{Page, Thread, summary::Summary},
    sla::Explanation,
    store::{Store, StoreError, Taken, hold::Act},
    time::Span,
};

/// The daemon, as a request sees it.
#[async_trait]
pub trait Desk: Send + Sync + 'static {
    fn store(&self) -> &Arc<Store>;

    fn now(&self) -> Timestamp;

    /// The summary of a thread that nobody keeps, before any background work. A caller that goes away drops the future.
    async fn summarize(&self, thread: Thread) -> Result<Summary, DeskError>;

    /// What the encoder makes of a query; `None` where there is none, or it would take longer than a search may.
    async fn embed(&self, words: &str) -> Option<Vec<f32>>;

    /// Whether the encoder is at hand, so that `embed` is `None` only where it has no time.
    fn embeds(&self) -> bool;

    /// Has the thread in this row read again soon, though nothing in it has changed.
    async fn refresh(&self, thread: i64) -> Result<(), DeskError>;

    /// Takes what somebody pushes for `source`.
    async fn take(&self, source: &str, page: Page) -> Result<Taken, DeskError>;

    /// A webhook of `source`, which verifies its signature; what the answer must say, where the sender waits for that.
    async fn hook(&self, source: &str, delivery: Delivery) -> Result<Option<String>, DeskError>;

    /// Does what `who` wants about an obligation; whether there is one of that id.
    async fn act(&self, obligation: &str, act: Act, who: &str) -> Result<bool, DeskError>;

    /// Ends a silence; whether there is one of that number that still holds.
    async fn end_silence(&self, id: i64, who: &str) -> Result<bool, DeskError>;

    /// When a span from an instant on has passed, on the calendar of the alerts.
    fn later(&self, from: Timestamp, span: Span) -> Option<Timestamp>;

    /// Why an obligation of the thread in row `thread` is due when it is; `None` where it has no deadline.
    async fn explain(&self, thread: i64, obligation: &str) -> Result<Option<Explanation>, DeskError>;

    /// Has `source` pulled now; whether there is one of that name.
    fn ring(&self, source: &str) -> bool;

    fn health(&self) -> Health;

    /// What the daemon counts, as Prometheus text. No label names a person.
    fn metrics(&self) -> String;
}

/// A webhook as it came.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why the daemon does not do what it is asked, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Ask again later: too much is waiting.
    #[error("too much is waiting")]
    Busy { retry_after: Duration },
    /// Name another source: there is none of that name, or it takes nothing this way.
    #[error("there is no source {0:?} that takes this")]
    NoSource(String),
    /// Sign it: it is not by whom it says.
    #[error("the signature is not right")]
    Signature,
    /// Send something else; why, for the sender.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Look at the log.
    #[error("{0}")]
    Failed(String),
}

/// How the daemon is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub store: StoreState,
    pub model: ModelState,
    /// Sources that could not be pulled the last time, by name.
    pub sources_down: Vec<String>,
    /// Sinks that something could not be sent to and that is tried again, by name.
    pub sinks_down: Vec<String>,
    /// Notices that are to be sent, now or later.
    pub notices_waiting: usize,
}

/// Whether the database takes what it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreState {
    #[default]
    Fine,
    /// The disk is full.
    Full,
    ReadOnly,
    /// Nothing can be read.
    Failed,
}

/// Whether summaries can be worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelState {
    /// Quotes speak: that is a way to run.
    #[default]
    Without,
    Loading,
    Ready,
    /// Its weights are missing or damaged.
    Failed,
}
