//! Slack's own habits: replies that no history shows, edits and deletions, errors with HTTP 200; and that a workspace that
//! is pulled comes to the same threads as its export.

use std::collections::BTreeMap;

use bluf::{
    domain::Cursor,
    source::{Input, connector::SourceError},
};
use serde_json::{Value, json};

use super::{
    check::{check, pull_once},
    fake::World,
    fake_slack::{FakeSlack, refused},
    fold::{Fold, pull_to_end},
};

const OLD: &str = "release/1770800000.000100";
const OWN: &str = "release/1773396000.000300";
const TALK: &str = "release/1773392400.000100";

async fn pulled() -> (World<FakeSlack>, Fold, Option<Cursor>) {
    let world = World::start().await;
    let mut fold = Fold::default();
    let cursors = pull_to_end(world.source().as_ref(), None, &mut fold).await;
    (world, fold, cursors.last().cloned())
}

async fn again(world: &World<FakeSlack>, cursor: &mut Option<Cursor>, fold: &mut Fold) {
    let cursors = pull_to_end(world.source().as_ref(), cursor.as_ref(), fold).await;
    *cursor = cursors.last().cloned();
}

fn said(ts: &str, user: &str, text: &str) -> Value {
    json!({ "ts": ts, "user": user, "text": text })
}

fn reply(ts: &str, thread: &str, text: &str) -> Value {
    json!({ "ts": ts, "user": "U2", "text": text, "thread_ts": thread })
}

#[tokio::test]
async fn slack_keeps_the_rules_of_connectors() {
    check::<FakeSlack>().await;
}

/// The same workspace as an export, read by the reader of exports.
fn exported(world: &World<FakeSlack>) -> Fold {
    let folder = tempfile::tempdir().unwrap();
    let state = world.state();
    let write = |name: &str, value: &Value| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, value.to_string()).unwrap();
    };
    write("users.json", &state.service.world["users"]);
    write("channels.json", &state.service.world["channels"]);
    for channel in state.service.world["channels"].as_array().unwrap().iter().filter(|c| c["is_member"] == true) {
        let mut all = state.service.world["messages"][channel["id"].as_str().unwrap()].clone();
        let roots: Vec<Value> = all.as_array().unwrap().iter().map(|message| message["thread_ts"].clone()).collect();
        for message in all.as_array_mut().unwrap() {
            if roots.contains(&message["ts"]) {
                message["thread_ts"] = message["ts"].clone();
            }
        }
        write(&format!("{}/2026-03-20.json", channel["name"].as_str().unwrap()), &all);
    }
    let reading = bluf::source::read(Input::Path(folder.path()), None).unwrap();
    Fold { threads: reading.threads.into_iter().map(|t| (t.id.clone(), t)).collect(), poisoned: BTreeMap::new() }
}

#[track_caller]
fn same_as_export(world: &World<FakeSlack>, fold: &Fold) {
    let export = exported(world);
    let of = |fold: &Fold| {
        let threads = fold.threads.values();
        threads.map(|t| (t.id.clone(), t.title.clone(), t.messages.clone())).collect::<Vec<_>>()
    };
    assert_eq!(of(fold), of(&export));
}

#[tokio::test]
async fn a_workspace_comes_to_the_same_threads_as_its_export() {
    let (world, fold, _) = pulled().await;
    same_as_export(&world, &fold);
}

/// A month of talk, some of it in threads, some of it without a pause longer than the gap for days.
#[tokio::test]
async fn a_busy_channel_comes_to_the_same_threads_as_its_export_however_it_is_pulled() {
    let world = World::<FakeSlack>::start().await;
    {
        let service = &mut world.state().service;
        let mut at = 1_771_400_000;
        for n in 0..160 {
            at += [600, 3_000, 12_000, 14_400, 14_401, 90_000][n * 7 % 6] / if n % 50 < 25 { 4 } else { 1 };
            let ts = format!("{at}.{:06}", n * 37);
            let text = format!("message {n}");
            service.say("C4", said(&ts, ["U1", "U2", "U3"][n % 3], &text));
            if n % 9 == 4 {
                service.say("C4", reply(&format!("{}.{:06}", at + 500_000, n), &ts, &format!("late reply to {n}")));
            }
        }
    }
    let mut fold = Fold::default();
    let cursors = pull_to_end(world.source().as_ref(), None, &mut fold).await;
    same_as_export(&world, &fold);
    for cursor in cursors.iter().step_by(3) {
        let mut later = fold.clone();
        pull_to_end(world.source().as_ref(), Some(cursor), &mut later).await;
        assert_eq!(later, fold, "from {cursor:?}");
    }
}

/// The days pass, and the window that is read again passes with them.
#[tokio::test]
async fn what_is_said_day_by_day_comes_to_the_same_threads_as_its_export() {
    let mut world = World::<FakeSlack>::start().await;
    world.state().service.messages("C4").clear();
    let (mut fold, mut cursor) = (Fold::default(), None);
    let days = ["2026-03-21T12:00:00Z", "2026-03-25T12:00:00Z", "2026-03-29T12:00:00Z", "2026-04-08T12:00:00Z"];
    let mut at = 1_773_990_000;
    for (day, now) in days.into_iter().enumerate() {
        world.now = now;
        let end = now.parse::<jiff::Timestamp>().unwrap().as_second();
        // Somebody writes every three hours: one conversation, longer than the window.
        while at < end {
            world.state().service.say("C4", said(&format!("{at}.000{day}00"), "U1", &format!("still on it at {at}")));
            at += 10_800;
        }
        again(&world, &mut cursor, &mut fold).await;
        same_as_export(&world, &fold);
    }
    let first = "quiet/1773990000.000000";
    assert!(fold.said(first).len() > 140);
    // An edit and a deletion in what is still read again.
    let recent = format!("{}.000300", at - 10_800);
    let gone = format!("{}.000300", at - 21_600);
    world.state().service.edit("C4", &recent, "done");
    world.state().service.delete("C4", &gone);
    again(&world, &mut cursor, &mut fold).await;
    same_as_export(&world, &fold);
    // Six hours without a word: what was one conversation is two.
    assert!(fold.holds("done") && !fold.said(first).contains(&"done"));
}

#[tokio::test]
async fn a_late_reply_is_found_to_a_recent_thread_and_to_an_old_one() {
    let (world, mut fold, mut cursor) = pulled().await;
    {
        let service = &mut world.state().service;
        service.say("C1", reply("1773999000.000100", "1773396000.000300", "It is next time."));
        service.say("C1", reply("1773999100.000100", "1770800000.000100", "The key expired, I made a new one."));
    }
    again(&world, &mut cursor, &mut fold).await;
    assert_eq!(fold.said(OWN).last(), Some(&"It is next time."));
    assert_eq!(fold.said(OLD).last(), Some(&"The key expired, I made a new one."));
    same_as_export(&world, &fold);
}

#[tokio::test]
async fn an_old_talk_that_somebody_answers_becomes_a_thread() {
    let (world, mut fold, mut cursor) = pulled().await;
    world.state().service.say("C1", reply("1773999000.000100", "1773392400.000100", "Tagged."));
    again(&world, &mut cursor, &mut fold).await;
    assert_eq!(fold.said(TALK), ["@Ben Example can you tag 2.4 by Friday?", "Tagged."]);
    same_as_export(&world, &fold);
    // And is talk again when the answer is deleted.
    world.state().service.delete("C1", "1773999000.000100");
    again(&world, &mut cursor, &mut fold).await;
    same_as_export(&world, &fold);
}

#[tokio::test]
async fn edits_are_noticed_in_talk_and_in_replies() {
    let (world, mut fold, mut cursor) = pulled().await;
    world.state().service.edit("C1", "1773392700.000200", "Yes, I will tag it on Friday.");
    world.state().service.edit("C1", "1773396600.000400", "We decided to take it in.");
    again(&world, &mut cursor, &mut fold).await;
    assert!(fold.said(TALK).contains(&"Yes, I will tag it on Friday.") && !fold.holds("on Thursday"));
    assert!(fold.said(OWN).contains(&"We decided to take it in.") && !fold.holds("leave it out"));
    same_as_export(&world, &fold);
}

#[tokio::test]
async fn deletions_are_noticed_wherever_they_are() {
    let (world, mut fold, mut cursor) = pulled().await;
    // The first message of a conversation, a reply, and a thread with all its replies.
    world.state().service.delete("C1", "1773392400.000100");
    world.state().service.delete("C1", "1773396600.000400");
    world.state().service.delete("C2", "1773740000.000100");
    world.state().service.delete("C2", "1773741000.000200");
    again(&world, &mut cursor, &mut fold).await;
    for words in ["can you tag", "leave it out", "Lunch", "Yes\n"] {
        assert!(!fold.holds(words), "{words}");
    }
    same_as_export(&world, &fold);
    // A conversation goes with its last message.
    world.state().service.delete("C2", "1773742000.000300");
    again(&world, &mut cursor, &mut fold).await;
    assert!(!fold.holds("cake"));
}

#[tokio::test]
async fn errors_say_whom_they_concern() {
    let world = World::<FakeSlack>::start().await;
    world.script("conversations.history?channel=C2", usize::MAX, refused("not_in_channel"));
    world.script("conversations.replies?channel=C1&ts=1770800000.000100", usize::MAX, refused("cannot_read"));
    let mut fold = Fold::default();
    pull_to_end(world.source().as_ref(), None, &mut fold).await;
    assert!(fold.poisoned["C2"].contains("not_in_channel") && fold.poisoned[OLD] == "cannot_read");
    assert!(fold.threads.contains_key(OWN) && fold.threads.contains_key(TALK));

    for (error, part) in [("invalid_auth", "token"), ("missing_scope", "manifest")] {
        let world = World::<FakeSlack>::start().await;
        world.script("/", usize::MAX, refused(error));
        let outcome = world.source().pull(None).await;
        assert!(matches!(&outcome, Err(SourceError::Permanent(what)) if what.contains(part)), "{outcome:?}");
    }
    let world = World::<FakeSlack>::start().await;
    world.script("/conversations.history", 1, refused("ratelimited"));
    assert!(matches!(world.source().pull(None).await, Err(SourceError::RateLimited { .. })));
    world.script("/conversations.history", 1, refused("internal_error"));
    assert!(matches!(world.source().pull(None).await, Err(SourceError::Transient(_))));
}

#[tokio::test]
async fn a_thread_that_failed_for_a_while_is_read_when_it_can_be() {
    let (_, all, _) = pulled().await;
    let world = World::<FakeSlack>::start().await;
    world.script("conversations.replies?channel=C1&ts=1773396000.000300", 2, refused("internal_error"));
    let (source, mut fold, mut cursor) = (world.source(), Fold::default(), None);
    for _ in 0..12 {
        pull_once(source.as_ref(), &mut cursor, &mut fold).await;
    }
    assert_eq!(fold, all);
}

#[tokio::test]
async fn what_an_event_names_is_read_anew() {
    let (world, mut fold, cursor) = pulled().await;
    world.state().service.edit("C1", "1773396600.000400", "We decided to take it in.");
    let named = ["C1/1773396000.000300", "C1/1773392400.000100", "C3/1773740000.000100", "nonsense"].map(str::to_owned);
    let items = world.source().fetch(&named, cursor.as_ref()).await.unwrap();
    assert_eq!(items.len(), 1, "{items:?}");
    fold.item(&items[0]);
    same_as_export(&world, &fold);
}

#[tokio::test]
async fn only_the_channels_that_were_named_are_read() {
    let world = World::<FakeSlack>::start().await;
    let source = world.source_with("channels = [\"#release\", \"C9\"]");
    let mut fold = Fold::default();
    pull_to_end(source.as_ref(), None, &mut fold).await;
    assert!(fold.threads.keys().all(|id| id.starts_with("release/")) && !fold.threads.is_empty());
    let whoami = source.check().await.unwrap();
    assert_eq!(whoami.account, "bluf in Team");
    let facts = whoami.facts.join("\n");
    assert!(facts.contains("C9: no such channel") && facts.contains("#release: readable with replies"), "{facts}");
}
