//! The daemon's loops: pull, read, watch, deliver, keep house. Work is what the store finds undone; bells only make it sooner.

pub mod bell;
mod deliver;
mod health;
mod pull;
mod read;
pub mod reader;
mod recall;
mod study;
mod vectors;
mod watch;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use health::{Database, Health};
pub use watch::{Law, reckoned};

use crate::{
    domain::{Page, Thread, summary::Summary},
    model::{kernel::give_back, worker::Lane},
    sink::Sink,
    sla::Explanation,
    source::connector::Source,
    store::{Change, Store, StoreError, Taken, Vectors, outbox, work},
    time::Clock,
};
use bell::Bell;
use health::Trouble;
use reader::{Reader, ReadingError};

/// Sources pulled at one time.
const PULLS: usize = 4;
/// How long the loops may take to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the house is kept: models put away, old rows dropped.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// How the daemon behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a thread must have been quiet before it is read.
    pub quiet: Duration,
    /// How long models stay loaded that nobody uses.
    pub model_idle: Duration,
    /// Threads of a source without activity for this many days are forgotten; sources that are not here keep everything.
    pub keep_days: BTreeMap<String, u32>,
}

/// A source and how often it is asked.
pub struct Pulled {
    pub source: Arc<dyn Source>,
    pub every: Duration,
}

/// What a daemon is made of.
pub struct Parts {
    pub store: Arc<Store>,
    pub reader: Reader,
    pub sources: Vec<Pulled>,
    pub sinks: Vec<Arc<dyn Sink>>,
    pub law: Law,
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
}

/// What every loop and every face is handed. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inside>);

struct Inside {
    store: Arc<Store>,
    reader: Reader,
    clock: Arc<dyn Clock>,
    settings: Settings,
    law: Law,
    bells: Bells,
    trouble: Trouble,
    stop: CancellationToken,
}

/// Who can be woken.
#[derive(Clone, Debug, Default)]
pub struct Bells {
    pub read: Bell,
    pub watch: Bell,
    /// By source.
    pub pull: BTreeMap<String, Bell>,
    /// By sink.
    pub deliver: BTreeMap<String, Bell>,
    /// Something happened: there is a new `Change`.
    pub change: Arc<tokio::sync::Notify>,
}

/// A daemon whose loops run.
pub struct Engine {
    pub app: App,
    loops: TaskTracker,
}

impl Engine {
    /// Starts the loops on the current runtime.
    pub fn start(parts: Parts) -> Engine {
        let Parts { store, reader, sources, sinks, law, clock, settings } = parts;
        let pull = sources.iter().map(|p| (p.source.name().to_owned(), Bell::default())).collect();
        let deliver = sinks.iter().map(|sink| (sink.name().to_owned(), Bell::default())).collect();
        let bells = Bells { pull, deliver, ..Bells::default() };
        let stop = CancellationToken::new();
        let trouble = Trouble::default();
        let app = App(Arc::new(Inside { store, reader, clock, settings, law, bells, trouble, stop }));
        let loops = TaskTracker::new();
        let turn = Arc::new(Semaphore::new(PULLS));
        for Pulled { source, every } in sources {
            let bell = app.0.bells.pull.get(source.name()).cloned().unwrap_or_default();
            loops.spawn(pull::Puller { app: app.clone(), source, every, bell, turn: Arc::clone(&turn) }.run());
        }
        for sink in sinks {
            let bell = app.0.bells.deliver.get(sink.name()).cloned().unwrap_or_default();
            loops.spawn(deliver::Deliverer { app: app.clone(), sink, bell }.run());
        }
        loops.spawn(read::run(app.clone()));
        loops.spawn(watch::run(app.clone()));
        loops.spawn(keep_house(app.clone()));
        loops.close();
        Engine { app, loops }
    }

    /// Ends the loops, each at its next safe place, and writes everything out. `false` where one did not end in time; it loses
    /// nothing but time.
    pub async fn stop(self) -> bool {
        self.app.0.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.loops.wait()).await.is_ok();
        let written = self.app.write(Store::checkpoint).await;
        if let Err(error) = &written {
            tracing::error!(%error, "the last writing failed");
        }
        ended && written.is_ok()
    }
}

impl App {
    pub fn store(&self) -> &Arc<Store> {
        &self.0.store
    }

    pub fn reader(&self) -> &Reader {
        &self.0.reader
    }

    pub fn bells(&self) -> &Bells {
        &self.0.bells
    }

    pub fn law(&self) -> &Law {
        &self.0.law
    }

    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Runs `body` on a reading connection, off the runtime.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn read<T: Send + 'static>(
        &self,
        body: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(self.store());
        blocking(move || store.read(body)).await
    }

    /// Runs `body` with the store, off the runtime, and remembers for [`Health`] how writing went.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn write<T: Send + 'static>(
        &self,
        body: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(self.store());
        let done = self.0.trouble.of(blocking(move || body(&store)).await);
        self.0.bells.change.notify_waiters();
        done
    }

    /// Keeps a page of `source` and wakes who has work by it.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn take(&self, source: &str, page: Page) -> Result<Taken, StoreError> {
        let (name, now) = (source.to_owned(), self.now());
        let taken = self.write(move |store| store.take(&name, &page, now)).await?;
        if taken != Taken::default() {
            tracing::info!(
                source,
                threads = taken.threads,
                added = taken.added,
                edited = taken.edited,
                gone = taken.gone,
                poisoned = taken.poisoned,
                "pulled"
            );
            self.0.bells.read.ring();
        }
        Ok(taken)
    }

    /// Has a source pulled now; `false` where there is none of that name.
    pub fn ring(&self, source: &str) -> bool {
        self.0.bells.pull.get(source).map(Bell::ring).is_some()
    }

    /// The BLUF of a thread that is not kept, for somebody who waits.
    ///
    /// # Errors
    /// By what to do; see [`ReadingError`].
    pub async fn summarize(&self, thread: Thread) -> Result<Summary, ReadingError> {
        let app = self.clone();
        // Whoever waits no longer takes the guard with them, and the model stops at its next token.
        let withdrawn = CancellationToken::new();
        let _guard = withdrawn.clone().drop_guard();
        let work = tokio::task::spawn_blocking(move || {
            app.reader().read(&thread, &|_| Vectors::new(), Lane::Interactive, &|| withdrawn.is_cancelled())
        });
        let failed = |_| ReadingError::Failed("reading it failed inside bluf: please report this".to_owned());
        Ok(work.await.map_err(failed)??.summary)
    }

    /// Has a kept thread read again soon, though nothing in it has changed.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn reread(&self, thread: i64) -> Result<(), StoreError> {
        self.write(move |store| store.to_be_read(thread)).await?;
        self.0.bells.read.ring();
        Ok(())
    }

    /// Why an obligation of the thread in row `thread` is due when it is; `None` where it has no deadline.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn explain(&self, thread: i64, obligation: String) -> Result<Option<Explanation>, StoreError> {
        let (app, now) = (self.clone(), self.now());
        blocking(move || watch::why(&app, thread, &obligation, now)).await
    }

    /// How the daemon is. A quick look at the database, which blocks no longer than that takes.
    ///
    /// # Errors
    /// Where the database cannot even be read.
    pub fn health(&self) -> Result<Health, StoreError> {
        let (sources, mut sinks, unread) =
            self.store().read(|on| Ok((work::sources(on)?, outbox::sinks(on)?, work::unread_count(on)?)))?;
        sinks.retain(|sink| self.0.bells.deliver.contains_key(&sink.name));
        Ok(Health { database: self.0.trouble.says(), model: self.reader().state(), sources, sinks, unread })
    }

    fn quiet_ms(&self) -> i64 {
        i64::try_from(self.0.settings.quiet.as_millis()).unwrap_or(i64::MAX)
    }

    /// Wakes whoever delivers.
    fn ring_sinks(&self) {
        self.0.bells.deliver.values().for_each(Bell::ring);
    }

    /// Waits, but no longer than until the daemon stops; whether it does.
    async fn wait(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.stopping() => true,
            () = tokio::time::sleep(time) => false,
        }
    }

    async fn stopping(&self) {
        self.0.stop.cancelled().await;
    }

    fn is_stopping(&self) -> bool {
        self.0.stop.is_cancelled()
    }

    fn stop_token(&self) -> CancellationToken {
        self.0.stop.clone()
    }
}

/// Runs what blocks where it may. A body that panicked has already said so.
async fn blocking<T: Send + 'static>(
    body: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(body).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Failed("a piece of work on it failed inside bluf: please report this".to_owned())),
    }
}

/// Puts idle models away and free memory with them, forgets what is too old, and proves every minute that the database takes writes.
async fn keep_house(app: App) {
    loop {
        tokio::select! {
            () = app.stopping() => return,
            () = tokio::time::sleep(HOUSEKEEPING) => {}
        }
        let resting = app.reader().rest(app.0.settings.model_idle);
        let (now, keep_days) = (app.now(), app.0.settings.keep_days.clone());
        let kept = app.write(move |store| {
            for (source, days) in &keep_days {
                store.forget_before(source, now, *days)?;
            }
            store.prune_outbox(now)?;
            store.write(|on| Change::prune(on).map(drop))?;
            if resting {
                store.rest()?;
                // What models held that were put away just now may follow a minute later.
                give_back();
            }
            Ok(())
        });
        if let Err(error) = kept.await {
            tracing::error!(%error, "housekeeping failed");
        }
    }
}
