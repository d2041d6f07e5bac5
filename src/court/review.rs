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
/// An assent that names the very commit stands, whatever is remarked beside it.
static ASSENT_TO_COMMIT: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)\back\b:? *`?[0-9a-f]{6,40}\b"));
static ASKS_AT_ONCE: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)nack|\bplease\b"));
static DISSENT: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)nack|\?|\bplease\b|\bbut \b|\bnits?\b|\bmod \b"));
static PROMISE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(i'?ll|i will|i’ll|going to|gonna|take (a|another) look|working on|next week|soon)\b")
});
static REQUEST: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\?|\b(please|could you|can you|would (be|need|you)|should|needs?|suggest|nit|consider|missing|instead|must)\b",
    )
});
/// Remarks that a reviewer who agrees leaves to the author.
static OPTIONAL: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\bnits?\b|feel free|non-?blocking|\boptional(ly)?\b|follow-?up|if you (re-?touch|have to|need to (re)?touch)",
    )
});
static HANDLE: LazyLock<Regex> = LazyLock::new(|| compiled(r"@[\w-]+"));
static FENCED: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?s)```.*?```"));

/// A quoted line says whose words it answers where it has at least so many letters; of longer ones the first are compared.
const FEWEST_LETTERS: usize = 20;
const MOST_LETTERS: usize = 80;
/// Names with fewer letters stand in a text by chance.
const FEWEST_LETTERS_OF_A_NAME: usize = 3;

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
    let (mut draft, mut over) = (false, false);
    let said: Vec<String> = history.steps.iter().map(|step| plain(step.text)).collect();
    for (at, step) in history.steps.iter().enumerate().filter(|(_, step)| !step.bot) {
        match step.does {
            Move::RequestsReview => {
                asked.extend(step.subject.map(str::to_string).filter(|who| !asked.contains(who)));
                let open = debts.last_mut().filter(|debt| debt.is_open() && debt.kind == ObligationKind::Review);
                // Whoever is asked while it waits for anybody owes it from then on.
                if let Some(debt) = open.filter(|debt| debt.owed_by.iter().all(|who| asked.contains(who))) {
                    debt.owed_by.clone_from(&asked);
                }
            }
            Move::Drafts => draft = true,
            Move::Readies => draft = false,
            Move::Reopens => over = false,
            Move::Closes => {
                (draft, over) = (false, true);
                end_all(&mut debts, step.mark, How::Superseded);
                continue;
            }
            _ => {}
        }
        let meant = Meant::of(history, &said, author, at);
        let turn = match turn_after(author, step, meant) {
            // What is said after the end is nobody's turn.
            _ if over => continue,
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
fn turn_after(author: &str, step: &Step<'_>, meant: Meant) -> Option<Turn> {
    match step.does {
        Move::Pushes | Move::Readies | Move::RequestsReview => return Some(Turn::Reviewers),
        Move::Drafts | Move::AsksForChanges => return Some(Turn::Author),
        Move::Closes | Move::Reopens | Move::States | Move::Other => return None,
        Move::Says | Move::Remarks | Move::Approves => {}
    }
    if step.who == author {
        return Some(Turn::Reviewers);
    }
    // What reviewers say to each other leaves the turn where it is.
    if meant == Meant::SomebodyElse {
        return None;
    }
    let own = own_words(step.text);
    if ASSENT_TO_COMMIT.is_match(&own) && !ASKS_AT_ONCE.is_match(&own) {
        return Some(Turn::Nobody);
    }
    if step.does == Move::Remarks {
        return Some(Turn::Author);
    }
    if step.does == Move::Approves || ASSENT.is_match(&own) {
        let wants_more = DISSENT.is_match(&own) && !OPTIONAL.is_match(&own);
        return Some(if wants_more { Turn::Author } else { Turn::Nobody });
    }
    // Spoken to somebody else, or a reviewer who takes it on.
    let others = HANDLE.is_match(&own) && !names(&own, author);
    if others {
        return None;
    }
    let taken_on = PROMISE.is_match(&own) && !REQUEST.is_match(&own);
    Some(if taken_on { Turn::Reviewers } else { Turn::Author })
}

/// Whom a reviewer speaks to, by whom the text names and whose words it quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    SomebodyElse,
    AuthorOrAnybody,
}

impl Meant {
    /// Of the step at `at`; `said` holds what every step says, in plain words.
    fn of(history: &History<'_>, said: &[String], author: &str, at: usize) -> Meant {
        let step = &history.steps[at];
        let own = own_words(step.text);
        if step.who == author || names(&own, author) {
            return Meant::AuthorOrAnybody;
        }
        let known = |name: &&String| name.chars().count() >= FEWEST_LETTERS_OF_A_NAME && **name != step.who;
        let names_others = history.thread.participants.iter().filter(known).any(|name| names(&own, name));
        let quoted: Vec<&str> = quoted(step.text)
            .filter_map(|line| (0..at).rev().find(|&before| said[before].contains(&line)))
            .map(|before| history.steps[before].who)
            .collect();
        let quotes_author = quoted.contains(&author);
        let others = names_others || !quoted.is_empty();
        if others && !quotes_author { Meant::SomebodyElse } else { Meant::AuthorOrAnybody }
    }
}

/// Lines that are quoted from somebody, in plain words.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix('>'));
    let long = lines.map(plain).filter(|line| line.chars().count() >= FEWEST_LETTERS);
    long.map(|line| line.chars().take(MOST_LETTERS).collect())
}

/// Lower-case words with one space between.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Without quotes and code.
fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('>')).collect();
    FENCED.replace_all(&lines.join("\n"), "").into_owned()
}
