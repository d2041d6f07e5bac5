//! Decisions: a proposal that is put forward in talk waits for one.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    debt::{Debt, Ended, Mark},
    history::{History, compiled},
};
use crate::domain::{How, Metric, ObligationKind, Sentence, SpeechAct};

/// How sure the reading of a proposal must be: "we should really do that some time" is hardly one.
pub(super) const SURE: f32 = 0.6;

/// Words by which people dream aloud rather than put something forward.
static MUSES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b((should|could|must|have to|need to) (really|totally|so|seriously)\b|some ?day|one day|some ?time\b|again soon|would be (fun|cool|lovely|hilarious|awesome)|wouldn['’]t it be|imagine\b)",
    )
});

/// Proposals wait for a decision, and a decision ends them.
pub(super) fn debts(history: &History<'_>) -> Vec<Debt> {
    let mut debts: Vec<Debt> = Vec::new();
    for sentence in &history.acts.sentences {
        let message = &history.thread.messages[sentence.span.message];
        let (Some(who), mark) = (message.author.clone().filter(|_| !message.bot), Mark::Said(sentence.span)) else {
            continue;
        };
        match sentence.act {
            SpeechAct::Decision => {
                if let Some(debt) = debts.last_mut().filter(|debt| debt.is_open()) {
                    debt.ended = Some(Ended { by: mark, how: How::Met });
                }
            }
            // One decision is waited for at a time: a second option is part of the same.
            SpeechAct::Proposal
                if is_put_forward(history, sentence) && debts.last().is_none_or(|debt| !debt.is_open()) =>
            {
                debts.push(waits(Vec::new(), who, mark));
            }
            _ => {}
        }
    }
    debts
}

fn is_put_forward(history: &History<'_>, sentence: &Sentence) -> bool {
    sentence.probability >= SURE && !MUSES.is_match(history.thread.quote(sentence.span))
}

/// Somebody waits for a decision.
pub(super) fn waits(owed_by: Vec<String>, owed_to: String, opened: Mark) -> Debt {
    let (kind, metric) = (ObligationKind::Decision, Metric::Decision);
    Debt { kind, metric, owed_by, owed_to: vec![owed_to], opened, first_opened: None, stated_due: None, ended: None }
}
