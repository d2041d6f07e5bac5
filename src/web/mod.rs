//! The HTTP face: a JSON API, an event stream, a feed and plain pages, over TCP on this machine and a Unix socket.
//!
//! `routes` is the whole table of addresses. On its way in a request passes `guard` (whose browser sends it), `auth` (who
//! asks, and what they may see) and `limit` (how often); on its way out `finish` gives it an id, its headers and, where it
//! failed, a problem+json body. Everything it answers comes from the store or from the [`Desk`].

mod answers;
mod api;
mod asked;
mod audit;
mod auth;
mod body;
mod config;
mod desk;
mod document;
mod due;
mod error;
mod feed;
mod finish;
mod guard;
mod health;
mod limit;
mod metrics;
mod owed;
mod routes;
mod serve;
mod ui;
mod view;

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use rusqlite::Connection;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use desk::{Delivery, Desk, DeskError, Health, ModelState, StoreState};
pub(crate) use owed::OwedView;
pub use serve::{Listener, ServeError, bind, serve};

use crate::{
    render::json,
    store::{Shown, StoreError, search::Centroids},
};
use answers::{Answers, Question};
use error::ApiError;

/// What every request finds: the desk, the settings, and counters.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub desk: Arc<dyn Desk>,
    pub config: Config,
    pub auditor: audit::Auditor,
    pub buckets: limit::Buckets,
    pub counters: metrics::Counters,
    pub centroids: Arc<Centroids>,
    answers: Answers,
    pub pages: ui::Pages,
    /// Who reads from the store waits for a turn, first come first served. More at once than there are processors would only
    /// take turns at the processors, and everybody would wait for all.
    turns: Semaphore,
    /// Cancelled when the server is to end, so that event streams do as well.
    pub closing: CancellationToken,
}

impl App {
    pub(crate) fn new(desk: Arc<dyn Desk>, config: Config, auditor: audit::Auditor, closing: CancellationToken) -> App {
        let buckets = limit::Buckets::new(config.requests_per_second, config.burst);
        App(Arc::new(Inner {
            desk,
            config,
            auditor,
            buckets,
            counters: metrics::Counters::default(),
            centroids: Arc::new(Centroids::default()),
            answers: Answers::default(),
            pages: ui::Pages::new(),
            turns: Semaphore::new(turns()),
            closing,
        }))
    }

    /// The answer to `question`: as it was worked out before, where that still holds, or by `body`, with the rows of the threads
    /// that it shows.
    pub(crate) async fn answer<T: Serialize + Send + 'static>(
        &self,
        question: Question,
        body: impl FnOnce(&Connection) -> rusqlite::Result<(T, Vec<i64>)> + Send + 'static,
    ) -> Result<Response, ApiError> {
        if let Some(known) = self.answered(&question) {
            return Ok(known);
        }
        let turn = self.turns.acquire().await.map_err(|closed| ApiError::internal(&closed))?;
        // Whoever had the turn before may have been asked the same.
        if let Some(known) = self.answered(&question) {
            return Ok(known);
        }
        let store = Arc::clone(self.desk.store());
        let shown = store.showing().now();
        let work = move || store.read(body).map(|(view, rows)| (Bytes::from(json::line(&view)), rows));
        let (body, rows) = self.blocking(work).await?;
        drop(turn);
        Ok(self.keep(question, shown, rows, body))
    }

    /// What was answered to `question` before, where that still holds.
    pub(crate) fn answered(&self, question: &Question) -> Option<Response> {
        self.answers.find(question, self.desk.store().showing()).map(whole)
    }

    /// Keeps what is answered to `question` for a while; see [`Answers::keep`].
    pub(crate) fn keep(&self, question: Question, shown: Shown, rows: Vec<i64>, body: Bytes) -> Response {
        if self.answers.keep(question, shown, rows, body.clone()) {
            let (inner, closing) = (Arc::downgrade(&self.0), self.closing.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(answers::KEPT) => {}
                    () = closing.cancelled() => {}
                }
                if let Some(inner) = inner.upgrade() {
                    inner.answers.forget();
                }
            });
        }
        whole(body)
    }

    /// Reads from the store, off the runtime.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        body: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = Arc::clone(self.desk.store());
        let _turn = self.turns.acquire().await.map_err(|closed| ApiError::internal(&closed))?;
        self.blocking(move || store.read(body)).await
    }

    /// Runs what blocks off the runtime.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        body: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        match tokio::task::spawn_blocking(body).await {
            Ok(done) => done.map_err(ApiError::from),
            Err(panicked) => Err(ApiError::internal(&panicked)),
        }
    }
}

/// A JSON answer.
pub(crate) fn whole(body: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Requests that read from the store at one time: one waits for the disk while each processor has one.
fn turns() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from) + 1
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
