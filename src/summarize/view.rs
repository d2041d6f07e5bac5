//! A thread as evidence is chosen from it: its acts, its units, their vectors and features.

use std::{borrow::Cow, sync::Arc};

use super::{
    memo::Memo,
    rank::{Features, Rows},
    unit::{self, Unit},
    voice,
};
use crate::{
    domain::{Thread, ThreadActs},
    model::{Embedder, ModelError},
};

/// Everything that choosing looks at.
pub struct View<'a> {
    pub thread: &'a Thread,
    pub acts: Cow<'a, ThreadActs>,
    pub units: Vec<Unit>,
    /// One vector a unit, of length 1; empty without an encoder.
    pub embeddings: Vec<Arc<[f32]>>,
    /// Of each unit, whether its words are somebody else's, without a mark.
    pub borrowed: Vec<bool>,
    /// The title's vector; empty without an encoder.
    pub title: Vec<f32>,
    /// How many facts its units have: several may have the same.
    pub facts: usize,
    /// How many stems have a number.
    pub stems: usize,
    /// The numbers of the title's; `None` for one that no unit has.
    pub title_stems: Vec<Option<u32>>,
}

impl<'a> View<'a> {
    /// # Errors
    /// What the encoder says of the title.
    pub fn new(
        thread: &'a Thread,
        acts: ThreadActs,
        encoder: Option<&mut dyn Embedder>,
    ) -> Result<View<'a>, ModelError> {
        View::again(thread, Cow::Owned(acts), encoder, &mut Memo::default())
    }

    /// The same, with what is known from reading the thread before: the result is that of `new`.
    ///
    /// # Errors
    /// As `new`.
    pub fn again(
        thread: &'a Thread,
        acts: Cow<'a, ThreadActs>,
        encoder: Option<&mut dyn Embedder>,
        memo: &mut Memo,
    ) -> Result<View<'a>, ModelError> {
        let units = unit::units(thread, &acts, memo);
        let mut vectors: Vec<&Arc<[f32]>> = Vec::new();
        let mut direction = |unit: &Unit| {
            vectors.clear();
            vectors.extend(unit.sentences.iter().map(|&s| &acts.embeddings[s]));
            unit.facts.direction(&vectors)
        };
        let embeddings = match acts.embeddings.is_empty() {
            true => Vec::new(),
            false => units.iter().map(&mut direction).collect(),
        };
        let title = match encoder {
            Some(encoder) if !thread.title.trim().is_empty() => {
                encoder.embed(&[&thread.title])?.pop().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let borrowed = voice::borrowed(thread, &units);
        let (facts, stems, title_stems) = (memo.facts(), memo.stems(), memo.stems_of(&thread.title));
        Ok(View { thread, acts, units, embeddings, borrowed, title, facts, stems, title_stems })
    }

    pub fn features(&self) -> Vec<Features> {
        let rows = Rows::new(self);
        let features = |n: usize| {
            let mut dense = Vec::new();
            rows.dense(n, &mut dense);
            Features { dense, bag: self.units[n].facts.bag.to_vec() }
        };
        (0..self.units.len()).map(features).collect()
    }
}
