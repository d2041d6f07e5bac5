//! Reviews of a change: remarks make it the author's turn, the author's work makes it the reviewers'.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    debt::{Debt, Ended, Mark},
    history::{History, Move, Step, compiled},
    reply::names,
};
use crate::domain::{How, Metric, ObligationKind};

static ASSENT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)(^|\W)((re-?|ut|t|cr|crackt|code.?review[- ]|post-merge )?ack|lgtm|looks (good|great)|approved?|ship it|ready (for|to) (be )?merged?|rtm)\b",
    )
});
static DISSENT: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)nack|\?|\bplease\b|\bbut \b|\bnits?\b|\bmod \b"));
static PROMISE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(i'?ll|i will|i’ll|going to|gonna|take (a|another) look|working on|next week|soon)\b")
});
static REQUEST: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\?|\b(please|could you|can you|would (be|need|you)|should|needs?|suggest|nit|consider|missing|instead|must)\b",
    )
});
static HANDLE: LazyLock<Regex> = LazyLock::new(|| compiled(r"@[\w-]+"));
static FENCED: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?s)```.*?```"));

/// Who has to move.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Author,
    Reviewers,
    /// It is approved: whoever merges is not named.
    Nobody,
}

pub(super) fn debts(history: &History<'_>) -> Vec<Debt> {
    let Some(author) = history.author() else { return Vec::new() };
    let mut debts: Vec<Debt> = Vec::new();
    let mut asked: Vec<String> = Vec::new();
    let mut draft = false;
    for step in history.steps.iter().filter(|step| !step.bot) {
        match step.does {
            Move::RequestsReview => asked.extend(step.subject.map(str::to_string).filter(|who| !asked.contains(who))),
            Move::Drafts => draft = true,
            Move::Readies => draft = false,
            Move::Closes => {
                draft = false;
                end_all(&mut debts, step.mark, How::Superseded);
                continue;
            }
            _ => {}
        }
        let turn = match turn_after(author, step) {
            Some(Turn::Reviewers | Turn::Nobody) if draft => continue,
            Some(turn) => turn,
            None => continue,
        };
        let to = |who: &str| vec![who.to_string()];
        let (kind, metric, owed_by, owed_to) = match turn {
            Turn::Author => (ObligationKind::Reply, Metric::NextResponse, to(author), to(step.who)),
            Turn::Reviewers if is_reviewer(author, step) => {
                (ObligationKind::Review, Metric::Review, to(step.who), to(author))
            }
            Turn::Reviewers => (ObligationKind::Review, Metric::Review, asked.clone(), to(author)),
            Turn::Nobody => {
                end_all(&mut debts, step.mark, How::Met);
                continue;
            }
        };
        if !debts.last().is_some_and(|debt| debt.is_open() && debt.kind == kind) {
            end_all(&mut debts, step.mark, How::Met);
            debts.push(Debt {
                kind,
                metric,
                owed_by,
                owed_to,
                opened: step.mark,
                first_opened: None,
                stated_due: None,
                ended: None,
            });
        }
    }
    debts
}

/// A commit bears a name that is often not the author's handle, so only words make a reviewer.
fn is_reviewer(author: &str, step: &Step<'_>) -> bool {
    step.does == Move::Says && step.who != author
}

fn end_all(debts: &mut [Debt], by: Mark, how: How) {
    debts.iter_mut().filter(|debt| debt.is_open()).for_each(|debt| debt.ended = Some(Ended { by, how }));
}

/// Whose turn it is after a step; `None` where that stays as it was.
fn turn_after(author: &str, step: &Step<'_>) -> Option<Turn> {
    match step.does {
        Move::Pushes | Move::Readies | Move::RequestsReview => return Some(Turn::Reviewers),
        Move::Drafts | Move::AsksForChanges => return Some(Turn::Author),
        Move::Closes | Move::Reopens | Move::States | Move::Other => return None,
        Move::Says | Move::Remarks | Move::Approves => {}
    }
    if step.who == author {
        return Some(Turn::Reviewers);
    }
    let own = own_words(step.text);
    if step.does == Move::Remarks {
        return Some(Turn::Author);
    }
    if step.does == Move::Approves || ASSENT.is_match(&own) {
        return Some(if DISSENT.is_match(&own) { Turn::Author } else { Turn::Nobody });
    }
    // Spoken to somebody else, or a reviewer who takes it on.
    let others = HANDLE.is_match(&own) && !names(&own, author);
    if others {
        return None;
    }
    let taken_on = PROMISE.is_match(&own) && !REQUEST.is_match(&own);
    Some(if taken_on { Turn::Reviewers } else { Turn::Author })
}

/// Without quotes and code.
fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('>')).collect();
    FENCED.replace_all(&lines.join("\n"), "").into_owned()
}
