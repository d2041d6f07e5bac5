//! Days of an obligation: who is told what, and when, and never twice.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::{AlertConfig, AlertError, Held, Matter, Plan, Receipt, RouteMatch, Routes, Silence, Subject, plan};
use crate::{
    domain::{How, ObligationKind, Stage},
    time::Calendar,
};

/// Monday to Friday, nine to five, in Paris.
fn office() -> Calendar {
    Calendar::office(TimeZone::get("Europe/Paris").expect("a zone"))
}

const SINKS: [&str; 3] = ["lead", "boss", "room"];

fn routes(text: &str) -> Routes {
    Routes::new(toml::from_str(text).expect(text), office(), &SINKS).expect(text)
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// A reply owed in `chat`, warned of on Tuesday 11:00 and due at 14:00 in Paris.
fn matter(told: &[Receipt]) -> Matter<'_> {
    Matter {
        subject: Subject {
            source: "chat",
            channel: Some("#platform"),
            kind: "chat",
            obligation: ObligationKind::Reply,
            policy: Some("chat"),
            owed_by: &[],
        },
        first_seen: at("2026-03-02T10:00:00Z"),
        warn_at: Some(at("2026-03-03T10:00:00Z")),
        due_at: Some(at("2026-03-03T13:00:00Z")),
        paused: false,
        round_the_clock: false,
        closed: None,
        held: Held::default(),
        hushed: false,
        told,
    }
}

fn words(plan: &Plan) -> Vec<String> {
    let one = |tell: &super::Tell| format!("{} {} {} {}", tell.stage.as_str(), tell.sink, tell.round, tell.not_before);
    plan.tell.iter().map(one).collect()
}

fn receipt(stage: Stage, sink: &str, round: u32, when: &str) -> Receipt {
    Receipt { stage, sink: sink.to_owned(), round, at: at(when) }
}

const LEAD: &str = "routes = [{ to = ['lead'], escalate_after = '2bh', escalate_to = ['boss'] }]";

#[test]
fn each_stage_is_told_when_it_comes_and_once() {
    let routes = routes(LEAD);
    let mut told: Vec<Receipt> = Vec::new();
    let mut seen = Vec::new();
    // Every ten minutes of two days, as a watch would that wakes far too often.
    let mut now = at("2026-03-03T07:00:00Z");
    while now < at("2026-03-05T07:00:00Z") {
        let plan = plan(&matter(&told), &routes, &[], now);
        seen.extend(words(&plan));
        told.extend(plan.tell.into_iter().map(|t| Receipt { stage: t.stage, sink: t.sink, round: t.round, at: now }));
        now += SignedDuration::from_mins(10);
    }
    assert_eq!(
        seen,
        [
            "at_risk lead 0 2026-03-03T10:00:00Z",
            "breached lead 0 2026-03-03T13:00:00Z",
            // Two business hours after it was due.
            "escalated boss 0 2026-03-03T15:00:00Z",
        ]
    );
}

#[test]
fn it_says_when_to_look_again() {
    let routes = routes(LEAD);
    let next = |told: &[Receipt], now: &str| plan(&matter(told), &routes, &[], at(now)).next;
    assert_eq!(next(&[], "2026-03-03T07:00:00Z"), Some(at("2026-03-03T10:00:00Z")));
    assert_eq!(next(&[], "2026-03-03T10:00:00Z"), Some(at("2026-03-03T13:00:00Z")));
    assert_eq!(next(&[], "2026-03-03T13:00:00Z"), Some(at("2026-03-03T15:00:00Z")));
    assert_eq!(next(&[], "2026-03-03T15:00:00Z"), None);
}

#[test]
fn what_was_late_before_anybody_looked_is_told_as_late_alone() {
    let plan = plan(&matter(&[]), &routes(LEAD), &[], at("2026-03-03T16:00:00Z"));
    let expected = ["breached lead 0 2026-03-03T16:00:00Z", "escalated boss 0 2026-03-03T16:00:00Z"];
    assert_eq!(words(&plan), expected);
}

#[test]
fn history_that_was_over_before_bluf_saw_it_is_no_news() {
    let old = Matter { first_seen: at("2026-06-01T00:00:00Z"), ..matter(&[]) };
    assert_eq!(plan(&old, &routes(LEAD), &[], at("2026-06-01T00:00:01Z")), Plan::default());
    // A daemon that was down over a night tells what came due meanwhile.
    let night = Matter { first_seen: at("2026-03-04T07:00:00Z"), ..matter(&[]) };
    assert_eq!(words(&plan(&night, &routes(LEAD), &[], at("2026-03-04T07:00:00Z"))).len(), 2);
}

#[test]
fn whoever_was_told_hears_that_it_ended() {
    let told = [receipt(Stage::AtRisk, "lead", 0, "2026-03-03T10:00:00Z")];
    let met = Matter { closed: Some((at("2026-03-03T11:00:00Z"), How::Met)), ..matter(&told) };
    assert_eq!(
        words(&plan(&met, &routes(LEAD), &[], at("2026-03-03T11:00:00Z"))),
        ["closed lead 0 2026-03-03T11:00:00Z"]
    );
    let early = plan(&met, &routes(LEAD), &[], at("2026-03-03T10:59:00Z"));
    assert_eq!(early, Plan { tell: Vec::new(), next: Some(at("2026-03-03T11:00:00Z")) }, "its source's clock is ahead");
    let unheard = Matter { told: &[], ..met.clone() };
    assert_eq!(plan(&unheard, &routes(LEAD), &[], at("2026-03-03T11:00:00Z")), Plan::default());
    let waived = Matter { closed: Some((at("2026-03-03T11:00:00Z"), How::Waived)), ..met };
    assert_eq!(plan(&waived, &routes(LEAD), &[], at("2026-03-03T11:00:00Z")), Plan::default());
}

#[test]
fn an_acknowledged_matter_goes_no_further() {
    let told = [receipt(Stage::Breached, "lead", 0, "2026-03-03T13:00:00Z")];
    let held = Held { acknowledged: true, snoozed_until: None };
    let seen_to = Matter { held, ..matter(&told) };
    let repeating = routes(&format!("{LEAD}\nrepeat_every = '1bd'"));
    assert_eq!(plan(&seen_to, &repeating, &[], at("2026-03-06T15:00:00Z")), Plan::default());
    let unseen = matter(&told);
    let expected = ["breached lead 1 2026-03-04T13:00:00Z", "escalated boss 0 2026-03-04T13:00:00Z"];
    assert_eq!(words(&plan(&unseen, &repeating, &[], at("2026-03-04T13:00:00Z"))), expected);
}

#[test]
fn a_snooze_holds_and_then_reminds_once() {
    let told = [receipt(Stage::Breached, "lead", 0, "2026-03-03T13:00:00Z")];
    let until = at("2026-03-04T08:00:00Z");
    let held = Held { acknowledged: true, snoozed_until: Some(until) };
    let snoozed = Matter { held, ..matter(&told) };
    let during = plan(&snoozed, &routes(LEAD), &[], at("2026-03-03T16:00:00Z"));
    assert_eq!(during, Plan { tell: Vec::new(), next: Some(until) });
    assert_eq!(words(&plan(&snoozed, &routes(LEAD), &[], until)), ["breached lead 1 2026-03-04T08:00:00Z"]);
    let reminded = [told[0].clone(), receipt(Stage::Breached, "lead", 1, "2026-03-04T08:00:00Z")];
    let after = Matter { told: &reminded, ..snoozed };
    assert_eq!(plan(&after, &routes(LEAD), &[], at("2026-03-04T09:00:00Z")), Plan::default());
}

#[test]
fn a_silence_holds_what_it_covers_until_it_ends() {
    let silence = |source: &str| Silence {
        id: 1,
        matches: RouteMatch { source: Some(crate::domain::Patterns::One(source.to_owned())), ..RouteMatch::default() },
        from: at("2026-03-03T00:00:00Z"),
        until: at("2026-03-03T20:00:00Z"),
        by: "ana".to_owned(),
        why: "we move house".to_owned(),
    };
    let now = at("2026-03-03T13:00:00Z");
    let held = plan(&matter(&[]), &routes(LEAD), &[silence("ch*")], now);
    assert_eq!(held, Plan { tell: Vec::new(), next: Some(at("2026-03-03T20:00:00Z")) });
    assert_eq!(plan(&matter(&[]), &routes(LEAD), &[silence("mail")], now).tell.len(), 1);
    assert!(!plan(&matter(&[]), &routes(LEAD), &[silence("ch*")], at("2026-03-03T20:00:00Z")).tell.is_empty());
}

#[test]
fn quiet_hours_hold_all_but_what_runs_round_the_clock() {
    let quiet = routes(&format!("{LEAD}\nquiet = '12:00-08:00'"));
    let late = plan(&matter(&[]), &quiet, &[], at("2026-03-03T13:00:00Z"));
    assert_eq!(words(&late), ["breached lead 0 2026-03-04T07:00:00Z"]);
    assert!(late.tell[0].together);
    let incident = Matter { round_the_clock: true, ..matter(&[]) };
    assert_eq!(
        words(&plan(&incident, &quiet, &[], at("2026-03-03T13:00:00Z"))),
        ["breached lead 0 2026-03-03T13:00:00Z"]
    );
}

#[test]
fn a_digest_comes_once_a_day_at_its_time() {
    let digest = routes("routes = [{ to = ['room'], digest_at = '09:00' }]");
    let told = |now: &str| words(&plan(&matter(&[]), &digest, &[], at(now)));
    assert_eq!(told("2026-03-03T13:00:00Z"), ["breached room 0 2026-03-04T08:00:00Z"]);
    // The last Sunday of March is an hour short in Paris.
    assert_eq!(told("2026-03-28T13:00:00Z"), ["breached room 0 2026-03-29T07:00:00Z"]);
}

#[test]
fn what_is_paused_or_hushed_waits() {
    let now = at("2026-03-03T11:00:00Z");
    let paused = Matter { paused: true, ..matter(&[]) };
    assert_eq!(plan(&paused, &routes(LEAD), &[], now), Plan::default());
    let hushed = Matter { hushed: true, ..matter(&[]) };
    let plan = plan(&hushed, &routes(LEAD), &[], now);
    assert!(plan.tell.is_empty() && plan.next.is_some_and(|next| next > now), "{plan:?}");
}

#[test]
fn the_first_route_that_fits_decides() {
    let routes = routes(
        "routes = [{ match = { obligation = 'review' }, to = ['room'] }, { match = { people = 'ana' }, to = ['boss'] }, \
         { match = { channel = '#plat*', policy = ['chat', 'mail'] }, to = ['lead', 'lead'], stages = ['breached'] }]",
    );
    let now = at("2026-03-03T13:00:00Z");
    assert_eq!(words(&plan(&matter(&[]), &routes, &[], now)), ["breached lead 0 2026-03-03T13:00:00Z"]);
    assert!(plan(&matter(&[]), &routes, &[], at("2026-03-03T10:00:00Z")).tell.is_empty());
    let ana = ["Ana".to_owned()];
    let hers = Matter { subject: Subject { owed_by: &ana, ..matter(&[]).subject }, ..matter(&[]) };
    assert_eq!(words(&plan(&hers, &routes, &[], now)), ["breached boss 0 2026-03-03T13:00:00Z"]);
}

#[test]
fn every_mistake_is_told_with_what_to_do() {
    let config: AlertConfig = toml::from_str(
        "routes = [{ to = ['leed'] }, { to = [], escalate_after = '1h' }, { to = ['room'], digest_at = 'nine' }]\n\
         quiet = '00:00-24:00'\nsource_down_to = ['x']",
    )
    .expect("TOML");
    let faults = Routes::new(config, office(), &SINKS).expect_err("mistakes");
    let told: Vec<String> = faults.iter().map(AlertError::to_string).collect();
    assert_eq!(faults.len(), 6, "{told:?}");
    assert!(told[0].contains("write [sink.leed], or name one of lead, boss, room"), "{told:?}");
    assert!(told.iter().any(|fault| fault.contains("never end")), "{told:?}");
    assert!(toml::from_str::<AlertConfig>("routes = [{ matsch = {}, to = [] }]").is_err());
}

proptest! {
    /// Whenever a watch wakes, each sink is told of each stage once, never before its instant, and what is told at the
    /// end does not depend on when it woke.
    #[test]
    fn told_once_whenever_the_watch_wakes(wakes in prop::collection::vec(0_i64..200_000, 1..40), closed in prop::option::of(0_i64..200_000)) {
        let routes = routes(LEAD);
        let start = at("2026-03-03T07:00:00Z");
        let mut wakes = wakes;
        wakes.sort_unstable();
        let closed = closed.map(|secs| (start + SignedDuration::from_secs(secs), How::Met));
        let mut told: Vec<Receipt> = Vec::new();
        for secs in wakes {
            let now = start + SignedDuration::from_secs(secs);
            let matter = Matter { closed, ..matter(&told) };
            let plan = plan(&matter, &routes, &[], now);
            let since = |stage| match stage { Stage::AtRisk => matter.warn_at, Stage::Closed => closed.map(|c| c.0), _ => matter.due_at };
            for tell in &plan.tell {
                prop_assert!(since(tell.stage).is_some_and(|at| at <= now), "{tell:?} at {now}");
                prop_assert!(matter.closed.is_none_or(|(at, _)| now < at) || tell.stage == Stage::Closed);
            }
            prop_assert!(plan.next.is_none_or(|next| next > now));
            told.extend(plan.tell.into_iter().map(|t| Receipt { stage: t.stage, sink: t.sink, round: t.round, at: now }));
        }
        let mut keys: Vec<(Stage, &str, u32)> = told.iter().map(|r| (r.stage, r.sink.as_str(), r.round)).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), all);
    }
}
