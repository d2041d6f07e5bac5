//! How well channels keep their goals: attainment, percentiles, error budget and what people wait for. Nothing per person.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::assess::Assessment;
use crate::domain::{Health, How, Metric, Obligation, ObligationKind};

/// Figures over fewer people than this say something about persons, and are hidden.
pub const FEWEST_PEOPLE: usize = 5;

/// One obligation with its reading and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub channel: &'a str,
    pub obligation: &'a Obligation,
    pub assessment: &'a Assessment,
}

/// What `sla report` shows, by channel and then by metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Share of obligations that should keep their goal, in percent.
    pub objective_percent: f64,
    pub channels: Vec<Channel>,
}

/// A channel: its figures, or how many people too few they are of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Channel {
    pub channel: String,
    /// Fewer than five people take part, so nothing is shown.
    pub hidden: bool,
    pub metrics: Vec<Figures>,
    pub waits: Vec<Waiting>,
}

/// One metric in one channel. Times are seconds on the goal's own clock, and beside them on the wall.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub metric: Metric,
    pub met: usize,
    pub missed: usize,
    pub open: usize,
    /// Of those open, how many are past their deadline.
    pub breached: usize,
    /// Met of those that are met, missed or breached, in percent; `None` where none is.
    pub attainment_percent: Option<f64>,
    pub budget: Option<ErrorBudget>,
    /// Of those that were done (first response, decision latency, review turnaround, as the metric is).
    pub median_secs: Option<i64>,
    pub p90_secs: Option<i64>,
    pub median_wall_secs: Option<i64>,
    pub p90_wall_secs: Option<i64>,
}

/// How many failures the objective leaves room for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorBudget {
    pub allowed: f64,
    pub spent: usize,
    /// In percent; below zero when it is overspent.
    pub left_percent: f64,
}

/// What is open now, and since when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    pub kind: ObligationKind,
    pub open: usize,
    pub median_wall_secs: i64,
    pub longest_wall_secs: i64,
}

/// The figures at `now` of every obligation in `entries`.
pub fn report(entries: &[Entry<'_>], objective_percent: f64, now: Timestamp) -> Report {
    let mut by_channel: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.obligation.opened_at <= now) {
        by_channel.entry(entry.channel).or_default().push(*entry);
    }
    let channels =
        by_channel.into_iter().map(|(name, entries)| channel(name, &entries, objective_percent, now)).collect();
    Report { objective_percent, channels }
}

/// The value that `percent` of them do not exceed (nearest rank); `values` in any order.
pub fn percentile(values: &[i64], percent: f64) -> Option<i64> {
    let mut ordered = values.to_vec();
    ordered.sort_unstable();
    let rank = (percent / 100.0 * ordered.len() as f64).ceil() as usize;
    ordered.get(rank.clamp(1, ordered.len().max(1)) - 1).copied()
}

fn channel(name: &str, entries: &[Entry<'_>], objective_percent: f64, now: Timestamp) -> Channel {
    let sides = |entry: &Entry<'_>| {
        let owed = entry.obligation.owed_by.iter().chain(&entry.obligation.owed_to);
        owed.cloned().collect::<Vec<String>>()
    };
    let people: BTreeSet<String> = entries.iter().flat_map(sides).collect();
    let hidden = people.len() < FEWEST_PEOPLE;
    let shown = if hidden { &[] } else { entries };
    let mut by_metric: BTreeMap<Metric, Vec<Entry<'_>>> = BTreeMap::new();
    for entry in shown {
        by_metric.entry(entry.obligation.metric).or_default().push(*entry);
    }
    let metrics = by_metric.iter().map(|(metric, entries)| figures(*metric, entries, objective_percent, now)).collect();
    let waits = ObligationKind::ALL.iter().filter_map(|kind| waiting(*kind, shown, now)).collect();
    Channel { channel: name.to_string(), hidden, metrics, waits }
}

fn figures(metric: Metric, entries: &[Entry<'_>], objective_percent: f64, now: Timestamp) -> Figures {
    let count = |health: Health| entries.iter().filter(|entry| entry.assessment.health == health).count();
    let (met, missed, breached) = (count(Health::Met), count(Health::Missed), count(Health::Breached));
    let judged = met + missed + breached;
    let done = |entry: &&Entry<'_>| entry.obligation.ended_by(now).is_some_and(|closed| closed.how == How::Met);
    let on_clock: Vec<i64> = entries.iter().filter(done).map(|entry| entry.assessment.elapsed_secs).collect();
    let on_wall: Vec<i64> = entries.iter().filter(done).map(|entry| wall_secs(entry.obligation, now)).collect();
    Figures {
        metric,
        met,
        missed,
        open: entries.iter().filter(|entry| entry.obligation.is_open(now)).count(),
        breached,
        attainment_percent: (judged > 0).then(|| percent(met, judged)),
        budget: (judged > 0).then(|| error_budget(judged, missed + breached, objective_percent)),
        median_secs: percentile(&on_clock, 50.0),
        p90_secs: percentile(&on_clock, 90.0),
        median_wall_secs: percentile(&on_wall, 50.0),
        p90_wall_secs: percentile(&on_wall, 90.0),
    }
}

fn error_budget(judged: usize, spent: usize, objective_percent: f64) -> ErrorBudget {
    let allowed = judged as f64 * (100.0 - objective_percent.clamp(0.0, 100.0)) / 100.0;
    let left_percent = match spent {
        0 => 100.0,
        spent if allowed > 0.0 => 100.0 * (1.0 - spent as f64 / allowed),
        _ => -100.0,
    };
    ErrorBudget { allowed, spent, left_percent }
}

fn waiting(kind: ObligationKind, entries: &[Entry<'_>], now: Timestamp) -> Option<Waiting> {
    let open = entries.iter().map(|entry| entry.obligation).filter(|o| o.kind == kind && o.is_open(now));
    let since: Vec<i64> = open.map(|obligation| wall_secs(obligation, now)).collect();
    Some(Waiting {
        kind,
        open: since.len(),
        median_wall_secs: percentile(&since, 50.0)?,
        longest_wall_secs: since.iter().copied().max()?,
    })
}

/// From its opening to its end or to now.
fn wall_secs(obligation: &Obligation, now: Timestamp) -> i64 {
    let until = obligation.ended_by(now).map_or(now, |closed| closed.at);
    (until.as_second() - obligation.opened_at.as_second()).max(0)
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole as f64
}
