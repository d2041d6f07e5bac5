//! Reads what changed, most recently active first, until nothing is left to read; then sleeps.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    App,
    bell::LONGEST_SLEEP,
    reader::{Reading, ReadingError},
    study::{Panicked, Study},
    watch,
};
use crate::{
    model::worker::Lane,
    store::{
        StoreError, Vectors,
        thread::{self, Whole},
        work::{self, Unread},
    },
};

/// Threads looked up at one time; whatever changes meanwhile is found at the next look.
const AT_ONCE: usize = 16;
/// How soon it is tried again when the model or the database cannot.
const TROUBLE_WAIT: Duration = Duration::from_secs(10);

/// What became of a thread.
#[derive(Debug)]
enum Outcome {
    Kept,
    /// It changed while it was read, or is gone: the next look finds it.
    Moved,
    /// Nothing can be read at present.
    Trouble,
    Stopped,
}

/// Reads until the daemon stops.
pub async fn run(app: App) {
    let study = Study::open();
    loop {
        let wait = round(&app, &study).await;
        tokio::select! {
            () = app.stopping() => return,
            () = app.bells().read.wait(wait) => {}
        }
    }
}

/// Reads everything there is to read at present; how long to sleep then.
async fn round(app: &App, study: &Study) -> Duration {
    let quiet_ms = app.quiet_ms();
    loop {
        let now = app.now();
        let Ok(threads) = app.read(move |on| work::unread(on, now, quiet_ms, AT_ONCE)).await else {
            return TROUBLE_WAIT;
        };
        if threads.is_empty() {
            break;
        }
        for unread in threads {
            match one(app, study, unread).await {
                Outcome::Kept | Outcome::Moved => {}
                Outcome::Trouble => return TROUBLE_WAIT,
                Outcome::Stopped => return Duration::ZERO,
            }
        }
    }
    let Ok(next) = app.read(move |on| work::next_unread_ms(on, quiet_ms)).await else { return TROUBLE_WAIT };
    let left = |ms: i64| u64::try_from(ms - app.now().as_millisecond()).map_or(Duration::ZERO, Duration::from_millis);
    next.map_or(LONGEST_SLEEP, left).max(Duration::from_millis(50))
}

async fn one(app: &App, study: &Study, unread: Unread) -> Outcome {
    if app.is_stopping() {
        return Outcome::Stopped;
    }
    match read(app, study, unread.id, app.stop_token()).await {
        Ok(true) => Outcome::Kept,
        Ok(false) => Outcome::Moved,
        Err(Failure::Store(error)) => {
            tracing::error!(%error, "a summary could not be kept; its thread is read again");
            Outcome::Trouble
        }
        Err(Failure::Reading(ReadingError::Cancelled)) => Outcome::Stopped,
        Err(Failure::Reading(error @ (ReadingError::Busy { .. } | ReadingError::NoModel(_)))) => {
            tracing::warn!(%error, "nothing can be read at present");
            Outcome::Trouble
        }
        Err(Failure::Reading(error)) => set_back(app, &unread, &error.to_string()).await,
        Err(Failure::Panicked) => set_back(app, &unread, "reading it failed inside bluf: please report this").await,
    }
}

/// A thread that cannot be read is tried again later, and in the end set aside; the others go on.
async fn set_back(app: &App, unread: &Unread, why: &str) -> Outcome {
    tracing::warn!(thread = unread.key, why, "a thread could not be read");
    let (id, version, why, now) = (unread.id, unread.version, why.to_owned(), app.now());
    match app.write(move |store| store.reading_failed(id, version, &why, now)).await {
        Ok(()) => Outcome::Moved,
        Err(_) => Outcome::Trouble,
    }
}

/// Why a thread was not read.
#[derive(Debug)]
enum Failure {
    Store(StoreError),
    Reading(ReadingError),
    Panicked,
}

/// Reads the thread in row `id` now and keeps what came of it; `false` where it has changed meanwhile, or is not there.
async fn read(app: &App, study: &Study, id: i64, cancelled: CancellationToken) -> Result<bool, Failure> {
    let loading = app.clone();
    let work = study.run(move || {
        let store = loading.store();
        let before = loading.reader().recall().thread(id);
        let Some(whole) = store.read(|on| thread::load_again(on, id, before)).map_err(Failure::Store)? else {
            return Ok(None);
        };
        let known = |sums: &[[u8; 32]]| {
            store.vectors(id, sums).unwrap_or_else(|error| {
                tracing::warn!(%error, "what was encoded before could not be read; it is encoded again");
                Vectors::new()
            })
        };
        let reading = loading.reader().read(&whole.thread, &known, Lane::Background, &|| cancelled.is_cancelled());
        Ok(Some((reading.map_err(Failure::Reading)?, whole)))
    });
    let Some((reading, whole)) = work.await.map_err(|Panicked| Failure::Panicked)?? else {
        return Ok(false);
    };
    let now = app.now();
    let kept = app.write(move |store| {
        let Reading { summary, acts, docket, new, used } = reading;
        let Whole { thread, rows, version, .. } = &whole;
        store.keep_vectors(id, &new, &used)?;
        let kept = store.keep_summary(id, *version, rows, &acts, &summary, now)?;
        // Where the thread has changed meanwhile, it is read again, and this docket with it.
        let kept = kept && watch::keep(store, id, *version, thread, rows, docket, now).map(|_| true)?;
        Ok(kept.then_some(whole))
    });
    let whole = kept.await.map_err(Failure::Store)?;
    let kept = whole.is_some();
    whole.into_iter().for_each(|whole| app.reader().recall().keep_thread(id, whole));
    app.bells().watch.ring();
    Ok(kept)
}
