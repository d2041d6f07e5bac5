//! Folders as sources: what appears, changes, vanishes, moves or is half written, in every format.

mod git;

use std::{fs, path::Path, time::Duration};

use bluf::{
    domain::{Item, Thread},
    source::{
        self, Input,
        connector::{Source, SourceError, files},
    },
    time::Stopwatch,
};
use tempfile::TempDir;

use crate::support::{
    data, root, say,
    shelf::{Shelf, pull, pull_and_check},
};

/// A source over `path` that reads files at once, with more settings in TOML.
pub fn files(path: &Path, more: &str) -> files::Files {
    let text = format!("path = {:?}\nsettle_secs = 0\n{more}", path.to_str().unwrap());
    files::Files::new("docs", toml::from_str(&text).expect("a configuration")).expect("a source")
}

fn put(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn letter(id: &str, subject: &str, answers: &str, text: &str) -> String {
    let answers = if answers.is_empty() { String::new() } else { format!("In-Reply-To: <{answers}>\n") };
    format!(
        "From: Ana Example <ana@example.org>\nDate: Mon, 2 Mar 2026 09:00:00 +0100\nMessage-ID: <{id}>\n\
         Subject: {subject}\n{answers}\n{text}\n"
    )
}

fn posted(letters: &[String]) -> String {
    letters.iter().map(|l| format!("From ana@example.org Mon Mar  2 09:00:00 2026\n{l}\n")).collect()
}

/// What threads say, in some order. One that is named after its file goes by its whole path here.
fn said(threads: impl Iterator<Item = Thread>) -> Vec<String> {
    let mut said: Vec<String> = threads.map(|t| format!("{:?}", Thread { id: String::new(), ..t })).collect();
    said.sort();
    said
}

#[tokio::test]
async fn every_format_reads_as_it_does_at_once() {
    let fixtures = root().join("tests/fixtures/source");
    let mut seen = 0;
    for entry in fs::read_dir(&fixtures).unwrap() {
        let folder = entry.unwrap().path();
        let at_once = source::read(Input::Path(&folder), None).unwrap();
        let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
        pull_and_check(&files(&folder, "git = false"), &mut cursors, &mut shelf).await;
        let pulled = said(shelf.wholes.values().map(|(t, _)| t.clone()));
        assert_eq!(pulled, said(at_once.threads.into_iter()), "{}", folder.display());
        assert_eq!(shelf.poisoned.len(), at_once.faults.len(), "{:?}", shelf.poisoned);
        seen += 1;
    }
    assert!(seen >= 10, "{seen} folders of fixtures");
}

#[tokio::test]
async fn files_appear_change_and_vanish() {
    let folder = TempDir::new().unwrap();
    let source = files(folder.path(), "");
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    assert_eq!(pull_and_check(&source, &mut cursors, &mut shelf).await, 0, "an empty folder");

    put(&folder, "a.md", "# Plan\n\nWe move it.\n");
    put(&folder, "calls/b.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n");
    put(&folder, ".hidden/c.md", "# No\n\nnever\n");
    put(&folder, "photo.bin", b"\0\x01");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.keys().collect::<Vec<_>>(), ["a.md", "calls/b.vtt"]);
    assert_eq!(shelf.poisoned.keys().collect::<Vec<_>>(), ["photo.bin"]);

    put(&folder, "a.md", "# Plan\n\nWe leave it.\n");
    put(&folder, "calls/b.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n");
    // A file that says what it said brings nothing, however new it is: two items are the one document's.
    assert_eq!(pull_and_check(&source, &mut cursors, &mut shelf).await, 2);
    assert_eq!(shelf.thread("a.md").messages[0].text, "We leave it.");

    fs::remove_file(folder.path().join("a.md")).unwrap();
    put(&folder, "calls/b.vtt", "");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert!(shelf.wholes.is_empty(), "{:?}", shelf.wholes);
}

#[tokio::test]
async fn a_file_that_is_being_written_waits_for_the_next_round() {
    let folder = TempDir::new().unwrap();
    let config = format!("path = {:?}\nsettle_secs = 1", folder.path().to_str().unwrap());
    let source = files::Files::new("docs", toml::from_str(&config).unwrap()).unwrap();
    put(&folder, "a.md", "# Plan\n\nWe mo");
    let mut shelf = Shelf::default();
    let (cursors, items) = pull(&source, None, &mut shelf).await;
    assert_eq!(items, 0, "half a file was read");
    put(&folder, "a.md", "# Plan\n\nWe move it.\n");
    for _ in 0..10 {
        tokio::time::timeout(Duration::from_secs(10), source.changed(cursors.last())).await.expect("word of the file");
        pull(&source, cursors.last(), &mut shelf).await;
        if !shelf.wholes.is_empty() {
            break;
        }
    }
    assert_eq!(shelf.thread("a.md").messages[0].text, "We move it.");
}

#[tokio::test]
async fn a_change_wakes_whoever_waits() {
    let folder = TempDir::new().unwrap();
    let source = files(folder.path(), "");
    let mut shelf = Shelf::default();
    let (cursors, _) = pull(&source, None, &mut shelf).await;
    // Written between two waits: it is not missed.
    put(&folder, "deep/a.md", "# Plan\n\nWe move it.\n");
    tokio::time::timeout(Duration::from_secs(20), source.changed(cursors.last())).await.expect("word of the file");
    pull(&source, cursors.last(), &mut shelf).await;
    assert_eq!(shelf.wholes.len(), 1);
}

#[tokio::test]
async fn what_moves_is_never_gone_and_what_lies_twice_stays_until_both_are_gone() {
    let folder = TempDir::new().unwrap();
    let source = files(folder.path(), "");
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    let mail =
        posted(&[letter("1@ex", "Release", "", "Ship on Monday?"), letter("2@ex", "Re: Release", "1@ex", "Yes.")]);
    put(&folder, "b.mbox", &mail);
    pull_and_check(&source, &mut cursors, &mut shelf).await;

    for (from, to) in [("b.mbox", "a.mbox"), ("a.mbox", "c.mbox")] {
        fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
        let page = source.pull(cursors.last()).await.unwrap();
        let order: Vec<&str> = page
            .items
            .iter()
            .map(|item| match item {
                Item::Whole { .. } => "whole",
                Item::Origin { threads, .. } if threads.is_empty() => "gone",
                _ => "origin",
            })
            .collect();
        assert_eq!(order, ["whole", "origin", "gone"], "{from} to {to}");
        pull_and_check(&source, &mut cursors, &mut shelf).await;
        assert_eq!(shelf.wholes["1@ex"].1.as_deref(), Some(to));
    }

    put(&folder, "d.mbox", &mail);
    put(&folder, "a.mbox", mail.replace("Yes.", "No."));
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.thread("1@ex").messages[1].text, "No.", "the first by name stands");
    fs::remove_file(folder.path().join("a.mbox")).unwrap();
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.thread("1@ex").messages[1].text, "Yes.");
    fs::remove_file(folder.path().join("c.mbox")).unwrap();
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes["1@ex"].1.as_deref(), Some("d.mbox"));
    fs::remove_file(folder.path().join("d.mbox")).unwrap();
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert!(shelf.wholes.is_empty());
}

#[tokio::test]
async fn a_mailbox_that_grows_brings_only_the_thread_that_grew() {
    let folder = TempDir::new().unwrap();
    let source = files(folder.path(), "");
    let mut letters: Vec<String> =
        (0..30).map(|n| letter(&format!("{n}@ex"), &format!("Matter {n}"), "", "A question?")).collect();
    put(&folder, "list.mbox", posted(&letters));
    for (n, letter) in letters.iter().enumerate() {
        put(&folder, &format!("box/cur/{n}.host:2,S"), letter.replace("@ex>", "@box>"));
    }
    fs::create_dir_all(folder.path().join("box/new")).unwrap();
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.len(), 60);

    letters.push(letter("late@ex", "Re: Matter 3", "3@ex", "An answer."));
    put(&folder, "list.mbox", posted(&letters));
    put(&folder, "box/new/late.host", letter("late@box", "Re: Matter 4", "4@box", "An answer."));
    fs::rename(folder.path().join("box/cur/0.host:2,S"), folder.path().join("box/cur/0.host:2,RS")).unwrap();
    assert_eq!(pull_and_check(&source, &mut cursors, &mut shelf).await, 4, "two threads and two origins");
    assert_eq!((shelf.thread("3@ex").messages.len(), shelf.thread("4@box").messages.len()), (2, 2));
    assert_eq!(shelf.wholes["4@box"].1.as_deref(), Some("box"));
}

#[tokio::test]
async fn an_issue_in_several_files_is_one_thread() {
    let folder = TempDir::new().unwrap();
    let source = files(folder.path(), "");
    let fixture = |name: &str| fs::read(root().join("tests/fixtures/source/github-json").join(name)).unwrap();
    put(&folder, "issues/3.json", fixture("issues.json"));
    put(&folder, "threads.json", r#"{"id":"t","messages":[{"id":"1","text":"hello"}]}"#);
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    let before: usize = shelf.wholes.values().map(|(t, _)| t.messages.len()).sum();
    put(&folder, "comments/3.json", fixture("comments.json"));
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    let after: usize = shelf.wholes.values().map(|(t, _)| t.messages.len()).sum();
    assert!(after > before && shelf.wholes.contains_key("t"), "{before} {after}");
    fs::remove_file(folder.path().join("comments/3.json")).unwrap();
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.values().map(|(t, _)| t.messages.len()).sum::<usize>(), before);
}

#[tokio::test]
async fn files_of_one_name_are_two_threads_and_an_id_used_twice_is_said() {
    let folder = TempDir::new().unwrap();
    let source = files(folder.path(), "");
    let words = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n";
    put(&folder, "call.vtt", words);
    put(&folder, "call.md", "# Call\n\nnotes\n");
    put(&folder, "a.jsonl", r#"{"id":"1","messages":[{"text":"one"}]}"#);
    put(&folder, "b.jsonl", r#"{"id":"1","messages":[{"text":"two"}]}"#);
    put(&folder, "c.jsonl", "{\"messages\":[{\"text\":\"nameless\"}]}\n{\"messages\":[{\"text\":\"nameless\"}]}");
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.keys().collect::<Vec<_>>(), ["1", "c.jsonl:1", "c.jsonl:2", "call.md", "call.vtt"]);
    let (id, what) = shelf.poisoned.iter().next().unwrap();
    assert!(id == "b.jsonl" && what.contains("a.jsonl"), "{id}: {what}");
}

#[tokio::test]
async fn pages_are_bounded_and_a_source_that_was_killed_goes_on() {
    let folder = TempDir::new().unwrap();
    for n in 0..450 {
        put(&folder, &format!("{n:03}.md"), format!("# Note {n}\n\nWords of note {n}.\n"));
    }
    let many: String =
        (0..450).map(|n| format!("{{\"id\":\"t{n}\",\"messages\":[{{\"text\":\"a{n}\"}}]}}\n")).collect();
    put(&folder, "many.jsonl", many);
    let (mut shelf, mut cursor, mut pages) = (Shelf::default(), None, 0);
    loop {
        // Each page by a process of its own.
        let page = files(folder.path(), "").pull(cursor.as_ref()).await.unwrap();
        let threads = page.items.iter().filter(|item| matches!(item, Item::Whole { .. })).count();
        assert!(threads <= 200, "{threads} threads in a page");
        shelf.take(&page);
        cursor = Some(page.next);
        pages += 1;
        if !page.more {
            break;
        }
    }
    assert_eq!((shelf.wholes.len(), pages), (900, 5));
    let (_, items) = pull(&files(folder.path(), ""), cursor.as_ref(), &mut shelf).await;
    assert_eq!(items, 0);
}

#[tokio::test]
async fn patterns_choose_and_what_is_wrong_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    put(&folder, "docs/a.md", "# A\n\nwords\n");
    put(&folder, "docs/old/b.md", "# B\n\nwords\n");
    put(&folder, "c.txt", "words\n");
    let source = files(folder.path(), "include = [\"*.md\"]\nexclude = [\"docs/old/**\"]");
    let mut shelf = Shelf::default();
    pull(&source, None, &mut shelf).await;
    assert_eq!(shelf.wholes.keys().collect::<Vec<_>>(), ["docs/a.md"]);
    assert!(source.check().await.unwrap().facts[0].starts_with("1 file"));
    let one = files(&folder.path().join("c.txt"), "");
    pull(&one, None, &mut shelf).await;
    assert!(shelf.wholes.contains_key("c.txt"));

    let missing = files(&folder.path().join("none"), "").pull(None).await.unwrap_err();
    assert!(matches!(&missing, SourceError::Permanent(what) if what.contains("mount or create it")), "{missing}");
    let git = files(folder.path(), "git = true").pull(None).await.unwrap_err();
    assert!(matches!(&git, SourceError::Permanent(what) if what.contains("no git repository")), "{git}");
    for (text, word) in [("path = 'x'\ncolour = 1", "colour"), ("path = 'x'\ngit = 'maybe'", "auto"), ("", "path")] {
        let error = toml::from_str::<files::Config>(text).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let config = toml::from_str("path = 'x'\nformat = 'docx'").unwrap();
    assert!(files::Files::new("x", config).err().unwrap().to_string().contains("slack-export"));
}

#[tokio::test]
async fn real_inputs_go_in_with_the_counts_of_one_shot() {
    let Some(data) = data() else { return };
    for input in ["mbox", "maildir/notmuch-default", "maildir/sa-rpm-zzzlist", "slack", "github", "threads", "minutes"]
    {
        let folder = data.join("private").join(input);
        if !folder.is_dir() {
            say(&format!("SKIPPED: {input} is not there"));
            continue;
        }
        let at_once = source::read(Input::Path(&folder), None).unwrap();
        let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
        pull_and_check(&files(&folder, ""), &mut cursors, &mut shelf).await;
        let messages: usize = shelf.wholes.values().map(|(t, _)| t.messages.len()).sum();
        let expected: usize = at_once.threads.iter().map(|t| t.messages.len()).sum();
        assert_eq!((shelf.wholes.len(), messages), (at_once.threads.len(), expected), "{input}");
    }
}

#[tokio::test]
async fn a_large_maildir_is_read_at_speed_and_one_more_letter_costs_little_of_it() {
    let (threads, each) = if std::env::var_os("BLUF_LARGE").is_some() { (5_000, 20) } else { (250, 20) };
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("new")).unwrap();
    fs::create_dir_all(folder.path().join("cur")).unwrap();
    let text = "A line of a letter as people write them, some eighty characters of it in all.\n".repeat(12);
    for n in 0..threads * each {
        let answers = if n % each == 0 { String::new() } else { format!("{}@ex", n / each * each) };
        let letter = letter(&format!("{n}@ex"), &format!("Matter {}", n / each), &answers, &text);
        fs::write(folder.path().join(format!("cur/{n}.host:2,S")), letter).unwrap();
    }
    let source = files(folder.path(), "");
    let mut shelf = Shelf::default();
    let started = Stopwatch::start();
    let (cursors, _) = pull(&source, None, &mut shelf).await;
    let first = started.elapsed();
    put(&folder, "new/late.host", letter("late@ex", "Re: Matter 7", &format!("{}@ex", 7 * each), "Late."));
    let started = Stopwatch::start();
    let (after, items) = pull(&source, cursors.last(), &mut shelf).await;
    assert_eq!((shelf.wholes.len(), items), (threads, 2));
    say(&format!(
        "{} letters: {:.0} a second, {} pages, cursor of {} bytes; one more letter: {:.2} s",
        threads * each,
        (threads * each) as f64 / first.as_secs_f64(),
        cursors.len(),
        after[0].0.len(),
        started.elapsed().as_secs_f64()
    ));
}
