//! A thread as evidence is chosen from it: its acts, its units, their vectors and features.

use super::{
    rank::{self, Features},
    unit::{self, Unit},
};
use crate::{
    domain::{Thread, ThreadActs},
    model::{Embedder, ModelError},
};

/// Everything that choosing looks at.
pub struct View<'a> {
    pub thread: &'a Thread,
    pub acts: ThreadActs,
    pub units: Vec<Unit>,
    /// One vector a unit, of length 1; empty without an encoder.
    pub embeddings: Vec<Vec<f32>>,
    /// The title's vector; empty without an encoder.
    pub title: Vec<f32>,
}

impl<'a> View<'a> {
    /// # Errors
    /// What the encoder says of the title.
    pub fn new(
        thread: &'a Thread,
        acts: ThreadActs,
        encoder: Option<&mut dyn Embedder>,
    ) -> Result<View<'a>, ModelError> {
        let units = unit::units(thread, &acts);
        let embeddings =
            if acts.embeddings.is_empty() { Vec::new() } else { units.iter().map(|u| mean(&acts, u)).collect() };
        let title = match encoder {
            Some(encoder) if !thread.title.trim().is_empty() => {
                encoder.embed(&[&thread.title])?.pop().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Ok(View { thread, acts, units, embeddings, title })
    }

    pub fn features(&self) -> Vec<Features> {
        rank::features(self.thread, &self.acts, &self.units, &self.embeddings, &self.title)
    }
}

/// The direction between a unit's sentences.
fn mean(acts: &ThreadActs, unit: &Unit) -> Vec<f32> {
    let mut sum = acts.embeddings[unit.sentences[0]].clone();
    for &s in &unit.sentences[1..] {
        sum.iter_mut().zip(&acts.embeddings[s]).for_each(|(a, b)| *a += b);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    sum.iter_mut().for_each(|x| *x /= length);
    sum
}
