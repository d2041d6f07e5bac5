//! Which units a summary rests on: the most telling first, none that repeats another.

use std::collections::HashSet;

use super::{rank, view::View};
use crate::text::words;

/// Two units whose vectors are closer than this say the same.
const SAME_MEANING: f32 = 0.80;
/// Two units that share more than this part of the shorter one's content words say the same.
const SAME_WORDS: f32 = 0.6;

/// Picks units by falling `scores` until they show `most_words` words; those for which `wanted` is false and those that
/// repeat a picked one are passed over. Indexes into `view.units`, best first.
pub fn choose(view: &View, scores: &[f32], most_words: usize, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..view.units.len()).filter(|&n| wanted(n)).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
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
    stems: Vec<HashSet<String>>,
}

impl Picked {
    /// Adds a unit unless it says what a picked one says; true when it was added.
    pub fn add(&mut self, view: &View, n: usize) -> bool {
        let stems: HashSet<String> = words::content_stems(&view.units[n].shown).into_iter().collect();
        let repeats = self.units.iter().zip(&self.stems).any(|(&m, known)| {
            let close = match (view.embeddings.get(n), view.embeddings.get(m)) {
                (Some(a), Some(b)) => rank::cosine(a, b) > SAME_MEANING,
                _ => false,
            };
            close || overlap(&stems, known) > SAME_WORDS
        });
        if !repeats {
            self.units.push(n);
            self.stems.push(stems);
        }
        !repeats
    }
}

fn overlap(a: &HashSet<String>, b: &HashSet<String>) -> f32 {
    let shorter = a.len().min(b.len());
    if shorter == 0 { 0.0 } else { a.intersection(b).count() as f32 / shorter as f32 }
}
