//! The clock that a goal runs on: a calendar's open hours or every hour, without the stretches during which it is paused.

use std::iter;

use jiff::Timestamp;

use super::{
    calendar::{Calendar, HORIZON_DAYS},
    interval::{Interval, merged, shifted, whole_second},
    walk,
    work_time::{Span, WorkTime},
};

/// Seconds of the ten years that every walk is bounded by.
pub(crate) const HORIZON_SECS: i64 = HORIZON_DAYS as i64 * 86_400;

/// Everything here is worked out from intervals: nothing is counted up, so nothing can be lost or counted twice.
#[derive(Clone, Debug)]
pub struct WorkClock<'a> {
    /// `None` runs round the clock.
    calendar: Option<&'a Calendar>,
    pauses: Vec<Interval>,
}

impl<'a> WorkClock<'a> {
    /// The pauses may come in any order and overlap.
    pub fn new(calendar: Option<&'a Calendar>, pauses: Vec<Interval>) -> WorkClock<'a> {
        WorkClock { calendar, pauses: merged(pauses) }
    }

    /// The clock that counts for `span`: a wall-clock goal runs whatever the calendar says.
    pub fn of(span: Span, calendar: Option<&'a Calendar>, pauses: Vec<Interval>) -> WorkClock<'a> {
        WorkClock::new(calendar.filter(|_| span.needs_calendar()), pauses)
    }

    pub fn calendar(&self) -> Option<&'a Calendar> {
        self.calendar
    }

    /// In order, without overlap.
    pub fn pauses(&self) -> &[Interval] {
        &self.pauses
    }

    /// Time that ran between two instants; none where `to` is not after `from`.
    pub fn ran_between(&self, from: Timestamp, to: Timestamp) -> WorkTime {
        let open = Interval::new(from, to).into_iter().flat_map(|whole| self.open_within(whole));
        walk::total(open.flat_map(|stretch| stretch.without(&self.pauses)))
    }

    /// The earliest instant by which it has run `work` since `from`; the inverse of `ran_between`. `None` where that is
    /// more than ten years on.
    pub fn advance(&self, from: Timestamp, work: WorkTime) -> Option<Timestamp> {
        let from = whole_second(from);
        let calendar = self.calendar.into_iter().flat_map(|calendar| calendar.stretches_from(from));
        let always = self.calendar.is_none().then(|| Interval::new(from, shifted(from, HORIZON_SECS))).flatten();
        let running = calendar.chain(always).flat_map(|stretch| stretch.without(&self.pauses));
        walk::forward(running, from, work)
    }

    /// The latest instant from which it still runs `work` until `to`: one at which it runs, unless `work` is none.
    pub fn rewind(&self, to: Timestamp, work: WorkTime) -> Option<Timestamp> {
        let to = whole_second(to);
        let calendar = self.calendar.into_iter().flat_map(|calendar| calendar.stretches_before(to));
        let always = self.calendar.is_none().then(|| Interval::new(shifted(to, -HORIZON_SECS), to)).flatten();
        let running = calendar.chain(always).flat_map(|stretch| stretch.without(&self.pauses).into_iter().rev());
        walk::backward(running, to, work)
    }

    /// When `span` that began at `from` is over. A pause puts it off by as much as it takes away of the time that counts.
    /// `None` beyond ten years, and for business time without a calendar.
    pub fn due(&self, from: Timestamp, span: Span) -> Option<Timestamp> {
        match span {
            Span::Wall(secs) => self.advance(from, WorkTime::from_secs(secs)),
            Span::BusinessHours(work) => self.calendar.and_then(|_| self.advance(from, work)),
            Span::BusinessDays(days) => {
                let calendar = self.calendar?;
                let unpaused = calendar.days_later(from, days)?;
                let paused = calendar.open_between(from, unpaused).minus(self.ran_between(from, unpaused));
                self.advance(unpaused, paused)
            }
        }
    }

    fn open_within(&self, whole: Interval) -> impl Iterator<Item = Interval> + '_ {
        let calendar = self.calendar.into_iter().flat_map(move |c| c.stretches_between(whole.from, whole.to));
        calendar.chain(iter::once(whole).filter(|_| self.calendar.is_none()))
    }
}
