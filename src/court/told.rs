//! Promises, blockers and requests that nobody has taken, as people tell them.

use super::{
    debt::{Debt, Ended, Mark},
    history::History,
};
use crate::domain::{How, Metric, ObligationKind, Sentence, SpeechAct};

/// Words of a status that say a thing is done or moves again.
const DONE: &[&str] =
    &["done", "sent", "fixed", "delivered", "merged", "shipped", "unblocked", "resolved", "published", "finished"];

/// How sure the reading of a blocker must be: half of what is taken for one below this is none.
const SURE: f32 = 0.5;

pub(super) fn debts(history: &History<'_>) -> Vec<Debt> {
    let mut debts: Vec<Debt> = Vec::new();
    for sentence in &history.acts.sentences {
        let message = &history.thread.messages[sentence.span.message];
        let Some(who) = message.author.as_deref().filter(|_| !message.bot) else { continue };
        let mark = Mark::Said(sentence.span);
        for debt in debts.iter_mut().filter(|debt| debt.is_open()) {
            debt.ended = ends(history, debt, sentence, who).map(|how| Ended { by: mark, how });
        }
        debts.extend(opens(history, sentence, who, mark));
    }
    debts
}

fn opens(history: &History<'_>, sentence: &Sentence, who: &str, opened: Mark) -> Option<Debt> {
    let (kind, metric, owed_by) = match sentence.act {
        SpeechAct::Commitment => (ObligationKind::Promise, Metric::Promise, vec![who.to_string()]),
        SpeechAct::Blocker if sentence.probability >= SURE => {
            (ObligationKind::Unblock, Metric::Unblock, sentence.addressee.iter().cloned().collect())
        }
        SpeechAct::Decision if sentence.action > 0.5 && sentence.addressee.is_none() => {
            (ObligationKind::Owner, Metric::Owner, Vec::new())
        }
        _ => return None,
    };
    let owed_to = if kind == ObligationKind::Promise {
        sentence.addressee.iter().cloned().collect()
    } else {
        vec![who.to_string()]
    };
    let stated_due = sentence.due.and_then(|due| history.due(due));
    Some(Debt { kind, metric, owed_by, owed_to, opened, first_opened: None, stated_due, ended: None })
}

fn ends(history: &History<'_>, debt: &Debt, sentence: &Sentence, who: &str) -> Option<How> {
    let words = history.thread.quote(sentence.span).to_lowercase();
    let says_done =
        || words.split(|c: char| !c.is_alphanumeric()).any(|word| DONE.contains(&word)) && !words.contains("not ");
    let met = match debt.kind {
        ObligationKind::Promise => debt.owed_by.iter().any(|owner| owner == who) && says_done(),
        ObligationKind::Unblock => sentence.act != SpeechAct::Blocker && says_done(),
        // Whoever commits takes it.
        ObligationKind::Owner => sentence.act == SpeechAct::Commitment,
        _ => false,
    };
    met.then_some(How::Met)
}
