//! Hours that people share: when each of them works, where those hours overlap, and the next slot for all.

use jiff::Timestamp;

use super::{
    calendar::Calendar,
    interval::{Interval, common, merged, shifted},
    work_time::WorkTime,
};

const WEEK_SECS: i64 = 7 * 86_400;
/// How far ahead a slot is looked for, in weeks: half a year.
const WEEKS_AHEAD: i64 = 26;

/// When all of `calendars` are open between two instants. Nobody's calendars share nothing.
pub fn shared_hours(calendars: &[&Calendar], from: Timestamp, to: Timestamp) -> Vec<Interval> {
    let open = |calendar: &&Calendar| merged(calendar.stretches_between(from, to).collect());
    let mut each = calendars.iter().map(open);
    let first = each.next().unwrap_or_default();
    each.fold(first, |shared, next| common(&shared, &next))
}

/// The next stretch of exactly `length` during which all of `calendars` are open, beginning on a full quarter of an hour
/// where that still fits. `None` where there is none within half a year.
pub fn next_slot(calendars: &[&Calendar], from: Timestamp, length: WorkTime) -> Option<Interval> {
    let fits = |window: &Interval| slot_in(*window, length);
    // Weeks overlap by the slot's length, so that one that lies across two is found.
    (0..WEEKS_AHEAD).find_map(|week| {
        let start = shifted(from, week * WEEK_SECS);
        shared_hours(calendars, start, shifted(start, WEEK_SECS + length.secs())).iter().find_map(fits)
    })
}

fn slot_in(window: Interval, length: WorkTime) -> Option<Interval> {
    const QUARTER_SECS: i64 = 900;
    let late = window.from.as_second().rem_euclid(QUARTER_SECS);
    let round = shifted(window.from, (QUARTER_SECS - late) % QUARTER_SECS);
    let from = [round, window.from].into_iter().find(|from| shifted(*from, length.secs()) <= window.to)?;
    Interval::new(from, shifted(from, length.secs()))
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::{next_slot, shared_hours};
    use crate::time::{Calendar, Holidays, Shift, WorkTime};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn office(zone: &str) -> Calendar {
        Calendar::office(TimeZone::get(zone).expect("a zone of the tz database"))
    }

    #[test]
    fn hours_of_two_zones_overlap_where_both_work() {
        let (paris, new_york) = (office("Europe/Paris"), office("America/New_York"));
        let shared = shared_hours(&[&paris, &new_york], at("2026-11-16T00:00Z"), at("2026-11-17T00:00Z"));
        assert_eq!(shared.len(), 1);
        assert_eq!((shared[0].from, shared[0].to), (at("2026-11-16T14:00Z"), at("2026-11-16T16:00Z")));
    }

    #[test]
    fn hours_shift_where_only_one_zone_has_changed_its_clock() {
        // Between 2026-10-25 and 2026-11-01 Europe is on winter time and New York is not.
        let (paris, new_york) = (office("Europe/Paris"), office("America/New_York"));
        let shared = shared_hours(&[&paris, &new_york], at("2026-10-26T00:00Z"), at("2026-10-27T00:00Z"));
        assert_eq!((shared[0].from, shared[0].to), (at("2026-10-26T13:00Z"), at("2026-10-26T16:00Z")));
    }

    #[test]
    fn people_who_never_meet_have_no_slot() {
        let (paris, auckland) = (office("Europe/Paris"), office("Pacific/Auckland"));
        assert_eq!(next_slot(&[&paris, &auckland], at("2026-11-16T00:00Z"), WorkTime::from_hours(1)), None);
        assert_eq!(next_slot(&[], at("2026-11-16T00:00Z"), WorkTime::from_hours(1)), None);
    }

    #[test]
    fn a_slot_waits_for_absence_and_core_hours_and_begins_on_a_quarter() {
        let team = office("Europe/Paris");
        let mut away = Holidays::default();
        away.add_written("2026-11-16..2026-11-17", "away").expect("a range");
        let core = Shift::parse_day("10:00-12:00").expect("hours");
        let ana = team.personal(None, Some(&core), away).expect("open");
        let slot = next_slot(&[&team, &ana], at("2026-11-16T08:00Z"), WorkTime::from_secs(900)).expect("a slot");
        assert_eq!((slot.from, slot.secs()), (at("2026-11-18T09:00Z"), 900));
        let later = next_slot(&[&team, &ana], at("2026-11-18T09:07Z"), WorkTime::from_secs(900)).expect("a slot");
        assert_eq!(later.from, at("2026-11-18T09:15Z"));
    }
}
