//! Decisions: a proposal that is put forward waits for one; documents say in their history how that goes.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    debt::{Debt, Ended, Mark},
    history::{History, Move, compiled},
};
use crate::domain::{How, Kind, Metric, ObligationKind, SpeechAct};

/// Changes that say nothing of where a document stands: wording, form, many documents at once.
static FORMAL: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(typos?|spelling|lint|format(ting)?|whitespace|links?|header|markup|reflow|grammar|editorial|tweaks?|clean ?up|metadata|discussions?-to|post-history|e-?mail|address|copyright|sphinx|rst|convert|rename|redirect|minor)\b|\b(PEP|EIP|KEP)s \d",
    )
});

/// A document's own debt: its proposer waits for a decision. In talk, proposals wait for one, and a decision closes them.
pub(super) fn debts(history: &History<'_>) -> Vec<Debt> {
    if is_document(history) {
        return document(history).into_iter().collect();
    }
    let mut debts: Vec<Debt> = Vec::new();
    for sentence in &history.acts.sentences {
        let message = &history.thread.messages[sentence.span.message];
        let (Some(who), mark) = (message.author.clone().filter(|_| !message.bot), Mark::Said(sentence.span)) else {
            continue;
        };
        match sentence.act {
            SpeechAct::Decision => {
                let open = debts.iter_mut().filter(|debt| debt.is_open());
                open.for_each(|debt| debt.ended = Some(Ended { by: mark, how: How::Met }));
            }
            // One decision is waited for at a time: a second option is part of the same.
            SpeechAct::Proposal if debts.last().is_none_or(|debt| !debt.is_open()) => {
                debts.push(waits(Vec::new(), who, mark));
            }
            _ => {}
        }
    }
    debts
}

/// Whether a thread is a document with its changes, not a talk.
pub(super) fn is_document(history: &History<'_>) -> bool {
    let pushed = history.steps.iter().filter(|step| step.does == Move::Pushes).count();
    let first = history.thread.messages.first().map_or("", |message| &message.text);
    let talk = history.steps.iter().filter(|step| step.message.is_some()).count() - pushed;
    history.thread.kind != Kind::Review && (first.starts_with("[document") || (pushed > 0 && talk <= 1))
}

/// The last change to a document that says something.
pub(super) fn last_substantive(history: &History<'_>) -> Option<Mark> {
    let mut changes = history.steps.iter().rev().filter(|step| step.message.is_some());
    let mut substantive = changes.clone().filter(|step| step.does != Move::Pushes || !FORMAL.is_match(step.text));
    substantive.next().or_else(|| changes.next()).map(|step| step.mark)
}

fn document(history: &History<'_>) -> Option<Debt> {
    let first = history.steps.first()?;
    let closes = history.steps.iter().find(|step| step.does == Move::Closes);
    let ended = closes.map(|step| Ended { by: step.mark, how: How::Met });
    Some(Debt { ended, ..waits(vec![first.who.to_string()], first.who.to_string(), first.mark) })
}

fn waits(owed_by: Vec<String>, owed_to: String, opened: Mark) -> Debt {
    let (kind, metric) = (ObligationKind::Decision, Metric::Decision);
    Debt { kind, metric, owed_by, owed_to: vec![owed_to], opened, first_opened: None, stated_due: None, ended: None }
}
