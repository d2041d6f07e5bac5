//! Calendars against named cases, against properties in every zone, and against a slow second implementation.

mod cases;
mod minutes;
mod pauses;
mod zones;

use jiff::{Timestamp, tz::TimeZone};

use super::{Calendar, Holidays, Shift};

/// A small generator of numbers, the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.roll(from.len() as u64)).expect("an index")]
    }

    fn within(&mut self, most: i64) -> i64 {
        i64::try_from(self.roll(most.unsigned_abs().max(1))).expect("in range")
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect(name)
}

/// Hours of Monday to Sunday.
fn week(zone_name: &str, days: [&str; 7]) -> Calendar {
    let week = days.map(|day| Shift::parse_day(day).expect(day));
    Calendar::new(zone(zone_name), week, Holidays::default(), Default::default()).expect("a calendar")
}

fn every_day(zone_name: &str, hours: &str) -> Calendar {
    week(zone_name, [hours; 7])
}

/// Every zone of the tz database with the changes of its clock from 2000 to 2040.
fn zones() -> Vec<(TimeZone, Vec<Timestamp>)> {
    let (first, last) = (at("2000-01-01T00:00Z"), at("2040-12-31T00:00Z"));
    let changes = |zone: &TimeZone| -> Vec<Timestamp> {
        let all = zone.following(first).map(|change| change.timestamp());
        all.take_while(|change| *change < last).take(400).collect()
    };
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_string()).collect();
    assert!(names.len() > 400, "the tz database has {} zones", names.len());
    let known = names.iter().filter_map(|name| TimeZone::get(name).ok());
    known.map(|zone| (zone.clone(), changes(&zone))).collect()
}
