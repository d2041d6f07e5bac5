//! What holds of every calendar in every zone, around every change of its clock from 2000 to 2040.

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::{Dice, at, zones};
use crate::time::{Calendar, Holidays, Shift, WorkTime, interval::shifted};

/// Weeks that changes of the clock hurt: across the small hours, split, over midnight, round the clock, with days off.
const WEEKS: [[&str; 7]; 5] = [
    ["09:00-12:00, 13:30-18:00", "09:00-12:00", "", "09:00-18:00", "09:00-17:00", "", ""],
    ["22:00-06:00"; 7],
    ["00:00-24:00"; 7],
    ["00:30-01:30, 01:30-02:15, 02:45-03:30, 23:30-00:15"; 7],
    ["", "", "", "", "", "00:00-00:30, 02:00-03:00", "00:00-24:00"],
];

fn calendar(zone: &TimeZone, week: usize) -> Calendar {
    let week = WEEKS[week].map(|day| Shift::parse_day(day).expect(day));
    Calendar::new(zone.clone(), week, Holidays::default(), Default::default()).expect("open")
}

/// Everything that has to hold for one start, some work, and a point in between.
fn check_laws(calendar: &Calendar, from: Timestamp, work: i64, part: i64) {
    let seen = || format!("{:?} {from} + {work} s", calendar.zone());
    let (all, some) = (WorkTime::from_secs(work), WorkTime::from_secs(part.min(work)));
    let due = calendar.advance(from, all).unwrap_or_else(|| panic!("{}", seen()));
    // Inverse both ways, and the earliest instant that will do.
    assert_eq!(calendar.open_between(from, due), all, "{}", seen());
    assert!(work == 0 || calendar.open_between(from, shifted(due, -1)) < all, "{}", seen());
    // Backwards: the same work, at an open instant, no earlier than the start's own opening.
    let back = calendar.rewind(due, all).unwrap_or_else(|| panic!("{}", seen()));
    assert_eq!(calendar.open_between(back, due), all, "{}", seen());
    assert!(work == 0 || (calendar.is_open(back) && back >= from), "{}", seen());
    // Additive, and monotone.
    let middle = calendar.advance(from, some).unwrap_or_else(|| panic!("{}", seen()));
    assert!(from <= middle && middle <= due, "{}", seen());
    assert_eq!(calendar.advance(middle, all.minus(some)), Some(due), "{}", seen());
    let sum = calendar.open_between(from, middle).secs() + calendar.open_between(middle, due).secs();
    assert_eq!(sum, work, "{}", seen());
    assert!(calendar.advance(shifted(from, 1), all) >= Some(due), "{}", seen());
    // Open seconds are never more than seconds.
    assert!(due.as_second() - from.as_second() >= work, "{}", seen());
}

#[test]
fn the_laws_hold_around_every_change_of_every_clock() {
    let mut dice = Dice(1);
    let mut changes_seen = 0;
    for (zone, changes) in zones() {
        let calendars: Vec<Calendar> = (0..WEEKS.len()).map(|week| calendar(&zone, week)).collect();
        let quiet = [at("2026-06-01T00:00Z")];
        for &change in if changes.is_empty() { &quiet[..] } else { &changes } {
            changes_seen += 1;
            // Each change with one of the weeks, and the next zone with another.
            let calendar = &calendars[changes_seen % calendars.len()];
            let from = shifted(change, dice.within(2 * 86_400) - 86_400 - 43_200);
            check_laws(calendar, from, dice.within(20 * 3_600), dice.within(20 * 3_600));
            check_laws(calendar, shifted(change, -1), 1 + dice.within(3), 1);
            let days = 1 + dice.roll(4) as u32;
            let (sooner, later) = (calendar.days_later(from, days), calendar.days_later(from, days + 1));
            assert!(Some(from) < sooner && sooner < later, "{zone:?} {from} + {days}bd: {sooner:?}, {later:?}");
        }
    }
    assert!(changes_seen > 10_000, "{changes_seen} changes");
}

#[test]
fn warnings_never_come_after_the_deadline_nor_while_it_is_shut() {
    let mut dice = Dice(2);
    for (zone, _) in zones() {
        for week in 0..WEEKS.len() {
            let calendar = calendar(&zone, week);
            let from = shifted(at("2026-01-01T00:00Z"), dice.within(365 * 86_400));
            let goal = WorkTime::from_secs(1 + dice.within(40 * 3_600));
            let due = calendar.advance(from, goal).expect("within ten years");
            let warn = calendar.rewind(due, goal.percent(25)).expect("within ten years");
            assert!(from <= warn && warn < due && calendar.is_open(warn), "{zone:?} {from} {goal:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_anywhere(
        zone in proptest::sample::select(zones()),
        week in 0..WEEKS.len(),
        second in 946_684_800_i64..2_240_611_200,
        work in 0_i64..400_000,
        part in 0_i64..400_000,
    ) {
        check_laws(&calendar(&zone.0, week), shifted(Timestamp::UNIX_EPOCH, second), work, part);
    }
}
