//! Why a deadline is when it is: every stretch of time that was counted or skipped, in order.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::{
    assess::{Case, opening},
    goal::Goal,
    pause::Pause,
};
use crate::{
    domain::Health,
    time::{
        Calendar, Interval, WorkClock,
        interval::{merged, shifted},
        wall::first_shown,
    },
};

/// Time after the deadline is told for at most this long, in seconds: half a year.
const OVERRUN_SECS: i64 = 183 * 86_400;
/// Break in the middle of the day that people eat in, in seconds of the day, and the longest that is one.
const NOON_SECS: (i32, i32) = (11 * 3_600 + 1_800, 14 * 3_600);
const LONGEST_LUNCH_SECS: i32 = 3 * 3_600;

/// A stretch that ran or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub from: Timestamp,
    pub to: Timestamp,
    pub counted: bool,
    /// `open`, `closed`, `lunch`, `holiday: …`, `away`, `paused: …`, `round the clock`.
    pub why: String,
}

/// The JSON of `sla explain`. Times are RFC 3339 with the calendar's offset; seconds are those of the goal's own clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `None`: beyond ten years.
    pub due_at: Option<String>,
    pub warn_at: Option<String>,
    pub elapsed_secs: i64,
    /// Below zero: what has run since the deadline.
    pub remaining_secs: Option<i64>,
    pub health: Health,
    pub segments: Vec<SegmentLine>,
}

/// One segment of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentLine {
    pub from: String,
    pub to: String,
    pub counted: bool,
    pub why: String,
}

/// What `goal` makes of something that was opened at an instant and is still open, and every segment up to its deadline,
/// or up to now where that is later (half a year past the deadline at most).
pub fn explain(goal: &Goal<'_>, opened: Timestamp, pauses: &[Pause], now: Timestamp) -> Explanation {
    explained(goal, opened, None, pauses, None, now)
}

/// The same of an obligation, as long as it was open; `None` where no policy asks anything of it.
pub fn explain_case(case: &Case<'_>, now: Timestamp) -> Option<Explanation> {
    let (owed, goal) = (case.obligation, case.goal?);
    let until = owed.ended_by(now).map_or(now, |closed| closed.at);
    Some(explained(&goal, opening(owed, &goal), owed.stated_due, case.pauses, case.owner, until))
}

fn explained(
    goal: &Goal<'_>,
    opened: Timestamp,
    stated: Option<Timestamp>,
    pauses: &[Pause],
    owner: Option<&Calendar>,
    now: Timestamp,
) -> Explanation {
    let zone = goal.calendar.map_or(TimeZone::UTC, |calendar| calendar.zone().clone());
    let told: Vec<Interval> = pauses.iter().filter_map(|pause| pause.by(now)).collect();
    let clock = WorkClock::of(goal.span, goal.calendar, told.clone());
    let elapsed_secs = clock.ran_between(opened, now).secs();
    let deadline = goal.deadline(opened, stated, told, owner);
    let Some(deadline) = deadline else {
        let segments = lines(&segments(&clock, pauses, opened, now), &zone);
        let (due_at, warn_at, remaining_secs, health) = (None, None, None, Health::OnTrack);
        return Explanation { due_at, warn_at, elapsed_secs, remaining_secs, health, segments };
    };
    let (due, warn) = (deadline.due_at, deadline.warn_at);
    let health = match warn {
        _ if now >= due => Health::Breached,
        Some(warn) if now >= warn && !pauses.iter().any(|pause| pause.holds(now)) => Health::AtRisk,
        _ => Health::OnTrack,
    };
    let overrun = shifted(due, OVERRUN_SECS);
    let end = due.max(now.min(overrun));
    Explanation {
        due_at: Some(stamp(due, &zone)),
        warn_at: warn.map(|warn| stamp(warn, &zone)),
        elapsed_secs,
        remaining_secs: Some(clock.ran_between(now, due).secs() - clock.ran_between(due, now).secs()),
        health,
        segments: lines(&segments(&clock, pauses, opened, end), &zone),
    }
}

/// Every segment between two instants: in order, without holes.
pub fn segments(clock: &WorkClock<'_>, pauses: &[Pause], from: Timestamp, to: Timestamp) -> Vec<Segment> {
    let Some(whole) = Interval::new(from, to) else { return Vec::new() };
    let mut told = Vec::new();
    match clock.calendar() {
        None => counted(&mut told, whole, pauses, clock, "round the clock"),
        Some(calendar) => {
            let mut at = whole.from;
            for open in merged(calendar.stretches_between(whole.from, whole.to).collect()) {
                shut(&mut told, calendar, at, open.from);
                counted(&mut told, open, pauses, clock, "open");
                at = open.to;
            }
            shut(&mut told, calendar, at, whole.to);
        }
    }
    told
}

/// A stretch that counts, but for its pauses.
fn counted(told: &mut Vec<Segment>, open: Interval, pauses: &[Pause], clock: &WorkClock<'_>, why: &str) {
    let mut at = open.from;
    let paused = clock.pauses().iter().filter_map(|pause| pause.intersection(open));
    for pause in paused {
        add(told, at, pause.from, true, why);
        paused_for(told, pause, pauses);
        at = pause.to;
    }
    add(told, at, open.to, true, why);
}

/// A pause, cut where its reasons change.
fn paused_for(told: &mut Vec<Segment>, whole: Interval, pauses: &[Pause]) {
    let ends = pauses.iter().flat_map(|pause| [Some(pause.from), pause.to]).flatten();
    let mut marks: Vec<Timestamp> = ends.filter(|at| whole.from < *at && *at < whole.to).collect();
    marks.extend([whole.from, whole.to]);
    marks.sort_unstable();
    for piece in marks.windows(2) {
        let reasons: Vec<&str> = pauses.iter().filter(|p| p.holds(piece[0])).map(|p| p.why.as_str()).collect();
        let mut reasons: Vec<&str> = reasons.into_iter().filter(|why| !why.is_empty()).collect();
        reasons.dedup();
        let why = if reasons.is_empty() { "paused".to_string() } else { format!("paused: {}", reasons.join(" and ")) };
        add(told, piece[0], piece[1], false, &why);
    }
}

/// A stretch at which the calendar is shut: days that have a reason of their own are told apart.
fn shut(told: &mut Vec<Segment>, calendar: &Calendar, from: Timestamp, to: Timestamp) {
    let zone = calendar.zone();
    let mut at = from;
    while at < to {
        let day = zone.to_datetime(at).date();
        let midnight = day.tomorrow().ok().and_then(|next| first_shown(zone, next.at(0, 0, 0, 0)));
        // After midnight a clock put back may show yesterday's date again.
        let end = midnight.filter(|midnight| *midnight > at).map_or(to, |midnight| midnight.min(to));
        let why = calendar.shut_because(day).map_or_else(|| between_shifts(calendar, day, at, end), str::to_string);
        add(told, at, end, false, &why);
        at = end;
    }
}

/// Whether it is a break between two shifts of a day, or simply closed.
fn between_shifts(calendar: &Calendar, day: Date, from: Timestamp, to: Timestamp) -> String {
    let wall = |at: Timestamp| {
        let since = calendar.zone().to_datetime(at).duration_since(day.at(0, 0, 0, 0));
        i32::try_from(since.as_secs()).unwrap_or_default()
    };
    let (from, to) = (wall(from), wall(to));
    let breaks = calendar.shifts_on(day).windows(2).map(|pair| (pair[0].end_secs(), pair[1].start_secs()));
    match breaks.into_iter().find(|(start, end)| *start <= from && to <= *end && from < to) {
        Some((start, end)) if start < NOON_SECS.1 && end > NOON_SECS.0 && end - start <= LONGEST_LUNCH_SECS => "lunch",
        Some(_) => "break",
        None => "closed",
    }
    .to_string()
}

/// Makes one of neighbours that say the same.
fn add(told: &mut Vec<Segment>, from: Timestamp, to: Timestamp, counted: bool, why: &str) {
    if from >= to {
        return;
    }
    match told.last_mut() {
        Some(last) if last.to == from && last.counted == counted && last.why == why => last.to = to,
        _ => told.push(Segment { from, to, counted, why: why.to_string() }),
    }
}

fn lines(segments: &[Segment], zone: &TimeZone) -> Vec<SegmentLine> {
    let line = |s: &Segment| SegmentLine {
        from: stamp(s.from, zone),
        to: stamp(s.to, zone),
        counted: s.counted,
        why: s.why.clone(),
    };
    segments.iter().map(line).collect()
}

fn stamp(at: Timestamp, zone: &TimeZone) -> String {
    at.display_with_offset(zone.to_offset(at)).to_string()
}
