//! Decisions, asks, questions and blockers: units whose speech act says what they are.

use std::sync::LazyLock;

use regex::Regex;

use super::{choose::Picked, cite, lead, order, rank, ranked::Ranked, settled, unit::Unit, view::View};
use crate::{
    domain::{
        Kind, Sentence, SpeechAct,
        summary::{Ask, AskState, Blocker, Decision, Question, QuestionState, Statement},
    },
    pattern::compiled,
};

/// What a kind of thread is asked for: how strong an act must be, and how many are shown.
struct Bar {
    least: f32,
    most: usize,
}

/// Bars of speech, where a head's word counts: `models/heads/README.md` says what others would bring.
const SPOKEN_DECISIONS: Bar = Bar { least: 0.5, most: 6 };
/// The same where people just talk: see `settled`.
const TALKED_DECISIONS: Bar = Bar { least: 0.45, most: 8 };
const SPOKEN_ASKS: Bar = Bar { least: 0.3, most: 4 };

/// How sure the reading of a spoken decision must be before its words alone make it one.
const STATED: f32 = 0.7;

/// A formal proposal is read as sure as this once the room has voted for it (`classify/assent.rs`).
const CARRIED: f32 = 0.9;

/// The same as `STATED` in writing, where words are chosen.
const DECIDES: f32 = 0.55;
/// From this strength on "I'll ask them today" is a promise also in speech, where much is said with "I'll".
const PROMISED: f32 = 0.7;

static HEDGE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:maybe|perhaps|might|would like to|i(?:'d| would) (?:like|love|propose|suggest)|propos(?:e|ing)|will be able|don'?t think|not sure|wanted to|go ahead|haven'?t (?:decided|agreed)|(?:no|any) (?:decision|consensus|agreement)|consensus on (?:this|whether)|going to have to be|whether (?:or not )?we|if we)\b",
    )
});
static FORMULA: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)^\W*(?:resolved|resolution|decision|decided|agreed)\b[^:]{0,8}:"));
/// What every meeting does, whatever it is about.
static PROCEDURE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:minutes|agenda|scribe)\b.{0,60}\b(?:accept|approv|confirm|adopt)|\b(?:accept|approv|confirm|adopt)\w*\b.{0,40}\b(?:minutes|agenda)\b|\badjourn|\b(?:white|black) ?board\b|\bshare (?:my|the|your) screen\b|\bnext (?:we have|up is)\b|\bgoing to present\b",
    )
});
/// "That is not a blocker", "they couldn't block it".
static NO_BLOCK: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(?:not|no|n['’]t|never|don'?t)\b[^.;]{0,30}\bblock|anything\b[^.;]{0,40}\bprevent")
});

/// An answer is looked for in this many units after the question.
const ANSWER_WITHIN_UNITS: usize = 40;
/// The least cosine between a question and what answers it, unless a reply or an answering act says so.
const ANSWER_COSINE: f32 = 0.45;
/// The least cosine between an ask and what reports it done.
const DONE_COSINE: f32 = 0.5;

/// The strongest units of one section, in the order of the thread.
fn strongest(view: &View, strength: impl Fn(usize) -> f32, bar: Bar) -> Vec<usize> {
    strongest_besides(view, &[], strength, bar)
}

/// The same of units that repeat none of `shown`; with those, there are no more than the bar allows.
fn strongest_besides(view: &View, shown: &[usize], strength: impl Fn(usize) -> f32, bar: Bar) -> Vec<usize> {
    let strengths = (0..view.units.len()).filter(|&n| !view.borrowed[n]).map(|n| (n, strength(n)));
    let mut picked = Picked::default();
    shown.iter().for_each(|&n| {
        picked.add(view, n);
    });
    let known = picked.units.len();
    for n in order::falling(strengths.filter(|(_, s)| *s >= bar.least)) {
        if picked.units.len() >= bar.most {
            break;
        }
        picked.add(view, n);
    }
    let mut units = picked.units.split_off(known);
    units.sort_unstable();
    units
}

/// The strongest value of one act among a unit's sentences.
fn strength_of(view: &View, n: usize, act: SpeechAct) -> f32 {
    let at = SpeechAct::ALL.iter().position(|a| *a == act).expect("every act is in ALL");
    view.units[n].sentences.iter().map(|&s| view.acts.sentences[s].acts[at]).fold(0.0, f32::max)
}

/// The most of something among a unit's sentences.
fn most(view: &View, n: usize, of: impl Fn(&Sentence) -> f32) -> f32 {
    view.units[n].sentences.iter().map(|&s| of(&view.acts.sentences[s])).fold(0.0, f32::max)
}

/// True for what asks, doubts or only wishes: no decision, whatever words it has.
fn hedged(view: &View, n: usize) -> bool {
    let shown = &view.units[n].shown;
    *view.units[n].facts.hedges.get_or_init(|| shown.trim_end().ends_with('?') || HEDGE.is_match(shown))
}

/// Words shown that are words: no `:emoji:`, no lone marks.
fn plain_words(view: &View, n: usize) -> usize {
    let word = |w: &&str| w.contains(char::is_alphanumeric) && !(w.starts_with(':') && w.ends_with(':'));
    let unit = &view.units[n];
    *unit.facts.plain_words.get_or_init(|| unit.shown.split_whitespace().filter(word).count())
}

/// True when a sentence of the unit is read as `act`.
fn is(view: &View, n: usize, act: SpeechAct) -> bool {
    view.units[n].sentences.iter().any(|&s| view.acts.sentences[s].act == act)
}

/// Whether the unit decides something in so many words.
pub fn is_stated_decision(view: &View, n: usize) -> bool {
    is(view, n, SpeechAct::Decision) && !hedged(view, n) && most(view, n, |s| s.decision) >= STATED
}

/// Whether the unit is a formal proposal that the room carried: its act stays a proposal, and its sentence is what was decided.
fn is_carried(view: &View, n: usize) -> bool {
    is(view, n, SpeechAct::Proposal) && most(view, n, |s| s.decision) >= CARRIED && !hedged(view, n)
}

/// Whether `shown` is about the meeting itself: its minutes, its agenda, its end.
pub fn is_procedure(shown: &str) -> bool {
    PROCEDURE.is_match(shown)
}

/// Whether a thread may be headed by this decision: in speech "we decided" often tells of old ones, and only a formula
/// ("RESOLVED:"), or a vote, is sure to be of now.
pub fn may_head(view: &View, n: usize) -> bool {
    let decides = match view.thread.kind {
        // What a document says of decisions is history or hope; what it proposes is its point.
        Kind::Document => false,
        Kind::Transcript => {
            is_carried(view, n) || is_stated_decision(view, n) && FORMULA.is_match(&view.units[n].shown)
        }
        _ => is(view, n, SpeechAct::Decision) && !hedged(view, n) && most(view, n, |s| s.decision) >= DECIDES,
    };
    decides && !is_procedure(&view.units[n].shown)
}

/// Decisions: sentences that decide.
pub fn decisions(view: &View, ranked: &Ranked) -> Vec<usize> {
    let head = |n: usize| most(view, n, |s| s.decision);
    match view.thread.kind {
        Kind::Document => Vec::new(),
        Kind::Transcript => spoken_decisions(view, ranked),
        _ => strongest(view, |n| if hedged(view, n) { 0.0 } else { head(n) }, Bar { least: 0.5, most: 4 }),
    }
}

/// What a transcript decides: what surely does, and after it, where people just talk, what is weaker.
fn spoken_decisions(view: &View, ranked: &Ranked) -> Vec<usize> {
    let strength = |n: usize| spoken_decision(view, ranked, n);
    let mut shown = strongest(view, strength, SPOKEN_DECISIONS);
    if settled::is_talk(view) {
        let weaker = strongest_besides(view, &shown, strength, TALKED_DECISIONS);
        shown.extend(weaker);
    }
    shown
}

/// How surely unit `n` of a transcript decides. Few say so outright, so the head's word counts where the ranker agrees.
pub fn spoken_decision(view: &View, ranked: &Ranked, n: usize) -> f32 {
    match is_stated_decision(view, n) {
        true => 1.0 + ranked.scores[n],
        false if view.units[n].words < 5 || hedged(view, n) || ranked.place[n] < 0.7 => 0.0,
        false => most(view, n, |s| s.decision),
    }
}

pub fn decision(view: &View, n: usize) -> Decision {
    Decision {
        text: cite::text(view, n),
        decided_by: cite::speaker(view, n),
        at: cite::at(view, n),
        cites: cite::cites(view.thread, &view.units[n]),
    }
}

/// Asks and promises: somebody is to do something.
pub fn asks(view: &View, ranked: &Ranked) -> Vec<usize> {
    let asked = |n: usize| is(view, n, SpeechAct::Ask) || is(view, n, SpeechAct::Commitment);
    match view.thread.kind {
        Kind::Document => Vec::new(),
        Kind::Transcript => strongest(view, |n| spoken_ask(view, ranked, n), SPOKEN_ASKS),
        _ => strongest(
            view,
            |n| if asked(n) && plain_words(view, n) >= 3 { tasked(view, n) } else { 0.0 },
            Bar { least: 0.5, most: 4 },
        ),
    }
}

/// How surely unit `n` of a transcript says that somebody is to do something.
pub fn spoken_ask(view: &View, ranked: &Ranked, n: usize) -> f32 {
    if plain_words(view, n) < 5 || ranked.place[n] < 0.5 || lead::falters(view, n) > lead::GARBLED {
        return 0.0;
    }
    let dated = view.units[n].sentences.iter().any(|&s| view.acts.sentences[s].due.is_some());
    let promised = is(view, n, SpeechAct::Commitment) && tasked(view, n) >= PROMISED;
    let promise = if promised && (dated || ranked.place[n] >= 0.85) { tasked(view, n) - 0.3 } else { 0.0 };
    most(view, n, |s| s.action).max(promise)
}

/// How strongly a unit asks or promises.
fn tasked(view: &View, n: usize) -> f32 {
    strength_of(view, n, SpeechAct::Ask).max(strength_of(view, n, SpeechAct::Commitment))
}

pub fn ask(view: &View, n: usize) -> Ask {
    let unit = &view.units[n];
    let sentences = || unit.sentences.iter().map(|&s| &view.acts.sentences[s]);
    let addressed = sentences().find_map(|s| s.addressee.clone());
    // Who promises owes it; who asks does not.
    let promised = sentences().any(|s| s.act == SpeechAct::Commitment);
    let owner = if promised { cite::speaker(view, n) } else { addressed };
    let due = sentences().find_map(|s| s.due).map(|span| view.thread.quote(span).to_owned());
    let state = if done(view, n) { AskState::Done } else { AskState::Open };
    Ask { text: cite::text(view, n), owner, due, state, cites: cite::cites(view.thread, unit) }
}

/// True when a later message says that the ask was met, or the thread was closed after it.
fn done(view: &View, n: usize) -> bool {
    let from = view.units[n].message();
    let reports =
        |m: usize| view.units[m].message() > from && reports_done(&view.units[m]) && close(view, n, m) >= DONE_COSINE;
    view.thread.kind != Kind::Transcript && (n + 1..view.units.len()).any(reports)
}

/// Whether a unit says that something has been done.
fn reports_done(unit: &Unit) -> bool {
    const DONE: [&str; 10] =
        ["done", "sent", "merged", "fixed", "finished", "completed", "shipped", "deployed", "uploaded", "published"];
    let reports = || {
        let words = crate::text::words::words(&unit.shown);
        !unit.shown.trim_end().ends_with('?')
            && words.iter().any(|w| DONE.contains(&w.as_str()))
            && !words.iter().any(|w| matches!(w.as_str(), "not" | "will" | "once" | "when" | "until" | "after" | "be"))
    };
    *unit.facts.reports_done.get_or_init(reports)
}

/// Questions that ask for something the thread is about.
pub fn questions(view: &View, ranked: &Ranked) -> Vec<usize> {
    let asked = |n: usize| {
        is(view, n, SpeechAct::Question)
            && view.units[n].words >= 5
            && ranked.place[n] >= 0.5
            && lead::falters(view, n) < lead::GARBLED
    };
    let most = match view.thread.kind {
        Kind::Document => 0,
        Kind::Transcript => 2,
        _ => 3,
    };
    strongest(view, |n| if asked(n) { 1.0 + ranked.scores[n] } else { 0.0 }, Bar { least: f32::MIN_POSITIVE, most })
}

pub fn question(view: &View, n: usize) -> Question {
    let unit = &view.units[n];
    let answer = answer(view, n)
        .map(|m| Statement { text: cite::text(view, m), cites: cite::cites(view.thread, &view.units[m]) });
    let state = if answer.is_some() { QuestionState::Answered } else { QuestionState::Open };
    Question {
        text: cite::text(view, n),
        asked_by: cite::speaker(view, n),
        at: cite::at(view, n),
        state,
        answer,
        cites: cite::cites(view.thread, unit),
    }
}

/// Whether the unit is a question.
pub fn asks_something(view: &View, n: usize) -> bool {
    is(view, n, SpeechAct::Question)
}

/// The unit that answers `n`, if it is a question.
pub fn answered_by(view: &View, n: usize) -> Option<usize> {
    if asks_something(view, n) { answer(view, n) } else { None }
}

/// The unit that answers the question `n`: by somebody else, later, no question itself, and near in meaning.
fn answer(view: &View, n: usize) -> Option<usize> {
    let asker = view.thread.messages[view.units[n].message()].author.as_deref();
    let asked_in = view.units[n].message();
    let id = &view.thread.messages[asked_in].id;
    let could = |&m: &usize| {
        let message = &view.thread.messages[view.units[m].message()];
        view.units[m].message() > asked_in
            && message.author.as_deref() != asker
            && !message.bot
            && view.units[m].words >= 3
            && !view.units[m].shown.trim_end().ends_with('?')
            && !is(view, m, SpeechAct::Acknowledgement)
            && !is(view, m, SpeechAct::Closing)
    };
    let worth = |m: usize| {
        let replies = view.thread.messages[view.units[m].message()].reply_to.as_ref() == Some(id);
        close(view, n, m) + if replies { 0.1 } else { 0.0 } + if is(view, m, SpeechAct::Answer) { 0.1 } else { 0.0 }
    };
    let last = (n + 1 + ANSWER_WITHIN_UNITS).min(view.units.len());
    let best = (n + 1..last).filter(could).max_by(|&a, &b| worth(a).total_cmp(&worth(b)))?;
    (worth(best) >= ANSWER_COSINE).then_some(best)
}

pub fn blockers(view: &View, ranked: &Ranked) -> Vec<usize> {
    let (place, most) = match view.thread.kind {
        Kind::Document => return Vec::new(),
        Kind::Transcript => (0.9, 2),
        _ => (0.5, 3),
    };
    let unblocks = |unit: &Unit| *unit.facts.unblocks.get_or_init(|| NO_BLOCK.is_match(&unit.shown));
    let blocks = |n: usize| is(view, n, SpeechAct::Blocker) && ranked.place[n] >= place && !unblocks(&view.units[n]);
    strongest(
        view,
        |n| if blocks(n) { strength_of(view, n, SpeechAct::Blocker) } else { 0.0 },
        Bar { least: 0.5, most },
    )
}

pub fn blocker(view: &View, n: usize) -> Blocker {
    let owner = view.units[n].sentences.iter().find_map(|&s| view.acts.sentences[s].addressee.clone());
    Blocker {
        text: cite::text(view, n),
        owner,
        since: cite::at(view, n),
        cites: cite::cites(view.thread, &view.units[n]),
    }
}

/// The cosine of two units; without an encoder, the share of words that they have in common.
fn close(view: &View, a: usize, b: usize) -> f32 {
    match (view.embeddings.get(a), view.embeddings.get(b)) {
        (Some(x), Some(y)) => rank::cosine(x, y),
        _ => {
            let (x, y) = (
                crate::text::words::content_stems(&view.units[a].shown),
                crate::text::words::content_stems(&view.units[b].shown),
            );
            x.iter().filter(|w| y.contains(w)).count() as f32 / x.len().min(y.len()).max(1) as f32
        }
    }
}
