//! The sentences of a notice: what is owed, who waits for whom, how it ended.

use jiff::tz::TimeZone;

use super::{moment::said, wording::cut};
use crate::domain::{
    notice::{Stage, Told},
    obligation::{How, ObligationKind},
    plain,
};

/// Names that are spelt out; the rest is counted.
const MOST_NAMES: usize = 4;
/// The longest name. Characters.
const NAME_CHARS: usize = 60;
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
    let obligation = &told.obligation;
    let (by, to) = (names(&obligation.owed_by), names(&obligation.owed_to));
    let since = said(obligation.opened_at, zone);
    let is_over = told.stage == Stage::Closed;
    if obligation.kind == ObligationKind::Promise {
        let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
        return match by {
            Some(by) => format!("{by} promised this{to} on {since}."),
            None => format!("This was promised{to} on {since}; nobody is named."),
        };
    }
    let (what, nobody) = awaited(obligation.kind, by.as_deref());
    let nobody = if by.is_none() { format!("; {nobody}") } else { String::new() };
    match to {
        Some(to) => {
            let waits = match (is_over, obligation.owed_to.len() > 1) {
                (false, false) => "has been waiting",
                (false, true) => "have been waiting",
                (true, false) => "was waiting",
                (true, true) => "were waiting",
            };
            format!("{to} {waits} for {what} since {since}{nobody}.")
        }
        None => {
            let stood = if is_over { "was open" } else { "has been open" };
            format!("A request for {what} {stood} since {since}{nobody}.")
        }
    }
}

/// What is waited for, and what is said where nobody is named for it.
fn awaited(kind: ObligationKind, by: Option<&str>) -> (String, &'static str) {
    let (what, word, nobody) = match kind {
        ObligationKind::Reply => ("an answer", " from ", "nobody is named to give it"),
        ObligationKind::Decision => ("a decision", " by ", "nobody is named to make it"),
        ObligationKind::Review => ("a review", " by ", "nobody is named to give it"),
        ObligationKind::Promise => ("what was promised", " by ", "nobody is named"),
        ObligationKind::Unblock => ("a blocker to be removed", " by ", "nobody is named to remove it"),
        ObligationKind::Owner => {
            return (format!("{} to take this on", by.unwrap_or("somebody")), "nobody is named");
        }
    };
    (format!("{what}{}", by.map(|by| format!("{word}{by}")).unwrap_or_default()), nobody)
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

/// "Ana, Ben and Cleo"; `None` where nobody is.
pub fn names(people: &[String]) -> Option<String> {
    let mut shown: Vec<String> =
        people.iter().take(MOST_NAMES).map(|name| cut(&plain::line(name), NAME_CHARS)).collect();
    if people.len() > MOST_NAMES {
        shown.push(format!("{} more", people.len() - MOST_NAMES));
    }
    let last = shown.pop()?;
    Some(if shown.is_empty() { last } else { format!("{} and {last}", shown.join(", ")) })
}

/// A word as a shell takes it, whatever is in it.
pub fn shell_word(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.,:/@%+=".contains(c);
    if !text.is_empty() && text.chars().all(safe) && !text.starts_with('-') {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
