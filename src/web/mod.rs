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
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use desk::{Delivery, Desk, DeskError, Health, ModelState, StoreState};
pub(crate) use owed::OwedView;
pub use serve::{Listener, ServeError, bind, serve};

use crate::store::{Shown, StoreError, search::Centroids, thread};
use answers::{Answer, Answers, Known, Question, ShowsThreads};
use error::ApiError;
use view::ThreadView;

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

    /// The answer to `question`: as it was worked out before, where that still holds, or by `view`.
    pub(crate) async fn answer<T: ShowsThreads + Send + 'static>(
        &self,
        question: Question,
        view: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Response, ApiError> {
        if let Some(known) = self.answered(&question) {
            return Ok(known);
        }
        let _turn = self.turns.acquire().await.map_err(|closed| ApiError::internal(&closed))?;
        let (store, showing) = (Arc::clone(self.desk.store()), self.desk.store().showing());
        // Whoever had the turn before may have been asked the same.
        let renewed = match self.answers.find(&question, showing) {
            Some(Known::Now(body)) => return Ok(whole(body)),
            Some(Known::But { answer, rows, now }) => {
                let store = Arc::clone(&store);
                self.blocking(move || store.read(|on| renewed(on, &answer, &rows, now))).await?
            }
            None => None,
        };
        let answer = match renewed {
            Some(answer) => answer,
            None => {
                let shown = showing.now();
                self.blocking(move || store.read(view).map(|view| Answer::of(&view, shown))).await?
            }
        };
        let body = answer.body();
        if self.answers.keep(question, answer) {
            self.forget_answers_later();
        }
        Ok(whole(body))
    }

    /// What was answered to `question` before, where that still holds as it is.
    pub(crate) fn answered(&self, question: &Question) -> Option<Response> {
        match self.answers.find(question, self.desk.store().showing())? {
            Known::Now(body) => Some(whole(body)),
            Known::But { .. } => None,
        }
    }

    fn forget_answers_later(&self) {
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

/// `answer` with the threads in `rows` as they are now; `None` where one of them is gone, or another.
fn renewed(on: &Connection, answer: &Answer, rows: &[i64], now: Shown) -> rusqlite::Result<Option<Answer>> {
    let threads = rows.iter().map(|&row| Ok(thread::of_row(on, row)?.map(ThreadView::from)));
    let threads: Option<Vec<ThreadView>> = threads.collect::<rusqlite::Result<_>>()?;
    Ok(threads.and_then(|threads| answer.with(&threads, now)))
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
