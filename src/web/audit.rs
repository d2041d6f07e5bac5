//! Who read or did what, written down in batches beside the requests; what cannot be written down is not answered.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

use super::{auth::Reader, error::ApiError};
use crate::store::{Store, audit::Entry};

/// Entries that may wait for the database. When they are more, nothing is answered that would add to them.
const WAITING: usize = 10_000;
/// Entries of one transaction.
const BATCH: usize = 1_000;
/// How long entries gather before they are written.
const GATHER: Duration = Duration::from_millis(100);
/// Between tries while the database cannot be written.
const RETRY: Duration = Duration::from_secs(1);
/// Tries at the end, when nobody adds any more.
const LAST_TRIES: usize = 3;

/// Where requests leave their entries.
#[derive(Clone)]
pub(crate) struct Auditor {
    to: Sender<Note>,
}

pub(crate) enum Note {
    Did(Entry),
    Used { token: i64, at_ms: i64 },
}

impl Auditor {
    pub fn new() -> (Auditor, Receiver<Note>) {
        let (to, from) = channel(WAITING);
        (Auditor { to }, from)
    }

    /// Notes that `reader` does `what`, before it is answered.
    pub fn note(
        &self,
        reader: &Reader,
        what: &'static str,
        subject: Option<String>,
        request_id: &str,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let entry = Entry {
            at_ms: now.as_millisecond(),
            who: reader.who.clone(),
            what: what.to_owned(),
            subject,
            request_id: Some(request_id.to_owned()),
        };
        self.to.try_send(Note::Did(entry)).map_err(|error| {
            let why =
                if matches!(error, TrySendError::Full(_)) { "the audit cannot be written" } else { "the server ends" };
            tracing::warn!(why, "a request was not answered");
            ApiError::unavailable(
                "no_audit",
                "Who reads is written down here, and that is not possible now; try again.",
            )
        })
    }

    /// Notes that a token was used. That it was is not worth refusing anybody.
    pub fn used(&self, token: i64, now: Timestamp) {
        let _ = self.to.try_send(Note::Used { token, at_ms: now.as_millisecond() });
    }
}

/// Writes what comes until nobody can send any more.
pub(crate) async fn write(store: Arc<Store>, mut from: Receiver<Note>) {
    let mut notes = Vec::new();
    while from.recv_many(&mut notes, BATCH).await > 0 {
        // Whoever waits while a whole batch is there falls behind many clients.
        if notes.len() < BATCH {
            tokio::time::sleep(GATHER).await;
        }
        while notes.len() < BATCH {
            let Ok(note) = from.try_recv() else { break };
            notes.push(note);
        }
        let batch = Arc::new(Batch::of(notes.drain(..)));
        let mut tries = 0;
        while !written(&store, &batch).await {
            tries += 1;
            if from.is_closed() && tries >= LAST_TRIES {
                tracing::error!(entries = batch.entries.len(), "the audit could not be written to its end");
                return;
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// What is written at one time.
struct Batch {
    entries: Vec<Entry>,
    /// Tokens, by row, and when they were last used.
    used: Vec<(i64, i64)>,
}

impl Batch {
    fn of(notes: impl Iterator<Item = Note>) -> Batch {
        let (mut entries, mut used) = (Vec::new(), HashMap::new());
        for note in notes {
            match note {
                Note::Did(entry) => entries.push(entry),
                Note::Used { token, at_ms } => drop(used.insert(token, at_ms)),
            }
        }
        Batch { entries, used: used.into_iter().collect() }
    }
}

async fn written(store: &Arc<Store>, batch: &Arc<Batch>) -> bool {
    let (store, batch) = (Arc::clone(store), Arc::clone(batch));
    match tokio::task::spawn_blocking(move || store.keep_audit(&batch.entries, &batch.used)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the audit waits for the database");
            false
        }
        Err(error) => {
            tracing::error!(%error, "the audit failed");
            false
        }
    }
}
