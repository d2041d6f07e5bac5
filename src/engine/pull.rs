//! Pulls one source for ever: page after page, each kept with its cursor, then sleeps until there may be more.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{App, bell::Bell};
use crate::{
    domain::{Cursor, Page},
    source::connector::{Source, SourceError},
    store::{StoreError, work},
};

/// Pages after which a pull ends even though its source says that there is more: others want to be pulled as well.
const MOST_PAGES: usize = 10_000;
/// How soon it is tried again when the database could not keep a page.
const STORE_WAIT: Duration = Duration::from_secs(10);

/// One source and when it is pulled.
pub struct Puller {
    pub app: App,
    pub source: Arc<dyn Source>,
    /// How often it is asked, though nobody says that there is something.
    pub every: Duration,
    pub bell: Bell,
    /// How many sources are pulled at one time.
    pub turn: Arc<Semaphore>,
}

/// How a pull ended.
enum Ended {
    /// Everything there is has been kept.
    Fine,
    /// The source could not; when to try again is kept with it.
    Source(Option<Duration>),
    Store,
}

impl Puller {
    /// Pulls until the daemon stops.
    pub async fn run(self) {
        let mut wait = self.first_wait().await;
        loop {
            tokio::select! {
                () = self.app.stopping() => return,
                () = self.sleep(wait) => {}
            }
            let Ok(_turn) = self.turn.acquire().await else { return };
            wait = tokio::select! {
                () = self.app.stopping() => return,
                ended = self.pull() => match ended {
                    Ended::Fine => self.every,
                    Ended::Source(retry_after) => retry_after.unwrap_or_else(|| self.every.min(super::bell::LONGEST_SLEEP)),
                    Ended::Store => STORE_WAIT,
                },
            };
        }
    }

    /// Sleeps until `wait` is over, somebody rings, or the source says that there is something new.
    async fn sleep(&self, wait: Duration) {
        let mut left = wait;
        while !left.is_zero() {
            let nap = left.min(super::bell::LONGEST_SLEEP);
            let cursor = self.cursor().await.ok().flatten();
            tokio::select! {
                () = self.source.changed(cursor.as_ref()) => return,
                rung = tokio::time::timeout(nap, self.bell.rung()) => if rung.is_ok() { return },
            }
            left -= nap;
        }
    }

    /// A source that failed before a restart keeps its wait.
    async fn first_wait(&self) -> Duration {
        let name = self.source.name().to_owned();
        let states = self.app.read(work::sources).await.unwrap_or_default();
        let next_ms = states.iter().find(|s| s.name == name).map_or(0, |s| s.next_try_ms);
        let left = next_ms - self.app.now().as_millisecond();
        u64::try_from(left).map_or(Duration::ZERO, Duration::from_millis)
    }

    async fn cursor(&self) -> Result<Option<Cursor>, StoreError> {
        let name = self.source.name().to_owned();
        self.app.read(move |on| work::cursor(on, &name)).await
    }

    async fn pull(&self) -> Ended {
        let name = self.source.name();
        let Ok(mut cursor) = self.cursor().await else { return Ended::Store };
        for _ in 0..MOST_PAGES {
            let page = match self.source.pull(cursor.as_ref()).await {
                Ok(page) => page,
                Err(error) => return self.failed(&error).await,
            };
            let (more, next) = (page.more, page.next.clone());
            if more && cursor.as_ref() == Some(&next) {
                let error =
                    SourceError::Transient("its cursor repeats: stopped rather than pulled for ever".to_owned());
                // What the page brought is good, and is kept.
                return if self.keep(page).await { self.failed(&error).await } else { Ended::Store };
            }
            if !self.keep(page).await {
                return Ended::Store;
            }
            cursor = Some(next);
            if !more {
                break;
            }
        }
        let (source, now) = (name.to_owned(), self.app.now());
        match self.app.write(move |store| store.pulled(&source, now)).await {
            Ok(()) => Ended::Fine,
            Err(_) => Ended::Store,
        }
    }

    /// Keeps a page. `false`, and said, where the database cannot.
    async fn keep(&self, page: Page) -> bool {
        match self.app.take(self.source.name(), page).await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(source = self.source.name(), %error, "a page could not be kept; it is pulled again");
                false
            }
        }
    }

    async fn failed(&self, error: &SourceError) -> Ended {
        let retry_after = match error {
            SourceError::RateLimited { retry_after } => Some(*retry_after),
            SourceError::Transient(_) | SourceError::Permanent(_) => None,
        };
        tracing::warn!(source = self.source.name(), %error, "could not be pulled");
        let (source, why, now) = (self.source.name().to_owned(), error.to_string(), self.app.now());
        let after_ms = retry_after.map(|d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
        let noted = self.app.write(move |store| store.pull_failed(&source, &why, after_ms, now)).await;
        match noted {
            Ok(()) => Ended::Source(Some(self.first_wait().await)),
            Err(_) => Ended::Store,
        }
    }
}
