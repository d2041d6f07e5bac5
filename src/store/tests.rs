//! The store on real files: what pages leave behind, in whatever order and however often they come.

use std::collections::HashSet;

use jiff::Timestamp;
use tempfile::TempDir;

use super::{Store, StoreError, Taken, thread, work};
use crate::domain::{Cursor, Event, Item, Kind, Message, Moment, Page, Thread};

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("bluf.db")).expect("it opens");
    (folder, store)
}

fn now(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("a time")
}

fn said(id: &str, author: &str, minute: i64, text: &str) -> Message {
    let at = Moment::utc(now(minute * 60));
    Message { id: id.into(), author: Some(author.into()), sent_at: Some(at), text: text.into(), ..Message::default() }
}

fn of(id: &str, messages: Vec<Message>) -> Thread {
    let mut participants: Vec<String> = messages.iter().filter_map(|m| m.author.clone()).collect();
    participants.dedup();
    Thread {
        source: "team".into(),
        kind: Kind::Chat,
        id: id.into(),
        title: format!("About {id}"),
        url: None,
        channel: None,
        participants,
        messages,
        events: Vec::new(),
        as_of: None,
    }
}

fn whole(thread: Thread) -> Item {
    Item::Whole { thread, origin: None }
}

fn part(message: Message, thread: &str, joins: &[&str]) -> Item {
    Item::Part { thread: of(thread, vec![message]), joins: joins.iter().map(|j| (*j).to_owned()).collect() }
}

fn page(items: Vec<Item>) -> Page {
    Page { items, next: Cursor("next".into()), ..Page::default() }
}

/// Every thread as it would be read back, and the number of the last change.
fn everything(store: &Store) -> (Vec<Thread>, i64) {
    let read = |on: &rusqlite::Connection| {
        let listed = thread::page(on, &thread::Filter::default(), None, 1000)?;
        let threads = listed.iter().map(|l| Ok(thread::load(on, l.id)?.expect("listed").0));
        Ok((threads.collect::<rusqlite::Result<_>>()?, super::Change::last(on)?))
    };
    store.read(read).expect("it reads")
}

/// Every file of the database, as bytes.
fn bytes(folder: &TempDir) -> Vec<u8> {
    let files = std::fs::read_dir(folder.path()).expect("a folder");
    files.flat_map(|f| std::fs::read(f.expect("a file").path()).expect("bytes")).collect()
}

fn holds(folder: &TempDir, words: &str) -> bool {
    bytes(folder).windows(words.len()).any(|w| w.eq_ignore_ascii_case(words.as_bytes()))
}

#[test]
fn a_thread_comes_back_as_it_was_given() {
    let (_folder, store) = store();
    let mut given = of("1", vec![said("a", "Ana", 0, "Shall we?"), said("b", "Raj", 5, "Yes — “now”.")]);
    given.messages[1].reply_to = Some("a".into());
    given.messages[1].author_id = Some("raj@example.org".into());
    given.url = Some("https://example.org/1".into());
    given.channel = Some("#general".into());
    given.as_of = Moment::parse("2026-11-12T09:00:00+01:00");
    given.events = vec![Event { at: given.as_of, kind: "closed".into(), actor: Some("Ana".into()), subject: None }];
    for odd in ["00:03:55.680", "10:01", "2019-10-08T00:00:00"] {
        given.messages.push(Message { id: odd.into(), sent_at: Moment::parse(odd), ..Message::default() });
    }
    store.take("team", &page(vec![whole(given.clone())]), now(0)).expect("taken");
    assert_eq!(everything(&store).0, [given]);
    assert_eq!(store.read(|on| work::cursor(on, "team")).expect("read"), Some(Cursor("next".into())));
}

#[test]
fn a_thread_that_is_loaded_again_is_what_it_is_now() {
    let (_folder, store) = store();
    let mut given = of("1", ["a", "b", "c", "d"].map(|id| said(id, "Ana", 0, "As every day.")).to_vec());
    type Change = fn(&mut Vec<Message>);
    let steps: [&[Change]; 6] = [
        &[|_| ()],
        &[|all| all.push(said("e", "Raj", 1, "One more."))],
        &[|all| all[1].text = "Edited.".into()],
        &[|all| all.swap(0, 2)],
        // What comes once the last has gone gets its row, and says the same.
        &[|all| drop(all.pop()), |all| all.push(said("f", "Raj", 1, "One more."))],
        &[|all| drop(all.drain(1..3))],
    ];
    let mut before = None;
    for step in steps {
        for change in step {
            change(&mut given.messages);
            store.take("team", &page(vec![whole(given.clone())]), now(0)).expect("taken");
        }
        let id = store.read(|on| thread::find_external(on, "1")).expect("read").expect("there").id;
        let again = store.read(|on| thread::load_again(on, id, before.take())).expect("read").expect("there");
        assert_eq!(Some(&again), store.read(|on| thread::load_again(on, id, None)).expect("read").as_ref());
        assert_eq!(again.thread, given);
        before = Some(again);
    }
}

#[test]
fn the_same_page_twice_changes_nothing() {
    let (_folder, store) = store();
    let items = vec![
        whole(of("1", vec![said("a", "Ana", 0, "One"), said("b", "Raj", 1, "Two")])),
        part(said("x@h", "Ana", 2, "Three"), "x@h", &[]),
        part(said("y@h", "Raj", 3, "Four"), "x@h", &["x@h"]),
    ];
    let first = store.take("team", &page(items.clone()), now(0)).expect("taken");
    assert_eq!(first, Taken { threads: 2, added: 4, ..Taken::default() });
    let before = everything(&store);
    assert_eq!(store.take("team", &page(items), now(60)).expect("taken"), Taken::default());
    assert_eq!(everything(&store), before);
}

#[test]
fn letters_make_one_thread_in_whatever_order_they_come() {
    let letters = [
        part(said("root@h", "Ana", 0, "Shall we?"), "root@h", &[]),
        part(said("two@h", "Raj", 1, "Yes"), "root@h", &["root@h"]),
        part(said("three@h", "Tom", 2, "No"), "root@h", &["root@h", "two@h"]),
        part(said("four@h", "Mia", 3, "Maybe"), "lost@h", &["lost@h", "three@h"]),
    ];
    let mut seen = HashSet::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        let (_folder, store) = store();
        for at in order {
            store.take("mail", &page(vec![letters[at].clone()]), now(0)).expect("taken");
        }
        let (threads, _) = everything(&store);
        assert_eq!(threads.len(), 1, "{order:?}");
        let ids: Vec<String> = threads[0].messages.iter().map(|m| m.id.clone()).collect();
        assert_eq!(ids, ["root@h", "two@h", "three@h", "four@h"], "{order:?}");
        assert_eq!(threads[0].title, "About root@h", "{order:?}");
        let mut people = threads[0].participants.clone();
        people.sort();
        seen.insert(people);
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[test]
fn ids_of_one_source_say_nothing_of_another() {
    let (_folder, store) = store();
    for source in ["a", "b"] {
        store.take(source, &page(vec![whole(of("1", vec![said("0", "Ana", 0, source)]))]), now(0)).expect("taken");
    }
    assert_eq!(everything(&store).0.len(), 2);
}

#[test]
fn what_a_whole_thread_no_longer_has_is_gone_from_every_file() {
    let (folder, store) = store();
    let secret = said("b", "Raj", 1, "The passphrase is xylophone-quagmire");
    let kept = said("a", "Ana", 0, "Shall we meet?");
    store.take("team", &page(vec![whole(of("1", vec![kept.clone(), secret]))]), now(0)).expect("taken");
    assert!(holds(&folder, "quagmire"));
    store.take("team", &page(vec![whole(of("1", vec![kept]))]), now(60)).expect("taken");
    assert!(!holds(&folder, "quagmire") && !holds(&folder, "xylophone"));
    let hits: i64 = store
        .read(|on| {
            on.query_row("SELECT count(*) FROM message_fts WHERE message_fts MATCH 'xylophone'", (), |r| r.get(0))
        })
        .expect("read");
    assert_eq!(hits, 0);
    let whole =
        store.write(|on| on.execute("INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)", ()));
    assert!(whole.is_ok(), "{whole:?}");
}

#[test]
fn a_gone_letter_or_thread_or_file_is_gone() {
    let (_folder, store) = store();
    let items = vec![
        part(said("r@h", "Ana", 0, "One"), "r@h", &[]),
        part(said("s@h", "Raj", 1, "Two"), "r@h", &["r@h"]),
        Item::Whole { thread: of("f1", vec![said("0", "Ana", 0, "x")]), origin: Some("a.md".into()) },
        Item::Whole { thread: of("f2", vec![said("0", "Ana", 0, "y")]), origin: Some("a.md".into()) },
    ];
    store.take("team", &page(items), now(0)).expect("taken");
    let gone = |item| store.take("team", &page(vec![item]), now(60)).expect("taken");
    assert_eq!(gone(Item::Gone { message: "s@h".into() }), Taken { threads: 1, gone: 1, ..Taken::default() });
    assert_eq!(gone(Item::Origin { origin: "a.md".into(), threads: vec!["f2".into()] }).threads, 1);
    let ids = |store: &Store| everything(store).0.into_iter().map(|t| t.id).collect::<HashSet<_>>();
    assert_eq!(ids(&store), HashSet::from(["r@h".to_owned(), "f2".to_owned()]));
    gone(Item::Gone { message: "r@h".into() });
    gone(Item::ThreadGone { thread: "f2".into() });
    assert!(ids(&store).is_empty());
    assert_eq!(gone(Item::ThreadGone { thread: "f2".into() }), Taken::default());
}

#[test]
fn an_edit_keeps_what_was_said_before() {
    let (_folder, store) = store();
    let take =
        |text| store.take("t", &page(vec![whole(of("1", vec![said("a", "Ana", 0, text)]))]), now(0)).expect("taken");
    take("Friday");
    assert_eq!(take("Monday"), Taken { threads: 1, edited: 1, ..Taken::default() });
    let kept = store.read(|on| thread::messages(on, 1, 0, 10)).expect("read");
    assert_eq!((kept[0].message.text.as_str(), kept[0].versions), ("Monday", 1));
}

#[test]
fn a_thread_is_to_be_read_once_it_has_been_quiet_and_at_last_in_any_case() {
    let (_folder, store) = store();
    let at = |second| store.read(|on| work::unread(on, now(second), 30_000, 10)).expect("read").len();
    let mut messages = vec![said("0", "Ana", 0, "one")];
    store.take("t", &page(vec![whole(of("1", messages.clone()))]), now(0)).expect("taken");
    assert_eq!((at(29), at(30)), (0, 1));
    assert_eq!(store.read(|on| work::next_unread_ms(on, 30_000)).expect("read"), Some(now(30).as_millisecond()));
    for second in (20..=300).step_by(20) {
        messages.push(said(&second.to_string(), "Raj", second, "more"));
        store.take("t", &page(vec![whole(of("1", messages.clone()))]), now(second)).expect("taken");
    }
    assert_eq!((at(299), at(300)), (0, 1), "it waited ten times as long");
}

#[test]
fn a_thread_that_cannot_be_read_is_tried_again_later_and_then_set_aside() {
    let (_folder, store) = store();
    store.take("t", &page(vec![whole(of("1", vec![said("0", "Ana", 0, "one")]))]), now(0)).expect("taken");
    let unread = |second| store.read(|on| work::unread(on, now(second), 0, 10)).expect("read");
    let mut second = 0;
    for wait in [30, 60, 120, 240] {
        let thread = unread(second).pop().expect("it is tried");
        store.reading_failed(thread.id, thread.version, "too odd", now(second)).expect("noted");
        assert!(unread(second + wait - 1).is_empty(), "{wait}");
        second += wait;
    }
    let thread = unread(second).pop().expect("it is tried");
    store.reading_failed(thread.id, thread.version, "too odd", now(second)).expect("noted");
    assert!(unread(second + 1_000_000).is_empty(), "set aside");
    let listed = store.read(|on| thread::of_row(on, thread.id)).expect("read").expect("there");
    assert_eq!((listed.is_read, listed.read_error.as_deref()), (false, Some("too odd")));
    let more = vec![said("0", "Ana", 0, "one"), said("1", "Raj", 1, "two")];
    store.take("t", &page(vec![whole(of("1", more))]), now(second)).expect("taken");
    assert_eq!(unread(second).len(), 1, "something new is tried again");
}

#[test]
fn a_source_that_fails_is_tried_ever_later() {
    let (_folder, store) = store();
    let state = || store.read(work::sources).expect("read").pop().expect("a source");
    store.pull_failed("t", "no route", None, now(0)).expect("noted");
    store.pull_failed("t", "no route", None, now(30)).expect("noted");
    assert_eq!((state().failures, state().next_try_ms), (2, now(90).as_millisecond()));
    store.pull_failed("t", "slow down", Some(5_000), now(90)).expect("noted");
    assert_eq!(state().next_try_ms, now(95).as_millisecond());
    store.pulled("t", now(100)).expect("noted");
    assert_eq!((state().failures, state().last_error), (0, None));
    let kinds: Vec<String> =
        store.read(|on| super::Change::after(on, 0, 10)).expect("read").0.into_iter().map(|c| c.kind).collect();
    assert_eq!(kinds, ["source.down", "source.up"]);
}

#[test]
fn a_database_from_the_future_or_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bluf.db");
    std::fs::write(&path, "this is no database at all, whatever its name may be. ".repeat(40)).expect("written");
    assert!(matches!(Store::open(&path), Err(StoreError::Corrupt { .. })));
    std::fs::remove_file(&path).expect("removed");
    drop(Store::open(&path).expect("it opens"));
    rusqlite::Connection::open(&path).expect("open").pragma_update(None, "user_version", 999).expect("set");
    assert!(matches!(Store::open(&path), Err(StoreError::Newer { .. })));
    assert!(matches!(Store::open_to_read(&path), Err(StoreError::Newer { .. })));
    assert!(matches!(Store::open_to_read(&folder.path().join("none.db")), Err(StoreError::Open { .. })));
}
