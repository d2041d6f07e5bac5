//! When a phrase means: "by Friday", "EOD", "in two weeks", "on the 14th", in the zone of the one who said it.

use std::sync::LazyLock;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday, time},
    tz::TimeZone,
};
use regex::{Captures, Regex};

use crate::{pattern::compiled, time::wall::first_shown};

/// A day without a time of day ends with the working day.
const CLOSE_OF_BUSINESS: Time = time(17, 0, 0, 0);
const NOON: Time = time(12, 0, 0, 0);
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];
const NUMBERS: [(&str, i64); 14] = [
    ("an", 1),
    ("a", 1),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("twelve", 12),
    ("a couple of", 2),
];

static ISO: LazyLock<Regex> = LazyLock::new(|| compiled(r"\b(\d{4}-\d{2}-\d{2})\b"));
static MONTH_DAY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?\b(?:,? (\d{4}))?")
});
static DAY_MONTH: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"\b(\d{1,2})(?:st|nd|rd|th)?(?: of)? (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b(?:,? (\d{4}))?",
    )
});
static ORDINAL: LazyLock<Regex> = LazyLock::new(|| compiled(r"\bthe (\d{1,2})(?:st|nd|rd|th)\b"));
static WEEKDAY: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"\b(next )?(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day|s|rs?|nes)?\b"));
static AHEAD: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"\b(?:in|within)(?: the next)? (\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|a couple of) (minute|hour|(?:business |working )?day|week|month)s?\b",
    )
});
static CLOCK: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"\b(\d{1,2})(?::(\d{2}))? ?(am|pm|a\.m|p\.m)|\b(\d{1,2}):(\d{2})\b"));
static END_OF: LazyLock<Regex> = LazyLock::new(|| compiled(r"\b(?:end of|eo)(?: the| this)? ?(week|month|w\b|m\b)"));
static TODAY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"\b(today|tonight|eod|cob|end of (?:the |this )?(?:business )?day|close of business|this (?:morning|afternoon|evening))\b",
    )
});

/// The instant that `phrase` means, said at `said`. `None` where it names no day or time that can be told: it stays a
/// quote without a date.
pub(super) fn instant(phrase: &str, said: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let phrase = phrase.to_lowercase();
    let now = zone.to_datetime(said);
    if let Some(ahead) = AHEAD.captures(&phrase) {
        return after(&ahead, now, zone);
    }
    let day = day(&phrase, now.date());
    let at = clock(&phrase);
    let mut day = match (day, at) {
        (Some(day), _) => day,
        // A time alone is the next such time.
        (None, Some(at)) => now.date().checked_add(i64::from(at <= now.time()).days()).ok()?,
        (None, None) => return None,
    };
    if phrase.starts_with("before ") && at.is_none() {
        day = day.yesterday().ok()?.max(now.date());
    }
    first_shown(zone, day.to_datetime(at.unwrap_or(CLOSE_OF_BUSINESS))).filter(|due| *due > said)
}

/// So much later: hours to the second, days and weeks at the end of the working day.
fn after(ahead: &Captures<'_>, now: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let count =
        ahead[1].parse().ok().or_else(|| NUMBERS.iter().find(|(word, _)| *word == &ahead[1]).map(|(_, n)| *n))?;
    let date = now.date();
    let day = match &ahead[2] {
        "minute" => return first_shown(zone, now.checked_add(count.minutes()).ok()?),
        "hour" => return first_shown(zone, now.checked_add(count.hours()).ok()?),
        "day" => date.checked_add(count.days()).ok()?,
        "week" => date.checked_add(count.weeks()).ok()?,
        "month" => date.checked_add(count.months()).ok()?,
        _ => working_days(date, count)?,
    };
    first_shown(zone, day.to_datetime(CLOSE_OF_BUSINESS))
}

fn working_days(from: Date, count: i64) -> Option<Date> {
    let weekend = |day: &Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let later = from.series(1.day()).skip(1).filter(|day| !weekend(day));
    later.take(usize::try_from(count).ok()?).last()
}

fn day(phrase: &str, today: Date) -> Option<Date> {
    if let Some(iso) = ISO.captures(phrase) {
        return iso[1].parse().ok();
    }
    if let Some(found) = MONTH_DAY.captures(phrase) {
        return dated(found[2].parse().ok()?, &found[1], found.get(3).map(|y| y.as_str()), today);
    }
    if let Some(found) = DAY_MONTH.captures(phrase) {
        return dated(found[1].parse().ok()?, &found[2], found.get(3).map(|y| y.as_str()), today);
    }
    if let Some(found) = ORDINAL.captures(phrase) {
        let wanted: i8 = found[1].parse().ok()?;
        let first = today.first_of_month();
        let months = (0..12).filter_map(|ahead| first.checked_add(i64::from(ahead).months()).ok());
        return months.filter_map(|month| month.with().day(wanted).build().ok()).find(|day| *day >= today);
    }
    if let Some(found) = END_OF.captures(phrase) {
        return if found[1].starts_with('m') { Some(today.last_of_month()) } else { next(Weekday::Friday, today) };
    }
    if TODAY.is_match(phrase) {
        return Some(today);
    }
    if phrase.contains("tomorrow") {
        return today.tomorrow().ok();
    }
    let found = WEEKDAY.captures(phrase)?;
    let (_, weekday) = WEEKDAYS.iter().find(|(word, _)| *word == &found[2])?;
    // "Next Friday" is that of the week after this one, whose days begin on Monday.
    match found.get(1) {
        None => today.nth_weekday(1, *weekday).ok(),
        Some(_) => next(Weekday::Sunday, today)?.nth_weekday(1, *weekday).ok(),
    }
}

/// Today or the first such day after.
fn next(weekday: Weekday, today: Date) -> Option<Date> {
    if today.weekday() == weekday { Some(today) } else { today.nth_weekday(1, weekday).ok() }
}

/// A day of a month; the next one there is where no year is given.
fn dated(day: i8, month: &str, year: Option<&str>, today: Date) -> Option<Date> {
    let month = i8::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    match year {
        Some(year) => Date::new(year.parse().ok()?, month, day).ok(),
        None => (0..5).filter_map(|ahead| Date::new(today.year() + ahead, month, day).ok()).find(|day| *day >= today),
    }
}

fn clock(phrase: &str) -> Option<Time> {
    if phrase.contains("noon") && !phrase.contains("afternoon") {
        return Some(NOON);
    }
    let found = CLOCK.captures(phrase)?;
    let number = |group: usize| found.get(group).and_then(|n| n.as_str().parse::<i8>().ok());
    match found.get(3) {
        Some(half) => {
            let hour = number(1).filter(|hour| (1..=12).contains(hour))? % 12;
            Time::new(if half.as_str().starts_with('p') { hour + 12 } else { hour }, number(2).unwrap_or(0), 0, 0).ok()
        }
        None => Time::new(number(4)?, number(5)?, 0, 0).ok(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::instant;

    /// Said in Paris on Wednesday 2026-03-25 at 10:00; the clock changes on Sunday the 29th.
    #[track_caller]
    fn check(phrase: &str, due: Option<&str>) {
        let zone = TimeZone::get("Europe/Paris").expect("a zone");
        let found = instant(phrase, "2026-03-25T09:00Z".parse().expect("an instant"), &zone);
        assert_eq!(found.map(|due| zone.to_datetime(due).to_string()).as_deref(), due, "{phrase}");
    }

    #[test]
    fn days_are_those_of_the_speakers_week() {
        check("by Friday", Some("2026-03-27T17:00:00"));
        check("next Friday", Some("2026-04-03T17:00:00"));
        check("by Wednesday", Some("2026-04-01T17:00:00"));
        check("tomorrow at 10:30", Some("2026-03-26T10:30:00"));
        check("EOD", Some("2026-03-25T17:00:00"));
        check("by 5 pm", Some("2026-03-25T17:00:00"));
        check("by 9 am", Some("2026-03-26T09:00:00"));
        check("before Friday", Some("2026-03-26T17:00:00"));
        check("by noon tomorrow", Some("2026-03-26T12:00:00"));
    }

    #[test]
    fn dates_are_the_next_of_their_kind() {
        check("by March 31st", Some("2026-03-31T17:00:00"));
        check("on 14 January", Some("2027-01-14T17:00:00"));
        check("due on 2026-04-02", Some("2026-04-02T17:00:00"));
        check("before the release on the 14th", Some("2026-04-13T17:00:00"));
        check("May 14th, 2031", Some("2031-05-14T17:00:00"));
    }

    #[test]
    fn spans_are_counted_from_when_it_was_said() {
        check("in two hours", Some("2026-03-25T12:00:00"));
        check("in two weeks", Some("2026-04-08T17:00:00"));
        check("within the next 3 business days", Some("2026-03-30T17:00:00"));
        check("in a couple of days", Some("2026-03-27T17:00:00"));
    }

    #[test]
    fn vector_13_the_end_of_a_month_in_which_the_clock_changes() {
        check("by the end of the month", Some("2026-03-31T17:00:00"));
        check("by the end of the week", Some("2026-03-27T17:00:00"));
    }

    #[test]
    fn what_names_no_day_stays_a_quote() {
        for phrase in
            ["soon", "ASAP", "next sprint", "after the meeting", "before the demo", "on the 45th", "2020-01-01"]
        {
            check(phrase, None);
        }
    }
}
