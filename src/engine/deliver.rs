//! Sends what is in the outbox, one loop a sink: a sink that stalls keeps no other waiting.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;

use super::{
    App,
    bell::{Bell, LONGEST_SLEEP},
};
use crate::{
    domain::{Envelope, Stage, Told},
    sink::{Sink, SinkError},
    store::{
        StoreError,
        obligation::Kept,
        outbox::{self, Waiting},
    },
};

/// Envelopes looked up at one time.
const AT_ONCE: usize = 16;
/// How soon it is tried again when the database cannot.
const TROUBLE_WAIT: Duration = Duration::from_secs(5);
/// What needs a person is tried again this seldom.
const PERMANENT_WAIT: SignedDuration = SignedDuration::from_mins(30);

/// One sink's loop.
pub struct Deliverer {
    pub app: App,
    pub sink: Arc<dyn Sink>,
    pub bell: Bell,
}

impl Deliverer {
    /// Sends until the daemon stops.
    pub async fn run(self) {
        loop {
            let wait = match self.round().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, sink = self.sink.name(), "the outbox could not be read or written");
                    TROUBLE_WAIT
                }
            };
            tokio::select! {
                () = self.app.stopping() => return,
                () = self.bell.wait(wait) => {}
            }
        }
    }

    /// Sends everything there is to send at present; how long to sleep then.
    async fn round(&self) -> Result<Duration, StoreError> {
        loop {
            let (name, now) = (self.sink.name().to_owned(), self.app.now());
            let waiting = self
                .app
                .read(move |on| {
                    let waiting = outbox::waiting(on, &name, now, AT_ONCE)?;
                    waiting
                        .into_iter()
                        .map(|w| Ok((outbox::contents(on, &w)?, w)))
                        .collect::<rusqlite::Result<Vec<_>>>()
                })
                .await?;
            if waiting.is_empty() {
                break;
            }
            for (contents, envelope) in waiting {
                if self.app.is_stopping() {
                    return Ok(Duration::ZERO);
                }
                self.send(contents, envelope).await?;
            }
        }
        let name = self.sink.name().to_owned();
        let next = self.app.read(move |on| outbox::next_try_ms(on, &name)).await?;
        let left =
            |ms: i64| u64::try_from(ms - self.app.now().as_millisecond()).map_or(Duration::ZERO, Duration::from_millis);
        Ok(next.map_or(LONGEST_SLEEP, left).max(Duration::from_millis(10)))
    }

    async fn send(&self, contents: Vec<(Kept, Stage)>, waiting: Waiting) -> Result<(), StoreError> {
        let now = self.app.now();
        let pages = self.app.law().pages.as_deref();
        // What may have arrived once stays as it is; what was never tried is told as things stand.
        let fresh = waiting.attempts == 0;
        let told: Vec<Told> = newest(contents)
            .into_iter()
            .filter(|(kept, stage)| !fresh || *stage == Stage::Closed || still_open(kept))
            .map(|(kept, stage)| told(kept, stage, now, pages))
            .collect();
        let id = waiting.id.clone();
        if told.is_empty() && waiting.source.is_none() {
            let why = if fresh { "it ended before anybody was told" } else { "its words are gone" };
            return self.app.write(move |store| store.dropped(&id, why)).await;
        }
        let envelope = Envelope {
            id: waiting.id.clone(),
            topic: waiting.topic,
            made_at: waiting.made_at,
            group: waiting.group.clone(),
            told,
            source: waiting.source.clone(),
        };
        self.app.write(move |store| store.sending(&id, now)).await?;
        let sent = tokio::select! {
            // It is sent again after the next start, under the same id.
            () = self.app.stopping() => return Ok(()),
            sent = self.sink.send(&envelope, now) => sent,
        };
        let now = self.app.now();
        let id = waiting.id.clone();
        match sent {
            Ok(()) => self.app.write(move |store| store.sent(&id, now)).await,
            Err(error) => {
                tracing::warn!(%error, sink = self.sink.name(), attempts = waiting.attempts + 1, "a notice was not sent");
                let retry_after = match &error {
                    SinkError::Transient(_) => None,
                    SinkError::RateLimited { retry_after } => SignedDuration::try_from(*retry_after).ok(),
                    SinkError::Permanent(_) => Some(PERMANENT_WAIT),
                };
                self.app.write(move |store| store.not_sent(&waiting, &error.to_string(), retry_after, now)).await
            }
        }
    }
}

/// Of each obligation the last stage alone.
fn newest(contents: Vec<(Kept, Stage)>) -> Vec<(Kept, Stage)> {
    let mut newest: Vec<(Kept, Stage)> = Vec::new();
    for (kept, stage) in contents {
        let id = &kept.reckoned.obligation.id;
        match newest.iter_mut().find(|(other, _)| other.reckoned.obligation.id == *id) {
            Some((_, before)) => *before = stage.max(*before),
            None => newest.push((kept, stage)),
        }
    }
    newest.sort_by_key(|(kept, _)| kept.reckoned.due_at);
    newest
}

fn still_open(kept: &Kept) -> bool {
    kept.reckoned.obligation.closed.is_none() && kept.waived.is_none()
}

fn told(kept: Kept, stage: Stage, now: jiff::Timestamp, pages: Option<&str>) -> Told {
    let health = kept.health(now);
    Told {
        stage,
        health,
        due_at: kept.reckoned.due_at,
        warn_at: kept.reckoned.warn_at,
        policy: kept.reckoned.policy,
        zone: kept.reckoned.zone,
        page: pages.map(|pages| format!("{}/threads/{}", pages.trim_end_matches('/'), kept.thread.key)),
        obligation: kept.reckoned.obligation,
        thread: kept.thread,
        said_by: kept.said_by,
        said_at: kept.said_at,
        ended_by: kept.ended_by,
    }
}
