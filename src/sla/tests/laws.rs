//! Properties of readings: replay from any prefix, warnings before deadlines, segments that add up.

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::{at, case, closed, goal, owed, weekdays};
use crate::{
    domain::{Health, How, Metric},
    sla::{
        Pause, assess, explain,
        explain::segments,
        simulate::{Stage, notices},
    },
    time::{Calendar, WorkClock, interval::shifted},
};

const ZONES: [&str; 6] = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "America/Havana",
];

fn calendars() -> impl Strategy<Value = Calendar> {
    let hours =
        prop_oneof![Just("09:00-12:00, 13:30-18:00"), Just("22:00-06:00"), Just("00:00-24:00"), Just("01:15-02:45")];
    (proptest::sample::select(&ZONES[..]), hours).prop_map(|(zone, hours)| weekdays(zone, hours))
}

fn starts() -> impl Strategy<Value = Timestamp> {
    (0_i64..10 * 365 * 86_400).prop_map(|second| shifted(at("2020-01-01T00:00Z"), second))
}

fn spans() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["4h", "90m", "2d", "4bh", "30bm", "20bh", "1bd", "3bd"])
}

fn pauses_from(start: Timestamp, marks: &[(i64, i64)]) -> Vec<Pause> {
    let pause = |(i, &(from, length)): (usize, &(i64, i64))| Pause {
        from: shifted(start, from),
        to: (length < 350_000).then(|| shifted(start, from + length)),
        why: format!("label:{i}"),
    };
    marks.iter().enumerate().map(pause).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What was said at any instant is what a replay of the whole history says for it.
    #[test]
    fn a_replay_of_the_whole_history_equals_what_was_said_at_the_time(
        calendar in calendars(),
        start in starts(),
        span in spans(),
        marks in proptest::collection::vec((0_i64..400_000, 0_i64..400_000), 0..4),
        ended in 0_i64..600_000,
        now in 0_i64..800_000,
    ) {
        let pauses = pauses_from(start, &marks);
        let whole = closed(owed(Metric::FirstResponse, start), shifted(start, ended), How::Met);
        let now = shifted(start, now);
        // What was known then: no pause that began later, no end that came later.
        let known: Vec<Pause> = pauses.iter().filter(|p| p.from <= now)
            .map(|p| Pause { to: p.to.filter(|to| *to <= now), ..p.clone() }).collect();
        let mut then = whole.clone();
        then.closed = then.closed.filter(|closed| closed.at <= now);
        let goal = goal(span, &calendar);
        prop_assert_eq!(assess(&case(&whole, goal, &pauses), now), assess(&case(&then, goal, &known), now));
    }

    #[test]
    fn readings_keep_their_order_and_their_sums(
        calendar in calendars(),
        start in starts(),
        span in spans(),
        marks in proptest::collection::vec((0_i64..400_000, 0_i64..300_000), 0..4),
        now in 0_i64..800_000,
    ) {
        let pauses = pauses_from(start, &marks);
        let (asked, now) = (owed(Metric::FirstResponse, start), shifted(start, now));
        let goal = goal(span, &calendar);
        let reading = assess(&case(&asked, goal, &pauses), now);
        let (due, budget) = (reading.due_at.expect("due"), reading.budget_secs.expect("a budget"));
        prop_assert!(start <= due);
        prop_assert_eq!(reading.elapsed_secs + reading.remaining_secs.expect("due"), budget);
        prop_assert_eq!(reading.health == Health::Breached, now >= due);
        if let Some(warn) = reading.warn_at {
            prop_assert!(start <= warn && warn < due);
            prop_assert!(calendar.is_open(warn), "a warning at {} while it is shut", warn);
        }
    }

    /// Segments follow each other without holes, and those that count are what has run.
    #[test]
    fn segments_add_up(
        calendar in calendars(),
        start in starts(),
        span in spans(),
        marks in proptest::collection::vec((0_i64..400_000, 0_i64..300_000), 0..4),
        now in 0_i64..800_000,
    ) {
        let (pauses, now) = (pauses_from(start, &marks), shifted(start, now));
        let goal = goal(span, &calendar);
        let clock = WorkClock::of(goal.span, goal.calendar, pauses.iter().filter_map(|p| p.by(now)).collect());
        let told = segments(&clock, &pauses, start, now);
        prop_assert!(told.windows(2).all(|pair| pair[0].to == pair[1].from && (pair[0].counted, &pair[0].why) != (pair[1].counted, &pair[1].why)));
        let counted: i64 = told.iter().filter(|s| s.counted).map(|s| s.to.as_second() - s.from.as_second()).sum();
        prop_assert_eq!(counted, clock.ran_between(start, now).secs());
        prop_assert_eq!(told.first().map(|s| s.from), (start < now).then_some(start));
        prop_assert_eq!(told.last().map(|s| s.to), (start < now).then_some(now));
        let explained = explain(&goal, start, &pauses, now);
        prop_assert_eq!(explained.elapsed_secs, counted);
    }

    /// A replay tells each stage at the instant at which a reading of that instant first says it.
    #[test]
    fn a_simulation_tells_what_readings_say(
        calendar in calendars(),
        start in starts(),
        span in spans(),
        marks in proptest::collection::vec((0_i64..400_000, 0_i64..400_000), 0..3),
        ended in 0_i64..900_000,
    ) {
        let pauses = pauses_from(start, &marks);
        let answered = closed(owed(Metric::FirstResponse, start), shifted(start, ended), How::Met);
        let case = case(&answered, goal(span, &calendar), &pauses);
        for notice in notices(&[case], Timestamp::MIN, Timestamp::MAX) {
            let health = |at| assess(&case, at).health;
            let expected = if notice.stage == Stage::AtRisk { Health::AtRisk } else { Health::Breached };
            prop_assert_eq!(health(notice.at), expected, "{:?}", notice);
            prop_assert!(health(shifted(notice.at, -1)) < expected, "{:?}", notice);
        }
    }
}

#[test]
fn ten_thousand_days_are_assessed_in_no_time() {
    let calendar = Calendar::office(TimeZone::UTC);
    let asked = owed(Metric::FirstResponse, at("1970-01-05T09:00Z"));
    let reading = assess(&case(&asked, goal("4bh", &calendar), &[]), at("2026-11-20T00:00Z"));
    assert_eq!(reading.health, Health::Breached);
}
