//! What the tests share: running the program away from the user's own settings, and a summary to lay out.

pub mod certificates;
pub mod dovecot;
pub mod shelf;

use std::path::PathBuf;

use assert_cmd::Command;
use bluf::domain::summary::{
    Ask, AskState, Blocker, BottomLine, By, Cite, Coverage, Decision, Provenance, Question, QuestionState, SCHEMA,
    Skipped, Statement, Summary, ThreadFacts,
};

/// The program, with no settings but the defaults and with `home` for everything it writes.
pub fn bluf(home: &tempfile::TempDir) -> Command {
    let mut command = Command::cargo_bin("bluf").expect("the program is built with its tests");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BLUF_")) {
        command.env_remove(name);
    }
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
        command.env(variable, home.path());
    }
    command
}

/// Says on stderr what a test did not do, or how fast something was.
pub fn say(what: &str) {
    eprintln!("{what}");
}

/// The folder of real inputs that `BLUF_DATA` names; that there is none is said.
pub fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("BLUF_DATA").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        say("SKIPPED: BLUF_DATA names no folder of real inputs");
    }
    folder
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A summary with something in every section, some of it hostile.
pub fn full_summary() -> Summary {
    let ana = |quote: &str| cite("4", "Ana", "2026-11-12T14:02:00+01:00", quote);
    let ben = |quote: &str| cite("7", "Ben\u{1b}[31m", "2026-11-11T09:30:00+01:00", quote);
    Summary {
        schema: SCHEMA,
        thread: ThreadFacts {
            id: "C1/17".to_string(),
            source: "slack".to_string(),
            kind: "chat",
            title: "Move the export \u{202e}job <b>".to_string(),
            url: None,
            messages: 41,
            participants: vec!["Ana".to_string(), "Ben".to_string(), "Chidi".to_string()],
            opened_at: Some("2026-11-03T09:12:00+01:00".to_string()),
            last_activity_at: Some("2026-11-12T14:02:00+01:00".to_string()),
        },
        bottom_line: BottomLine {
            text:
                "The export job moves to the queue on Monday; the old cron entry stays for one week in case it must be \
                   turned back on."
                    .to_string(),
            by: By::Model,
            cites: vec![ana("ok then, the queue it is, and we leave cron where it is for a week")],
        },
        decisions: vec![Decision {
            text: "ok then, the queue it is".to_string(),
            decided_by: Some("Ana".to_string()),
            at: Some("2026-11-12T14:02:00+01:00".to_string()),
            cites: vec![ana("ok then, the queue it is")],
        }],
        asks: vec![
            Ask {
                text: "Write the rollback note".to_string(),
                owner: Some("Ben".to_string()),
                due: Some("by Friday".to_string()),
                state: AskState::Open,
                cites: vec![ana("Ben, could you write the rollback note by Friday? see [here](https://example.com)")],
            },
            Ask {
                text: "someone should tell support".to_string(),
                owner: None,
                due: None,
                state: AskState::Open,
                cites: vec![ben("someone should tell support")],
            },
        ],
        questions: vec![
            Question {
                text: "Does the queue keep the order of the files?".to_string(),
                asked_by: Some("Ben".to_string()),
                at: None,
                state: QuestionState::Open,
                answer: None,
                cites: vec![ben("Does the queue keep the order of the files?")],
            },
            Question {
                text: "how many exports a night?".to_string(),
                asked_by: Some("Ana".to_string()),
                at: None,
                state: QuestionState::Answered,
                answer: Some(Statement { text: "about 1,200".to_string(), cites: vec![ben("about 1,200")] }),
                cites: vec![ana("how many exports a night?")],
            },
        ],
        blockers: vec![Blocker {
            text: "waiting for the \u{1b}[2Jfirewall change".to_string(),
            owner: None,
            since: None,
            cites: vec![ben("waiting for the \u{1b}[2Jfirewall change")],
        }],
        context: Vec::new(),
        flags: Vec::new(),
        coverage: Coverage {
            messages: 41,
            read: 40,
            skipped: vec![Skipped { message_id: "9".to_string(), reason: "no text".to_string() }],
        },
        through: Some("40".to_string()),
        provenance: Provenance {
            model: Some("smollm2-135m".to_string()),
            read_ms: 1500,
            prefill_ms: 200,
            decode_ms: 110,
            dropped_claims: 2,
            made_at: "2026-11-12T15:00:00Z".to_string(),
            ..Provenance::default()
        },
    }
}

/// A summary of a thread in which nothing was decided, asked or left open.
pub fn empty_summary() -> Summary {
    let mut summary = full_summary();
    summary.thread.title = "Cake".to_string();
    summary.bottom_line = BottomLine { text: String::new(), by: By::Extract, cites: Vec::new() };
    summary.decisions.clear();
    summary.asks.clear();
    summary.questions.clear();
    summary.blockers.clear();
    summary.coverage = Coverage { messages: 1, read: 1, skipped: Vec::new() };
    summary.provenance = Provenance { read_ms: 40, ..Provenance::default() };
    summary
}

fn cite(message_id: &str, author: &str, sent_at: &str, quote: &str) -> Cite {
    Cite {
        message_id: message_id.to_string(),
        author: Some(author.to_string()),
        sent_at: Some(sent_at.to_string()),
        start: 0,
        end: quote.len(),
        quote: quote.to_string(),
    }
}
