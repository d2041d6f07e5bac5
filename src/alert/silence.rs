//! Silences: for a while, nothing is told of what somebody named.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::route::{RouteMatch, Subject};

/// Somebody's word that nothing is to be told for a while. What is still open when it ends is told then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub id: i64,
    pub matches: RouteMatch,
    pub from: Timestamp,
    pub until: Timestamp,
    pub by: String,
    pub why: String,
}

impl Silence {
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    pub fn covers(&self, subject: &Subject<'_>) -> bool {
        self.matches.fits(subject)
    }
}
