//! How an obligation stands at an instant.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    goal::{Deadline, Goal},
    pause::Pause,
};
use crate::{
    domain::{Health, How, Metric, Obligation},
    time::Calendar,
};

/// An obligation with all that decides on its deadline.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub obligation: &'a Obligation,
    /// `None`: no policy asks anything of it.
    pub goal: Option<Goal<'a>>,
    pub pauses: &'a [Pause],
    /// The calendar of the one who owes it, where they have their own.
    pub owner: Option<&'a Calendar>,
}

/// A reading of one obligation at one instant. Seconds are those of its goal's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    pub health: Health,
    pub due_at: Option<Timestamp>,
    pub warn_at: Option<Timestamp>,
    /// What has run since it was opened, until now or its end.
    pub elapsed_secs: i64,
    /// What is left until the deadline; below zero, what has run since.
    pub remaining_secs: Option<i64>,
    /// What the clock runs from opening to deadline.
    pub budget_secs: Option<i64>,
    /// Why the clock stands still now.
    pub paused: Option<String>,
    pub policy: Option<String>,
}

/// How `case` stands at `now`: only what had happened by then counts.
pub fn assess(case: &Case<'_>, now: Timestamp) -> Assessment {
    assess_no_sooner(case, now, None)
}

/// All obligations of one thread. A next response is never due before the first response is.
pub fn assess_thread(cases: &[Case<'_>], now: Timestamp) -> Vec<Assessment> {
    let firsts = cases.iter().filter(|case| case.obligation.metric == Metric::FirstResponse);
    let mut first_due: HashMap<&str, Timestamp> = HashMap::new();
    for case in firsts {
        if let Some(due) = assess(case, now).due_at {
            let latest = first_due.entry(&case.obligation.thread).or_insert(due);
            *latest = due.max(*latest);
        }
    }
    let follows = |case: &&Case<'_>| case.obligation.metric == Metric::NextResponse;
    let floor = |case: &Case<'_>| Some(case).filter(follows).and_then(|c| first_due.get(c.obligation.thread.as_str()));
    cases.iter().map(|case| assess_no_sooner(case, now, floor(case).copied())).collect()
}

fn assess_no_sooner(case: &Case<'_>, now: Timestamp, earliest_due: Option<Timestamp>) -> Assessment {
    let obligation = case.obligation;
    let end = obligation.ended_by(now);
    let until = end.map_or(now, |closed| closed.at);
    let paused = case.pauses.iter().find(|pause| end.is_none() && pause.holds(now)).map(|pause| pause.why.clone());
    let Some((goal, deadline)) = case.goal.and_then(|goal| Some((goal, deadline(case, &goal, until, earliest_due)?)))
    else {
        let elapsed_secs = (until.as_second() - obligation.opened_at.as_second()).max(0);
        let health = end.map_or(Health::OnTrack, |closed| ended(closed.how, true));
        let policy = case.goal.map(|goal| goal.policy.to_string());
        let (due_at, warn_at, remaining_secs, budget_secs) = (None, None, None, None);
        return Assessment { health, due_at, warn_at, elapsed_secs, remaining_secs, budget_secs, paused, policy };
    };
    let Deadline { clock, due_at, warn_at, budget } = deadline;
    let opened = opening(obligation, &goal);
    let left = clock.ran_between(until, due_at).secs() - clock.ran_between(due_at, until).secs();
    let health = match end {
        Some(closed) => ended(closed.how, closed.at <= due_at),
        None if now >= due_at => Health::Breached,
        // A clock that stands still puts nothing at risk.
        None if paused.is_none() && warn_at.is_some_and(|warn| now >= warn) => Health::AtRisk,
        None => Health::OnTrack,
    };
    Assessment {
        health,
        due_at: Some(due_at),
        warn_at,
        elapsed_secs: clock.ran_between(opened, until).secs(),
        remaining_secs: Some(left),
        budget_secs: Some(budget.secs()),
        paused,
        policy: Some(goal.policy.to_string()),
    }
}

/// The deadline as it was known at `until`.
pub(super) fn deadline<'a>(
    case: &Case<'a>,
    goal: &Goal<'a>,
    until: Timestamp,
    earliest: Option<Timestamp>,
) -> Option<Deadline<'a>> {
    let opened = opening(case.obligation, goal);
    let pauses = || case.pauses.iter().filter_map(|pause| pause.by(until)).collect();
    let stated = case.obligation.stated_due;
    let deadline = goal.deadline(opened, stated, pauses(), case.owner)?;
    match earliest {
        Some(earliest) if stated.is_none() && deadline.due_at < earliest => {
            goal.deadline(opened, Some(earliest), pauses(), case.owner)
        }
        _ => Some(deadline),
    }
}

/// What the clock runs from: a matter that was opened again begins anew, unless its policy says otherwise.
pub(super) fn opening(obligation: &Obligation, goal: &Goal<'_>) -> Timestamp {
    obligation.first_opened_at.filter(|_| goal.resumes_when_reopened).unwrap_or(obligation.opened_at)
}

fn ended(how: How, in_time: bool) -> Health {
    match how {
        How::Met if in_time => Health::Met,
        How::Met => Health::Missed,
        How::Withdrawn | How::Superseded | How::Waived => Health::Lifted,
    }
}
