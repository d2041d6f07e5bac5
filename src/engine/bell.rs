//! A bell: rung when there may be work. Rings are not counted, and a lost one costs a delay at most.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

/// Nobody sleeps longer than this, so that a machine that was suspended, or a clock that was set, is noticed.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Cheap to clone; all clones are one bell.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Wakes who waits, or the next one who would.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring.
    pub async fn rung(&self) {
        self.0.notified().await;
    }

    /// Waits for a ring, no longer than `at_most` and never longer than [`LONGEST_SLEEP`].
    pub async fn wait(&self, at_most: Duration) {
        // That nobody rang is an answer too.
        let _ = tokio::time::timeout(at_most.min(LONGEST_SLEEP), self.rung()).await;
    }
}
