//! Clocks.

pub mod clock;

pub use clock::{Clock, FixedClock, Stopwatch, SystemClock};
