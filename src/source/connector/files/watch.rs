//! Word from the system that something below a folder changed.

use std::{path::Path, sync::Arc, time::Duration};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::{sync::Notify, time};

/// Changes come in bursts: the word is passed on once nothing has changed for this long.
const QUIET: Duration = Duration::from_millis(500);
/// A burst that does not end is passed on after so many times [`QUIET`].
const MOST_WAITS: usize = 20;

/// A watched folder. A change between two waits is not lost.
pub(super) struct Watch {
    changed: Arc<Notify>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches `root`, and `beside` it what else may change (a repository's references).
    ///
    /// # Errors
    /// Why the system does not watch: mostly that it watches too many folders already.
    pub(super) fn new(root: &Path, beside: Option<&Path>) -> Result<Watch, notify::Error> {
        let changed = Arc::new(Notify::new());
        let bell = Arc::clone(&changed);
        let mut watcher = notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
            // An error means that words may have been lost, which is a reason to look.
            if event.map_or(true, |event| is_change(&event.kind)) {
                bell.notify_one();
            }
        })?;
        watcher.watch(root, RecursiveMode::Recursive)?;
        if let Some(beside) = beside {
            watcher.watch(beside, RecursiveMode::Recursive)?;
        }
        Ok(Watch { changed, _watcher: watcher })
    }

    /// A bell that rings when something changes.
    pub(super) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }
}

/// Waits for the bell, and then until it has been quiet.
pub(super) async fn settled(bell: &Notify) {
    bell.notified().await;
    for _ in 0..MOST_WAITS {
        if time::timeout(QUIET, bell.notified()).await.is_err() {
            return;
        }
    }
}

/// Reading changes nothing, and we read.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        _ => true,
    }
}
