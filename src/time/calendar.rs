//! A working calendar: a zone, the hours of each weekday, holidays and exceptions, and when it is open.

use std::{collections::BTreeMap, iter};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    holidays::Holidays,
    interval::{Interval, whole_second},
    shift::{DAY_SECS, Shift},
    walk,
    wall::{first_shown, time_of},
    work_time::WorkTime,
};

/// How far a walk over a calendar goes before it gives up, in days: ten years.
pub(crate) const HORIZON_DAYS: usize = 3_660;

/// When work is done somewhere. A shift belongs to the day it begins on, so a holiday takes away the whole night shift
/// that would begin on it and nothing of the one that began the evening before.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
    /// Monday first; the shifts of a day are in order and overlap nothing.
    week: [Vec<Shift>; 7],
    holidays: Holidays,
    /// Hours of single dates, in place of the week's and of holidays. No hours: closed.
    exceptions: BTreeMap<Date, Vec<Shift>>,
}

/// Why a calendar cannot be built, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("'{0}' is not a zone of the tz database: write a name like Europe/Paris or UTC")]
    Zone(String),
    #[error("'{written}' are no hours: {why}. Write 09:00-12:00, 13:00-18:00 or 22:00-06:00, or \"\" for a day off")]
    Hours { written: String, why: &'static str },
    #[error(
        "the night shift that begins on {0} runs into the next day's first shift: end it earlier, or begin that one later"
    )]
    Overlap(String),
    #[error("the calendar is never open: give at least one weekday hours, as in mon = \"09:00-17:00\"")]
    NeverOpen,
    #[error("'{0}' is not a date or a range of dates: write 2026-12-25 or 2026-12-24..2027-01-02")]
    Date(String),
    #[error("there are no holidays for '{written}': known are {known}; or list dates, or name an .ics file")]
    Country { written: String, known: String },
    #[error("{file}: {why}")]
    Feed { file: String, why: String },
}

impl Calendar {
    /// # Errors
    /// Where no weekday has hours, or a night shift runs into the next day's hours.
    pub fn new(
        zone: TimeZone,
        week: [Vec<Shift>; 7],
        holidays: Holidays,
        exceptions: BTreeMap<Date, Vec<Shift>>,
    ) -> Result<Calendar, CalendarError> {
        let calendar = Calendar { zone, week, holidays, exceptions };
        if calendar.week.iter().all(Vec::is_empty) {
            return Err(CalendarError::NeverOpen);
        }
        match calendar.overlap() {
            Some(day) => Err(CalendarError::Overlap(day)),
            None => Ok(calendar),
        }
    }

    /// Monday to Friday, `09:00-17:00`, no holidays.
    pub fn office(zone: TimeZone) -> Calendar {
        let hours = Shift::new((9, 0), (17, 0)).into_iter().collect();
        Calendar::weekly(zone, |day| if day < 5 { Vec::clone(&hours) } else { Vec::new() })
    }

    /// Every day, all day.
    pub fn round_the_clock(zone: TimeZone) -> Calendar {
        let hours = Shift::new((0, 0), (24, 0)).into_iter().collect();
        Calendar::weekly(zone, |_| Vec::clone(&hours))
    }

    fn weekly(zone: TimeZone, hours: impl Fn(usize) -> Vec<Shift>) -> Calendar {
        let week = std::array::from_fn(hours);
        Calendar { zone, week, holidays: Holidays::default(), exceptions: BTreeMap::new() }
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What one person keeps of it: in a zone of their own, within core hours, and not on the days they are away.
    ///
    /// # Errors
    /// Where nothing is left of the week.
    pub fn personal(
        &self,
        zone: Option<TimeZone>,
        core: Option<&[Shift]>,
        away: Holidays,
    ) -> Result<Calendar, CalendarError> {
        let kept = |shifts: &Vec<Shift>| match core {
            None => shifts.clone(),
            Some(core) => shifts.iter().flat_map(|s| core.iter().filter_map(|c| s.intersection(*c))).collect(),
        };
        let mut exceptions: BTreeMap<Date, Vec<Shift>> = self.exceptions.iter().map(|(d, s)| (*d, kept(s))).collect();
        exceptions.retain(|date, _| away.name(*date).is_none());
        let mut holidays = self.holidays.clone();
        holidays.extend(away);
        let zone = zone.unwrap_or_else(|| self.zone.clone());
        Calendar::new(zone, std::array::from_fn(|day| kept(&self.week[day])), holidays, exceptions)
    }

    /// The hours of a date.
    pub fn shifts_on(&self, date: Date) -> &[Shift] {
        match self.exceptions.get(&date) {
            Some(shifts) => shifts,
            None if self.holidays.name(date).is_some() => &[],
            None => &self.week[weekday(date)],
        }
    }

    /// Why it is shut all day on a date that has a reason of its own: a holiday, an absence, an exception.
    pub fn shut_because(&self, date: Date) -> Option<&str> {
        match self.exceptions.get(&date) {
            Some(shifts) => shifts.is_empty().then_some("closed on this date"),
            None => self.holidays.name(date),
        }
    }

    pub fn is_open(&self, at: Timestamp) -> bool {
        self.stretches_from(at).next().is_some_and(|stretch| stretch.contains(at))
    }

    /// Open time between two instants; none where `to` is not after `from`.
    pub fn open_between(&self, from: Timestamp, to: Timestamp) -> WorkTime {
        walk::total(self.stretches_between(from, to))
    }

    /// The earliest instant by which `work` of open time has passed since `from`; the inverse of `open_between`.
    /// `None` where that is more than ten years on.
    pub fn advance(&self, from: Timestamp, work: WorkTime) -> Option<Timestamp> {
        walk::forward(self.stretches_from(from), from, work)
    }

    /// The latest instant from which `work` of open time is left until `to`. Never an instant at which it is shut, unless
    /// `work` is none.
    pub fn rewind(&self, to: Timestamp, work: WorkTime) -> Option<Timestamp> {
        walk::backward(self.stretches_before(to), to, work)
    }

    /// The same time of day, `days` working days after `from`; from the next opening on where it is shut at `from`.
    /// A time at which that day is shut moves on to its next opening, or back to its last closing.
    pub fn days_later(&self, from: Timestamp, days: u32) -> Option<Timestamp> {
        let from = whole_second(from);
        let (day, shift, open) = self.open_days(from).find(|(_, _, open)| open.to > from)?;
        let secs = if from <= open.from { shift.start_secs() } else { secs_into(day, from, &self.zone)? };
        let mut working_days =
            self.days_from(from).take(HORIZON_DAYS).filter(|date| self.open_on(*date).next().is_some());
        let target = match usize::try_from(days).ok()? {
            0 => day,
            days => working_days.by_ref().filter(|date| *date > day).nth(days - 1)?,
        };
        let shifts: Vec<(Shift, Interval)> = self.open_on(target).collect();
        let within = shifts.iter().find(|(shift, _)| secs <= shift.end_secs());
        match within {
            Some((shift, open)) if secs <= shift.start_secs() => Some(open.from),
            Some(_) => first_shown(&self.zone, time_of(target, secs)?),
            None => shifts.last().map(|(_, open)| open.to),
        }
    }

    /// Every open stretch between two instants, cut to them.
    pub fn stretches_between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Interval> + '_ {
        let (from, to) = (whole_second(from), whole_second(to));
        // A clock put back may show yesterday's date again after today's hours began.
        let last = self.zone.to_datetime(to).date().tomorrow().unwrap_or(Date::MAX);
        let days = self.days_from(from).take_while(move |day| *day <= last);
        let open = days.flat_map(move |day| self.open_on(day).map(|(_, open)| open));
        open.filter_map(move |open| cut(open, from, to))
    }

    /// The open stretches from an instant on, for ten years.
    pub fn stretches_from(&self, from: Timestamp) -> impl Iterator<Item = Interval> + '_ {
        let from = whole_second(from);
        self.open_days(from).filter_map(move |(_, _, open)| cut(open, from, open.to))
    }

    /// The open stretches before an instant, last first, for ten years.
    pub fn stretches_before(&self, to: Timestamp) -> impl Iterator<Item = Interval> + '_ {
        let to = whole_second(to);
        let last = self.zone.to_datetime(to).date().tomorrow().ok();
        let days = iter::successors(last, |day| day.yesterday().ok()).take(HORIZON_DAYS);
        let open =
            days.flat_map(move |day| self.shifts_on(day).iter().rev().filter_map(move |s| self.stretch(day, *s)));
        open.filter_map(move |open| cut(open, open.from, to))
    }

    /// Shifts with the day they belong to and the stretch they are, from those that may still run at `from`.
    fn open_days(&self, from: Timestamp) -> impl Iterator<Item = (Date, Shift, Interval)> + '_ {
        self.days_from(from).take(HORIZON_DAYS).flat_map(|day| self.open_on(day).map(move |(s, open)| (day, s, open)))
    }

    fn days_from(&self, from: Timestamp) -> impl Iterator<Item = Date> + use<> {
        let today = self.zone.to_datetime(from).date();
        iter::successors(Some(today.yesterday().unwrap_or(today)), |day| day.tomorrow().ok())
    }

    fn open_on(&self, day: Date) -> impl Iterator<Item = (Shift, Interval)> + '_ {
        self.shifts_on(day).iter().filter_map(move |shift| Some((*shift, self.stretch(day, *shift)?)))
    }

    /// `None` where a change of the clock leaves nothing of it.
    fn stretch(&self, day: Date, shift: Shift) -> Option<Interval> {
        let from = first_shown(&self.zone, time_of(day, shift.start_secs())?)?;
        Interval::new(from, first_shown(&self.zone, time_of(day, shift.end_secs())?)?)
    }

    /// A day whose last shift runs into the next day's first.
    fn overlap(&self) -> Option<String> {
        let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        let runs_into = |night: &[Shift], next: &[Shift]| match (night.last(), next.first()) {
            (Some(night), Some(next)) => night.end_secs() > next.start_secs() + DAY_SECS,
            _ => false,
        };
        let in_week = (0..7).find(|&day| runs_into(&self.week[day], &self.week[(day + 1) % 7]));
        let around = self.exceptions.keys().flat_map(|date| [date.yesterday().ok(), Some(*date)]).flatten();
        let mut on_dates =
            around.filter(|day| day.tomorrow().is_ok_and(|next| runs_into(self.shifts_on(*day), self.shifts_on(next))));
        in_week.map(|day| names[day].to_string()).or_else(|| on_dates.next().map(|date| date.to_string()))
    }
}

/// Seconds that the wall clock shows at `at`, since the midnight that begins `day`.
fn secs_into(day: Date, at: Timestamp, zone: &TimeZone) -> Option<i32> {
    let since = zone.to_datetime(at).duration_since(day.at(0, 0, 0, 0));
    i32::try_from(since.as_secs()).ok().map(|secs| secs.max(0))
}

fn cut(open: Interval, from: Timestamp, to: Timestamp) -> Option<Interval> {
    Interval::new(open.from.max(from), open.to.min(to))
}

fn weekday(date: Date) -> usize {
    usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default()
}
