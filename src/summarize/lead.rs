//! What a bottom line is made of: one note, or two where the second says what a reader would ask next.
//!
//! What readers of a line of one note miss most is its other half: what was asked, or what came of it. So a thread between
//! people has the best that its opener said and the best of what the others said, a meeting its two best statements, a
//! document what it is for and what that takes.

use super::{choose::Picked, cite, ranked, ranked::Ranked, sections, view::View, voice};
use crate::{
    domain::{Kind, SpeechAct, Thread},
    text::{courtesy, fluency, standalone},
};

/// A sentence of the bottom line may be made of any of these units, best first.
pub type Choices = Vec<usize>;

/// What falters this often is no statement any more: see `fluency`.
pub const GARBLED: usize = 2;
/// Speech with so much of what fills in has little to tell in a line.
const MUMBLED: usize = 2;
/// Words of what a thread opens with.
const OPENING_WORDS: std::ops::RangeInclusive<usize> = 5..=40;
/// In a longer sentence a pronoun may stand for what the sentence itself names.
const POINTING_WORDS: usize = 20;
/// What asks or proposes is more of an opening than what tells: this much of a score.
const ASKS_BONUS: f32 = 0.12;

/// The sentences that a bottom line has, one or two, each with the units of which one is to be worded.
pub fn parts(view: &View, ranked: &Ranked) -> Vec<Choices> {
    let standing = ranked.heads(view);
    let parts = match view.thread.kind {
        Kind::Transcript => of_meeting(view, ranked, standing),
        Kind::Document => [standing, ranked.telling(view)],
        _ => of_talk(view, ranked, standing),
    };
    let [first, then] = parts;
    let answers = first.first().and_then(|&n| sections::answered_by(view, n));
    let then = then.into_iter().filter(|&n| stands(view, n) || Some(n) == answers && voice::is_own(view, n)).collect();
    [first, then].into_iter().filter(|choices: &Choices| !choices.is_empty()).collect()
}

/// Whether a unit can follow in a line: one that is in doubt is better left out.
fn stands(view: &View, n: usize) -> bool {
    let unit = &view.units[n];
    // Minutes and questions end as they please.
    let ends = ranked::is_whole(view, n) || view.thread.kind == Kind::Transcript || sections::asks_something(view, n);
    let alone = standalone::leanings(&unit.shown) == 0
        && (unit.words > POINTING_WORDS || !standalone::points_elsewhere(&unit.shown));
    ends && alone && is_plain(view, n) && voice::is_own(view, n)
}

/// Whether a unit was written, or said without a slip and with few words that fill in: reworded, a slip is a riddle.
fn is_plain(view: &View, n: usize) -> bool {
    let mumbles = || view.units[n].spans.iter().map(|span| fluency::mumbles(view.thread.quote(*span))).sum::<usize>();
    view.thread.kind != Kind::Transcript || falters(view, n) == 0 && mumbles() < MUMBLED
}

/// What is left of `choices` when the units `taken` stand in the line already. Mere courtesies are passed over: a generator
/// would word them as news.
pub fn besides<'c>(view: &'c View, choices: &'c Choices, taken: &'c [usize]) -> impl Iterator<Item = usize> + 'c {
    // An answer has the words of its question.
    let answers: Vec<usize> = taken.iter().filter_map(|&asked| sections::answered_by(view, asked)).collect();
    let fresh = move |n: usize| {
        let mut picked = Picked::default();
        taken.iter().for_each(|&n| {
            picked.add(view, n);
        });
        picked.add(view, n)
    };
    let tells = |n: usize| !courtesy::is_courtesy(&view.units[n].shown);
    choices.iter().copied().filter(move |&n| tells(n) && (answers.contains(&n) || fresh(n)))
}

/// How often the words of a unit falter, as they were said; in writing, never.
pub fn falters(view: &View, n: usize) -> usize {
    if view.thread.kind != Kind::Transcript {
        return 0;
    }
    let said: Vec<&str> = view.units[n].spans.iter().map(|span| view.thread.quote(*span)).collect();
    fluency::falters(&said.join(" "))
}

/// The last formal decision and the most telling other one; without any, what stands best, and then what was decided in so
/// many words.
fn of_meeting(view: &View, ranked: &Ranked, standing: Choices) -> [Choices; 2] {
    let by_score = |choices: &mut Choices| choices.sort_by(|&a, &b| ranked.scores[b].total_cmp(&ranked.scores[a]));
    let units = 0..view.units.len();
    if let Some(last) = ranked.decided(view) {
        let mut others: Choices = units.filter(|&n| n != last && sections::may_head(view, n)).collect();
        by_score(&mut others);
        return [vec![last], others];
    }
    let stated = |n: &usize| sections::is_stated_decision(view, *n) && ranked.place[*n] >= 0.7;
    let mut then: Choices = units.filter(stated).collect();
    by_score(&mut then);
    then.extend(&standing);
    [standing, then]
}

/// The decision and what the thread began with; without one, the best unit of all, and the best of the other side: who
/// began the thread, or who answered.
fn of_talk(view: &View, ranked: &Ranked, standing: Choices) -> [Choices; 2] {
    let opening = opening(view, ranked);
    if ranked.decided(view).is_some() {
        return [standing, opening];
    }
    let (Some(&best), Some(&first)) = (standing.first(), opening.first()) else {
        return [standing.clone(), standing];
    };
    if cite::speaker(view, best) == cite::speaker(view, first) {
        let outcome = outcome(view, &standing, best);
        [standing, outcome]
    } else {
        [opening, standing]
    }
}

/// The units with which whoever began the thread says what it is about, best first.
fn opening(view: &View, ranked: &Ranked) -> Choices {
    let end = opening_messages(view.thread);
    let worth = |n: usize| {
        let asks = [SpeechAct::Question, SpeechAct::Ask, SpeechAct::Proposal, SpeechAct::Blocker];
        let asked = view.units[n].sentences.iter().any(|&s| asks.contains(&view.acts.sentences[s].act));
        ranked.scores[n] + if asked { ASKS_BONUS } else { 0.0 }
    };
    let alone = |n: &usize| standalone::leanings(&view.units[*n].shown) == 0;
    // "This file is missing" will do where nothing better was said.
    let named = |n: &usize| standalone::only_points_by_name(&view.units[*n].shown);
    let could = |n: &usize| {
        let unit = &view.units[*n];
        unit.message() < end
            && OPENING_WORDS.contains(&unit.words)
            && unit.shown.ends_with(['.', '!', '?'])
            && !courtesy::is_courtesy(&unit.shown)
            && voice::is_own(view, *n)
    };
    let units = (0..view.units.len()).filter(could);
    let (mut choices, others): (Choices, Choices) = units.partition(alone);
    if choices.is_empty() {
        choices = others.into_iter().filter(named).collect();
    }
    choices.sort_by(|&a, &b| worth(b).total_cmp(&worth(a)));
    choices
}

/// How many messages, from the first on, are by who began the thread.
fn opening_messages(thread: &Thread) -> usize {
    let opener = thread.messages.first().and_then(|m| m.author.as_deref());
    thread.messages.iter().take_while(|m| m.author.as_deref() == opener).count()
}

/// What came of `opening`: the answer where it asks, else what stands best of what others said.
fn outcome(view: &View, standing: &Choices, opening: usize) -> Choices {
    let opener = cite::speaker(view, opening);
    let answer = sections::answered_by(view, opening).filter(|&n| ranked::is_whole(view, n));
    let others = standing.iter().copied().filter(|&n| cite::speaker(view, n) != opener && Some(n) != answer);
    let choices: Choices = answer.into_iter().chain(others).collect();
    if choices.is_empty() { standing.clone() } else { choices }
}
