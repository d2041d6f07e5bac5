//! Named boundary cases of calendars.

use jiff::civil::date;

use super::{at, every_day, week, zone};
use crate::time::{Calendar, Holidays, Shift, Span, WorkClock, WorkTime};

fn office(zone: &str) -> Calendar {
    week(zone, ["09:00-17:00", "09:00-17:00", "09:00-17:00", "09:00-17:00", "09:00-17:00", "", ""])
}

#[track_caller]
fn check_advance(calendar: &Calendar, from: &str, hours: i64, due: &str) {
    let (from, due, work) = (at(from), at(due), WorkTime::from_hours(hours));
    assert_eq!(calendar.advance(from, work), Some(due), "{from} + {hours}bh");
    assert_eq!(calendar.open_between(from, due), work);
}

#[track_caller]
fn check_days(calendar: &Calendar, from: &str, days: u32, due: &str) {
    assert_eq!(calendar.days_later(at(from), days), Some(at(due)), "{from} + {days}bd");
}

#[track_caller]
fn check_open_secs(calendar: &Calendar, from: &str, to: &str, hours: f64) {
    let open = calendar.open_between(at(from), at(to)).secs();
    assert!((open as f64 / 3600.0 - hours).abs() < 1e-9, "{from}..{to}: {open} s");
}

#[test]
fn work_runs_to_the_closing_and_on_from_the_next_opening() {
    let office = office("UTC");
    check_advance(&office, "2026-11-20T16:30Z", 1, "2026-11-23T09:30Z");
    check_advance(&office, "2026-11-20T09:00Z", 8, "2026-11-20T17:00Z");
    check_advance(&office, "2026-11-21T12:00Z", 8, "2026-11-23T17:00Z");
    assert_eq!(office.advance(at("2026-11-21T12:00Z"), WorkTime::default()), Some(at("2026-11-21T12:00Z")));
    assert_eq!(office.open_between(at("2026-11-23T09:00Z"), at("2026-11-20T09:00Z")), WorkTime::default());
}

#[test]
fn running_back_stops_at_an_open_instant() {
    let office = office("UTC");
    let back = |to, hours| office.rewind(at(to), WorkTime::from_hours(hours));
    assert_eq!(back("2026-11-23T10:00Z", 1), Some(at("2026-11-23T09:00Z")));
    assert_eq!(back("2026-11-23T10:00Z", 2), Some(at("2026-11-20T16:00Z")));
    assert_eq!(back("2026-11-22T10:00Z", 8), Some(at("2026-11-20T09:00Z")));
}

#[test]
fn night_shifts_belong_to_the_day_they_begin_on() {
    let mut holidays = Holidays::default();
    holidays.add(date(2026, 11, 17), "holiday");
    let nights = [(); 7].map(|()| Shift::parse_day("22:00-06:00").expect("hours"));
    let nights = Calendar::new(zone("UTC"), nights, holidays, Default::default()).expect("open");
    check_open_secs(&nights, "2026-11-16T12:00Z", "2026-11-17T12:00Z", 8.0);
    check_open_secs(&nights, "2026-11-17T12:00Z", "2026-11-18T12:00Z", 0.0);
    check_days(&nights, "2026-11-16T23:00Z", 1, "2026-11-18T23:00Z");
    check_days(&nights, "2026-11-17T03:00Z", 1, "2026-11-19T03:00Z");
}

#[test]
fn a_night_shift_lasts_an_hour_less_and_an_hour_more_when_the_clock_changes() {
    let nights = every_day("Europe/Paris", "22:00-06:00");
    check_open_secs(&nights, "2026-03-28T20:00Z", "2026-03-29T20:00Z", 7.0);
    check_open_secs(&nights, "2026-10-24T18:00Z", "2026-10-25T18:00Z", 9.0);
}

#[test]
fn a_shift_inside_the_hour_left_out_is_not_worked() {
    let early = every_day("Europe/Paris", "02:15-02:45");
    check_open_secs(&early, "2026-03-28T12:00Z", "2026-03-29T12:00Z", 0.0);
    check_open_secs(&early, "2026-03-29T12:00Z", "2026-03-30T12:00Z", 0.5);
    check_days(&early, "2026-03-28T01:20Z", 1, "2026-03-30T00:20Z");
}

#[test]
fn half_an_hour_midnight_and_a_skipped_day() {
    check_open_secs(&every_day("Australia/Lord_Howe", "00:00-24:00"), "2026-10-03T13:30Z", "2026-10-04T13:00Z", 23.5);
    check_open_secs(&every_day("America/Sao_Paulo", "00:00-24:00"), "2018-11-04T03:00Z", "2018-11-05T02:00Z", 23.0);
    let apia = every_day("Pacific/Apia", "09:00-17:00");
    // Thursday the 29th is followed by Saturday the 31st.
    check_days(&apia, "2011-12-29T20:00Z", 1, "2011-12-30T20:00Z");
    check_open_secs(&apia, "2011-12-29T10:00Z", "2011-12-31T10:00Z", 16.0);
}

#[test]
fn ramadan_changes_the_clock_four_times_a_year() {
    // Casablanca goes back for Ramadan and forward after it; the offices keep the clock on the wall.
    let zone = zone("Africa/Casablanca");
    let year = at("2024-01-01T00:00Z");
    let changes = zone.following(year).take_while(|c| c.timestamp() < at("2025-01-01T00:00Z")).count();
    assert!(changes >= 2, "{changes} changes");
    let office = every_day("Africa/Casablanca", "09:00-17:00");
    check_open_secs(&office, "2024-03-01T00:00Z", "2024-05-01T00:00Z", 61.0 * 8.0);
    check_days(&office, "2024-03-08T09:00Z", 5, "2024-03-13T10:00Z");
}

#[test]
fn business_days_keep_the_time_of_day() {
    let office = office("Europe/Paris");
    check_days(&office, "2026-11-19T15:00Z", 3, "2026-11-24T15:00Z");
    check_days(&office, "2026-11-21T15:00Z", 3, "2026-11-26T08:00Z");
    check_days(&office, "2026-11-20T20:00Z", 1, "2026-11-24T08:00Z");
    // 10:00 on the wall before and after the change of the clock.
    check_days(&office, "2026-03-27T09:00Z", 1, "2026-03-30T08:00Z");
}

#[test]
fn business_days_keep_within_the_hours_of_the_day_they_end_on() {
    let week = week("UTC", ["08:00-17:00", "10:00-12:00, 13:00-15:00", "", "", "", "", ""]);
    check_days(&week, "2026-11-16T08:30Z", 1, "2026-11-17T10:00Z");
    check_days(&week, "2026-11-16T12:30Z", 1, "2026-11-17T13:00Z");
    check_days(&week, "2026-11-16T16:00Z", 1, "2026-11-17T15:00Z");
    check_days(&week, "2026-11-16T12:00Z", 1, "2026-11-17T12:00Z");
}

#[test]
fn exceptions_stand_in_place_of_the_week_and_of_holidays() {
    let mut holidays = Holidays::default();
    holidays.add(date(2026, 12, 24), "holiday");
    let hours = |text| Shift::parse_day(text).expect("hours");
    let exceptions = [(date(2026, 12, 24), hours("09:00-12:00")), (date(2026, 12, 26), hours("10:00-11:00"))];
    let week = std::array::from_fn(|day| if day < 5 { hours("09:00-17:00") } else { Vec::new() });
    let calendar = Calendar::new(zone("UTC"), week, holidays, exceptions.into()).expect("open");
    check_open_secs(&calendar, "2026-12-24T00:00Z", "2026-12-25T00:00Z", 3.0);
    check_open_secs(&calendar, "2026-12-26T00:00Z", "2026-12-27T00:00Z", 1.0);
}

#[test]
fn walks_end() {
    let mut holidays = Holidays::default();
    let mondays = date(2026, 11, 16).series(jiff::ToSpan::days(7)).take(600);
    mondays.for_each(|monday| holidays.add(monday, "holiday"));
    let mondays =
        std::array::from_fn(|day| if day == 0 { Shift::parse_day("09:00-17:00").expect("hours") } else { vec![] });
    let calendar = Calendar::new(zone("UTC"), mondays, holidays, Default::default()).expect("open");
    assert_eq!(calendar.advance(at("2026-11-15T00:00Z"), WorkTime::from_hours(1)), None);
    assert_eq!(calendar.days_later(at("2026-11-15T00:00Z"), 1), None);
    assert!(!calendar.is_open(at("2026-11-16T10:00Z")));
    let office = office("UTC");
    assert_eq!(office.advance(jiff::Timestamp::MAX, WorkTime::from_hours(1)), None);
    assert_eq!(office.rewind(jiff::Timestamp::MIN, WorkTime::from_hours(1)), None);
    assert!(office.advance(jiff::Timestamp::MIN, WorkTime::from_hours(1)).is_some());
}

#[test]
fn a_goal_without_its_calendar_has_no_end() {
    let clock = WorkClock::new(None, Vec::new());
    assert_eq!(clock.due(at("2026-11-16T00:00Z"), Span::BusinessDays(1)), None);
    assert_eq!(clock.due(at("2026-11-16T00:00Z"), Span::Wall(60)), Some(at("2026-11-16T00:01Z")));
}
