//! Clocks.

pub mod clock;

pub use clock::{Clock, CpuStopwatch, FixedClock, Stopwatch, SystemClock};
