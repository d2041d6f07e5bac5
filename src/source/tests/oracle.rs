//! Our counts against independent ones, where the folder that `BLUF_DATA` names holds the inputs.

use std::path::{Path, PathBuf};

use super::{Input, Reading, bytes, read, vtt};
use crate::domain::{Moment, Thread};

/// The folder of real inputs; tests that need it say that they were skipped.
fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("BLUF_DATA").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("skipped: BLUF_DATA names no folder");
    }
    folder
}

struct Reference(serde_json::Value);

impl Reference {
    fn of(data: &Path) -> Reference {
        Reference(serde_json::from_slice(&std::fs::read(data.join("REFERENCE.json")).unwrap()).unwrap())
    }

    fn count(&self, input: &str, what: &str) -> usize {
        usize::try_from(self.0[input][what].as_u64().unwrap()).unwrap()
    }
}

fn ours(data: &Path, input: &str) -> Reading {
    read(Input::Path(&data.join(input)), None).unwrap_or_else(|error| panic!("{input}: {error}"))
}

fn messages(reading: &Reading) -> usize {
    reading.threads.iter().map(|t| t.messages.len()).sum()
}

fn happened(reading: &Reading, wanted: impl Fn(&str) -> bool) -> usize {
    reading.threads.iter().flat_map(|t| &t.events).filter(|e| wanted(&e.kind)).count()
}

fn show(input: &str, reading: &Reading, reference: (usize, usize)) {
    println!(
        "{input}: threads {} (reference {}), messages {} (reference {}), events {}, faults {}",
        reading.threads.len(),
        reference.0,
        messages(reading),
        reference.1,
        happened(reading, |_| true),
        reading.faults.len()
    );
    reading.faults.iter().take(3).for_each(|fault| println!("  {fault}"));
}

#[test]
fn slack_exports() {
    let Some(data) = data() else { return };
    let reference = Reference::of(&data);
    // The reference takes nine "archived the channel" and one "pinned" for messages, and one channel holds nothing but two
    // notices, which are a fault of ours.
    let inputs = [("private/slack/houstondatavis-2016.zip", 10, 2), ("private/slack/olake-2026-nonhelp.zip", 0, 0)];
    for (input, notices, silent) in inputs {
        let reading = ours(&data, input);
        let expected = (reference.count(input, "threads"), reference.count(input, "messages"));
        show(input, &reading, expected);
        assert_eq!(messages(&reading) + notices, expected.1);
        let all = reference.count(input, "all_messages_incl_system");
        assert_eq!(messages(&reading) + happened(&reading, |_| true) + silent, all);
        // Slack counts a thread for every message that answers none.
        let roots = reading.threads.iter().flat_map(|t| &t.messages).filter(|m| m.reply_to.is_none()).count();
        assert_eq!(roots + notices, expected.0);
    }
}

#[test]
fn github_objects() {
    let Some(data) = data() else { return };
    let input = "private/github/secp256k1";
    let reference = Reference::of(&data);
    let reading = ours(&data, input);
    show(input, &reading, (reference.count(input, "threads"), reference.count(input, "messages")));
    assert_eq!(reading.threads.len(), reference.count(input, "threads"));
    let of = |start: &str| reading.threads.iter().flat_map(|t| &t.messages).filter(|m| m.id.starts_with(start)).count();
    let reviews =
        happened(&reading, |kind| matches!(kind, "reviewed" | "approved" | "changes_requested" | "review_dismissed"));
    println!(
        "  opening {}, comments {}, reviews {} of which {} say something, comments on code {}",
        of("issue-"),
        of("issuecomment-"),
        reviews,
        of("pullrequestreview-"),
        of("discussion_r")
    );
    assert_eq!(of("issue-") + of("issuecomment-") + reviews, reference.count(input, "messages"));
}

#[test]
fn github_archive() {
    let Some(data) = data() else { return };
    let input = "private/github/ietf-mls-archive.json";
    let reference = Reference::of(&data);
    let reading = ours(&data, input);
    show(input, &reading, (reference.count(input, "threads"), reference.count(input, "messages")));
    assert_eq!(reading.threads.len(), reference.count(input, "threads"));
    let of = |wanted: &dyn Fn(&str) -> bool| {
        reading.threads.iter().flat_map(|t| &t.messages).filter(|m| wanted(&m.id)).count()
    };
    let comments = of(&|id| id.starts_with("comment-"));
    let reviews = happened(&reading, |kind| matches!(kind, "reviewed" | "approved" | "changes_requested"));
    println!(
        "  opening {}, comments {comments}, reviews {reviews}, on code {}",
        reading.threads.len(),
        of(&|id| id.contains('/'))
    );
    assert_eq!(reading.threads.len() + comments + reviews, reference.count(input, "messages"));
}

#[test]
fn recorded_calls() {
    let Some(data) = data() else { return };
    let reference = Reference::of(&data);
    for call in ["acde-2026-02-12_230", "acdc-2026-02-19_175", "focil-2026-02-10_028"] {
        let input = format!("raw/vtt/{call}");
        let file = data.join(&input).join("transcript.vtt");
        let bytes = std::fs::read(&file).unwrap();
        let cues = vtt::cues(&bytes::decode(&bytes, "", &mut Vec::new()), "", &mut Vec::new());
        let reading = ours(&data, &format!("{input}/transcript.vtt"));
        show(&input, &reading, (1, reference.count(&input, "cues")));
        println!("  cues {}, speakers {}", cues.len(), reading.threads[0].participants.len());
        assert_eq!(cues.len(), reference.count(&input, "cues"));
        assert!(reading.faults.is_empty());
        let first = reading.threads[0].messages[0].sent_at.unwrap();
        assert_eq!(Some(first), Moment::parse(reference.0[&input]["first"].as_str().unwrap()));
        let chat = ours(&data, &format!("{input}/chat.txt"));
        show(&format!("{input}/chat.txt"), &chat, (1, 0));
        assert!(chat.faults.is_empty());
    }
}

#[test]
fn threads_documents_and_logs() {
    let Some(data) = data() else { return };
    for (input, threads, messages_expected) in [
        ("dev/threads.jsonl", 140, Some(22_000)),
        ("dev/docs.jsonl", 32, Some(412)),
        ("dev/stalled.jsonl", 237, Some(5_248)),
        ("raw/irc/2009-03-03_10.raw.txt", 1, None),
        ("raw/docs/pep-0582--pep-0582.rst", 1, None),
        ("raw/docs/kep-3077--README.md", 1, None),
        ("raw/docs/rfc-2394--2394-async_await.md", 1, None),
        ("raw/minutes/2019-12-17-did.md", 1, None),
        ("private/minutes/tc39-2024-10-october-08.md", 1, None),
    ] {
        let reading = ours(&data, input);
        show(input, &reading, (threads, messages_expected.unwrap_or(0)));
        assert_eq!(reading.threads.len(), threads);
        assert!(messages_expected.is_none_or(|expected| expected == messages(&reading)));
        assert!(reading.faults.is_empty());
        let named = |t: &Thread| format!("{:?} {:?} by {:?}", t.kind, t.title, t.participants.first());
        println!("  {}", named(&reading.threads[0]));
    }
}

#[test]
fn the_webvtt_corpus_never_panics() {
    let Some(data) = data() else { return };
    let mut folders = vec![data.join("../specs/vtt/tests")];
    let (mut files, mut with_cues) = (0, 0);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { break };
        for entry in entries.flatten().map(|e| e.path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let bytes = std::fs::read(&entry).unwrap();
            let cues = vtt::cues(&bytes::decode(&bytes, "", &mut Vec::new()), "", &mut Vec::new());
            drop(vtt::read(&bytes, "x.vtt"));
            files += 1;
            with_cues += usize::from(!cues.is_empty());
            println!("cues {} {}", cues.len(), entry.display());
        }
    }
    println!("{files} files, {with_cues} with cues");
}
