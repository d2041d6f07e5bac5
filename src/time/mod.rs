//! Clocks, calendars and working time: what time it is, when work is done, and how long something took of that.

pub mod calendar;
pub mod calendar_config;
pub mod clock;
pub mod holidays;
pub mod ics;
pub mod interval;
pub mod shift;
mod walk;
pub mod wall;
pub mod window;
pub mod work_clock;
pub mod work_time;
mod yearly;

pub use calendar::{Calendar, CalendarError};
pub use calendar_config::{CalendarConfig, PersonHours};
pub use clock::{Clock, CpuStopwatch, FixedClock, Stopwatch, SystemClock};
pub use holidays::Holidays;
pub use interval::Interval;
pub use shift::Shift;
pub use work_clock::WorkClock;
pub use work_time::{Span, WorkTime};

#[cfg(test)]
mod tests;
