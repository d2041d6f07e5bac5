//! What a policy would have said: a history of obligations replayed against it, notice by notice.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::assess::{Case, deadline};
use crate::domain::Metric;

/// Samples of each kind of notice that a replay keeps.
const SAMPLES: usize = 3;

/// What would have been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    AtRisk,
    Breached,
}

/// One notice of a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    pub at: Timestamp,
    pub stage: Stage,
    pub metric: Metric,
    pub policy: String,
    pub thread: String,
    pub obligation: String,
}

/// A replay in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Simulation {
    pub obligations: usize,
    pub at_risk: usize,
    pub breached: usize,
    /// Days of the replay, and notices on each day that had any.
    pub days: usize,
    pub alerts_a_day: f64,
    pub busiest: Option<(Date, usize)>,
    pub by_day: BTreeMap<Date, usize>,
    /// The first few of each stage and metric.
    pub samples: Vec<Notice>,
}

/// Every notice that `cases` would have brought from `since` up to, and without, `until`, in order.
pub fn notices(cases: &[Case<'_>], since: Timestamp, until: Timestamp) -> Vec<Notice> {
    let mut all: Vec<Notice> = cases.iter().flat_map(notices_of).filter(|n| since <= n.at && n.at < until).collect();
    all.sort_by(|a, b| (a.at, a.stage, &a.obligation).cmp(&(b.at, b.stage, &b.obligation)));
    all
}

/// The same in figures, with days as they are in `zone`.
pub fn simulate(cases: &[Case<'_>], since: Timestamp, until: Timestamp, zone: &TimeZone) -> Simulation {
    let notices = notices(cases, since, until);
    let day = |at: Timestamp| zone.to_datetime(at).date();
    let mut simulation = Simulation { obligations: cases.len(), ..Simulation::default() };
    let mut sampled: BTreeMap<(Stage, Metric), usize> = BTreeMap::new();
    for notice in notices {
        *simulation.by_day.entry(day(notice.at)).or_default() += 1;
        match notice.stage {
            Stage::AtRisk => simulation.at_risk += 1,
            Stage::Breached => simulation.breached += 1,
        }
        let taken = sampled.entry((notice.stage, notice.metric)).or_default();
        *taken += 1;
        if *taken <= SAMPLES {
            simulation.samples.push(notice);
        }
    }
    let span = if since < until { day(since).until(day(until)).map_or(0, |span| span.get_days()) } else { 0 };
    simulation.days = usize::try_from(span).unwrap_or(0).max(1);
    simulation.alerts_a_day = (simulation.at_risk + simulation.breached) as f64 / simulation.days as f64;
    let busiest = simulation.by_day.iter().max_by_key(|(day, count)| (**count, std::cmp::Reverse(**day)));
    simulation.busiest = busiest.map(|(day, count)| (*day, *count));
    simulation
}

/// A deadline depends on no pause that begins after it, so the whole history gives each notice the instant it had then.
fn notices_of(case: &Case<'_>) -> Vec<Notice> {
    let obligation = case.obligation;
    // A pause that lasts puts the deadline off for good: what comes, comes before it.
    let lasting = case.pauses.iter().filter(|pause| pause.to.is_none()).map(|pause| pause.from).min();
    let ended = obligation.closed.as_ref().map(|closed| closed.at);
    let last = lasting.into_iter().chain(ended).min().unwrap_or(Timestamp::MAX);
    let Some(goal) = case.goal else { return Vec::new() };
    let Some(deadline) = deadline(case, &goal, last, None) else { return Vec::new() };
    let notice = |stage, at: Option<Timestamp>| {
        at.filter(|at| *at < last).map(|at| Notice {
            at,
            stage,
            metric: obligation.metric,
            policy: goal.policy.to_string(),
            thread: obligation.thread.clone(),
            obligation: obligation.id.clone(),
        })
    };
    let warn_at = deadline.warn_at.and_then(|at| once_it_runs(case, at)).filter(|at| *at < deadline.due_at);
    let stages = [notice(Stage::AtRisk, warn_at), notice(Stage::Breached, Some(deadline.due_at))];
    stages.into_iter().flatten().collect()
}

/// `at`, or the end of the pauses that it falls into: nothing is told while the clock stands still. `None` where that lasts.
fn once_it_runs(case: &Case<'_>, mut at: Timestamp) -> Option<Timestamp> {
    while let Some(pause) = case.pauses.iter().find(|pause| pause.holds(at)) {
        at = pause.to?;
    }
    Some(at)
}
