//! What is owed, on real files: words that go take what quotes them, and what is told is told once.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::{
    Store, hold,
    obligation::{self, Reckoned, Which},
    outbox::{self, Planned},
    thread,
};
use crate::{
    alert::{RouteMatch, Tell},
    domain::{
        Closed, Cursor, Evidence, Health, How, Item, Kind, Message, Metric, Moment, Obligation, ObligationKind, Page,
        Stage, Thread, Topic,
    },
};

const ASKED: &str = "Could you send the budget figures by Friday?";

fn now(minute: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + 60 * minute).expect("a time")
}

fn said(id: &str, author: &str, minute: i64, text: &str) -> Message {
    let sent_at = Some(Moment::utc(now(minute)));
    Message { id: id.into(), author: Some(author.into()), sent_at, text: text.into(), ..Message::default() }
}

fn budget(messages: Vec<Message>) -> Thread {
    Thread {
        source: "team".into(),
        kind: Kind::Chat,
        id: "1".into(),
        title: "Budget".into(),
        url: None,
        channel: None,
        participants: vec!["Ana".into(), "Raj".into()],
        messages,
        events: Vec::new(),
        as_of: None,
    }
}

fn take(store: &Store, messages: Vec<Message>) {
    let items = vec![Item::Whole { thread: budget(messages), origin: None }];
    let page = Page { items, next: Cursor("next".into()), ..Page::default() };
    store.take("team", &page, now(0)).expect("taken");
}

fn owed(id: &str, closed: Option<Closed>) -> Reckoned {
    Reckoned {
        obligation: Obligation {
            id: id.into(),
            thread: "1".into(),
            kind: ObligationKind::Reply,
            metric: Metric::FirstResponse,
            owed_by: vec!["Raj".into()],
            owed_to: vec!["Ana".into()],
            opened_at: now(0),
            opened_by: Evidence::Words { message: "a".into(), start: 0, end: ASKED.len(), quote: ASKED.into() },
            first_opened_at: None,
            stated_due: Some(now(600)),
            closed,
        },
        policy: Some("chat".into()),
        zone: "Europe/Paris".into(),
        warn_at: Some(now(100)),
        due_at: Some(now(200)),
        paused: None,
        round_the_clock: false,
    }
}

/// A store with one thread whose question is owed an answer, and the thread's row.
fn asked() -> (TempDir, Store, i64) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("bluf.db")).expect("it opens");
    take(&store, vec![said("a", "Ana", 0, ASKED)]);
    let row = keep(&store, &[owed("one", None)]);
    (folder, store, row)
}

fn keep(store: &Store, docket: &[Reckoned]) -> i64 {
    let (row, version, rows) = store
        .read(|on| {
            let listed = thread::page(on, &thread::Filter::default(), None, 1)?.remove(0);
            let (thread, rows, version) = thread::load(on, listed.id)?.expect("it is there");
            let rows: HashMap<String, i64> = thread.messages.iter().map(|m| m.id.clone()).zip(rows).collect();
            Ok((listed.id, version, rows))
        })
        .expect("read");
    assert!(store.keep_docket(row, version, &rows, docket, "[]", now(1)).expect("kept"));
    row
}

fn list(store: &Store) -> Vec<obligation::Kept> {
    store.read(|on| obligation::list(on, &Which::default(), None, 10)).expect("listed")
}

fn planned(id: &str, stage: Stage, sink: &str) -> Planned {
    let tell = Tell { stage, sink: sink.into(), round: 0, not_before: now(200), together: false };
    let key = "0123456789abcdef".to_owned();
    Planned {
        obligation: id.into(),
        thread: key,
        source: "team".into(),
        tell: vec![tell],
        next: None,
        stage_since: None,
    }
}

fn waiting(store: &Store, sink: &str, minute: i64) -> Vec<outbox::Waiting> {
    store.read(|on| outbox::waiting(on, sink, now(minute), 10)).expect("read")
}

#[test]
fn an_obligation_comes_back_as_it_was_worked_out() {
    let (_folder, store, row) = asked();
    let found = list(&store);
    assert_eq!(found[0].reckoned, owed("one", None));
    assert_eq!((found[0].thread_id, found[0].thread.title.as_str(), found[0].first_seen), (row, "Budget", now(1)));
    assert_eq!((found[0].said_by.as_deref(), found[0].said_at), (Some("Ana"), Some(now(0))));
    let health = |minute| found[0].health(now(minute));
    assert_eq!([99, 100, 199, 200].map(health), [Health::OnTrack, Health::AtRisk, Health::AtRisk, Health::Breached]);
    take(&store, vec![said("a", "Ana", 0, ASKED), said("b", "Raj", 50, "Sent, see the sheet.")]);
    let by = Evidence::Words { message: "b".into(), start: 0, end: 4, quote: "Sent".into() };
    let closed = owed("one", Some(Closed { at: now(50), how: How::Met, by }));
    keep(&store, std::slice::from_ref(&closed));
    assert!(list(&store).is_empty());
    let which = Which { closed: true, ..Which::default() };
    let all = store.read(|on| obligation::list(on, &which, None, 10)).expect("listed");
    assert_eq!((&all[0].reckoned, all[0].first_seen), (&closed, now(1)));
}

#[test]
fn what_is_kept_already_is_looked_at_when_it_was_said_and_what_changes_at_once() {
    let (_folder, store, _) = asked();
    let looks = |minute| store.read(|on| obligation::to_look_at(on, now(minute), 10)).expect("read").len();
    let later = Planned { tell: Vec::new(), next: Some(now(100)), ..planned("one", Stage::AtRisk, "lead") };
    store.tell(&[later], now(1)).expect("planned");
    keep(&store, &[owed("one", None)]);
    assert_eq!((looks(99), looks(100)), (0, 1));
    keep(&store, &[Reckoned { due_at: Some(now(201)), ..owed("one", None) }]);
    assert_eq!(looks(1), 1);
    keep(&store, &[]);
    assert!(list(&store).is_empty());
}

#[test]
fn words_that_are_edited_or_deleted_take_what_quotes_them() {
    let (folder, store, row) = asked();
    store.tell(&[planned("one", Stage::Breached, "lead")], now(200)).expect("told");
    take(&store, vec![said("a", "Ana", 0, "Never mind.")]);
    assert!(list(&store).is_empty());
    assert_eq!(store.read(|on| obligation::flags(on, row)).expect("read"), None);
    let waiting = waiting(&store, "lead", 200);
    assert!(store.read(|on| outbox::contents(on, &waiting[0])).expect("read").is_empty());
    take(&store, vec![said("b", "Raj", 9, "Hello.")]);
    store.checkpoint().expect("written");
    let bytes: Vec<u8> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .flat_map(|file| std::fs::read(file.expect("a file").path()).expect("bytes"))
        .collect();
    assert!(!bytes.windows(14).any(|window| window == b"budget figures"));
}

#[test]
fn what_was_worked_out_from_an_older_thread_is_not_kept() {
    let (_folder, store, row) = asked();
    let version = store.read(|on| Ok(thread::of_row(on, row)?.expect("it is there").version)).expect("read");
    take(&store, vec![said("a", "Ana", 0, ASKED), said("b", "Raj", 5, "Sent.")]);
    assert!(!store.keep_docket(row, version, &HashMap::<String, i64>::new(), &[], "[]", now(2)).expect("no error"));
    assert_eq!(list(&store).len(), 1);
}

#[test]
fn a_notice_is_put_in_once_and_tried_under_one_id() {
    let (_folder, store, _) = asked();
    let plans = [planned("one", Stage::Breached, "lead"), planned("one", Stage::Breached, "room")];
    store.tell(&plans, now(200)).expect("told");
    store.tell(&plans, now(201)).expect("told again");
    let first = waiting(&store, "lead", 200);
    assert_eq!((first.len(), first[0].topic, first[0].attempts), (1, Topic::Breached, 0));
    assert_eq!(first[0].notices, [("one".to_owned(), Stage::Breached)]);
    store.sending(&first[0].id, now(200)).expect("noted");
    assert!(waiting(&store, "lead", 200).is_empty(), "it is under way");
    store.not_sent(&first[0], "no answer", None, now(200)).expect("noted");
    let sinks = || store.read(outbox::sinks).expect("read");
    let (lead, room) = (&sinks()[0], &sinks()[1]);
    assert_eq!(
        (lead.name.as_str(), lead.waiting, lead.failing, lead.last_error.as_deref()),
        ("lead", 1, 1, Some("no answer"))
    );
    assert_eq!((room.name.as_str(), room.waiting, room.failing, room.last_error.as_deref()), ("room", 1, 0, None));
    let again = waiting(&store, "lead", 201);
    assert_eq!((again[0].id.as_str(), again[0].attempts), (first[0].id.as_str(), 1));
    store.not_sent(&again[0], "come later", Some(SignedDuration::from_mins(30)), now(201)).expect("noted");
    assert!(waiting(&store, "lead", 230).is_empty());
    store.sent(&waiting(&store, "lead", 231)[0].id, now(231)).expect("noted");
    assert!(waiting(&store, "lead", 100_000).is_empty());
    let lead = &sinks()[0];
    assert_eq!((lead.waiting, lead.failing, lead.sent_ms), (0, 0, Some(now(231).as_millisecond())));
    let told = store.read(|on| outbox::receipts(on, "one")).expect("read");
    assert_eq!(told.iter().map(|r| r.sink.as_str()).collect::<Vec<_>>().len(), 2);
    let alerts = store.read(|on| outbox::alerts(on, None, None, 10)).expect("read");
    assert_eq!(alerts.iter().filter(|alert| alert.sent_at == Some(now(231))).count(), 1);
    let hidden = store.read(|on| outbox::alerts(on, Some(&["other".to_owned()]), None, 10)).expect("read");
    assert!(hidden.is_empty());
}

/// An envelope that was under way whenever the process ended has not failed.
#[test]
fn only_what_a_sink_refused_makes_it_wait_longer() {
    let (_folder, store, _) = asked();
    let plans = [planned("one", Stage::Breached, "lead"), planned("one", Stage::Escalated, "lead")];
    store.tell(&plans, now(200)).expect("told");
    let cut_off = waiting(&store, "lead", 200).remove(0);
    (0..25).for_each(|_| store.sending(&cut_off.id, now(200)).expect("noted"));
    let again = waiting(&store, "lead", 201).into_iter().find(|w| w.id == cut_off.id).expect("it waits");
    assert_eq!((again.attempts, again.failures), (25, 0));
    store.not_sent(&again, "no answer", None, now(201)).expect("noted");
    let again = waiting(&store, "lead", 202).into_iter().find(|w| w.id == cut_off.id).expect("within a minute");
    assert_eq!(again.failures, 1);
    for minute in 202..212 {
        store.not_sent(&again, "no answer", Some(SignedDuration::from_hours(1)), now(minute)).expect("noted");
    }
    assert!(!waiting(&store, "lead", 212).iter().any(|w| w.id == cut_off.id));
    // Its sink takes another: now is the time.
    let other = waiting(&store, "lead", 212).remove(0);
    store.sent(&other.id, now(212)).expect("noted");
    assert!(waiting(&store, "lead", 212).iter().any(|w| w.id == cut_off.id));
}

#[test]
fn after_three_days_an_envelope_is_given_up_and_says_so() {
    let (_folder, store, _) = asked();
    store.tell(&[planned("one", Stage::Breached, "lead")], now(200)).expect("told");
    let envelope = waiting(&store, "lead", 200).remove(0);
    store.not_sent(&envelope, "no such host", None, now(200 + 73 * 60)).expect("noted");
    assert!(waiting(&store, "lead", 1_000_000).is_empty());
    let alerts = store.read(|on| outbox::alerts(on, None, None, 10)).expect("read");
    assert_eq!(alerts[0].ended.as_deref(), Some("it could not be sent for three days"));
    assert_eq!(alerts[0].last_error.as_deref(), Some("no such host"));
}

#[test]
fn what_was_told_is_remembered_as_long_as_it_is_owed() {
    let (_folder, store, _) = asked();
    store.tell(&[planned("one", Stage::Breached, "lead")], now(200)).expect("told");
    store.sent(&waiting(&store, "lead", 200)[0].id, now(200)).expect("noted");
    let year_later = now(366 * 24 * 60);
    let told = || store.read(|on| outbox::receipts(on, "one")).expect("read").len();
    store.prune_outbox(year_later).expect("pruned");
    assert_eq!(told(), 1);
    keep(&store, &[]);
    store.prune_outbox(now(300)).expect("pruned");
    assert_eq!(told(), 1, "it is not long ago");
    store.prune_outbox(year_later).expect("pruned");
    assert_eq!(told(), 0);
}

#[test]
fn what_waits_for_the_same_time_goes_together() {
    let (_folder, store, _) = asked();
    keep(&store, &[owed("one", None), owed("two", None)]);
    let later = |id: &str| {
        let mut plan = planned(id, Stage::Breached, "lead");
        plan.tell[0].together = true;
        plan.tell[0].not_before = now(900);
        plan
    };
    store.tell(&[later("one")], now(200)).expect("told");
    store.tell(&[later("two")], now(300)).expect("told");
    assert!(waiting(&store, "lead", 899).is_empty());
    let together = waiting(&store, "lead", 900);
    assert_eq!((together.len(), together[0].notices.len(), together[0].topic), (1, 2, Topic::Digest));
    assert_eq!(store.read(|on| outbox::contents(on, &together[0])).expect("read").len(), 2);
}

#[test]
fn no_envelope_grows_without_end() {
    let (_folder, store, _) = asked();
    let all: Vec<Planned> = (0..100)
        .map(|n| {
            let mut plan = planned(&format!("o{n}"), Stage::Breached, "lead");
            plan.tell[0].together = true;
            plan
        })
        .collect();
    store.tell(&all, now(200)).expect("told");
    let sizes: Vec<usize> = waiting(&store, "lead", 200).iter().map(|envelope| envelope.notices.len()).collect();
    assert_eq!((sizes.len(), sizes.iter().sum::<usize>(), sizes.iter().max()), (3, 100, Some(&40)));
}

#[test]
fn what_people_do_is_kept_with_who_and_when() {
    let (_folder, store, _) = asked();
    let act = |act: hold::Act| store.act("one", &act, "ana", now(5)).expect("done");
    assert!(act(hold::Act::Acknowledge) && act(hold::Act::Snooze { until: now(300) }));
    let found = &list(&store)[0];
    assert_eq!(found.acknowledged.as_ref().map(|hold| hold.by.as_str()), Some("ana"));
    assert_eq!(found.snoozed.as_ref().and_then(|hold| hold.until), Some(now(300)));
    assert!(act(hold::Act::Waive { reason: "the project ended".into() }));
    assert!(list(&store).is_empty(), "what was waived is open no longer");
    assert!(!store.act("none", &hold::Act::Acknowledge, "ana", now(5)).expect("no error"));
    let audited: i64 = store
        .read(|on| {
            on.query_row("SELECT count(*) FROM audit WHERE who = 'ana' AND subject = 'one'", (), |row| row.get(0))
        })
        .expect("read");
    assert_eq!(audited, 3);
}

#[test]
fn a_silence_holds_until_it_is_ended() {
    let (_folder, store, _) = asked();
    let matches: RouteMatch = toml::from_str("source = ['team', 'mail-*']").expect("patterns");
    let id = store.silence(&matches, now(600), "ana", "we move house", now(5)).expect("kept");
    let held = store.read(|on| hold::silences(on, now(10))).expect("read");
    assert_eq!((held[0].id, &held[0].matches, held[0].until), (id, &matches, now(600)));
    assert!(store.end_silence(id, "ana", now(20)).expect("ended"));
    assert!(!store.end_silence(id, "ana", now(21)).expect("no error"));
    assert!(store.read(|on| hold::silences(on, now(21))).expect("read").is_empty());
}

#[test]
fn a_source_that_stays_down_is_told_once() {
    let (_folder, store, _) = asked();
    for minute in 0..5 {
        store.pull_failed("team", "no answer", None, now(minute)).expect("noted");
        store.tell_down(&["lead".to_owned()], now(minute)).expect("told");
    }
    let told = waiting(&store, "lead", 10);
    assert_eq!((told.len(), told[0].topic), (1, Topic::SourceDown));
    assert_eq!(told[0].source.as_ref().map(|down| (down.name.as_str(), down.since)), Some(("team", now(0))));
    store.pulled("team", now(6)).expect("noted");
    for minute in 7..10 {
        store.pull_failed("team", "no answer", None, now(minute)).expect("noted");
    }
    store.tell_down(&["lead".to_owned()], now(10)).expect("told");
    assert_eq!(waiting(&store, "lead", 10).len(), 2, "it was up in between");
}
