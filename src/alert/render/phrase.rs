//! The sentences of a notice: what is owed, who waits for whom, how it ended.

use jiff::tz::TimeZone;

use super::moment::said;
use crate::alert::waits::{Waits, cut, names};
use crate::domain::{
    notice::{Stage, Told},
    obligation::{How, ObligationKind},
    plain,
};

/// The longest title. Characters.
const TITLE_CHARS: usize = 90;

/// How a stage is called.
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::AtRisk => "Due soon",
        Stage::Breached => "Past due",
        Stage::Escalated => "Past due and still open",
        Stage::Closed => "Ended",
    }
}

/// How it stands: the stage, or how it ended.
pub fn state(told: &Told) -> &'static str {
    match &told.obligation.closed {
        Some(closed) if told.stage == Stage::Closed => match closed.how {
            How::Met => "Done",
            How::Withdrawn => "Withdrawn",
            How::Superseded => "Superseded",
            How::Waived => "Waived",
        },
        _ => stage(told.stage),
    }
}

/// What is owed, as a noun.
pub fn owed(kind: ObligationKind) -> &'static str {
    match kind {
        ObligationKind::Reply => "an answer",
        ObligationKind::Decision => "a decision",
        ObligationKind::Review => "a review",
        ObligationKind::Promise => "a promise",
        ObligationKind::Unblock => "a blocker to be removed",
        ObligationKind::Owner => "somebody to take it on",
    }
}

/// "Past due: an answer to Ana – Retry budget".
pub fn subject(told: &Told) -> String {
    let word = match told.obligation.kind {
        ObligationKind::Reply | ObligationKind::Promise => Some("to"),
        ObligationKind::Review | ObligationKind::Decision => Some("for"),
        ObligationKind::Unblock | ObligationKind::Owner => None,
    };
    let to = match (word, names(&told.obligation.owed_to)) {
        (Some(word), Some(names)) => format!(" {word} {names}"),
        _ => String::new(),
    };
    format!("{}: {}{to} – {}", state(told), owed(told.obligation.kind), title(told))
}

/// The thread by its title, or by its key where it has none.
pub fn title(told: &Told) -> String {
    let title = plain::line(&told.thread.title);
    cut(&if title.is_empty() { plain::line(&told.thread.key) } else { title }, TITLE_CHARS)
}

/// Who waits for what from whom, since when.
pub fn lead(told: &Told, zone: &TimeZone) -> String {
    let since = said(told.obligation.opened_at, zone);
    Waits::of(&told.obligation).since(&since).over(told.stage == Stage::Closed).sentence()
}

/// How it ended, in a few words.
pub fn ending(kind: ObligationKind, how: How) -> &'static str {
    match (how, kind) {
        (How::Met, ObligationKind::Reply) => "an answer came",
        (How::Met, ObligationKind::Decision) => "a decision was made",
        (How::Met, ObligationKind::Review) => "a review was given",
        (How::Met, ObligationKind::Promise) => "what was promised was done",
        (How::Met, ObligationKind::Unblock) => "the blocker was removed",
        (How::Met, ObligationKind::Owner) => "somebody took it on",
        (How::Withdrawn, _) => "it was withdrawn",
        (How::Superseded, _) => "something else took its place",
        (How::Waived, _) => "it was waived",
    }
}

/// A word as a shell takes it, whatever is in it.
pub fn shell_word(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.,:/@%+=".contains(c);
    if !text.is_empty() && text.chars().all(safe) && !text.starts_with('-') {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
