//! What a policy would have said: a history of obligations replayed against it, notice by notice.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::assess::{Case, deadline, opening};
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

/// Each stage at the first instant at which a reading of that instant says it: what was known then decides, so the history
/// is taken apart where a pause begins or ends.
fn notices_of(case: &Case<'_>) -> Vec<Notice> {
    let obligation = case.obligation;
    let Some(goal) = case.goal else { return Vec::new() };
    let end = obligation.closed.as_ref().map_or(Timestamp::MAX, |closed| closed.at);
    let changes = case.pauses.iter().flat_map(|pause| [Some(pause.from), pause.to]).flatten();
    let mut marks: Vec<Timestamp> = changes.filter(|at| obligation.opened_at < *at && *at < end).collect();
    marks.push(obligation.opened_at);
    marks.sort_unstable();
    marks.dedup();
    let mut notices: Vec<Notice> = Vec::new();
    for (i, &since) in marks.iter().enumerate() {
        let until = marks.get(i + 1).copied().unwrap_or(end);
        let Some(known) = deadline(case, &goal, since, None) else { continue };
        let paused = case.pauses.iter().any(|pause| pause.holds(since));
        let warned = known.warn_at.map(|at| at.max(since)).filter(|at| !paused && *at < known.due_at);
        // While it is paused a deadline moves on with the clock, unless all of its time had run before.
        let spent = known.clock.ran_between(opening(obligation, &goal), since) >= known.budget;
        let due = Some(known.due_at.max(since)).filter(|_| !paused || spent);
        for (stage, at) in [(Stage::AtRisk, warned), (Stage::Breached, due)] {
            let new = notices.iter().all(|told| told.stage < stage);
            notices.extend(at.filter(|at| new && *at < until).map(|at| Notice {
                at,
                stage,
                metric: obligation.metric,
                policy: goal.policy.to_string(),
                thread: obligation.thread.clone(),
                obligation: obligation.id.clone(),
            }));
        }
    }
    notices
}
