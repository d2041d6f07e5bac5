//! How long something may take: on the wall clock, in business hours, or in business days, never mixed up.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Longest goal that can be written, in seconds and in business days: walks over calendars end there too.
const MOST_SECS: i64 = 3_650 * DAY;
const MOST_DAYS: u32 = 2_600;

/// Seconds during which a calendar is open. Not a duration: where it ends depends on the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkTime(i64);

/// A goal as people write it. `h` and `bh` are different variants, so that 72 hours are never nine working days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Span {
    /// Seconds on the wall clock, round the clock: `90m`, `4h`, `2d`.
    Wall(i64),
    /// Time while a calendar is open: `30bm`, `4bh`.
    BusinessHours(WorkTime),
    /// The same time of day, so many working days later: `3bd`.
    BusinessDays(u32),
}

/// Words that are no span, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{written}' is not a span: {why}. Write 90m, 4h or 2d (round the clock), 4bh (business hours) or 3bd (business days)"
)]
pub struct SpanError {
    written: String,
    why: &'static str,
}

impl WorkTime {
    /// Below zero counts as none.
    pub fn from_secs(secs: i64) -> WorkTime {
        WorkTime(secs.max(0))
    }

    pub fn from_hours(hours: i64) -> WorkTime {
        WorkTime::from_secs(hours.saturating_mul(HOUR))
    }

    pub fn secs(self) -> i64 {
        self.0
    }

    /// `percent` of it, rounded up to the second so that a share of something is never nothing.
    pub fn percent(self, percent: u8) -> WorkTime {
        let share = i128::from(self.0) * i128::from(percent.min(100));
        WorkTime(i64::try_from((share + 99) / 100).unwrap_or(self.0))
    }

    /// What is left when `less` is taken away; never below zero.
    pub fn minus(self, less: WorkTime) -> WorkTime {
        WorkTime::from_secs(self.0 - less.0)
    }
}

impl Span {
    /// Whether it means nothing without a calendar.
    pub fn needs_calendar(self) -> bool {
        !matches!(self, Span::Wall(_))
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        let refuse = |why| Err(SpanError { written: text.to_string(), why });
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let Ok(number) = number.parse::<u32>() else {
            return refuse("it does not begin with a whole number");
        };
        if number == 0 {
            return refuse("nothing can be done in no time");
        }
        let wall = |secs: i64| Span::Wall(i64::from(number) * secs);
        let open = |secs: i64| Span::BusinessHours(WorkTime(i64::from(number) * secs));
        let span = match unit {
            "s" => wall(1),
            "m" => wall(60),
            "h" => wall(HOUR),
            "d" => wall(DAY),
            "bm" => open(60),
            "bh" => open(HOUR),
            "bd" => Span::BusinessDays(number),
            "" => return refuse("it has no unit"),
            _ => return refuse("its unit is not known"),
        };
        let long = match span {
            Span::Wall(secs) | Span::BusinessHours(WorkTime(secs)) => secs > MOST_SECS,
            Span::BusinessDays(days) => days > MOST_DAYS,
        };
        if long { refuse("it is longer than ten years") } else { Ok(span) }
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Span, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Span::Wall(secs) if secs % DAY == 0 => write!(f, "{}d", secs / DAY),
            Span::Wall(secs) if secs % HOUR == 0 => write!(f, "{}h", secs / HOUR),
            Span::Wall(secs) if secs % 60 == 0 => write!(f, "{}m", secs / 60),
            Span::Wall(secs) => write!(f, "{secs}s"),
            Span::BusinessHours(WorkTime(secs)) if secs % HOUR == 0 => write!(f, "{}bh", secs / HOUR),
            Span::BusinessHours(WorkTime(secs)) => write!(f, "{}bm", secs / 60),
            Span::BusinessDays(days) => write!(f, "{days}bd"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Span, WorkTime};

    #[test]
    fn each_unit_is_its_own_kind_of_span() {
        assert_eq!("4h".parse(), Ok(Span::Wall(14_400)));
        assert_eq!("90m".parse(), Ok(Span::Wall(5_400)));
        assert_eq!("2d".parse(), Ok(Span::Wall(172_800)));
        assert_eq!("4bh".parse(), Ok(Span::BusinessHours(WorkTime::from_hours(4))));
        assert_eq!("30bm".parse(), Ok(Span::BusinessHours(WorkTime::from_secs(1_800))));
        assert_eq!(" 3bd ".parse(), Ok(Span::BusinessDays(3)));
        assert_ne!("72h".parse::<Span>(), "72bh".parse::<Span>());
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["1s", "90m", "4h", "2d", "4bh", "45bm", "3bd"] {
            assert_eq!(text.parse::<Span>().map(|s| s.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_span_says_what_to_write() {
        for text in ["", "4", "h", "0bd", "-3h", "1.5h", "4 hours", "3w", "9999999999h", "4000d", "3000bd"] {
            let refused = text.parse::<Span>().expect_err(text).to_string();
            assert!(refused.contains("4bh (business hours)"), "{refused}");
        }
    }

    #[test]
    fn a_share_is_never_nothing() {
        assert_eq!(WorkTime::from_secs(1).percent(25), WorkTime::from_secs(1));
        assert_eq!(WorkTime::from_hours(4).percent(25), WorkTime::from_hours(1));
        assert_eq!(WorkTime::from_secs(i64::MAX).percent(100), WorkTime::from_secs(i64::MAX));
    }
}
