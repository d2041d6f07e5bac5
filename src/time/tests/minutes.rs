//! A second implementation, slow and obvious: it looks at the clock on the wall at every minute and counts. It agrees with
//! the calendar on ten thousand random weeks, holidays, exceptions and spans, most of them around a change of the clock.

use std::collections::BTreeMap;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::{Dice, zones};
use crate::time::{Calendar, Holidays, Shift, WorkTime, interval::shifted};

const CASES: usize = 10_000;
const DAYS: i64 = 6;

/// One minute: whether it is worked, and as part of which day's shift.
struct Minute {
    start: Timestamp,
    /// The latest time that the wall has shown by now: a clock put back shows old times again, and they do not count.
    shown: DateTime,
    day: Option<Date>,
}

struct Rota {
    zone: TimeZone,
    week: [Vec<(i32, i32)>; 7],
    holidays: Vec<Date>,
    exceptions: BTreeMap<Date, Vec<(i32, i32)>>,
}

impl Rota {
    fn random(dice: &mut Dice, zone: TimeZone, around: Date) -> Rota {
        let hours = |dice: &mut Dice| -> Vec<(i32, i32)> {
            let mut marks: Vec<i32> = (0..dice.roll(3) * 2).map(|_| dice.within(97) as i32 * 15).collect();
            marks.sort_unstable();
            marks.dedup();
            marks.truncate(marks.len() / 2 * 2);
            let mut shifts: Vec<(i32, i32)> = marks.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            if dice.roll(4) == 0 {
                let (start, end) = (1200 + dice.within(239) as i32, 1441 + dice.within(500) as i32);
                shifts.retain(|(_, to)| *to <= start);
                shifts.push((start, end));
            }
            shifts
        };
        let day = |dice: &mut Dice| around.checked_add((dice.within(DAYS) - 2).days()).expect("in range");
        let week = std::array::from_fn(|_| hours(dice));
        let holidays = (0..dice.roll(3)).map(|_| day(dice)).collect();
        let exceptions = (0..dice.roll(3)).map(|_| (day(dice), hours(dice))).collect();
        Rota { zone, week, holidays, exceptions }
    }

    fn on(&self, day: Date) -> Vec<(i32, i32)> {
        match self.exceptions.get(&day) {
            Some(hours) => hours.clone(),
            None if self.holidays.contains(&day) => Vec::new(),
            None => self.week[day.weekday().to_monday_zero_offset() as usize].clone(),
        }
    }

    /// `None` where shifts overlap.
    fn calendar(&self) -> Option<Calendar> {
        let hours = |hours: &Vec<(i32, i32)>| -> Vec<Shift> {
            let time = |m: i32| (m / 60, m % 60);
            let shift = |&(a, b): &(i32, i32)| Shift::new(time(a), time(if b > 1440 { b - 1440 } else { b }));
            hours.iter().map(shift).collect::<Result<_, _>>().expect("hours")
        };
        let mut holidays = Holidays::default();
        self.holidays.iter().for_each(|day| holidays.add(*day, "holiday"));
        let exceptions = self.exceptions.iter().map(|(day, h)| (*day, hours(h))).collect();
        Calendar::new(self.zone.clone(), self.week.each_ref().map(hours), holidays, exceptions).ok()
    }

    fn minutes(&self, from: Timestamp) -> Vec<Minute> {
        let start = shifted(from, -3 * 86_400);
        let mut shown = DateTime::MIN;
        let mut hours = (Date::MIN, Vec::new(), Vec::new());
        (0..(DAYS + 5) * 1440)
            .map(|minute| {
                let start = shifted(start, minute * 60);
                shown = shown.max(self.zone.to_datetime(start));
                if hours.0 != shown.date() {
                    let before = shown.date().yesterday().expect("in range");
                    hours = (shown.date(), self.on(before), self.on(shown.date()));
                }
                Minute { start, shown, day: worked(shown, &hours.1, &hours.2) }
            })
            .collect()
    }
}

/// The day whose shift is worked at a time: yesterday's, over midnight, or today's.
fn worked(shown: DateTime, yesterdays: &[(i32, i32)], todays: &[(i32, i32)]) -> Option<Date> {
    let minute = i32::from(shown.hour()) * 60 + i32::from(shown.minute());
    let works = |hours: &[(i32, i32)], minute: i32| hours.iter().any(|(from, to)| *from <= minute && minute < *to);
    let before = shown.date().yesterday().expect("in range");
    if works(yesterdays, minute + 1440) { Some(before) } else { works(todays, minute).then_some(shown.date()) }
}

fn open_secs(minutes: &[Minute], from: Timestamp, to: Timestamp) -> i64 {
    let within = |m: &Minute| shifted(m.start, 60).min(to).as_second() - m.start.max(from).as_second();
    minutes.iter().filter(|m| m.day.is_some()).map(within).filter(|secs| *secs > 0).sum()
}

/// The first second by which so much has been worked.
fn advance(minutes: &[Minute], from: Timestamp, work: i64) -> Option<Timestamp> {
    let mut left = work;
    for minute in minutes.iter().filter(|m| m.day.is_some() && shifted(m.start, 60) > from) {
        let start = minute.start.max(from);
        let here = shifted(minute.start, 60).as_second() - start.as_second();
        if left <= here {
            return Some(shifted(start, left));
        }
        left -= here;
    }
    None
}

/// The last second from which so much is left.
fn rewind(minutes: &[Minute], to: Timestamp, work: i64) -> Option<Timestamp> {
    let mut left = work;
    for minute in minutes.iter().rev().filter(|m| m.day.is_some() && m.start < to) {
        let end = shifted(minute.start, 60).min(to);
        let here = end.as_second() - minute.start.as_second();
        if left <= here {
            return Some(shifted(end, -left));
        }
        left -= here;
    }
    None
}

fn days_later(minutes: &[Minute], rota: &Rota, from: Timestamp, days: usize) -> Option<Timestamp> {
    let first = minutes.iter().find(|m| m.start >= from && m.day.is_some())?;
    let day = first.day?;
    let nominal = || {
        let minute = first.shown.duration_since(day.at(0, 0, 0, 0)).as_mins() as i32;
        rota.on(day).iter().filter(|(start, end)| *start <= minute && minute < *end).map(|(start, _)| *start).min()
    };
    let running = minutes.iter().any(|m| m.day == Some(day) && shifted(m.start, 60) == first.start);
    let wall = rota.zone.to_datetime(first.start).duration_since(day.at(0, 0, 0, 0)).as_mins() as i32;
    let adjoining = rota.on(day).iter().any(|(start, _)| *start == wall);
    let time = if first.start == from && running && !adjoining { wall.max(0) } else { nominal()? };
    let mut later: Vec<Date> = minutes.iter().filter_map(|m| m.day).filter(|d| *d > day).collect();
    later.dedup();
    let target = *later.get(days - 1)?;
    // The window may cut off the end of its last days.
    minutes.last().filter(|m| m.shown.date() > target.checked_add(2.days()).expect("in range"))?;
    let wanted = target.at(0, 0, 0, 0).checked_add(i64::from(time).minutes()).expect("in range");
    let on_target = |m: &Minute| m.day == Some(target);
    // Open minutes of that day, and the minute at which each of its shifts has ended.
    let ends = minutes.windows(2).filter(|pair| on_target(&pair[0])).map(|pair| &pair[1]);
    let last = ends.clone().next_back()?;
    let mut moments: Vec<&Minute> = minutes.iter().filter(|m| on_target(m)).chain(ends).collect();
    moments.sort_by_key(|m| m.start);
    Some(moments.iter().find(|m| m.shown >= wanted).map_or(last.start, |m| m.start))
}

#[test]
fn a_slow_and_obvious_implementation_agrees() {
    let mut dice = Dice(6);
    let zones = zones();
    let (mut done, mut dues, mut day_dues) = (0, 0, 0);
    while done < CASES {
        let (zone, changes) = dice.pick(&zones).clone();
        let near = if changes.is_empty() || dice.roll(4) == 0 {
            shifted(super::at("2000-01-01T00:00Z"), dice.within(40 * 365 * 86_400))
        } else {
            *dice.pick(&changes)
        };
        let from = shifted(near, dice.within(4 * 86_400) - 3 * 86_400);
        let rota = Rota::random(&mut dice, zone.clone(), zone.to_datetime(from).date());
        let Some(calendar) = rota.calendar() else { continue };
        done += 1;
        let minutes = rota.minutes(Timestamp::from_second(from.as_second() / 60 * 60).expect("in range"));
        let seen = format!("case {done}: {:?} {:?} {:?} {:?}", zone, rota.week, rota.holidays, rota.exceptions);
        let to = shifted(from, dice.within(DAYS * 86_400));
        let open = open_secs(&minutes, from, to);
        assert_eq!(calendar.open_between(from, to).secs(), open, "{from} to {to}, {seen}");
        let work = 1 + dice.within(30 * 3_600);
        if let Some(due) = advance(&minutes, from, work) {
            dues += 1;
            assert_eq!(calendar.advance(from, WorkTime::from_secs(work)), Some(due), "{from} + {work} s, {seen}");
        }
        if let Some(start) = rewind(&minutes, to, work) {
            assert_eq!(calendar.rewind(to, WorkTime::from_secs(work)), Some(start), "{to} - {work} s, {seen}");
        }
        let minute = Timestamp::from_second(from.as_second() / 60 * 60).expect("in range");
        let days = 1 + dice.within(2);
        if let Some(due) = days_later(&minutes, &rota, minute, days as usize) {
            day_dues += 1;
            let later = calendar.days_later(minute, days as u32);
            assert_eq!(later, Some(due), "{minute} + {days}bd, {seen}");
        }
    }
    assert!(dues > CASES / 2 && day_dues > CASES / 2, "{dues} and {day_dues} deadlines compared");
}
