//! Reports and replays in figures, and the JSON of `sla explain`.

use jiff::tz::TimeZone;

use super::{at, case, closed, goal, owed, paused, weekdays};
use crate::{
    domain::{How, Metric, Obligation},
    sla::{
        Assessment, assess, explain,
        report::{Entry, percentile, report},
        simulate::{Stage, simulate},
    },
};

#[test]
fn the_json_of_an_explanation_is_that_of_the_contract() {
    let office = weekdays("Europe/Paris", "09:00-12:00, 13:00-18:00");
    let pauses = [paused("2026-11-16T09:00Z", Some("2026-11-16T10:00Z"))];
    let told = explain(&goal("4bh", &office), at("2026-11-16T08:00Z"), &pauses, at("2026-11-16T10:30Z"));
    let expected = serde_json::json!({
        "due_at": "2026-11-16T15:00:00+01:00",
        "warn_at": "2026-11-16T14:00:00+01:00",
        "elapsed_secs": 5400,
        "remaining_secs": 9000,
        "health": "on_track",
        "segments": [
            { "from": "2026-11-16T09:00:00+01:00", "to": "2026-11-16T10:00:00+01:00", "counted": true, "why": "open" },
            { "from": "2026-11-16T10:00:00+01:00", "to": "2026-11-16T11:00:00+01:00", "counted": false, "why": "paused: label:on-hold" },
            { "from": "2026-11-16T11:00:00+01:00", "to": "2026-11-16T12:00:00+01:00", "counted": true, "why": "open" },
            { "from": "2026-11-16T12:00:00+01:00", "to": "2026-11-16T13:00:00+01:00", "counted": false, "why": "lunch" },
            { "from": "2026-11-16T13:00:00+01:00", "to": "2026-11-16T15:00:00+01:00", "counted": true, "why": "open" },
        ],
    });
    assert_eq!(serde_json::to_value(&told).expect("JSON"), expected);
}

/// Questions to `people` at 9:00 on Monday with 4bh, each answered after so many minutes of the working day.
fn answered(people: &[&str], minutes: &[Option<i64>]) -> Vec<Obligation> {
    let opened = at("2026-11-16T09:00Z");
    let ask = |(i, minutes): (usize, &Option<i64>)| {
        let mut asked = owed(Metric::FirstResponse, opened);
        asked.id = format!("o{i}");
        asked.owed_by = vec![people[i % people.len()].to_string()];
        match minutes {
            Some(minutes) => closed(asked, crate::time::interval::shifted(opened, minutes * 60), How::Met),
            None => asked,
        }
    };
    minutes.iter().enumerate().map(ask).collect()
}

fn read(obligations: &[Obligation], now: &str) -> Vec<Assessment> {
    let office = weekdays("UTC", "09:00-17:00");
    obligations.iter().map(|o| assess(&case(o, goal("4bh", &office), &[]), at(now))).collect()
}

#[test]
fn a_report_counts_what_was_kept_and_what_waits() {
    let people = ["ana", "cy", "di", "ed"];
    let obligations = answered(&people, &[Some(30), Some(60), Some(120), Some(300), None]);
    let readings = read(&obligations, "2026-11-17T09:00Z");
    let entries: Vec<Entry<'_>> = obligations
        .iter()
        .zip(&readings)
        .map(|(obligation, assessment)| Entry { channel: "platform", obligation, assessment })
        .collect();
    let told = report(&entries, 90.0, at("2026-11-17T09:00Z"));
    let figures = &told.channels[0].metrics[0];
    assert_eq!((figures.met, figures.missed, figures.open, figures.breached), (3, 1, 1, 1));
    assert_eq!(figures.attainment_percent, Some(60.0));
    assert_eq!((figures.median_secs, figures.p90_secs), (Some(3_600), Some(18_000)));
    let budget = figures.budget.as_ref().expect("a budget");
    assert!((budget.allowed - 0.5).abs() < 1e-9 && budget.spent == 2 && (budget.left_percent + 300.0).abs() < 1e-6);
    let waits = &told.channels[0].waits;
    assert!(waits.len() == 1 && waits[0].open == 1 && waits[0].longest_wall_secs == 86_400, "{waits:?}");
    // Not a name in it.
    let json = serde_json::to_string(&told).expect("JSON");
    assert!(["ana", "bo", "cy", "di", "ed"].iter().all(|name| !json.contains(&format!("\"{name}\""))), "{json}");
}

#[test]
fn figures_over_fewer_than_five_people_are_hidden() {
    let obligations = answered(&["ana", "cy", "di"], &[Some(30), Some(60), None]);
    let readings = read(&obligations, "2026-11-17T09:00Z");
    let entries: Vec<Entry<'_>> = obligations
        .iter()
        .zip(&readings)
        .map(|(obligation, assessment)| Entry { channel: "hiring", obligation, assessment })
        .collect();
    let told = report(&entries, 90.0, at("2026-11-17T09:00Z"));
    assert!(told.channels[0].hidden && told.channels[0].metrics.is_empty() && told.channels[0].waits.is_empty());
}

#[test]
fn percentiles_are_values_that_were_seen() {
    assert_eq!(percentile(&[], 50.0), None);
    assert_eq!(percentile(&[7], 90.0), Some(7));
    assert_eq!(percentile(&[3, 1, 2, 4], 50.0), Some(2));
    assert_eq!(percentile(&[3, 1, 2, 4], 90.0), Some(4));
    assert_eq!(percentile(&[3, 1, 2, 4], 0.0), Some(1));
}

#[test]
fn a_replay_counts_notices_by_day_and_keeps_samples() {
    let office = weekdays("UTC", "09:00-17:00");
    let obligations = answered(&["ana"], &[Some(30), Some(200), Some(300), None, None, None]);
    let cases: Vec<_> = obligations.iter().map(|o| case(o, goal("4bh", &office), &[])).collect();
    let told = simulate(&cases, at("2026-11-16T00:00Z"), at("2026-11-18T00:00Z"), &TimeZone::UTC);
    assert_eq!((told.obligations, told.at_risk, told.breached, told.days), (6, 5, 4, 2));
    assert!((told.alerts_a_day - 4.5).abs() < 1e-9);
    assert_eq!(told.busiest.map(|(_, count)| count), Some(9));
    assert_eq!(told.samples.iter().filter(|n| n.stage == Stage::Breached).count(), 3);
    assert_eq!(simulate(&cases, at("2026-11-17T00:00Z"), at("2026-11-18T00:00Z"), &TimeZone::UTC).by_day.len(), 0);
}
