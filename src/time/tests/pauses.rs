//! Pausing and resuming never loses or gains time, in any zone, for any goal.

use jiff::Timestamp;
use proptest::prelude::*;

use super::{at, every_day, week, zones};
use crate::time::{Calendar, Interval, Span, WorkClock, WorkTime, interval::shifted};

fn pause(from: &str, to: &str) -> Interval {
    Interval::new(at(from), at(to)).expect("a pause")
}

#[test]
fn a_weekend_on_hold_adds_nothing_where_it_is_not_worked_and_all_of_it_where_it_is() {
    let office = week("UTC", ["09:00-17:00", "09:00-17:00", "09:00-17:00", "09:00-17:00", "09:00-17:00", "", ""]);
    let always = every_day("UTC", "00:00-24:00");
    let weekend = vec![pause("2026-11-20T17:00Z", "2026-11-23T09:00Z")];
    let due = |calendar, span: &str, pauses| {
        let span: Span = span.parse().expect("a span");
        WorkClock::of(span, Some(calendar), pauses).due(at("2026-11-20T16:00Z"), span)
    };
    for span in ["4bh", "2bd"] {
        assert_eq!(due(&office, span, weekend.clone()), due(&office, span, Vec::new()), "{span}");
    }
    let added = |span: &str| {
        let (with, without) = (due(&always, span, weekend.clone()), due(&always, span, Vec::new()));
        with.expect("due").as_second() - without.expect("due").as_second()
    };
    assert_eq!((added("4bh"), added("4h")), (64 * 3_600, 64 * 3_600));
    assert_eq!(added("3bd"), 64 * 3_600);
}

#[test]
fn an_empty_pause_and_one_that_touches_another_change_nothing() {
    let office = every_day("UTC", "09:00-17:00");
    let apart = vec![pause("2026-11-16T10:00Z", "2026-11-16T11:00Z"), pause("2026-11-16T11:00Z", "2026-11-16T12:00Z")];
    let whole = vec![pause("2026-11-16T10:00Z", "2026-11-16T12:00Z")];
    let empty = Interval { from: at("2026-11-16T13:00Z"), to: at("2026-11-16T13:00Z") };
    let due = |pauses| WorkClock::new(Some(&office), pauses).advance(at("2026-11-16T09:00Z"), WorkTime::from_hours(4));
    assert_eq!(due(apart), due(whole.clone()));
    assert_eq!(due([whole.clone(), vec![empty]].concat()), due(whole.clone()));
    assert_eq!(due(whole), Some(at("2026-11-16T15:00Z")));
}

#[test]
fn a_pause_in_business_days_puts_the_end_off_by_what_it_takes_away() {
    let office = every_day("UTC", "09:00-17:00");
    let clock = WorkClock::new(Some(&office), vec![pause("2026-11-17T08:00Z", "2026-11-17T20:00Z")]);
    assert_eq!(clock.due(at("2026-11-16T16:00Z"), Span::BusinessDays(2)), Some(at("2026-11-19T16:00Z")));
}

fn check(calendar: &Calendar, span: Span, from: Timestamp, marks: &[i64]) {
    let pauses: Vec<Interval> =
        marks.chunks_exact(2).filter_map(|p| Interval::new(shifted(from, p[0]), shifted(from, p[1]))).collect();
    let (free, clock) =
        (WorkClock::of(span, Some(calendar), vec![]), WorkClock::of(span, Some(calendar), pauses.clone()));
    let (unpaused, due) = (free.due(from, span).expect("due"), clock.due(from, span).expect("due"));
    let seen = format!("{:?} {from} {span} {pauses:?}", calendar.zone());
    assert_eq!(clock.ran_between(from, due), free.ran_between(from, unpaused), "{seen}");
    assert!(unpaused <= due, "{seen}");
    // What ran and what was paused is all there was.
    let until = shifted(from, 20 * 86_400);
    let paused: i64 = clock
        .pauses()
        .iter()
        .filter_map(|p| p.intersection(Interval { from, to: until }))
        .map(|p| free.ran_between(p.from, p.to).secs())
        .sum();
    assert_eq!(clock.ran_between(from, until).secs() + paused, free.ran_between(from, until).secs(), "{seen}");
    // From any point in between, what is left is left.
    let middle = shifted(from, (due.as_second() - from.as_second()) / 2);
    let ran = clock.ran_between(from, middle);
    let left = clock.ran_between(from, due).minus(ran);
    assert_eq!(clock.ran_between(middle, due), left, "{seen}");
    if left > WorkTime::default() && span != Span::BusinessDays(2) {
        assert_eq!(clock.advance(middle, left), Some(due), "{seen}");
    }
    // Warnings run back on the same clock.
    let warn = clock.rewind(due, clock.ran_between(from, due).percent(25)).expect("a warning");
    assert!(from <= warn && warn < due && !clock.pauses().iter().any(|p| p.contains(warn)), "{seen}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pausing_at_random_never_loses_or_gains_time(
        zone in proptest::sample::select(zones()),
        hours in proptest::sample::select(vec!["09:00-12:00, 13:00-18:00", "22:00-06:00", "00:00-24:00"]),
        span in proptest::sample::select(vec![Span::Wall(14_400), Span::BusinessHours(WorkTime::from_hours(9)), Span::BusinessDays(2)]),
        second in 946_684_800_i64..2_240_611_200,
        marks in proptest::collection::vec(0_i64..900_000, 0..9),
    ) {
        let name = zone.0.iana_name().unwrap_or("UTC");
        let mut marks = marks;
        if second % 2 == 0 {
            marks.sort_unstable();
        }
        check(&every_day(name, hours), span, shifted(Timestamp::UNIX_EPOCH, second), &marks);
    }
}
