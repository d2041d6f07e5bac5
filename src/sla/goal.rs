//! One goal: how long something may take, on which calendar, and when a warning is due.

use jiff::Timestamp;

use crate::{
    domain::Metric,
    time::{Calendar, Interval, Span, WorkClock, WorkTime, interval::shifted, work_clock::HORIZON_SECS},
};

/// A warning that would fall on shut hours comes this long before the last closing, in seconds.
const BEFORE_CLOSING_SECS: i64 = 15 * 60;

/// What a policy asks of one metric.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    /// The policy's name.
    pub policy: &'a str,
    pub metric: Metric,
    pub span: Span,
    /// `None` runs round the clock, and warns at any hour.
    pub calendar: Option<&'a Calendar>,
    /// Share of the goal after which a warning is due, from 1 to 99.
    pub warn_at_percent: u8,
    /// Whether a matter that is opened again runs on from its first opening.
    pub resumes_when_reopened: bool,
}

/// A deadline with its warning, on the clock they were worked out with.
#[derive(Clone, Debug)]
pub(crate) struct Deadline<'a> {
    pub clock: WorkClock<'a>,
    pub due_at: Timestamp,
    /// `None` where no open instant is left to warn at.
    pub warn_at: Option<Timestamp>,
    /// All that the clock runs from the opening to the deadline.
    pub budget: WorkTime,
}

impl<'a> Goal<'a> {
    /// `None` where the deadline lies beyond ten years. `stated` is a deadline that somebody named, `owner` the calendar of
    /// the one who owes it.
    pub(crate) fn deadline(
        &self,
        opened: Timestamp,
        stated: Option<Timestamp>,
        pauses: Vec<Interval>,
        owner: Option<&Calendar>,
    ) -> Option<Deadline<'a>> {
        let clock = WorkClock::of(self.span, self.calendar, pauses);
        let due_at = match stated {
            // A walk over a calendar to a year that somebody made up would have no end.
            Some(stated) if stated > shifted(opened, HORIZON_SECS) => return None,
            Some(stated) => stated.max(opened),
            None => clock.due(opened, self.span)?,
        };
        let budget = clock.ran_between(opened, due_at);
        let lead = budget.percent(100 - self.warn_at_percent.min(99));
        let by_clock = clock.rewind(due_at, lead).unwrap_or(opened);
        // An incident that runs round the clock has somebody on call: nobody's own hours count.
        let owner = owner.filter(|_| self.calendar.is_some());
        let by_owner = owner.map_or(by_clock, |own| own.rewind(due_at, lead).unwrap_or(opened));
        let hours: Vec<&Calendar> = self.calendar.into_iter().chain(owner).collect();
        let warn_at = in_hours(by_clock.min(by_owner).max(opened), opened, due_at, &hours);
        Some(Deadline { clock, due_at, warn_at, budget })
    }
}

/// `at`, where somebody is at work then; else the next opening before the deadline, or the end of the last hours before.
fn in_hours(at: Timestamp, opened: Timestamp, due: Timestamp, hours: &[&Calendar]) -> Option<Timestamp> {
    if hours.is_empty() || hours.iter().any(|calendar| calendar.is_open(at)) {
        return Some(at);
    }
    let openings = hours.iter().filter_map(|calendar| calendar.stretches_from(at).next()).map(|open| open.from);
    if let Some(next) = openings.min().filter(|next| *next < due) {
        return Some(next);
    }
    let last = hours.iter().filter_map(|calendar| calendar.stretches_before(at).next()).max_by_key(|open| open.to)?;
    let warn = shifted(last.to, -BEFORE_CLOSING_SECS).max(last.from).max(opened);
    (warn < last.to).then_some(warn)
}
