//! When a clock on the wall of a zone first shows a time, whatever its zone does to it.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, TimeZone},
};

use super::shift::DAY_SECS;

/// The first instant at which the clock on the wall of `zone` shows `shown` or anything later.
///
/// A time that a change of the clock leaves out is reached at the change, one that comes twice at its first coming, so
/// later times are never reached before earlier ones: hours that follow each other neither overlap nor tear apart,
/// also where a change falls on midnight, takes half an hour or skips a day. `None` beyond the end of time.
pub fn first_shown(zone: &TimeZone, shown: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(shown).ok(),
        AmbiguousOffset::Gap { before, .. } => {
            // The old offset carries a time that was left out past the change, by less than the gap.
            let past = before.to_timestamp(shown).ok()?;
            let next_second = super::interval::shifted(past, 1);
            zone.preceding(next_second).map(|change| change.timestamp()).find(|&change| {
                let just_before = super::interval::shifted(change, -1);
                zone.to_offset(just_before) == before
            })
        }
    }
}

/// The wall-clock time `secs` after the midnight that begins `date`, up to two days on.
pub(crate) fn time_of(date: Date, secs: i32) -> Option<DateTime> {
    let mut date = date;
    for _ in 0..secs / DAY_SECS {
        date = date.tomorrow().ok()?;
    }
    let secs = secs % DAY_SECS;
    let part = |n: i32| i8::try_from(n).ok();
    Some(date.at(part(secs / 3_600)?, part(secs / 60 % 60)?, part(secs % 60)?, 0))
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

    use super::first_shown;

    #[track_caller]
    fn check(zone: &str, shown: &str, instant: &str) {
        let zone = TimeZone::get(zone).expect("a zone of the tz database");
        let shown: DateTime = shown.parse().expect("a civil time");
        let instant: Timestamp = instant.parse().expect("an instant");
        assert_eq!(first_shown(&zone, shown), Some(instant), "{shown}");
    }

    #[test]
    fn a_time_left_out_is_reached_at_the_change() {
        check("Europe/Paris", "2026-03-29T02:30", "2026-03-29T01:00Z");
        check("Europe/Paris", "2026-03-29T03:00", "2026-03-29T01:00Z");
        check("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30Z");
    }

    #[test]
    fn a_time_that_comes_twice_is_reached_at_its_first() {
        check("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30Z");
        check("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00Z");
    }

    #[test]
    fn midnight_and_a_whole_day_may_be_left_out() {
        check("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00Z");
        check("Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00Z");
        check("Pacific/Apia", "2011-12-30T23:59", "2011-12-30T10:00Z");
        check("Pacific/Apia", "2011-12-31T00:00", "2011-12-30T10:00Z");
    }
}
