//! Decisions: a proposal that is put forward in talk waits for one.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    debt::{Debt, Ended, Mark},
    history::History,
    remark::own_words,
};
use crate::{
    domain::{How, Kind, Metric, ObligationKind, Sentence, SpeechAct},
    pattern::compiled,
};

/// How sure the reading of a proposal must be: "we should really do that some time" is hardly one.
pub(super) const SURE: f32 = 0.6;

/// Words by which people dream aloud rather than put something forward.
pub(super) static MUSES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b((should|could|must|have to|need to) (really|totally|so|seriously)\b|some ?day|one day|some ?time\b|again soon|would be (fun|cool|lovely|hilarious|awesome)|wouldn['’]t it be|imagine\b)",
    )
});

/// Words by which something is put forward for a decision.
static PUTS_FORWARD: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(proposed|proposal|motion|resolution|straw ?poll|proposed resolution)\b ?[:\]]|\b(proposal|motion) (is|would be)\b|\b(i|we)(['’]d| would)?( like to| hereby| therefore| now)? (propose|move (that|to (accept|adopt|close|approve)))\b|\b(should|shall|do) we\b.+\bor\b.*\?|\b(can|could|shall|should) we (all )?(agree|decide|settle|vote)\b|\blet['’]?s (vote|decide|agree)\b|\bcall for (a )?(votes?|objections?|consensus|decisions?)\b|\b(any|are there) objections\b|\b(put|up) (it |this )?(to|for) (a )?(vote|decision)\b|\bplease vote\b",
    )
});
/// What is expected or wished for, and no proposal: "we should be fine", "let's connect".
static EXPECTS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\bwe (should|could) (now |then |already )?(be|have|see|get|expect)\b|\blet['’]s (connect|meet|chat|talk|catch up|hope|see|say|face|assume|pretend|be honest)\b",
    )
});
/// Words with which a thread is begun in order to have something decided.
static OPENS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(let us|let['’]s|(we|i['’]d) (should|could|suggest)|i suggest|my suggestion)\b"));
/// A title that says what its thread is for.
static TITLED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(proposals?|propos(e[ds]?|ing)|rfc|votes?|voting|call for (consensus|objections?))\b")
});
/// Words by which somebody takes up what was proposed, and leaves it open.
static TAKES_UP: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)(^|\s)[+-]1\b|\b(disagree|prefer|i['’]d rather|would rather|object(ion)?s? to|not (so |really |quite )?(sure|convinced)|in favou?r|against (it|this|that|the)|instead|alternatively|on the other hand)\b",
    )
});

/// What somebody is told that they could do is advice.
static ADVISES: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\byou (\w+ )?(could|can|might|may|should|want|need|have)\b"));

/// A proposal is taken up within so many messages, or was left lying.
const TAKEN_UP_WITHIN: usize = 10;

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
                if debts.last().is_none_or(|debt| !debt.is_open()) && is_put_forward(history, sentence) =>
            {
                debts.push(waits(Vec::new(), who, mark));
            }
            _ => {}
        }
    }
    debts
}

/// Whether somebody waits for a decision on it. In talk most of what is suggested is advice, a wish, or one remark among
/// others: there it must open the thread, be put forward in words that say
/// so, or be argued about.
fn is_put_forward(history: &History<'_>, sentence: &Sentence) -> bool {
    let words = history.thread.quote(sentence.span);
    if sentence.probability < SURE || MUSES.is_match(words) {
        return false;
    }
    let begins = || OPENS.is_match(words) && !EXPECTS.is_match(words);
    let opens = || sentence.span.message == 0 && (TITLED.is_match(&history.thread.title) || begins());
    let is_talk = matches!(history.thread.kind, Kind::Chat | Kind::Email | Kind::Issue);
    !is_talk
        || PUTS_FORWARD.is_match(words)
        || opens()
        || !ADVISES.is_match(words) && is_taken_up(history, sentence.span.message)
}

/// Whether somebody else answers a message with a view of their own that settles nothing.
fn is_taken_up(history: &History<'_>, message: usize) -> bool {
    let proposed = &history.thread.messages[message];
    let later = history.thread.messages.iter().enumerate().skip(message + 1).take(TAKEN_UP_WITHIN);
    let mut others = later.filter(|(_, other)| !other.bot && other.author.is_some() && other.author != proposed.author);
    let next = others.clone().next().map(|(at, _)| at);
    others.any(|(at, other)| {
        let answers = other.reply_to.as_ref().map_or(Some(at) == next, |to| *to == proposed.id);
        let settles = || history.sentences(at).any(|sentence| sentence.act == SpeechAct::Decision);
        answers && TAKES_UP.is_match(&own_words(&other.text)) && !settles()
    })
}

/// Somebody waits for a decision.
pub(super) fn waits(owed_by: Vec<String>, owed_to: String, opened: Mark) -> Debt {
    let (kind, metric) = (ObligationKind::Decision, Metric::Decision);
    Debt { kind, metric, owed_by, owed_to: vec![owed_to], opened, first_opened: None, stated_due: None, ended: None }
}
