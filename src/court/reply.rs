//! Replies: a question or request opens one, an answer by somebody else closes it.

use std::{cell::LazyCell, collections::HashMap, ops::Deref, sync::LazyLock};

use regex::Regex;

use super::{
    asking::{asks, is_answer, is_of_anybody, lacks_its_beginning, speaks_to_somebody},
    debt::{Debt, Ended, Mark},
    history::{History, Move, Step},
    remark::own_words,
};
use crate::{
    domain::{How, Kind, Metric, ObligationKind, Span},
    pattern::compiled,
};

/// A room in which several talks run through each other has at least so many people, and so many of its messages begin
/// with somebody's name.
const STREAM_PEOPLE: usize = 6;
const STREAM_NAMED: usize = 2;

static WITHDRAWN: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(never ?mind|nvm|figured it out|found (the answer|it myself)|solved (it|myself)|(it|that) works now|got it (working|to work)|(answering|to answer) my(self| own)|i dunno, i think|please ignore (this|that|my))\b",
    )
});

static THANKS_FOR: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(thanks|thank you|thx)( \w+){0,3},? for (your|the|all)( \w+){0,3} (help|assistance|answers?|repl(y|ies)|responses?|suggestions?|advice|information|info|explanations?|clarifications?|pointers?)\b",
    )
});
static SAYS_YES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)^\W*(yes|yeah|yep|yup|ya|sure|of course|definitely|absolutely|certainly|no|nope|nah)\b")
});
static GREETS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening))[ ,]+([^,!:.;?]{2,40}?)\s*(?:[,!:.;–-]|$)",
    )
});

pub(super) fn debts(history: &History<'_>) -> Vec<Debt> {
    let names = history.thread.participants.iter().map(|name| folded(name)).filter(|name| !name.is_empty()).collect();
    let mut by_id = HashMap::new();
    for (at, message) in history.thread.messages.iter().enumerate() {
        by_id.entry(message.id.as_str()).or_insert(at);
    }
    let room = Room { stream: is_stream(history), titled: history.titled(), names, by_id };
    let mut debts: Vec<Debt> = Vec::new();
    // Of a long thread most have ended.
    let mut open: Vec<usize> = Vec::new();
    for (at, step) in history.steps.iter().enumerate() {
        if step.does == Move::Closes {
            for at in open.drain(..) {
                debts[at].ended = Some(Ended { by: step.mark, how: How::Superseded });
            }
        }
        if step.does == Move::Reopens {
            let again = reopened(&debts, step.mark);
            open.extend(debts.len()..debts.len() + again.len());
            debts.extend(again);
        }
        let progress = LazyCell::new(|| history.is_progress(step));
        open.retain(|&at| {
            let how = ends(history, &room, &debts[at], step, &progress);
            debts[at].ended = how.map(|how| Ended { by: step.mark, how });
            debts[at].is_open()
        });
        if let Some(debt) = opens(history, &room, at, open.iter().map(|&at| &debts[at]), debts.is_empty()) {
            open.push(debts.len());
            debts.push(debt);
        }
    }
    debts
}

/// What the last closing left unanswered is owed anew.
fn reopened(debts: &[Debt], opened: Mark) -> Vec<Debt> {
    let closing = debts.iter().filter_map(|debt| debt.ended).filter(|ended| ended.how == How::Superseded);
    let Some(last) = closing.map(|ended| ended.by).max() else { return Vec::new() };
    let left = debts.iter().filter(|debt| debt.ended == Some(Ended { by: last, how: How::Superseded }));
    let again = |debt: &Debt| Debt {
        opened,
        first_opened: debt.first_opened.or(Some(debt.opened)),
        stated_due: None,
        ended: None,
        ..debt.clone()
    };
    left.map(again).collect()
}

struct Room<'t> {
    stream: bool,
    titled: Option<usize>,
    /// Everybody's name, folded.
    names: Vec<String>,
    /// Where messages stand.
    by_id: HashMap<&'t str, usize>,
}

/// The debt that a message opens; none where its author asked the same people before and still waits for them. `open`: those
/// that wait at that time.
fn opens<'d>(
    history: &History<'_>,
    room: &Room<'_>,
    at: usize,
    mut open: impl Iterator<Item = &'d Debt>,
    is_first: bool,
) -> Option<Debt> {
    let step = &history.steps[at];
    let message = step.message.filter(|_| step.does == Move::Says && !step.bot && !step.who.is_empty())?;
    let asking = history.sentences(message).find(|sentence| asks(history, sentence)).map(|sentence| sentence.span);
    // What a room's thread is named after waits for an answer however it is put.
    let titled = room.stream && room.titled == Some(message);
    let Mark::Said(whole) = step.mark else { return None };
    let asking = asking.or(titled.then_some(whole))?;
    let owed_by = addressees(history, room, step, asking);
    let owed_to = vec![step.who.to_string()];
    // What is asked of nobody in the middle of a talk, by somebody who did not begin it, is part of the talk.
    let is_talk = matches!(history.thread.kind, Kind::Chat | Kind::Email);
    let of_two = history.thread.participants.len() <= 2;
    let to_somebody = !owed_by.is_empty() && (of_two || speaks_to_somebody(history.thread.quote(asking)));
    let begins = history.author() == Some(step.who) && !lacks_its_beginning(history);
    if is_talk && !titled && !begins && !to_somebody && !is_named(history, message) {
        return None;
    }
    if !titled && open.any(|debt| debt.owed_to == owed_to && debt.owed_by == owed_by) {
        return None;
    }
    let first = is_first && history.author() == Some(step.who);
    let metric = if first { Metric::FirstResponse } else { Metric::NextResponse };
    let due = history.sentences(message).find(|sentence| sentence.span == asking).and_then(|sentence| sentence.due);
    let stated_due = due.and_then(|due| history.due(due));
    let opened = Mark::Said(asking);
    Some(Debt {
        kind: ObligationKind::Reply,
        metric,
        owed_by,
        owed_to,
        opened,
        first_opened: None,
        stated_due,
        ended: None,
    })
}

/// Whether a message asks somebody by name.
fn is_named(history: &History<'_>, message: usize) -> bool {
    history.sentences(message).any(|sentence| asks(history, sentence) && sentence.addressee.is_some())
}

/// Who is asked: whoever a sentence names, else whoever a mail greets, else whoever is answered, else the only other one
/// there. What a mail asks anybody is asked of nobody in particular, whomever it answers.
fn addressees(history: &History<'_>, room: &Room<'_>, step: &Step<'_>, asked: Span) -> Vec<String> {
    let message = asked.message;
    let asking = history.sentences(message).filter(|sentence| asks(history, sentence));
    let mut named: Vec<String> = asking.filter_map(|sentence| sentence.addressee.clone()).collect();
    named.extend(addressed_first(room, step.text).and_then(|name| participant(history, name)));
    let is_mail = history.thread.kind == Kind::Email;
    if named.is_empty() && is_mail {
        named.extend(greeted(history, step.text));
        if named.is_empty() && is_of_anybody(history.thread.quote(asked)) {
            return named;
        }
    }
    if named.is_empty() {
        let answered = history.thread.messages[message].reply_to.as_deref();
        let parent = answered.and_then(|id| room.by_id.get(id));
        named.extend(parent.and_then(|&parent| history.thread.messages[parent].author.clone()));
    }
    if let ([one, other], true) = (&history.thread.participants[..], named.is_empty()) {
        named.push(if one == step.who { other.clone() } else { one.clone() });
    }
    named.retain(|name| name != step.who);
    named.dedup();
    named
}

/// Whether, and how, `step` ends what its asker waits for.
fn ends(
    history: &History<'_>,
    room: &Room<'_>,
    debt: &Debt,
    step: &Step<'_>,
    progress: &impl Deref<Target = bool>,
) -> Option<How> {
    let asker = debt.owed_to.first()?;
    if step.does == Move::GoesOn {
        let by_them = !is_asked_by_name(history, debt) || debt.owed_by.iter().any(|owner| owner == step.who);
        return (step.who != asker && by_them).then_some(How::Superseded);
    }
    if step.who == asker {
        let thanks = || THANKS_FOR.is_match(step.text).then_some(How::Met);
        let goes_on = || writes_on(history, step).then_some(How::Superseded);
        return WITHDRAWN.is_match(step.text).then_some(How::Withdrawn).or_else(thanks).or_else(goes_on);
    }
    let said = matches!(step.does, Move::Says | Move::Remarks) && !step.who.is_empty();
    let answers = step.message.and_then(|at| history.thread.messages[at].reply_to.as_deref());
    let question = match debt.first_opened.unwrap_or(debt.opened) {
        Mark::Said(Span { message, .. }) => Some(history.thread.messages[message].id.as_str()),
        Mark::Happened(_) => None,
    };
    let direct = answers.is_some() && answers == question;
    let meant = direct || !room.stream || names(step.text, asker);
    // Whoever is asked and says yes has answered, though it reads like mere assent.
    let says_yes = || debt.owed_by.iter().any(|owner| owner == step.who) && SAYS_YES.is_match(step.text) && !step.bot;
    (said && meant && (**progress || says_yes())).then_some(How::Met)
}

/// Whether a question names one of those who owe the answer, who are otherwise guessed.
fn is_asked_by_name(history: &History<'_>, debt: &Debt) -> bool {
    let Mark::Said(span) = debt.opened else { return false };
    let named = |who: &String| debt.owed_by.contains(who);
    history.sentences(span.message).any(|sentence| sentence.addressee.as_ref().is_some_and(named))
}

/// Whether an asker writes on in mail, to somebody, without asking again: an answer that is not there has reached them, or
/// they have let it go.
fn writes_on(history: &History<'_>, step: &Step<'_>) -> bool {
    let Some(message) = step.message.filter(|_| history.thread.kind == Kind::Email) else { return false };
    let alone = history.thread.participants.len() == 1;
    let asks_again =
        || own_words(step.text).contains('?') || history.sentences(message).any(|sentence| asks(history, sentence));
    (alone || is_answer(step.text)) && !asks_again()
}

/// Whether talks run through each other, so that only a name or a reply says who is answered.
fn is_stream(history: &History<'_>) -> bool {
    let people = &history.thread.participants;
    if history.thread.kind != Kind::Chat || people.len() < STREAM_PEOPLE {
        return false;
    }
    let names = people.iter().map(|name| folded(name)).collect();
    let room = Room { stream: true, titled: None, names, by_id: HashMap::new() };
    let spoken = history.steps.iter().filter(|step| step.message.is_some() && !step.bot);
    spoken.filter(|step| addressed_first(&room, step.text).is_some()).count() >= STREAM_NAMED
}

/// `ana: …`, `ana, …`, `@ana …`: the folded name that a message begins with.
fn addressed_first<'r>(room: &'r Room<'_>, text: &str) -> Option<&'r String> {
    let first = text.split_whitespace().next()?;
    let marked = first.starts_with('@') || first.ends_with([':', ',']);
    let name = folded(first);
    room.names.iter().find(|known| marked && **known == name)
}

/// Whom a mail greets in its first words: `Hi Ana,`, `Dear Ana Example,`.
fn greeted(history: &History<'_>, text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('>'))?;
    let name = folded(GREETS.captures(line)?.extract::<1>().1[0]);
    let is_called = |known: &&String| {
        let first = known.split_whitespace().next().map(folded);
        !name.is_empty() && (folded(known) == name || first.as_deref() == Some(&name))
    };
    let mut called = history.thread.participants.iter().filter(is_called);
    // Of two by that name nobody can say which.
    called.next().filter(|_| called.next().is_none()).cloned()
}

fn participant(history: &History<'_>, name: &str) -> Option<String> {
    history.thread.participants.iter().find(|known| folded(known) == name).cloned()
}

/// Whether a text has somebody's name as a word of its own.
pub(super) fn names(text: &str, who: &str) -> bool {
    let who = folded(who);
    !who.is_empty() && text.split(|c: char| c.is_whitespace() || ",:;!?()/".contains(c)).any(|word| folded(word) == who)
}

/// A name as people type it: without case, brackets, tails.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
