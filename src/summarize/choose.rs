//! Which units a summary rests on: the most telling first, none that repeats another.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{memo::Facts, order, rank, view::View};

/// Two units whose vectors are closer than this say the same.
const SAME_MEANING: f32 = 0.80;
/// Two units that share more than this part of the shorter one's content words say the same.
const SAME_WORDS: f32 = 0.6;

/// Picks units by falling `scores` until they show `most_words` words; those for which `wanted` is false and those that
/// repeat a picked one are passed over. Indexes into `view.units`, best first.
pub fn choose(view: &View, scores: &[f32], most_words: usize, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    let order = order::falling((0..view.units.len()).filter(|&n| wanted(n)).map(|n| (n, scores[n])));
    let mut picked = Picked::default();
    let mut words = 0;
    for n in order {
        if words >= most_words {
            break;
        }
        if picked.add(view, n) {
            words += view.units[n].words;
        }
    }
    picked.units
}

/// Units picked so far, none of which repeats another.
#[derive(Default)]
pub struct Picked {
    pub units: Vec<usize>,
    /// Which of them, by their places in `units`, have a stem.
    with: HashMap<u32, Vec<usize>>,
    /// What was looked at before, by the address of its facts: looked at again, it repeats.
    seen: HashSet<*const Facts>,
}

impl Picked {
    /// Adds a unit unless it says what a picked one says; true when it was added.
    pub fn add(&mut self, view: &View, n: usize) -> bool {
        let facts = &view.units[n].facts;
        // Without words and without a vector nothing can be told to repeat.
        let tells = !facts.terms.is_empty() || !view.embeddings.is_empty();
        if !self.seen.insert(Arc::as_ptr(facts)) && tells || self.repeats(view, n) {
            return false;
        }
        for (stem, _) in &facts.terms {
            self.with.entry(*stem).or_default().push(self.units.len());
        }
        self.units.push(n);
        true
    }

    fn repeats(&self, view: &View, n: usize) -> bool {
        let stems = view.units[n].facts.terms.len();
        let mut shared = vec![0usize; self.units.len()];
        let terms = view.units[n].facts.terms.iter();
        for known in terms.filter_map(|(stem, _)| self.with.get(stem)).flatten() {
            shared[*known] += 1;
        }
        let overlaps = |(shared, known): (&usize, &usize)| {
            let shorter = stems.min(view.units[*known].facts.terms.len());
            shorter > 0 && *shared as f32 / shorter as f32 > SAME_WORDS
        };
        let close = |known: &usize| match (view.embeddings.get(n), view.embeddings.get(*known)) {
            (Some(a), Some(b)) => rank::cosine(a, b) > SAME_MEANING,
            _ => false,
        };
        shared.iter().zip(&self.units).any(overlaps) || self.units.iter().any(close)
    }
}
