//! GitHub's own habits: secondary limits, comments deleted without a trace, threads that cannot be had.

use std::time::Duration;

use bluf::{
    domain::Cursor,
    source::connector::{Source, SourceError},
};
use serde_json::json;

use super::{
    check::{check, pull_once},
    fake::{Answer, World},
    fake_github::FakeGitHub,
    fold::{Fold, pull_to_end},
};

const THREE: &str = "example/importer#3";
const FOUR: &str = "example/importer#4";

async fn pulled() -> (World<FakeGitHub>, Fold, Option<Cursor>) {
    let world = World::start().await;
    let mut fold = Fold::default();
    let cursors = pull_to_end(world.source().as_ref(), None, &mut fold).await;
    (world, fold, cursors.last().cloned())
}

async fn again(world: &World<FakeGitHub>, cursor: &mut Option<Cursor>, fold: &mut Fold) {
    let cursors = pull_to_end(world.source().as_ref(), cursor.as_ref(), fold).await;
    *cursor = cursors.last().cloned();
}

#[tokio::test]
async fn github_keeps_the_rules_of_connectors() {
    check::<FakeGitHub>().await;
}

#[tokio::test]
async fn a_quiet_repository_costs_one_request() {
    let world = World::<FakeGitHub>::start().await;
    // One issue alone is a list of one page.
    [3, 5, 7].into_iter().for_each(|number| world.state().service.remove("issues", number));
    let source = world.source_with("discussions = false");
    let (mut fold, mut cursor) = (Fold::default(), None);
    for _ in 0..3 {
        pull_once(source.as_ref(), &mut cursor, &mut fold).await;
    }
    let before = world.requests();
    assert!(!pull_once(source.as_ref(), &mut cursor, &mut fold).await);
    assert_eq!(world.requests() - before, 1);
    assert!(cursor.unwrap().0.contains("etag"));
}

#[tokio::test]
async fn a_late_comment_to_an_old_issue_and_an_edit_are_read() {
    let (world, mut fold, mut cursor) = pulled().await;
    {
        let service = &mut world.state().service;
        service.repo["comments"]["3"][0]["body"] = json!("Same here with four files.");
        let late = json!({ "id": 39, "body": "It happens again.", "user": { "login": "ana" },
                           "created_at": "2026-03-19T08:00:00Z", "updated_at": "2026-03-19T08:00:00Z" });
        service.repo["comments"]["3"].as_array_mut().unwrap().push(late);
        let issue = service.thread("issues", 3);
        issue["updated_at"] = json!("2026-03-19T08:00:00Z");
        issue["comments"] = json!(4);
    }
    again(&world, &mut cursor, &mut fold).await;
    assert!(fold.said(THREE).contains(&"It happens again."));
    assert!(fold.holds("four files") && !fold.holds("three files"));
}

#[tokio::test]
async fn a_deleted_comment_goes_though_no_time_changed() {
    let (world, mut fold, mut cursor) = pulled().await;
    {
        let service = &mut world.state().service;
        service.repo["comments"]["3"].as_array_mut().unwrap().remove(0);
        service.thread("issues", 3)["comments"] = json!(2);
    }
    again(&world, &mut cursor, &mut fold).await;
    assert!(!fold.holds("three files"), "{}", fold.text());
    assert_eq!(fold.said(THREE).len(), 3);
}

#[tokio::test]
async fn a_deleted_issue_and_a_deleted_discussion_go() {
    let (world, mut fold, mut cursor) = pulled().await;
    assert!(fold.threads.contains_key(FOUR));
    {
        let service = &mut world.state().service;
        service.remove("issues", 4);
        service.remove("discussions", 9);
    }
    again(&world, &mut cursor, &mut fold).await;
    assert!(!fold.threads.contains_key(FOUR) && !fold.threads.contains_key("example/importer#9"));
    assert!(fold.threads.contains_key(THREE) && fold.threads.contains_key("example/importer#6"));
}

#[tokio::test]
async fn a_discussion_is_read_again_when_somebody_writes_in_it() {
    let (world, mut fold, mut cursor) = pulled().await;
    {
        let service = &mut world.state().service;
        let discussion = service.thread("discussions", 2);
        let late = json!({ "id": "DC_9", "databaseId": 990, "body": "Two of three are done.", "deletedAt": null,
                           "createdAt": "2026-03-18T09:00:00Z", "lastEditedAt": null, "author": null, "replies": [] });
        discussion["comments"].as_array_mut().unwrap().push(late);
        discussion["updatedAt"] = json!("2026-03-18T09:00:00Z");
    }
    again(&world, &mut cursor, &mut fold).await;
    assert_eq!(fold.said("example/importer#2"), ["What we want to do this year.", "Two of three are done."]);
}

#[tokio::test]
async fn a_secondary_limit_keeps_what_there_is_and_nothing_is_lost() {
    let (_, all, _) = pulled().await;
    let world = World::<FakeGitHub>::start().await;
    let limit = json!({ "message": "You have exceeded a secondary rate limit. Please wait." });
    world.script("/issues/4/timeline", 2, Answer::new(403, limit));
    let (source, mut fold, mut cursor) = (world.source(), Fold::default(), None);
    assert!(pull_once(source.as_ref(), &mut cursor, &mut fold).await, "there is more");
    assert!(fold.threads.contains_key(THREE) && !fold.threads.contains_key(FOUR));
    let limited = source.pull(cursor.as_ref()).await;
    let minute = Duration::from_secs(60);
    assert!(matches!(limited, Err(SourceError::RateLimited { retry_after }) if retry_after == minute), "{limited:?}");
    again(&world, &mut cursor, &mut fold).await;
    assert_eq!(fold, all);
}

#[tokio::test]
async fn a_rate_that_is_nearly_used_up_is_left_alone_until_it_is_filled_again() {
    let world = World::<FakeGitHub>::start().await;
    let nearly = Answer::new(200, json!([]))
        .header("x-ratelimit-remaining", "3")
        .header("x-ratelimit-reset", "1774008300")
        .header("date", "Fri, 20 Mar 2026 12:00:00 GMT");
    world.script("/issues?", 1, nearly);
    let source = world.source_with("discussions = false");
    source.pull(None).await.unwrap();
    let before = world.requests();
    let limited = source.pull(None).await;
    let five_minutes = Duration::from_secs(300);
    assert!(
        matches!(limited, Err(SourceError::RateLimited { retry_after }) if retry_after == five_minutes),
        "{limited:?}"
    );
    assert_eq!(world.requests(), before, "nothing was asked");
}

#[tokio::test]
async fn one_thread_that_fails_does_not_hold_up_the_rest() {
    let world = World::<FakeGitHub>::start().await;
    world.script("/issues/4/timeline", usize::MAX, Answer::new(502, json!({ "message": "Server Error" })));
    let (source, mut fold, mut cursor) = (world.source(), Fold::default(), None);
    for _ in 0..12 {
        pull_once(source.as_ref(), &mut cursor, &mut fold).await;
    }
    assert!(fold.threads.contains_key(THREE) && fold.threads.contains_key("example/importer#7"));
    assert!(fold.poisoned.get(FOUR).is_some_and(|what| what.contains("502")), "{:?}", fold.poisoned);
}

#[tokio::test]
async fn a_thread_that_failed_for_a_while_is_read_when_it_can_be() {
    let (_, all, _) = pulled().await;
    let world = World::<FakeGitHub>::start().await;
    world.script("/issues/4/timeline", 2, Answer::new(502, json!({})));
    let (source, mut fold, mut cursor) = (world.source(), Fold::default(), None);
    for _ in 0..6 {
        pull_once(source.as_ref(), &mut cursor, &mut fold).await;
    }
    assert_eq!(fold, all);
}

#[tokio::test]
async fn a_comment_list_that_breaks_off_costs_its_thread_alone() {
    let world = World::<FakeGitHub>::start().await;
    world.script("/issues/3/comments", usize::MAX, Answer::new(200, json!("not a list")));
    let mut fold = Fold::default();
    pull_to_end(world.source().as_ref(), None, &mut fold).await;
    assert!(fold.poisoned.contains_key(THREE) && fold.threads.contains_key(FOUR), "{:?}", fold.poisoned);
}

#[tokio::test]
async fn a_repository_that_is_gone_does_not_hold_up_the_others() {
    let world = World::<FakeGitHub>::start().await;
    let source = world.source_with("repos = [\"example/gone\", \"example/importer\"]\ndiscussions = false");
    let mut fold = Fold::default();
    pull_to_end(source.as_ref(), None, &mut fold).await;
    assert!(fold.poisoned["example/gone"].contains("404") && fold.threads.contains_key(THREE));
    let alone = world.source_with("repos = [\"example/gone\"]\ndiscussions = false").pull(None).await;
    assert!(matches!(&alone, Err(SourceError::Permanent(what)) if what.contains("example/gone")), "{alone:?}");
}

#[tokio::test]
async fn a_token_that_was_refused_is_a_matter_for_a_person() {
    let world = World::<FakeGitHub>::start().await;
    world.script("/", usize::MAX, Answer::new(401, json!({ "message": "Bad credentials" })));
    for outcome in [world.source().pull(None).await.err(), world.source().check().await.err()] {
        assert!(matches!(&outcome, Some(SourceError::Permanent(what)) if what.contains("token")), "{outcome:?}");
        assert!(!format!("{outcome:?}").contains("t0k3n"));
    }
}

#[tokio::test]
async fn what_a_webhook_names_is_read_anew() {
    let (world, mut fold, cursor) = pulled().await;
    {
        let service = &mut world.state().service;
        service.repo["comments"]["3"].as_array_mut().unwrap().remove(0);
        service.remove("issues", 4);
        service.thread("discussions", 6)["body"] = json!("Say hello here, please.");
    }
    let source: Box<dyn Source> = world.source();
    let named = ["EXAMPLE/importer#3", FOUR, "example/importer#6", "example/other#1"].map(str::to_owned);
    for item in source.fetch(&named, cursor.as_ref()).await.unwrap() {
        fold.item(&item);
    }
    assert!(!fold.holds("three files") && !fold.threads.contains_key(FOUR) && fold.holds("here, please"));
}

#[tokio::test]
async fn nothing_before_since_is_read() {
    let world = World::<FakeGitHub>::start().await;
    let mut fold = Fold::default();
    let source = world.source_with("since = \"2026-03-07T00:00:00Z\"");
    pull_to_end(source.as_ref(), None, &mut fold).await;
    assert!(!fold.threads.contains_key(THREE) && fold.threads.contains_key("example/importer#7"));
    assert!(fold.threads.contains_key("example/importer#9") && !fold.threads.contains_key("example/importer#6"));
}
