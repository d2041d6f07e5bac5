//! One obligation with its reading.

use jiff::Timestamp;

use crate::{
    domain::{Health, Obligation},
    sla::{Assessment, Pause},
};

/// An obligation as it stands at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// For a document, `stated_due` is the date that its own silence, or a review window, gives the decision.
    pub obligation: Obligation,
    pub assessment: Assessment,
    /// When its clock stood still, and why.
    pub pauses: Vec<Pause>,
    /// The IANA zone in which its times are shown: that of whoever owes it, else of its policy's calendar.
    pub zone: String,
    /// Its goal counts every hour of the day.
    pub round_the_clock: bool,
}

impl Entry {
    /// Whether it still waits for somebody.
    pub fn is_open(&self) -> bool {
        !matches!(self.assessment.health, Health::Met | Health::Missed | Health::Lifted)
    }

    pub fn is_late(&self) -> bool {
        self.assessment.health == Health::Breached
    }

    /// Whether it is late by as much time again as it was given.
    pub fn is_twice_late(&self) -> bool {
        let Assessment { remaining_secs, budget_secs, .. } = self.assessment;
        self.is_late() && remaining_secs.zip(budget_secs).is_some_and(|(left, budget)| -left >= budget)
    }

    /// The next instant after `after` at which its stage changes, in milliseconds since 1970, as far as is known when it was
    /// read. `None` where none does: it has ended, has no deadline, or its clock stands still.
    pub fn next_ms(&self, after: Timestamp) -> Option<i64> {
        let stages = [self.assessment.warn_at, self.assessment.due_at].into_iter().flatten();
        let ahead = stages.filter(|at| *at > after && self.is_open() && self.assessment.paused.is_none());
        ahead.min().map(Timestamp::as_millisecond)
    }
}
