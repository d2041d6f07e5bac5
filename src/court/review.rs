//! Reviews of a change: remarks make it the author's turn, the author's work makes it the reviewers'.

use super::{
    debt::{Debt, Ended, Mark},
    history::{History, Move, Step},
    remark::{Meant, Turn, called_on, plain, turn_after},
};
use crate::domain::{How, Metric, ObligationKind};

pub(super) fn debts(history: &History<'_>) -> Vec<Debt> {
    let Some(author) = history.author() else { return Vec::new() };
    let mut debts: Vec<Debt> = Vec::new();
    let mut asked: Vec<String> = Vec::new();
    let (mut draft, mut over) = (false, false);
    let mut before = None;
    let said: Vec<String> = history.steps.iter().map(|step| plain(step.text)).collect();
    for (at, step) in history.steps.iter().enumerate().filter(|(_, step)| !step.bot) {
        match step.does {
            Move::RequestsReview => ask(&mut asked, &mut debts, step.subject.map(str::to_string)),
            Move::Says => ask(&mut asked, &mut debts, called_on(step.text, author)),
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
        let turn = match turn_after(author, step, meant, before) {
            // What is said after the end is nobody's turn.
            _ if over => continue,
            Some(Turn::Reviewers | Turn::Nobody) if draft => continue,
            Some(turn) => turn,
            None => continue,
        };
        before = Some(turn);
        let to = |who: &str| vec![who.to_string()];
        let (kind, metric, owed_by, owed_to) = match turn {
            Turn::Author => {
                // Who makes a draft of their own change owes it to nobody yet.
                let asked_by = if step.who == author { Vec::new() } else { to(step.who) };
                (ObligationKind::Reply, Metric::NextResponse, to(author), asked_by)
            }
            Turn::Reviewers if is_reviewer(author, step) => {
                // Whom a reviewer calls on, or else whoever takes it on.
                let called = called_on(step.text, author);
                let owed_by = if called.is_empty() { to(step.who) } else { called };
                (ObligationKind::Review, Metric::Review, owed_by, to(author))
            }
            Turn::Reviewers => (ObligationKind::Review, Metric::Review, asked.clone(), to(author)),
            Turn::Nobody | Turn::Over => {
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

/// Whoever is asked while it waits for anybody owes it from then on.
fn ask(asked: &mut Vec<String>, debts: &mut [Debt], who: impl IntoIterator<Item = String>) {
    for who in who {
        if !asked.contains(&who) {
            asked.push(who);
        }
    }
    let open = debts.last_mut().filter(|debt| debt.is_open() && debt.kind == ObligationKind::Review);
    if let Some(debt) = open.filter(|debt| debt.owed_by.iter().all(|who| asked.contains(who))) {
        debt.owed_by.clone_from(asked);
    }
}

/// A commit bears a name that is often not the author's handle, so only words make a reviewer.
fn is_reviewer(author: &str, step: &Step<'_>) -> bool {
    step.does == Move::Says && step.who != author
}

fn end_all(debts: &mut [Debt], by: Mark, how: How) {
    debts.iter_mut().filter(|debt| debt.is_open()).for_each(|debt| debt.ended = Some(Ended { by, how }));
}
