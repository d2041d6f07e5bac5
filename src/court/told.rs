//! Promises, blockers and requests that nobody has taken, as people tell them.

use std::{cell::LazyCell, ops::Deref, sync::LazyLock};

use regex::Regex;

use super::{
    asking::lacks_its_beginning,
    debt::{Debt, Ended, Mark},
    decision::MUSES,
    history::History,
};
use crate::{
    domain::{How, Kind, Metric, ObligationKind, Sentence, Span, SpeechAct},
    pattern::compiled,
};

/// Words of a status that say a thing is done or moves again.
const DONE: &[&str] =
    &["done", "sent", "fixed", "delivered", "merged", "shipped", "unblocked", "resolved", "published", "finished"];

/// How somebody begins who brings what they promised; of anything else it is no sign that it moves.
static DELIVERS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*((i|we)(['’]ve| have)? )?((just|now|also|already) )*(updated|pushed|addressed|uploaded|added|posted|reworded|rebased|renamed|removed)\b",
    )
});

/// How sure the reading of a blocker must be: half of what is taken for one below this is none.
pub(super) const SURE: f32 = 0.5;
/// How likely a commitment must be something to do: "I'd be happy to" is a courtesy.
pub(super) const TAKES_ON: f32 = 0.5;
/// How likely a decision must be something to do, before somebody has to take it.
pub(super) const DECIDED_TO_DO: f32 = 0.5;

/// Words by which people say that they cannot go on; a fault that they tell of is no blocker yet.
static HOLDS_UP: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(blocked (on|by|until)|(am|are|is|still|been|remains?|currently|i'm|we're|it's) blocked|blockers?|block(s|ing) (us|me|this|my|our)|held up|holding (us|me|it) up|stuck (on|until|because|waiting)|(i'm|we're|am|are|is|still|been) (still )?waiting (on|for)|(can ?not|can['’]t|unable to|won't be able to)\b.{0,80}\b(until|without))\b",
    )
});
/// What is promised only perhaps.
static PERHAPS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*if\b|['’]ll be \w+ing\b|\b(if (i|we|there|it|you|that|and|needed|necessary|wanted|desired)|if/when|when(ever)? (i|we) (have|get|find|can)|some ?day|some ?time|one day|at some point|eventually|maybe|perhaps|might|i may|unless|depending|will be \w+ing|try(ing)? (to|it|this|that|them)|(happy|glad|willing|love|able) to|would|should (i|we)|i (\w+ )?(think|guess) (that )?i['’ ](ll|will|d)|(where|if|whenever) possible|(['’]ll|will) (let .{1,30} (decide|choose|judge|answer|comment)|leave (it|that|this) (up )?to)|from now on|more and more|in (the )?future)\b",
    )
});
static COURTESY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(i['’ ](ll|will) ((see|talk to|catch|miss|be seeing) (you|ya|u)|(need|have) to|be (back|away|out|off|there|around|in|at|here))|keep you( all)? posted)",
    )
});
/// Where a promise begins in its sentence.
static WILL: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(will|going to|gonna|shall|promise|plan to)\b|['’]ll\b"));
/// Who takes something on speaks of themselves.
static OF_ONESELF: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(i|we|me|us)\b|^\W*(will|going to|gonna|sending|doing|on it)\b"));
/// What somebody has in mind for themselves, rather than takes on for others.
static PLANS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(going to|gonna|plan(ning)? (to|on)|hop(e|ing) to)\b"));
/// A promise of fewer words is a piece of one.
const FEWEST_WORDS: usize = 3;
static NO_LONGER: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(if|no longer|not|never|isn['’]t|doesn['’]t|don['’]t|won['’]t|non|un)\b[ -]?[^.;]{0,20}\bblock|\b(was|were) (still )?waiting\b|\bunblock|\bno blockers?",
    )
});

pub(super) fn debts(history: &History<'_>) -> Vec<Debt> {
    let mut debts: Vec<Debt> = Vec::new();
    // Of a long thread most have ended.
    let mut open: Vec<usize> = Vec::new();
    for sentence in &history.acts.sentences {
        let message = &history.thread.messages[sentence.span.message];
        let Some(who) = message.author.as_deref().filter(|_| !message.bot) else { continue };
        let mark = Mark::Said(sentence.span);
        let says_done = LazyCell::new(|| says_done(history.thread.quote(sentence.span)));
        open.retain(|&at| {
            debts[at].ended = ends(history, &debts[at], sentence, who, &says_done).map(|how| Ended { by: mark, how });
            debts[at].is_open()
        });
        if let Some(debt) = opens(history, sentence, who, mark) {
            open.push(debts.len());
            debts.push(debt);
        }
    }
    debts
}

/// Whether somebody says that they cannot go on.
fn holds_up(words: &str) -> bool {
    HOLDS_UP.is_match(words) && !NO_LONGER.is_match(words)
}

fn opens(history: &History<'_>, sentence: &Sentence, who: &str, opened: Mark) -> Option<Debt> {
    let (kind, metric, owed_by) = match sentence.act {
        SpeechAct::Commitment if is_promise(history, sentence) => {
            (ObligationKind::Promise, Metric::Promise, vec![who.to_string()])
        }
        // Who tells in an answer of what they wait for elsewhere waits for nobody here.
        SpeechAct::Blocker if sentence.addressee.is_none() && lacks_its_beginning(history) => return None,
        SpeechAct::Blocker if sentence.probability >= SURE && holds_up(history.thread.quote(sentence.span)) => {
            (ObligationKind::Unblock, Metric::Unblock, sentence.addressee.iter().cloned().collect())
        }
        SpeechAct::Decision
            if sentence.action > DECIDED_TO_DO
                && sentence.addressee.is_none()
                && !MUSES.is_match(history.thread.quote(sentence.span)) =>
        {
            (ObligationKind::Owner, Metric::Owner, Vec::new())
        }
        _ => return None,
    };
    let owed_to = if kind == ObligationKind::Promise {
        sentence.addressee.iter().cloned().collect()
    } else {
        vec![who.to_string()]
    };
    let stated_due =
        sentence.due.filter(|due| kind != ObligationKind::Promise || is_of_promise(history, sentence, *due));
    let stated_due = stated_due.and_then(|due| history.due(due));
    let plans = || PLANS.is_match(history.thread.quote(sentence.span));
    if kind == ObligationKind::Promise && (stated_due.is_none() || plans()) && !was_asked_for(history, sentence, who) {
        return None;
    }
    Some(Debt { kind, metric, owed_by, owed_to, opened, first_opened: None, stated_due, ended: None })
}

fn is_promise(history: &History<'_>, sentence: &Sentence) -> bool {
    let words = history.thread.quote(sentence.span);
    let is_talk = matches!(history.thread.kind, Kind::Chat | Kind::Email);
    let idle = PERHAPS.is_match(words) || COURTESY.is_match(words) || is_talk && !OF_ONESELF.is_match(words);
    sentence.action >= TAKES_ON && words.split_whitespace().count() >= FEWEST_WORDS && !idle
}

/// Whether somebody else wanted what is promised: it is said to them, or what it answers asks, suggests or decides something, or tells what holds somebody up.
fn was_asked_for(history: &History<'_>, sentence: &Sentence, who: &str) -> bool {
    let wants = |act| {
        use SpeechAct::{Ask, Blocker, Decision, Proposal, Question};
        matches!(act, Ask | Question | Proposal | Decision | Blocker)
    };
    let at = sentence.span.message;
    let answered = history.thread.messages[at].reply_to.as_deref();
    let before = history.thread.messages[..at].iter().rposition(|message| match answered {
        Some(id) => message.id == id,
        None => !message.bot && message.author.as_deref().is_some_and(|author| author != who),
    });
    let asks = |before: usize| history.sentences(before).any(|sentence| wants(sentence.act));
    sentence.addressee.is_some() || before.is_some_and(asks)
}

/// Whether a time is that of the promise, and not of what was done before: "I asked today and will look further".
fn is_of_promise(history: &History<'_>, sentence: &Sentence, due: Span) -> bool {
    let words = history.thread.quote(sentence.span);
    let begins = WILL.find(words).map_or(0, |found| sentence.span.start + found.start());
    let leading = words.len() - words.trim_start().len();
    due.start >= begins || due.start <= sentence.span.start + leading + "before ".len()
}

/// Whether somebody says that a thing is done or moves again.
fn says_done(words: &str) -> bool {
    let done = match words.is_ascii() {
        true => {
            let mut parts = words.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
            parts.any(|part| DONE.iter().any(|done| part.eq_ignore_ascii_case(done.as_bytes())))
        }
        // Of other letters the small ones have to be asked for.
        false => words.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|word| DONE.contains(&word)),
    };
    done && !words.to_lowercase().contains("not ")
}

fn ends(
    history: &History<'_>,
    debt: &Debt,
    sentence: &Sentence,
    who: &str,
    says_done: &impl Deref<Target = bool>,
) -> Option<How> {
    // Where people talk, whoever is stuck gets an answer or is asked back, and says so when it did not help.
    let is_talk = matches!(history.thread.kind, Kind::Chat | Kind::Email);
    let is_help =
        matches!(sentence.act, SpeechAct::Answer | SpeechAct::Question | SpeechAct::Ask | SpeechAct::Proposal);
    let helped = || is_talk && is_help && !debt.owed_to.iter().any(|asker| asker == who);
    let met = match debt.kind {
        ObligationKind::Promise => {
            let brings = || DELIVERS.is_match(history.thread.quote(sentence.span));
            debt.owed_by.iter().any(|owner| owner == who) && (**says_done || brings())
        }
        ObligationKind::Unblock => sentence.act != SpeechAct::Blocker && **says_done || helped(),
        // Whoever commits takes it.
        ObligationKind::Owner => sentence.act == SpeechAct::Commitment,
        _ => false,
    };
    met.then_some(How::Met)
}
