//! The desk at which requests of the HTTP face reach the daemon's loops.

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    domain::{Page, Thread, summary::Summary},
    engine::{App, Database, reader},
    sla::Explanation,
    source::connector::{
        Source, SourceError,
        hook::{HookError, Hooked},
        registry::Hook,
    },
    store::{
        Store, Taken,
        hold::Act,
        outbox::SinkState,
        work::{self, SourceState},
    },
    time::Span,
    web::{Delivery, Desk, DeskError, Health, ModelState, StoreState},
};

/// When to ask again while the model is busy.
const BUSY: Duration = Duration::from_secs(5);

/// How long a search may wait for its turn at the encoder.
const ENCODER_WAIT: Duration = Duration::from_millis(5);

/// The way in for what others send to a source.
pub struct Door {
    pub source: Arc<dyn Source>,
    pub hook: Option<Hook>,
    pub takes_pushes: bool,
}

pub struct Counter {
    app: App,
    doors: BTreeMap<String, Door>,
    /// Held by the search whose words the encoder has.
    encoding: Arc<Semaphore>,
}

impl Counter {
    pub fn new(app: App, doors: BTreeMap<String, Door>) -> Counter {
        Counter { app, doors, encoding: Arc::new(Semaphore::new(1)) }
    }
}

#[async_trait]
impl Desk for Counter {
    fn store(&self) -> &Arc<Store> {
        self.app.store()
    }

    fn now(&self) -> Timestamp {
        self.app.now()
    }

    async fn summarize(&self, thread: Thread) -> Result<Summary, DeskError> {
        self.app.summarize(thread).await.map_err(|error| match error {
            reader::ReadingError::Busy { .. } | reader::ReadingError::Cancelled => {
                DeskError::Busy { retry_after: BUSY }
            }
            other => DeskError::Failed(other.to_string()),
        })
    }

    async fn embed(&self, words: &str) -> Option<Vec<f32>> {
        if let Some(known) = self.app.reader().sought(words) {
            return Some(known);
        }
        let (app, words) = (self.app.clone(), words.to_owned());
        // One after the other: where many search at once, words alone must do for some of them.
        let turn = timeout(ENCODER_WAIT, Arc::clone(&self.encoding).acquire_owned()).await.ok()?.ok()?;
        let encoded = tokio::task::spawn_blocking(move || {
            let vector = app.reader().vector(&words);
            drop(turn);
            vector
        });
        encoded.await.ok().flatten()
    }

    fn embeds(&self) -> bool {
        self.app.reader().state() == reader::ModelState::Ready
    }

    async fn refresh(&self, thread: i64) -> Result<(), DeskError> {
        Ok(self.app.reread(thread).await?)
    }

    async fn take(&self, source: &str, page: Page) -> Result<Taken, DeskError> {
        match self.doors.get(source) {
            Some(door) if door.takes_pushes => Ok(self.app.take(source, page).await?),
            _ => Err(DeskError::NoSource(source.to_owned())),
        }
    }

    async fn hook(&self, source: &str, delivery: Delivery) -> Result<Option<String>, DeskError> {
        let door = self.doors.get(source);
        let Some((door, hook)) = door.and_then(|door| Some((door, door.hook.as_ref()?))) else {
            return Err(DeskError::NoSource(source.to_owned()));
        };
        let Hooked { threads, pull, answer } =
            hook.read(&delivery.headers, &delivery.body, self.now()).map_err(|error| match error {
                HookError::Signature(_) => DeskError::Signature,
                HookError::Body(what) => DeskError::Refused(what),
            })?;
        // Senders wait for an answer a few seconds only, so what was named is fetched behind it; a pull finds it otherwise.
        if pull {
            self.app.ring(source);
        }
        if !threads.is_empty() {
            let (app, source) = (self.app.clone(), Arc::clone(&door.source));
            tokio::spawn(async move { fetch(&app, source.as_ref(), &threads).await });
        }
        Ok(answer)
    }

    async fn act(&self, obligation: &str, act: Act, who: &str) -> Result<bool, DeskError> {
        let (obligation, who, now) = (obligation.to_owned(), who.to_owned(), self.now());
        let done = self.app.write(move |store| store.act(&obligation, &act, &who, now)).await?;
        self.app.bells().watch.ring();
        Ok(done)
    }

    async fn end_silence(&self, id: i64, who: &str) -> Result<bool, DeskError> {
        let (who, now) = (who.to_owned(), self.now());
        let done = self.app.write(move |store| store.end_silence(id, &who, now)).await?;
        self.app.bells().watch.ring();
        Ok(done)
    }

    fn later(&self, from: Timestamp, span: Span) -> Option<Timestamp> {
        self.app.law().routes.after(from, span)
    }

    async fn explain(&self, thread: i64, obligation: &str) -> Result<Option<Explanation>, DeskError> {
        Ok(self.app.explain(thread, obligation.to_owned()).await?)
    }

    fn ring(&self, source: &str) -> bool {
        self.app.ring(source)
    }

    fn health(&self) -> Health {
        let Ok(health) = self.app.health() else {
            return Health { store: StoreState::Failed, ..Health::default() };
        };
        Health {
            store: match health.database {
                Database::Fine => StoreState::Fine,
                Database::Full => StoreState::Full,
                Database::ReadOnly => StoreState::ReadOnly,
                Database::Failed(_) => StoreState::Failed,
            },
            model: match health.model {
                reader::ModelState::None => ModelState::Without,
                reader::ModelState::Resting | reader::ModelState::Ready => ModelState::Ready,
                reader::ModelState::Failed(_) => ModelState::Failed,
            },
            notices_waiting: health.sinks.iter().map(|sink| sink.waiting).sum(),
            sinks_down: health.sinks.into_iter().filter(|s| s.failing > 0).map(|s| s.name).collect(),
            sources_down: health.sources.into_iter().filter(|s| s.failures > 0).map(|s| s.name).collect(),
        }
    }

    fn metrics(&self) -> String {
        let Ok(health) = self.app.health() else { return String::new() };
        let mut text = String::new();
        let sources = &health.sources;
        let mut of_sources = |name, help, value: fn(&SourceState) -> usize| {
            family(&mut text, name, help, sources.iter().map(|s| ("source", s.name.as_str(), value(s))));
        };
        of_sources("bluf_source_threads", "Threads kept of a source.", |s| s.threads);
        of_sources("bluf_source_failures", "Pulls of a source that failed in a row.", |s| s.failures);
        of_sources("bluf_source_quarantined", "Items of a source that could not be read.", |s| s.quarantined);
        let mut of_sinks = |name, help, value: fn(&SinkState) -> usize| {
            family(&mut text, name, help, health.sinks.iter().map(|s| ("sink", s.name.as_str(), value(s))));
        };
        of_sinks("bluf_sink_waiting", "Notices to be sent to a sink.", |s| s.waiting);
        of_sinks("bluf_sink_failing", "Notices that could not be sent to a sink and are tried again.", |s| s.failing);
        text
    }
}

/// One family of figures, a line each.
fn family<'a>(text: &mut String, name: &str, help: &str, figures: impl Iterator<Item = (&'a str, &'a str, usize)>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (label, of, value) in figures {
        let _ = writeln!(text, "{name}{{{label}=\"{of}\"}} {value}");
    }
}

/// Reads anew the threads that a webhook named, and keeps the cursor as it is.
async fn fetch(app: &App, source: &dyn Source, threads: &[String]) {
    let name = source.name().to_owned();
    let asked = name.clone();
    let Ok(cursor) = app.read(move |on| work::cursor(on, &asked)).await else { return };
    match source.fetch(threads, cursor.as_ref()).await {
        Ok(items) if items.is_empty() => {}
        Ok(items) => {
            // Without a cursor of its own: a pull may have gone on meanwhile.
            let page = Page { items, more: true, ..Page::default() };
            if let Err(error) = app.take(&name, page).await {
                tracing::error!(source = name, %error, "what a webhook named could not be kept; a pull finds it");
            }
        }
        Err(error @ (SourceError::Transient(_) | SourceError::RateLimited { .. } | SourceError::Permanent(_))) => {
            tracing::warn!(source = name, %error, "what a webhook named could not be fetched; a pull finds it");
        }
    }
}
