//! Units of evidence: what one speaker says in one breath, as it can be shown on its own.
//!
//! In prose a unit is a sentence. Speech is not prose: an utterance that breaks off and goes on in the speaker's next one
//! is joined with it, across a listener's "mm-hmm".

use std::{ops::Deref, sync::Arc};

use super::memo::{Facts, Memo};
use crate::{
    domain::{Kind, Span, Thread, ThreadActs},
    text::shown,
};

/// A joined unit ends before it grows past this many words.
const MOST_WORDS_JOINED: usize = 45;
/// A quote is cut at a clause after this many words: longer is no bottom line.
const MOST_WORDS_SHOWN: usize = 50;
/// A listener's turn of at most this many words does not break a speaker's unit.
const BACKCHANNEL_WORDS: usize = 2;

/// Some of something, mostly one: it has no place of its own then.
#[derive(Clone, Debug, PartialEq)]
pub enum Few<T> {
    One([T; 1]),
    Several(Vec<T>),
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Few::One(one) => one,
            Few::Several(several) => several,
        }
    }
}

/// Some adjacent sentences of one speaker.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Indexes into `ThreadActs::sentences`, ascending.
    pub sentences: Few<usize>,
    /// What the unit quotes: one span a sentence, cut where the sentence is too long to show.
    pub spans: Few<Span>,
    /// What they say by themselves, and how they are shown.
    pub facts: Arc<Facts>,
    /// Which of the facts of the thread's units these are, in the order of their first unit.
    pub number: usize,
}

impl Deref for Unit {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl Unit {
    /// The message that the unit begins in.
    pub fn message(&self) -> usize {
        self.spans[0].message
    }
}

/// Every unit of the thread, in order. Each sentence is in one unit, or in none when it shows no word.
pub fn units(thread: &Thread, acts: &ThreadActs, memo: &mut Memo) -> Vec<Unit> {
    memo.begin(thread.kind);
    let mut units = Vec::with_capacity(acts.sentences.len());
    let mut at = 0;
    let mut used = vec![false; acts.sentences.len()];
    while at < acts.sentences.len() {
        if !used[at] {
            let sentences = match thread.kind {
                Kind::Transcript => Few::Several(breath(thread, acts, at, &used)),
                _ => Few::One([at]),
            };
            for &s in sentences.iter() {
                used[s] = true;
            }
            units.extend(unit(thread, acts, sentences, memo));
        }
        at += 1;
    }
    memo.end();
    units
}

/// The sentence at `first` and those that the same speaker goes on with.
fn breath(thread: &Thread, acts: &ThreadActs, first: usize, used: &[bool]) -> Vec<usize> {
    let author = |s: usize| thread.messages[acts.sentences[s].span.message].author.as_deref();
    let mut taken = vec![first];
    let mut words = acts.sentences[first].words;
    let mut next = first + 1;
    while let Some(sentence) = acts.sentences.get(next) {
        let last = acts.sentences[*taken.last().expect("it begins with one")].span;
        // Within one message the splitter has found an end, or a line of a list.
        if last.message == sentence.span.message && author(next) == author(first) {
            break;
        }
        if ends(thread.quote(last)) || words + sentence.words > MOST_WORDS_JOINED {
            break;
        }
        if author(next) == author(first) && !used[next] {
            taken.push(next);
            words += sentence.words;
        } else if sentence.words > BACKCHANNEL_WORDS {
            break;
        }
        next += 1;
    }
    taken
}

/// True when the words come to an end rather than break off.
fn ends(quote: &str) -> bool {
    quote.trim_end_matches(['"', '\'', ')', ' ', '”', '’']).ends_with(['.', '?', '!', '。', '？', '！'])
}

fn unit(thread: &Thread, acts: &ThreadActs, sentences: Few<usize>, memo: &mut Memo) -> Option<Unit> {
    let span = |s: &usize| acts.sentences[*s].span;
    let (facts, number) = match &sentences {
        Few::One([one]) => memo.single(thread.quote(span(one)), shortened, |pieces| show(thread.kind, pieces)),
        Few::Several(several) => {
            let quotes: Vec<&str> = several.iter().map(|s| thread.quote(span(s))).collect();
            memo.joined(&quotes, shortened, |pieces| show(thread.kind, pieces))
        }
    };
    let shortened = |(s, cut): (&usize, &usize)| Span { end: span(s).start + cut, ..span(s) };
    let spans = match &sentences {
        Few::One([one]) => Few::One([shortened((one, &facts.cuts[0]))]),
        Few::Several(several) => Few::Several(several.iter().zip(&facts.cuts).map(shortened).collect()),
    };
    (facts.words > 0).then_some(Unit { sentences, spans, facts, number })
}

/// Quotes as one text in the manner of the thread's kind.
pub fn show(kind: Kind, quotes: &[&str]) -> String {
    let quotes = quotes.join(" ");
    if kind == Kind::Transcript { shown::spoken(&quotes) } else { shown::written(&quotes) }
}

/// Where a quote is cut: at the last clause end within the words that are shown, if it is longer.
fn shortened(quote: &str) -> usize {
    let Some((limit, _)) = word_starts(quote).nth(MOST_WORDS_SHOWN) else { return quote.len() };
    let clause = quote[..limit].rfind([';', ',', ':', '–', '—']).filter(|&at| at > limit / 2);
    clause.unwrap_or_else(|| quote[..limit].trim_end().len())
}

fn word_starts(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut space = true;
    text.char_indices().filter(move |(_, c)| {
        let starts = space && !c.is_whitespace();
        space = c.is_whitespace();
        starts
    })
}
