//! The one place that asks what time it is.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Where "now" comes from.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// A clock that stands still, for replaying a past instant (`--as-of`) and for tests.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Timestamp);

/// Measures how long something takes, on a clock that never goes backwards.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Instant,
}

/// Measures the processor time that the whole process takes, its threads together.
#[derive(Clone, Copy, Debug)]
pub struct CpuStopwatch {
    started: Duration,
}

impl CpuStopwatch {
    /// `None` where the system keeps no such clock.
    pub fn start() -> Option<CpuStopwatch> {
        Some(CpuStopwatch { started: process_time()? })
    }

    pub fn elapsed(&self) -> Duration {
        process_time().unwrap_or_default().saturating_sub(self.started)
    }
}

#[cfg(unix)]
fn process_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(unix))]
fn process_time() -> Option<Duration> {
    None
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Stopwatch {
    pub fn start() -> Stopwatch {
        Stopwatch { started: Instant::now() }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whole milliseconds since the start.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
