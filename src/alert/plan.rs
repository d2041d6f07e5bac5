//! What is to be told of an obligation now, to whom, and when to look again: a pure function of what has been told.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    route::{Route, Routes, Subject},
    silence::Silence,
};
use crate::domain::{How, Stage};

/// What was over this long before bluf first saw it is history, and nobody is told of it.
const OLD_NEWS: SignedDuration = SignedDuration::from_hours(24);
/// How soon a notice that another matter hushes is looked at again.
const HUSHED: SignedDuration = SignedDuration::from_mins(10);

/// An obligation with its deadline and with what was done about it.
#[derive(Clone, Debug)]
pub struct Matter<'a> {
    pub subject: Subject<'a>,
    /// When bluf first kept it.
    pub first_seen: Timestamp,
    pub warn_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    /// Its clock stands still for now.
    pub paused: bool,
    /// Its goal runs round the clock, so quiet hours do not hold it.
    pub round_the_clock: bool,
    pub closed: Option<(Timestamp, How)>,
    pub held: Held,
    /// Something is open that hushes it.
    pub hushed: bool,
    pub told: &'a [Receipt],
}

/// What people did about an obligation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Somebody sees to it: no repeats, and nobody else is told.
    pub acknowledged: bool,
    pub snoozed_until: Option<Timestamp>,
}

/// Something that a sink was told, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub stage: Stage,
    pub sink: String,
    /// 0 for the first time.
    pub round: u32,
    pub at: Timestamp,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tell {
    pub stage: Stage,
    pub sink: String,
    pub round: u32,
    pub not_before: Timestamp,
    /// Together with whatever else waits for the same time.
    pub together: bool,
}

/// What to do about an obligation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub tell: Vec<Tell>,
    /// When to look at it again; `None`: when its history changes.
    pub next: Option<Timestamp>,
}

/// The plan for `matter` at `now`. Asked again with what it told added, it tells nothing.
pub fn plan(matter: &Matter<'_>, routes: &Routes, silences: &[Silence], now: Timestamp) -> Plan {
    if let Some((at, how)) = matter.closed {
        // A source whose clock is ahead of ours has it end a little later.
        return if at <= now { closing(matter, how, now) } else { Plan { tell: Vec::new(), next: Some(at) } };
    }
    let Some(route) = routes.route(&matter.subject) else { return Plan::default() };
    if matter.paused && matter.due_at.is_none_or(|due| now < due) {
        return Plan::default();
    }
    let escalates_at = matter.due_at.zip(route.escalate_after).and_then(|(due, span)| routes.after(due, span));
    let held = held_until(matter, silences, now);
    if let Some(until) = held {
        return Plan { tell: Vec::new(), next: Some(until) };
    }
    let mut tell = Vec::new();
    let mut again: Vec<Timestamp> = Vec::new();
    match stage_at(matter, now) {
        Some(stage) if is_news(matter, stage) => {
            for sink in unique(&route.to) {
                let (round, next) = round_for(matter, routes, stage, sink, now);
                tell.extend(
                    round
                        .filter(|_| wants(route, stage))
                        .map(|round| one(matter, routes, route, stage, sink, round, now)),
                );
                again.extend(next);
            }
            let escalates = stage == Stage::Breached && !matter.held.acknowledged && wants(route, Stage::Escalated);
            if escalates && escalates_at.is_some_and(|at| at <= now) {
                let fresh =
                    unique(&route.escalate_to).into_iter().filter(|sink| !was_told(matter, Stage::Escalated, sink));
                tell.extend(fresh.map(|sink| one(matter, routes, route, Stage::Escalated, sink, 0, now)));
            }
        }
        _ => {}
    }
    again.extend([matter.warn_at, matter.due_at].into_iter().flatten().filter(|at| *at > now));
    again.extend(escalates_at.filter(|at| *at > now && !matter.held.acknowledged));
    Plan { tell, next: again.into_iter().min() }
}

/// Whoever was told of it hears that it ended, once; of what somebody waived, everybody who has to know knows.
fn closing(matter: &Matter<'_>, how: How, now: Timestamp) -> Plan {
    let told: BTreeSet<&str> = matter.told.iter().map(|receipt| receipt.sink.as_str()).collect();
    let fresh = told.into_iter().filter(|sink| how != How::Waived && !was_told(matter, Stage::Closed, sink));
    let tell = |sink: &str| {
        let (stage, sink, round) = (Stage::Closed, sink.to_owned(), 0);
        Tell { stage, sink, round, not_before: now, together: false }
    };
    Plan { tell: fresh.map(tell).collect(), next: None }
}

/// Until when nothing is told: somebody put it off, a silence covers it, or something else comes first.
fn held_until(matter: &Matter<'_>, silences: &[Silence], now: Timestamp) -> Option<Timestamp> {
    let silenced = silences.iter().filter(|silence| silence.holds(now) && silence.covers(&matter.subject));
    let hushed = matter.hushed.then(|| now.saturating_add(HUSHED).unwrap_or(Timestamp::MAX));
    let snoozed = matter.held.snoozed_until.filter(|until| *until > now);
    silenced.map(|silence| silence.until).chain(hushed).chain(snoozed).max()
}

fn stage_at(matter: &Matter<'_>, now: Timestamp) -> Option<Stage> {
    let has_come = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    if has_come(matter.due_at) { Some(Stage::Breached) } else { has_come(matter.warn_at).then_some(Stage::AtRisk) }
}

fn is_news(matter: &Matter<'_>, stage: Stage) -> bool {
    let since = if stage == Stage::AtRisk { matter.warn_at } else { matter.due_at };
    let oldest = matter.first_seen.saturating_sub(OLD_NEWS).unwrap_or(Timestamp::MIN);
    since.is_some_and(|since| since >= oldest)
}

/// The round in which a sink is told now, and when a later one comes: the first time, when a snooze has ended since, and,
/// for a breach, every so often.
fn round_for(
    matter: &Matter<'_>,
    routes: &Routes,
    stage: Stage,
    sink: &str,
    now: Timestamp,
) -> (Option<u32>, Option<Timestamp>) {
    let told = matter.told.iter().filter(|receipt| receipt.stage == stage && receipt.sink == sink);
    let Some(last) = told.max_by_key(|receipt| receipt.round) else { return (Some(0), None) };
    let woken = matter.held.snoozed_until.is_some_and(|until| until <= now && last.at < until);
    let repeats = stage == Stage::Breached && !matter.held.acknowledged;
    let repeat_at = routes.repeat_every().filter(|_| repeats).and_then(|span| routes.after(last.at, span));
    if woken || repeat_at.is_some_and(|at| at <= now) { (Some(last.round + 1), None) } else { (None, repeat_at) }
}

fn one(
    matter: &Matter<'_>,
    routes: &Routes,
    route: &Route,
    stage: Stage,
    sink: &str,
    round: u32,
    now: Timestamp,
) -> Tell {
    let digest = route.digest_at.as_deref().and_then(|written| routes.next_digest(written, now));
    let quiet = routes.quiet_until(now).filter(|_| !matter.round_the_clock);
    let later = digest.or(quiet);
    Tell { stage, sink: sink.to_owned(), round, not_before: later.unwrap_or(now), together: later.is_some() }
}

fn wants(route: &Route, stage: Stage) -> bool {
    route.stages.as_ref().is_none_or(|stages| stages.contains(&stage))
}

fn was_told(matter: &Matter<'_>, stage: Stage, sink: &str) -> bool {
    matter.told.iter().any(|receipt| receipt.stage == stage && receipt.sink == sink)
}

fn unique(sinks: &[String]) -> Vec<&str> {
    sinks.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
}
