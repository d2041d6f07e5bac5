//! Instants and durations as people say them.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// The zone of that IANA name; UTC where there is none such.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// "Mon 16 Nov 2026, 10:00 +01:00".
pub fn said(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %Y, %H:%M %:z").to_string()
}

/// "2 days 3 hours": the two largest units of clock time, without regard to sign.
pub fn lasting(duration: SignedDuration) -> String {
    let minutes = duration.as_secs().unsigned_abs() / 60;
    let (days, hours, minutes) = (minutes / (24 * 60), minutes / 60 % 24, minutes % 60);
    let counted = [(days, "day"), (hours, "hour"), (minutes, "minute")];
    let Some(first) = counted.iter().position(|(n, _)| *n > 0) else { return "less than a minute".to_owned() };
    let words = counted[first..].iter().take(2).filter(|(n, _)| *n > 0).map(|(n, unit)| {
        let plural = if *n == 1 { "" } else { "s" };
        format!("{n} {unit}{plural}")
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_their_two_largest_units() {
        let check = |secs: i64, words: &str| assert_eq!(lasting(SignedDuration::from_secs(secs)), words, "{secs}");
        check(0, "less than a minute");
        check(59, "less than a minute");
        check(60, "1 minute");
        check(-3660, "1 hour 1 minute");
        check(24 * 3600 + 59 * 60, "1 day");
        check(50 * 3600, "2 days 2 hours");
    }

    #[test]
    fn an_instant_is_said_in_its_zone_and_in_utc_where_that_is_unknown() {
        let at = "2026-11-16T09:05:00Z".parse().unwrap();
        assert_eq!(said(at, &zone("Europe/Paris")), "Mon 16 Nov 2026, 10:05 +01:00");
        assert_eq!(said(at, &zone("Asia/Kathmandu")), "Mon 16 Nov 2026, 14:50 +05:45");
        assert_eq!(said(at, &zone("Nowhere/Else")), "Mon 16 Nov 2026, 09:05 +00:00");
    }
}
