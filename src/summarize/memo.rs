//! What is known of a thread's units by the words that they quote: how they are shown, which words they have, what those say
//! by themselves. Kept from one reading to the next by the quote itself, so it is what working it out again would find.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use super::rank;
use crate::{domain::Kind, text::words};

/// Stems that no unit has any more are kept until they outnumber the others so many times.
const STALE_STEMS: usize = 2;
const FEW_STEMS: usize = 1024;

/// What units were found to say.
#[derive(Default)]
pub struct Memo {
    kind: Option<Kind>,
    readings: u32,
    /// By the quote of a unit of one sentence.
    single: HashMap<Arc<str>, Place>,
    /// By the quotes of a unit of several: their lengths, then their words.
    joined: HashMap<Arc<str>, Place>,
    noted: Vec<Noted>,
    /// Units of one sentence as they followed one another in the last reading, and in this one so far.
    before: Vec<Place>,
    order: Vec<Place>,
    /// How many facts of units this reading has come upon.
    numbers: usize,
    stems: HashMap<Box<str>, u32>,
}

/// Where in `noted` something is.
type Place = usize;

struct Noted {
    key: Arc<str>,
    facts: Arc<Facts>,
    reading: u32,
    /// Which of the facts of that reading these are, in the order of their first unit.
    number: usize,
}

/// What the quotes of a unit say, whoever says them, and wherever.
#[derive(Debug, Default, PartialEq)]
pub struct Facts {
    /// How much of each quote is shown, in bytes.
    pub cuts: Vec<usize>,
    /// The quotes as shown.
    pub shown: String,
    /// Words shown.
    pub words: usize,
    /// Stems of the content words shown, in order, by number.
    pub stems: Box<[u32]>,
    /// The same, each once in the order of first use, and how often.
    pub terms: Box<[(u32, f32)]>,
    /// Words and pairs of neighbours, hashed.
    pub bag: Box<[(u32, f32)]>,
    /// What the ranker's cues find.
    pub cues: Box<[f32]>,
    direction: OnceLock<Direction>,
    pub(super) plain_words: OnceLock<usize>,
    pub(super) hedges: OnceLock<bool>,
    pub(super) unblocks: OnceLock<bool>,
    pub(super) reports_done: OnceLock<bool>,
}

/// The direction between the vectors of some sentences.
#[derive(Debug, PartialEq)]
struct Direction {
    sentences: Vec<Arc<[f32]>>,
    vector: Arc<[f32]>,
}

impl Memo {
    /// Begins a reading of a thread of this kind.
    pub(super) fn begin(&mut self, kind: Kind) {
        let used = self.noted.iter().map(|noted| noted.facts.terms.len()).sum::<usize>();
        if self.kind != Some(kind) || self.stems.len() > STALE_STEMS * used + FEW_STEMS {
            *self = Memo { kind: Some(kind), ..Memo::default() };
        }
        self.readings += 1;
        self.numbers = 0;
    }

    /// What `quote`, a sentence that makes one unit, says, and which of this reading's facts that is; `cut` tells how much of
    /// a quote is shown, `show` how it is.
    pub(super) fn single(
        &mut self,
        quote: &str,
        cut: impl Fn(&str) -> usize,
        show: impl Fn(&[&str]) -> String,
    ) -> (Arc<Facts>, usize) {
        // Most of a thread is as it was.
        let there = self.before.get(self.order.len()).copied().filter(|place| *self.noted[*place].key == *quote);
        let place = match there.or_else(|| self.single.get(quote).copied()) {
            Some(place) => place,
            None => {
                let place = self.note(quote, &[quote], cut, show);
                self.single.insert(self.noted[place].key.clone(), place);
                place
            }
        };
        self.order.push(place);
        self.used(place)
    }

    /// The same of several sentences that make one unit.
    pub(super) fn joined(
        &mut self,
        quotes: &[&str],
        cut: impl Fn(&str) -> usize,
        show: impl Fn(&[&str]) -> String,
    ) -> (Arc<Facts>, usize) {
        let key = quotes.iter().fold(String::new(), |key, quote| format!("{key}{} {quote}", quote.len()));
        let place = match self.joined.get(key.as_str()).copied() {
            Some(place) => place,
            None => {
                let place = self.note(&key, quotes, cut, show);
                self.joined.insert(self.noted[place].key.clone(), place);
                place
            }
        };
        self.used(place)
    }

    fn note(
        &mut self,
        key: &str,
        quotes: &[&str],
        cut: impl Fn(&str) -> usize,
        show: impl Fn(&[&str]) -> String,
    ) -> Place {
        let cuts: Vec<usize> = quotes.iter().map(|quote| cut(quote)).collect();
        let pieces: Vec<&str> = quotes.iter().zip(&cuts).map(|(quote, cut)| &quote[..*cut]).collect();
        let facts = Arc::new(Facts::of(show(&pieces), cuts, &mut self.stems));
        self.noted.push(Noted { key: key.into(), facts, reading: 0, number: 0 });
        self.noted.len() - 1
    }

    fn used(&mut self, place: Place) -> (Arc<Facts>, usize) {
        let noted = &mut self.noted[place];
        if noted.reading != self.readings {
            noted.reading = self.readings;
            noted.number = self.numbers;
            // Without a word they make no unit.
            self.numbers += usize::from(noted.facts.words > 0);
        }
        (noted.facts.clone(), noted.number)
    }

    /// Forgets what this reading had no use for.
    pub(super) fn end(&mut self) {
        self.before = std::mem::take(&mut self.order);
        if self.noted.iter().all(|noted| noted.reading == self.readings) {
            return;
        }
        let mut places = vec![None; self.noted.len()];
        let kept = (0..self.noted.len()).filter(|place| self.noted[*place].reading == self.readings);
        kept.enumerate().for_each(|(now, place)| places[place] = Some(now));
        self.noted.retain(|noted| noted.reading == self.readings);
        for map in [&mut self.single, &mut self.joined] {
            map.retain(|_, place| places[*place].map(|now| *place = now).is_some());
        }
        self.before.iter_mut().for_each(|place| *place = places[*place].unwrap_or(*place));
    }

    /// How many facts the units of the reading have.
    pub(super) fn facts(&self) -> usize {
        self.numbers
    }

    /// How many stems have a number.
    pub(super) fn stems(&self) -> usize {
        self.stems.len()
    }

    /// The numbers of the stems of `text`; `None` for one that no unit has.
    pub(super) fn stems_of(&self, text: &str) -> Vec<Option<u32>> {
        words::content_stems(text).iter().map(|stem| self.stems.get(stem.as_str()).copied()).collect()
    }

    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let units = self.noted.iter().map(|Noted { key, facts, .. }| {
            let Facts { shown, stems, terms, bag, cues, direction, .. } = &**facts;
            let vector = direction.get().map_or(0, |known| known.vector.len());
            key.len() + shown.len() + 350 + 4 * (stems.len() + cues.len() + vector) + 8 * (terms.len() + bag.len())
        });
        let stems = self.stems.keys().map(|stem| stem.len() + 40).sum::<usize>();
        units.sum::<usize>() + stems + self.before.len() * size_of::<Place>()
    }
}

impl Facts {
    fn of(shown: String, cuts: Vec<usize>, numbers: &mut HashMap<Box<str>, u32>) -> Facts {
        let mut stems = Vec::new();
        let mut terms: Vec<(u32, f32)> = Vec::new();
        for stem in words::content_stems(&shown) {
            let next = numbers.len() as u32;
            let number = *numbers.entry(stem.into()).or_insert(next);
            stems.push(number);
            match terms.iter_mut().find(|(known, _)| *known == number) {
                Some((_, times)) => *times += 1.0,
                None => terms.push((number, 1.0)),
            }
        }
        Facts {
            cuts,
            words: shown.split_whitespace().count(),
            stems: stems.into(),
            terms: terms.into(),
            bag: rank::bag(&shown).into(),
            cues: rank::cues_of(&shown).into(),
            shown,
            ..Facts::default()
        }
    }

    /// The direction between `sentences`, the vectors of the unit's sentences; these may be others than the last time.
    pub(super) fn direction(&self, sentences: &[&Arc<[f32]>]) -> Arc<[f32]> {
        let made =
            || Direction { sentences: sentences.iter().map(|v| (*v).clone()).collect(), vector: mean(sentences) };
        let known = self.direction.get_or_init(made);
        let same = known.sentences.len() == sentences.len()
            && known.sentences.iter().zip(sentences).all(|(known, now)| Arc::ptr_eq(known, now));
        if same { known.vector.clone() } else { mean(sentences) }
    }
}

fn mean(sentences: &[&Arc<[f32]>]) -> Arc<[f32]> {
    let mut sum = sentences[0].to_vec();
    for vector in &sentences[1..] {
        sum.iter_mut().zip(vector.iter()).for_each(|(a, b)| *a += b);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    sum.iter_mut().for_each(|x| *x /= length);
    sum.into()
}
