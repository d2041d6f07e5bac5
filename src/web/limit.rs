//! How often somebody may ask: a bucket each, that fills steadily and that every request takes from.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::error::ApiError;
use crate::time::Stopwatch;

/// Buckets that are remembered; full ones are forgotten first.
const MOST_BUCKETS: usize = 10_000;

pub(crate) struct Buckets {
    per_second: f64,
    burst: f64,
    clock: Stopwatch,
    held: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    left: f64,
    /// When that was, since the clock was started.
    at: Duration,
}

impl Buckets {
    pub fn new(per_second: f64, burst: f64) -> Buckets {
        Buckets { per_second, burst, clock: Stopwatch::start(), held: Mutex::default() }
    }

    /// Takes `cost` from the bucket of `whom`, which may then owe; who owes waits.
    pub fn take(&self, whom: &str, cost: f64) -> Result<(), ApiError> {
        self.take_at(whom, cost, self.clock.elapsed())
    }

    fn take_at(&self, whom: &str, cost: f64, now: Duration) -> Result<(), ApiError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = |bucket: &Bucket| {
            let since = now.saturating_sub(bucket.at).as_secs_f64();
            (bucket.left + since * self.per_second).min(self.burst)
        };
        if held.len() >= MOST_BUCKETS && !held.contains_key(whom) {
            held.retain(|_, bucket| filled(bucket) < self.burst);
        }
        let left = held.get(whom).map_or(self.burst, filled);
        if left < 1.0 {
            let wait = (1.0 - left) / self.per_second;
            return Err(ApiError::later(
                "rate",
                "Too many requests; slow down.",
                Duration::from_secs_f64(wait.max(1.0)),
            ));
        }
        held.insert(whom.to_owned(), Bucket { left: left - cost, at: now });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_is_its_owners_alone() {
        let buckets = Buckets::new(2.0, 3.0);
        let take = |whom, second| buckets.take_at(whom, 1.0, Duration::from_secs(second)).is_ok();
        assert_eq!([0, 0, 0, 0].map(|s| take("a", s)), [true, true, true, false]);
        assert!(take("b", 0));
        assert_eq!([1, 1, 1].map(|s| take("a", s)), [true, true, false]);
        assert_eq!([100, 100, 100, 100].map(|s| take("a", s)), [true, true, true, false], "no more than a bucketful");
    }

    #[test]
    fn who_guesses_owes() {
        let buckets = Buckets::new(1.0, 30.0);
        for _ in 0..2 {
            assert!(buckets.take_at("a", 20.0, Duration::ZERO).is_ok());
        }
        assert!(buckets.take_at("a", 1.0, Duration::from_secs(9)).is_err());
        assert!(buckets.take_at("a", 1.0, Duration::from_secs(12)).is_ok());
    }
}
