//! A thread's units in the order of what they tell: the evidence, the headline among it, the context that remains.

use std::{cmp::Reverse, sync::LazyLock};

use regex::Regex;

use super::{choose, choose::Picked, lead, order, says_nothing, sections, view::View, voice};
use crate::{
    domain::{Kind, Span, SpeechAct, summary::BottomLine},
    pattern::compiled,
    text::standalone,
};

/// A headline has at least this many words where any does, and ends where its sentence ends.
const HEADLINE_WORDS: std::ops::RangeInclusive<usize> = 7..=45;
/// A written thread of at most this many units is not sifted by rank.
const FEW_UNITS: usize = 16;
/// Two units are a headline when together they have at most this many words.
const HEADLINE_MOST_WORDS: usize = 48;
/// A headline is looked for in this many times the words of the evidence.
const POOL: usize = 3;
/// Places that a unit falls behind for each way in which it leans on its surroundings.
const LEANING: usize = 3;
/// The headline is looked for among this many of the best units.
const HEADLINE_AMONG: usize = 6;

/// What the sentences of a document's own abstract have more of a score, which puts them before all others: their author
/// chose these words for readers of nothing else.
const ABSTRACT_BONUS: f32 = 2.0;

/// A document's second sentence is one of so many that tell most, or there is none: what leans less and tells less is no gain.
const TELLING: usize = 3;

/// "This proposal adds …", "We propose to …".
static PURPOSE: LazyLock<Regex> = LazyLock::new(|| {
    let what =
        r"this (?:meta-)?(?:pep|eip|kep|rfc|proposal|document|specification|standard|enhancement|change|feature)";
    let does = r"(?:propos|introduc|describ|add|specif|defin|outlin|suggest|extend|allow|disallow|forbid|enabl|mak|modif|remov|recommend|chang|clarif|deprecat|replac|aim)";
    let is = r"(?:we propose|it is proposed|the propos(?:al|ed (?:solution|change)) is to)";
    compiled(&format!(r"(?i)^\W*(?:{what}\b.{{0,20}}\b{does}|{is}\b)"))
});
/// "If it closes, …", "Test that …": a case or a step of a document, not what it is for.
static CASE: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)^\W*(?:if|when|for|since|test|note|see|during)\b"));
/// Sections that hold what a document is not about, or no longer.
static ASIDE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(?:reject|alternativ|prior art|related work|history|drawback|unresolved|open (?:issue|question)|future|acknowledg|reference|footnote|test plan|graduation|non[- ]?goal|out of scope)",
    )
});
/// The section in which a document says itself in short what it says: "Abstract", "Simple Summary", "TL;DR".
static ABSTRACT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^(?:section:)?[\W\d]*(?:abstract|(?:(?:executive|simple|short|brief|high-level) )?summary|tl\W?dr|synopsis|bottom line|in (?:short|brief|a nutshell))\W*$",
    )
});
/// "This proposal does not change …".
static DENIED: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)^\W*(?:\w+\W+){2,4}(?:not\b|\w+n['’]t\b)"));

/// Scores and what was chosen by them.
pub struct Ranked {
    /// One a unit.
    pub scores: Vec<f32>,
    /// Each unit's place among all by score, 0 to 1; in a thread of a few lines every line has the first place.
    pub place: Vec<f32>,
    /// Units chosen by score without repetition, best first.
    pub evidence: Vec<usize>,
    /// The evidence and what would come after it: a headline may be found further down.
    pool: Vec<usize>,
    most_words: usize,
}

impl Ranked {
    pub fn new(view: &View, mut scores: Vec<f32>, most_words: usize) -> Ranked {
        for (_, score) in scores.iter_mut().enumerate().filter(|(n, _)| is_of_abstract(view, *n)) {
            *score += ABSTRACT_BONUS;
        }
        // An utterance of a few words ("because of the ferry") says nothing out of its place.
        let fewest = if view.thread.kind == Kind::Transcript { 6 } else { 4 };
        let tells = |n: usize| {
            let unit = &view.units[n];
            unit.words >= fewest
                && !view.borrowed[n]
                && !unit.sentences.iter().all(|&s| says_nothing(view.acts.sentences[s].act))
        };
        let pool = choose::choose(view, &scores, POOL * most_words, tells);
        // Units are chosen one by one until they have the words, so fewer words are a beginning of more.
        let mut words = 0;
        let within = |n: &&usize| {
            let more = words < most_words;
            words += view.units[**n].words;
            more
        };
        let evidence = pool.iter().take_while(within).copied().collect();
        Ranked { place: places(view, &scores), scores, evidence, pool, most_words }
    }

    /// The decision that heads the thread, if one was stated outright: the last, since it may take back an earlier one.
    pub fn decided(&self, view: &View) -> Option<usize> {
        let told = |n: usize| view.thread.kind != Kind::Transcript || self.place[n] >= 0.5;
        let stated = |n: &usize| sections::may_head(view, *n) && told(*n) && voice::is_own(view, *n);
        (0..view.units.len()).rev().filter(|n| states_all(view, *n)).find(stated)
    }

    /// The units of which one may be worded as the bottom line, best first: a stated decision alone, else what stands best.
    pub fn heads(&self, view: &View) -> Vec<usize> {
        self.decided(view).map_or_else(|| self.standing(view), |decision| vec![decision])
    }

    /// The pool, what leans on its surroundings after what stands by itself.
    fn standing(&self, view: &View) -> Vec<usize> {
        let burden = |(rank, &n): (usize, &usize)| {
            let shown = &view.units[n].shown;
            // Speech is full of what was begun and left; a list or a heading of a document needs no verb.
            let fragment = view.thread.kind == Kind::Transcript && !standalone::has_verb(shown);
            let falters = lead::falters(view, n);
            let leanings =
                standalone::leanings(shown) + usize::from(!is_whole(view, n)) + usize::from(fragment) + 2 * falters;
            // What a document is for is its bottom line, wherever it says so, and best in its abstract.
            let document = view.thread.kind == Kind::Document;
            let purpose = document && PURPOSE.is_match(shown) && !DENIED.is_match(shown);
            let tells = usize::from(purpose) + usize::from(is_of_abstract(view, n));
            let garbled = falters >= lead::GARBLED || standalone::breaks_off(shown);
            let aside = is_aside(view, n) || sections::is_procedure(shown) || garbled;
            let place = rank + LEANING * (leanings + usize::from(document && CASE.is_match(shown)));
            (aside, Reverse(tells), place)
        };
        let own = self.pool.iter().filter(|n| voice::is_own(view, **n)).enumerate();
        let mut heads: Vec<_> = own.map(|(rank, n)| (burden((rank, n)), *n)).collect();
        heads.sort_unstable();
        heads.into_iter().map(|(_, n)| n).collect()
    }

    /// What a document may say after what it is for, best first: no case, no step, and nothing that it is not about.
    pub fn telling(&self, view: &View) -> Vec<usize> {
        let most = self.evidence.iter().copied().take(TELLING);
        most.filter(|&n| !is_aside(view, n) && !CASE.is_match(&view.units[n].shown)).collect()
    }

    /// The units to show as the bottom line when nothing better is worded, in order of the thread: the best that is whole
    /// and no question, and the next best where both are short.
    ///
    /// A decision that was stated outright comes before anything else.
    pub fn headline(&self, view: &View) -> Vec<usize> {
        let whole = |n: &usize| is_whole(view, *n);
        let decided = self.decided(view);
        let others = self.standing(view).into_iter().take(HEADLINE_AMONG).filter(whole).filter(|n| Some(*n) != decided);
        let mut best = decided.into_iter().chain(others);
        let Some(first) = best.next() else {
            return self.evidence.first().copied().or_else(|| longest(view)).into_iter().collect();
        };
        let fits = |n: &usize| view.units[first].words + view.units[*n].words <= HEADLINE_MOST_WORDS;
        let mut units: Vec<usize> = [first].into_iter().chain(best.find(fits)).collect();
        units.sort_unstable();
        units
    }

    /// The evidence that is neither the bottom line nor in a section, in order of the thread, within the words that are left.
    pub fn context(&self, view: &View, line: &BottomLine, shown: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut taken = Picked::default();
        let mut words = line.text.split_whitespace().count();
        for n in shown {
            if taken.add(view, n) {
                words += view.units[n].words;
            }
        }
        let cited = |s: &Span| {
            let id = &view.thread.messages[s.message].id;
            line.cites.iter().any(|c| c.start == s.start && c.end == s.end && c.message_id == *id)
        };
        let quoted = |n: usize| view.units[n].spans.iter().all(cited);
        // Sections may be long; a reader still gets some of what the thread was about.
        let most_words = self.most_words.max(words + self.most_words / 3);
        let mut context = Vec::new();
        for &n in self.evidence.iter().filter(|n| !quoted(**n)) {
            if words >= most_words {
                break;
            }
            if taken.add(view, n) {
                words += view.units[n].words;
                context.push(n);
            }
        }
        context
    }
}

/// Whether a unit is in a section of a document that holds what this is not about.
fn is_aside(view: &View, n: usize) -> bool {
    section(view, n).is_some_and(|name| ASIDE.is_match(name))
}

/// Whether a unit is in a document's own abstract.
fn is_of_abstract(view: &View, n: usize) -> bool {
    section(view, n).is_some_and(|name| ABSTRACT.is_match(name))
}

/// The name of the section of a document that a unit is in.
fn section<'v>(view: &'v View, n: usize) -> Option<&'v str> {
    let name = view.thread.messages[view.units[n].message()].author.as_deref();
    name.filter(|_| view.thread.kind == Kind::Document)
}

/// A unit that is one whole statement, of a length that can stand at the top.
pub fn is_whole(view: &View, n: usize) -> bool {
    let unit = &view.units[n];
    let asks = unit.sentences.iter().any(|&s| view.acts.sentences[s].act == SpeechAct::Question);
    // Chat and lists are written in lower case; in mail a sentence that begins so is the rest of one.
    let begins = view.thread.kind != Kind::Email || !unit.shown.starts_with(char::is_lowercase);
    HEADLINE_WORDS.contains(&unit.words) && !asks && begins && unit.shown.ends_with(['.', '!'])
}

/// A unit that can stand at the top as a decision does: minutes put no stop behind a resolution.
fn states_all(view: &View, n: usize) -> bool {
    let unit = &view.units[n];
    let resolves = || HEADLINE_WORDS.contains(&unit.words) && !standalone::breaks_off(&unit.shown);
    is_whole(view, n) || view.thread.kind == Kind::Transcript && resolves()
}

fn places(view: &View, scores: &[f32]) -> Vec<f32> {
    let short = view.thread.kind != Kind::Transcript && scores.len() <= FEW_UNITS;
    if short { vec![1.0; scores.len()] } else { order::ranks(scores) }
}

/// For a thread of nothing but short remarks: the longest of them.
fn longest(view: &View) -> Option<usize> {
    (0..view.units.len()).rev().max_by_key(|&n| view.units[n].words)
}
