//! Documents of a git repository: who wrote them, when, and what became of them.

use std::{fs, path::Path, process::Command};

use bluf::domain::{Cursor, Thread};
use tempfile::TempDir;

use super::files;
use crate::support::{
    data, say,
    shelf::{Shelf, pull_and_check},
};

/// A repository made for the test; every commit is a day after the one before.
struct Repository {
    folder: TempDir,
    day: u32,
}

impl Repository {
    fn new() -> Repository {
        let repository = Repository { folder: TempDir::new().unwrap(), day: 0 };
        repository.git(&["init", "-q", "-b", "main"], "Ana");
        repository
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, words: &[&str], author: &str) -> String {
        git(self.path(), words, author, self.day)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&mut self, author: &str, summary: &str) {
        self.day += 1;
        self.git(&["add", "-A"], author);
        self.git(&["commit", "-q", "-m", summary], author);
    }
}

fn git(folder: &Path, words: &[&str], author: &str, day: u32) -> String {
    let date = format!("2026-03-{:02}T09:00:00+01:00", day.max(1));
    let mail = format!("{}@example.org", author.to_lowercase());
    let output = Command::new("git")
        .current_dir(folder)
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", author), ("GIT_COMMITTER_NAME", author)])
        .envs([("GIT_AUTHOR_EMAIL", &mail), ("GIT_COMMITTER_EMAIL", &mail)])
        .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
        .output()
        .expect("git");
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn plan(status: &str, goals: &str, decision: &str) -> String {
    format!("---\ntitle: A plan\nstatus: {status}\n---\n\n## Goals\n\n{goals}\n\n## Decision\n\n{decision}\n")
}

/// `kind actor day subject` of each event.
fn happened(thread: &Thread) -> Vec<String> {
    let day = |at: Option<bluf::domain::Moment>| at.map_or("?".to_owned(), |at| at.to_string()[8..10].to_owned());
    let word = |word: &Option<String>| word.clone().unwrap_or("?".to_owned());
    thread.events.iter().map(|e| format!("{} {} {} {}", e.kind, word(&e.actor), day(e.at), word(&e.subject))).collect()
}

/// The day a section was first there, and the day it was last edited.
fn dated(thread: &Thread) -> Vec<(String, String)> {
    let day = |at: Option<bluf::domain::Moment>| at.map_or("-".to_owned(), |at| at.to_string()[8..10].to_owned());
    thread.messages.iter().map(|m| (day(m.sent_at), day(m.edited_at))).collect()
}

fn days(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[tokio::test]
async fn a_document_has_the_history_of_its_commits() {
    let mut repository = Repository::new();
    repository.put("docs/plan.md", &plan("draft", "Small.", "None yet."));
    repository.put("src/main.rs", "fn main() {}\n");
    repository.put("notes.txt", "not a document of the repository\n");
    repository.commit("Ana", "Begin the plan");
    let source = files(repository.path(), "");
    let (mut shelf, mut cursors): (Shelf, Vec<Cursor>) = Default::default();
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.keys().collect::<Vec<_>>(), ["docs/plan.md"], "only documents are read");
    let thread = shelf.thread("docs/plan.md");
    assert_eq!(happened(thread), ["created Ana 01 Begin the plan", "status Ana 01 draft"]);
    assert_eq!(dated(thread), days(&[("01", "-"), ("01", "-")]));

    repository.put("docs/plan.md", &plan("draft", "Small and fast.", "None yet."));
    repository.commit("Ben", "Fast as well");
    repository.put("src/main.rs", "fn main() { }\n");
    repository.commit("Cleo", "Not about documents");
    repository.put("docs/plan.md", &(plan("accepted", "Small and fast.", "We move it.") + "\n## Open\n\nWhen?\n"));
    repository.commit("Ana", "Accept it");
    // What is not committed is not read.
    repository.put("docs/plan.md", "half of something");
    repository.put("docs/draft.md", "# Draft\n\nwords\n");
    assert_eq!(pull_and_check(&source, &mut cursors, &mut shelf).await, 2);
    let thread = shelf.thread("docs/plan.md");
    assert_eq!(thread.participants, ["Ana", "Ben"]);
    assert_eq!(thread.title, "A plan");
    assert_eq!(
        happened(thread),
        [
            "created Ana 01 Begin the plan",
            "status Ana 01 draft",
            "edited Ben 02 Fast as well",
            "edited Ana 04 Accept it",
            "status Ana 04 accepted"
        ]
    );
    assert_eq!(dated(thread), days(&[("01", "02"), ("01", "04"), ("04", "-")]));
    assert!(source_facts(&source).await[0].starts_with("1 documents in git at "));
}

async fn source_facts(source: &dyn bluf::source::connector::Source) -> Vec<String> {
    source.check().await.unwrap().facts
}

#[tokio::test]
async fn a_commit_over_many_documents_is_no_word_about_one() {
    let mut repository = Repository::new();
    repository.put("plan.md", &plan("draft", "Small.", "None yet."));
    repository.commit("Ana", "Begin");
    for n in 0..25 {
        repository.put(&format!("more/{n}.md"), &format!("# Note {n}\n\nteh words of {n}\n"));
    }
    repository.put("plan.md", &plan("final", "Small!", "None yet."));
    repository.commit("Robot", "Housekeeping");
    let source = files(repository.path(), "");
    let (mut shelf, mut cursors): (Shelf, Vec<Cursor>) = Default::default();
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.len(), 26);
    let thread = shelf.thread("plan.md");
    // That it is final is known, but not who made it so.
    assert_eq!(happened(thread), ["created Ana 01 Begin", "status Ana 01 draft", "status ? ? final"]);
    assert_eq!(
        (thread.participants.clone(), dated(thread)[0].clone()),
        (vec!["Ana".to_owned()], ("01".into(), "-".into()))
    );
    let note = shelf.thread("more/3.md");
    assert_eq!((happened(note).len(), note.participants.clone()), (0, vec!["Robot".to_owned()]));
}

#[tokio::test]
async fn a_document_that_is_renamed_is_the_same_one() {
    let mut repository = Repository::new();
    let text = plan("draft", "Small.\n\nFast.\n\nKind.\n\nOld.", "None yet.");
    repository.put("plan.md", &text);
    repository.put("other.md", "# Other\n\nsomething else\n");
    repository.commit("Ana", "Begin");
    let source = files(repository.path(), "");
    let (mut shelf, mut cursors): (Shelf, Vec<Cursor>) = Default::default();
    pull_and_check(&source, &mut cursors, &mut shelf).await;

    fs::remove_file(repository.path().join("plan.md")).unwrap();
    repository.put("accepted/0001-plan.md", &text.replace("None yet.", "We move it."));
    repository.commit("Ben", "Number it");
    fs::rename(repository.path().join("accepted"), repository.path().join("done")).unwrap();
    repository.commit("Ben", "Move it");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes["plan.md"].1.as_deref(), Some("done/0001-plan.md"));
    assert_eq!(shelf.wholes.len(), 2);
    let thread = shelf.thread("plan.md");
    assert_eq!(
        happened(thread),
        [
            "created Ana 01 Begin",
            "status Ana 01 draft",
            "renamed Ben 02 plan.md → accepted/0001-plan.md",
            "renamed Ben 03 accepted/0001-plan.md → done/0001-plan.md"
        ]
    );
    assert_eq!(dated(thread), days(&[("01", "-"), ("01", "02")]));

    // Another document takes the name that is free: neither is lost.
    repository.put("plan.md", "# Another\n\nnothing alike\n");
    repository.commit("Cleo", "Begin another");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.keys().collect::<Vec<_>>(), ["done/0001-plan.md", "other.md", "plan.md"]);
}

#[tokio::test]
async fn a_rewritten_history_is_read_anew_and_a_branch_counts_once() {
    let mut repository = Repository::new();
    repository.put("plan.md", &plan("draft", "Small.", "None yet."));
    repository.commit("Ana", "Begin");
    repository.git(&["checkout", "-q", "-b", "side"], "Ben");
    repository.put("plan.md", &plan("draft", "Small and fast.", "None yet."));
    repository.commit("Ben", "On a branch");
    repository.git(&["checkout", "-q", "main"], "Ana");
    repository.put("else.md", "# Else\n\nwords\n");
    repository.commit("Cleo", "Something else");
    repository.day += 1;
    repository.git(&["merge", "-q", "--no-ff", "-m", "Merge it", "side"], "Ana");
    let source = files(repository.path(), "");
    let (mut shelf, mut cursors): (Shelf, Vec<Cursor>) = Default::default();
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    let merged = ["created Ana 01 Begin", "status Ana 01 draft", "edited Ben 02 On a branch"];
    assert_eq!(happened(shelf.thread("plan.md")), merged);

    repository.git(&["reset", "-q", "--hard", "HEAD~1"], "Ana");
    repository.put("plan.md", &plan("rejected", "Small.", "None yet."));
    repository.git(&["add", "-A"], "Ana");
    repository.day += 1;
    repository.git(&["commit", "-q", "--amend", "-m", "Rewritten"], "Cleo");
    repository.git(&["reflog", "expire", "--expire=now", "--all"], "Ana");
    repository.git(&["branch", "-q", "-D", "side"], "Ana");
    repository.git(&["gc", "-q", "--prune=now"], "Ana");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    let said = happened(shelf.thread("plan.md"));
    assert_eq!(said[2..], ["edited Cleo 03 Rewritten", "status Cleo 03 rejected"], "{said:?}");

    // Nobody remembers the commit of a cursor that comes from elsewhere.
    let foreign = Cursor(cursors.last().unwrap().0.replacen("\"head\":\"", "\"head\":\"dead", 1));
    cursors.push(foreign);
    assert_eq!(pull_and_check(&source, &mut cursors, &mut shelf).await, 0);
}

#[tokio::test]
async fn a_folder_of_a_repository_and_a_bare_one_are_read_alike() {
    let mut repository = Repository::new();
    repository.put("team/plan.md", &plan("draft", "Small.", "None yet."));
    repository.put("team/call.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n");
    repository.put("other/plan.md", "# Other\n\nwords\n");
    repository.commit("Ana", "Begin");
    let (mut shelf, mut cursors): (Shelf, Vec<Cursor>) = Default::default();
    let source = files(&repository.path().join("team"), "include = [\"*.md\", \"*.vtt\"]");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.keys().collect::<Vec<_>>(), ["call.vtt", "plan.md"]);
    assert_eq!(happened(shelf.thread("plan.md")).len(), 2);

    let without = files(&repository.path().join("team"), "git = false");
    let (mut shelf, mut cursors): (Shelf, Vec<Cursor>) = Default::default();
    pull_and_check(&without, &mut cursors, &mut shelf).await;
    assert_eq!(happened(shelf.thread("plan.md")), ["status ? ? draft"]);

    let bare = TempDir::new().unwrap();
    git(bare.path(), &["clone", "-q", "--bare", repository.path().to_str().unwrap(), "."], "Ana", 1);
    let (mut shelf, mut cursors): (Shelf, Vec<Cursor>) = Default::default();
    pull_and_check(&files(bare.path(), ""), &mut cursors, &mut shelf).await;
    assert_eq!(shelf.wholes.keys().collect::<Vec<_>>(), ["other/plan.md", "team/plan.md"]);
}

#[tokio::test]
async fn real_documents_have_as_many_commits_as_git_says() {
    let Some(data) = data().map(|d| d.join("raw/docs")).filter(|d| d.is_dir()) else { return };
    for (bundle, least) in [("kep-3077", 2), ("pep-0582", 20), ("rfc-2394", 5)] {
        let clone = TempDir::new().unwrap();
        let bundle = data.join(format!("{bundle}.bundle"));
        git(clone.path(), &["clone", "-q", bundle.to_str().unwrap(), "."], "Ana", 1);
        let (mut shelf, mut cursors): (Shelf, Vec<Cursor>) = Default::default();
        pull_and_check(&files(clone.path(), ""), &mut cursors, &mut shelf).await;
        for (thread, origin) in shelf.wholes.values() {
            let log = git(
                clone.path(),
                &["log", "--follow", "--no-merges", "--format=%an", "--", origin.as_deref().unwrap()],
                "Ana",
                1,
            );
            let commits = thread.events.iter().filter(|e| e.kind != "status").count();
            say(&format!(
                "{}: {} commits, {} people, events {:?}",
                thread.id,
                commits,
                thread.participants.len(),
                happened(thread).len()
            ));
            assert_eq!(commits, log.lines().count(), "{}: {:#?}", thread.id, happened(thread));
            assert!(commits >= least, "{commits}");
        }
    }
}
