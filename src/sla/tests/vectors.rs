//! The vectors of the design under their own names: each comes from a bug that users of some product reported.
//!
//! 10 and 12 ask whether a message opens or closes anything, which is not decided here but where obligations are made.

use jiff::{ToSpan, tz::TimeZone};

use super::{at, case, closed, goal, owed, paused, weekdays, with_holidays};
use crate::{
    domain::{Health, How, Metric},
    sla::{Case, Explanation, Goal, Pause, assess, assess::assess_thread, explain},
    time::{Calendar, Holidays, Shift, WorkTime},
};

#[track_caller]
fn check_due(goal: Goal<'_>, opened: &str, due: &str, warn: &str) -> Explanation {
    let told = explain(&goal, at(opened), &[], at(opened));
    assert_eq!((told.due_at.as_deref(), told.warn_at.as_deref()), (Some(due), Some(warn)), "opened {opened}");
    assert_eq!((told.elapsed_secs, told.health), (0, Health::OnTrack));
    told
}

fn why(told: &Explanation) -> Vec<(bool, &str)> {
    told.segments.iter().map(|segment| (segment.counted, segment.why.as_str())).collect()
}

#[test]
fn vector_01_friday_afternoon() {
    let office = weekdays("UTC", "09:00-17:00");
    let told =
        check_due(goal("1bh", &office), "2026-11-20T16:30Z", "2026-11-23T09:30:00+00:00", "2026-11-23T09:15:00+00:00");
    assert_eq!(why(&told), [(true, "open"), (false, "closed"), (true, "open")]);
}

#[test]
fn vector_02_warnings_run_on_the_same_clock() {
    let office = weekdays("UTC", "08:00-18:00");
    check_due(goal("4bh", &office), "2026-11-16T10:00Z", "2026-11-16T14:00:00+00:00", "2026-11-16T13:00:00+00:00");
    check_due(goal("4bh", &office), "2026-11-16T17:00Z", "2026-11-17T11:00:00+00:00", "2026-11-17T10:00:00+00:00");
}

#[test]
fn vector_03_every_day_off_is_told() {
    let mut days = Holidays::default();
    days.add_written("2026-11-11 St. Martin", "holiday").expect("a date");
    let office = with_holidays("Europe/Paris", "09:00-17:00", days);
    let told = explain(&goal("16bh", &office), at("2026-11-10T08:00Z"), &[], at("2026-11-10T08:00Z"));
    assert_eq!(told.due_at.as_deref(), Some("2026-11-12T17:00:00+01:00"));
    let expected =
        [(true, "open"), (false, "closed"), (false, "holiday: St. Martin"), (false, "closed"), (true, "open")];
    assert_eq!(why(&told), expected);
    let holiday = &told.segments[2];
    assert_eq!((&*holiday.from, &*holiday.to), ("2026-11-11T00:00:00+01:00", "2026-11-12T00:00:00+01:00"));
}

#[test]
fn vector_04_a_weekend_on_hold() {
    let office = weekdays("UTC", "09:00-17:00");
    let always = Calendar::round_the_clock(TimeZone::UTC);
    let hold = [paused("2026-11-20T17:00Z", Some("2026-11-23T09:00Z"))];
    let now = at("2026-11-24T00:00Z");
    let told = explain(&goal("4bh", &office), at("2026-11-20T16:00Z"), &hold, now);
    assert_eq!(told.due_at.as_deref(), Some("2026-11-23T12:00:00+00:00"));
    assert!(told.segments.iter().all(|segment| !segment.why.contains("paused")), "{:?}", told.segments);
    let told = explain(&goal("4bh", &always), at("2026-11-20T16:00Z"), &hold, now);
    assert_eq!(told.due_at.as_deref(), Some("2026-11-23T12:00:00+00:00"));
    assert_eq!(why(&told)[1], (false, "paused: label:on-hold"));
}

#[test]
fn vector_05_paused_and_resolved_in_the_same_instant() {
    let office = weekdays("UTC", "09:00-17:00");
    let now = at("2026-11-16T11:00Z");
    let answered = closed(owed(Metric::FirstResponse, at("2026-11-16T10:00Z")), now, How::Met);
    let pauses = [paused("2026-11-16T11:00Z", Some("2026-11-16T11:00Z")), paused("2026-11-16T11:00Z", None)];
    let reading = assess(&case(&answered, goal("4bh", &office), &pauses), now);
    assert_eq!((reading.health, reading.elapsed_secs, reading.remaining_secs), (Health::Met, 3_600, Some(10_800)));
    assert_eq!(reading.paused, None);
    // Opened, paused and resolved at once.
    let at_once = closed(owed(Metric::FirstResponse, now), now, How::Met);
    let reading = assess(&case(&at_once, goal("4bh", &office), &pauses), now);
    assert_eq!((reading.health, reading.elapsed_secs), (Health::Met, 0));
}

#[test]
fn vector_06_an_old_thread_opened_again_is_not_late_at_once() {
    let office = weekdays("UTC", "09:00-17:00");
    let now = at("2026-11-16T10:00Z");
    let mut again = owed(Metric::FirstResponse, now);
    again.first_opened_at = Some(at("2024-01-08T10:00Z"));
    let anew = goal("4bh", &office);
    assert_eq!(assess(&case(&again, anew, &[]), now).health, Health::OnTrack);
    let resumes = Goal { resumes_when_reopened: true, ..anew };
    assert_eq!(assess(&case(&again, resumes, &[]), now).health, Health::Breached);
}

#[test]
fn vector_07_lunch() {
    let office = weekdays("UTC", "09:00-12:00, 13:30-18:00");
    let told =
        check_due(goal("1bh", &office), "2026-11-16T12:30Z", "2026-11-16T14:30:00+00:00", "2026-11-16T14:15:00+00:00");
    assert_eq!(why(&told), [(false, "lunch"), (true, "open")]);
}

#[test]
fn vector_08_zones_that_do_strange_things() {
    // Half an hour, midnight, a day left out; properties over every zone are in `time::tests::zones`.
    for (zone, opened, due) in [
        ("Australia/Lord_Howe", "2026-10-03T13:00Z", "2026-10-04T23:30:00+11:00"),
        ("America/Sao_Paulo", "2018-11-03T20:00Z", "2018-11-04T17:00:00-02:00"),
        ("Pacific/Apia", "2011-12-29T20:00Z", "2011-12-31T10:00:00+14:00"),
    ] {
        let always = Calendar::round_the_clock(TimeZone::get(zone).expect(zone));
        let span = if zone == "Pacific/Apia" { "24bh" } else { "24h" };
        let told = explain(&goal(span, &always), at(opened), &[], at(opened));
        let due = due.parse::<jiff::Timestamp>().expect(due);
        let secs = due.as_second() - at(opened).as_second();
        let exact = told.due_at.and_then(|due| due.parse::<jiff::Timestamp>().ok()).expect("due");
        assert_eq!(exact.as_second() - at(opened).as_second(), 86_400, "{zone}");
        // The same time of the next day on the wall, which is not 24 hours away.
        let next_day = explain(&goal("1bd", &always), at(opened), &[], at(opened)).due_at;
        let next_day = next_day.and_then(|due| due.parse::<jiff::Timestamp>().ok()).expect("due");
        assert_eq!(next_day.as_second() - at(opened).as_second(), secs, "{zone}");
    }
}

#[test]
fn vector_09_wall_clock_over_a_change() {
    let new_york = weekdays("America/New_York", "09:00-17:00");
    let due = |opened: &str| explain(&goal("4h", &new_york), at(opened), &[], at(opened)).due_at;
    assert_eq!(due("2026-03-08T00:30-05:00").as_deref(), Some("2026-03-08T05:30:00-04:00"));
    assert_eq!(due("2026-11-01T00:30-04:00").as_deref(), Some("2026-11-01T03:30:00-05:00"));
}

#[test]
fn vector_11_the_second_response_is_not_due_before_the_first() {
    let office = weekdays("UTC", "09:00-17:00");
    let (first, next) =
        (owed(Metric::FirstResponse, at("2026-11-16T09:00Z")), owed(Metric::NextResponse, at("2026-11-16T09:30Z")));
    let next_goal = Goal { metric: Metric::NextResponse, ..goal("1bh", &office) };
    let cases = [case(&first, goal("4bh", &office), &[]), case(&next, next_goal, &[])];
    let readings = assess_thread(&cases, at("2026-11-16T11:00Z"));
    assert_eq!(readings[0].due_at, Some(at("2026-11-16T13:00Z")));
    assert_eq!((readings[1].due_at, readings[1].health), (Some(at("2026-11-16T13:00Z")), Health::OnTrack));
    // Once the first is due, each runs on its own clock.
    let late = owed(Metric::NextResponse, at("2026-11-16T12:30Z"));
    let readings = assess_thread(&[cases[0], case(&late, next_goal, &[])], at("2026-11-16T12:40Z"));
    assert_eq!(readings[1].due_at, Some(at("2026-11-16T13:30Z")));
}

#[test]
fn vector_13_the_last_day_of_a_month_with_a_change() {
    let hours = Shift::parse_day("09:00-12:00").expect("hours");
    for zone in ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tokyo"] {
        let zone = TimeZone::get(zone).expect(zone);
        let months = (1..=12).map(|month| jiff::civil::date(2026, month, 1).last_of_month());
        let exceptions = months.clone().map(|day| (day, hours.clone())).collect();
        let week = std::array::from_fn(|day| if day == 6 { hours.clone() } else { Vec::new() });
        let calendar = Calendar::new(zone.clone(), week, Holidays::default(), exceptions).expect("open");
        for day in months {
            let midnight = |day: jiff::civil::Date| day.to_zoned(zone.clone()).expect("in range").timestamp();
            let next = day.checked_add(1.day()).expect("in range");
            assert_eq!(calendar.open_between(midnight(day), midnight(next)), WorkTime::from_hours(3), "{day}");
        }
    }
}

#[test]
fn vector_14_business_days() {
    let office = weekdays("UTC", "09:00-17:00");
    // Thursday 16:00 to Tuesday 16:00; Saturday counts from Monday's opening.
    check_due(goal("3bd", &office), "2026-11-19T16:00Z", "2026-11-24T16:00:00+00:00", "2026-11-24T10:00:00+00:00");
    check_due(goal("3bd", &office), "2026-11-21T11:00Z", "2026-11-26T09:00:00+00:00", "2026-11-25T11:00:00+00:00");
}

#[test]
fn a_warning_waits_for_open_hours_or_comes_before_they_end() {
    let office = weekdays("UTC", "09:00-17:00");
    let warn = |span: &str, opened: &str| explain(&goal(span, &office), at(opened), &[], at(opened)).warn_at;
    // A goal on the wall clock, with a calendar: 75% would be Friday 19:00, and due is 20:00.
    assert_eq!(warn("4h", "2026-11-20T16:00Z").as_deref(), Some("2026-11-20T16:45:00+00:00"));
    // 75% falls on Sunday, and Monday's opening is still before the deadline.
    assert_eq!(warn("3d", "2026-11-20T16:00Z").as_deref(), Some("2026-11-23T09:00:00+00:00"));
    // Nobody is there before the deadline.
    assert_eq!(warn("4h", "2026-11-21T10:00Z"), None);
    // Without a calendar it is told at any hour.
    let told = explain(&goal("4h", None), at("2026-11-21T00:00Z"), &[], at("2026-11-21T00:00Z"));
    assert_eq!(told.warn_at.as_deref(), Some("2026-11-21T03:00:00+00:00"));
}

#[test]
fn too_little_of_the_owners_own_time_is_a_risk_too() {
    let office = weekdays("UTC", "09:00-17:00");
    let mut away = Holidays::default();
    away.add_written("2026-11-17..2026-11-20", "away").expect("a range");
    let own = office.personal(None, None, away).expect("open");
    let asked = owed(Metric::Review, at("2026-11-16T09:00Z"));
    let shared = case(&asked, goal("4bd", &office), &[]);
    let (now, due) = (at("2026-11-16T12:00Z"), Some(at("2026-11-20T09:00Z")));
    let reading = assess(&shared, now);
    assert_eq!((reading.health, reading.due_at), (Health::OnTrack, due));
    // 8 hours are left of the owner's time at 9:00 on Monday, and none once Monday is over.
    let reading = assess(&Case { owner: Some(&own), ..shared }, now);
    assert_eq!((reading.health, reading.due_at), (Health::AtRisk, due));
}

#[test]
fn a_stated_deadline_stands_in_place_of_the_goal() {
    let office = weekdays("UTC", "09:00-17:00");
    let mut promised = owed(Metric::Promise, at("2026-11-16T09:00Z"));
    promised.stated_due = Some(at("2026-11-20T17:00Z"));
    let reading = assess(&case(&promised, goal("4bh", &office), &[]), at("2026-11-16T15:00Z"));
    assert_eq!((reading.health, reading.due_at), (Health::OnTrack, Some(at("2026-11-20T17:00Z"))));
    assert_eq!(reading.warn_at, Some(at("2026-11-19T15:00Z")));
}

#[test]
fn a_pause_that_lasts_neither_breaches_nor_forgets_a_breach() {
    let office = weekdays("UTC", "09:00-17:00");
    let asked = owed(Metric::FirstResponse, at("2026-11-16T09:00Z"));
    let held = |from: &str| [Pause { from: at(from), to: None, why: "waiting-on-asker".to_string() }];
    let early = held("2026-11-16T10:00Z");
    let reading = assess(&case(&asked, goal("4bh", &office), &early), at("2026-12-16T10:00Z"));
    assert_eq!((reading.health, reading.remaining_secs), (Health::OnTrack, Some(10_800)));
    assert_eq!(reading.paused.as_deref(), Some("waiting-on-asker"));
    let late = held("2026-11-16T15:00Z");
    let reading = assess(&case(&asked, goal("4bh", &office), &late), at("2026-12-16T10:00Z"));
    assert_eq!((reading.health, reading.remaining_secs), (Health::Breached, Some(-7_200)));
}

#[test]
fn an_end_counts_once_it_has_come() {
    let office = weekdays("UTC", "09:00-17:00");
    let asked = owed(Metric::FirstResponse, at("2026-11-16T09:00Z"));
    let done = |when: &str, how| closed(asked.clone(), at(when), how);
    let health = |obligation, now: &str| assess(&case(&obligation, goal("4bh", &office), &[]), at(now)).health;
    assert_eq!(health(done("2026-11-16T13:00Z", How::Met), "2026-11-18T09:00Z"), Health::Met);
    assert_eq!(health(done("2026-11-16T13:01Z", How::Met), "2026-11-18T09:00Z"), Health::Missed);
    assert_eq!(health(done("2026-11-16T13:01Z", How::Met), "2026-11-16T13:00Z"), Health::Breached);
    assert_eq!(health(done("2026-11-17T13:00Z", How::Waived), "2026-11-18T09:00Z"), Health::Lifted);
    assert_eq!(health(asked.clone(), "2026-11-16T12:00Z"), Health::AtRisk);
    let free = Case { obligation: &asked, goal: None, pauses: &[], owner: None };
    assert_eq!(assess(&free, at("2036-01-01T00:00Z")).health, Health::OnTrack);
}
