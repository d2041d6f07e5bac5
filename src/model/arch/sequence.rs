//! What a decoder has read of one text, and one step of reading on.

use candle_core::Tensor;

use crate::model::kernel::{Heads, LayerCache};

/// The keys and values of a text's positions.
pub struct Sequence {
    /// Positions read.
    pub(super) seen: usize,
    pub(super) cache: Cache,
}

/// Where keys and values lie, a layer each.
pub(super) enum Cache {
    Kernel(Heads, Vec<LayerCache>),
    Candle(Vec<Option<(Tensor, Tensor)>>),
}

/// Tokens to read after what a sequence holds.
pub struct Step<'a> {
    pub sequence: &'a mut Sequence,
    /// Never empty.
    pub tokens: &'a [u32],
    /// After how many of the last tokens logits are wanted.
    pub logit_rows: usize,
    /// Those logits once the step was read, `[logit_rows][vocabulary]`.
    pub logits: Vec<Vec<f32>>,
}

impl<'a> Step<'a> {
    pub fn new(sequence: &'a mut Sequence, tokens: &'a [u32], logit_rows: usize) -> Step<'a> {
        Step { sequence, tokens, logit_rows, logits: Vec::new() }
    }
}

impl Sequence {
    /// Positions read.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Forgets every position from `to` on; what lies before is kept.
    pub fn rewind(&mut self, to: usize) {
        self.seen = self.seen.min(to);
    }

    /// A copy of the first `positions`.
    ///
    /// # Errors
    /// When a device has no memory for it.
    pub fn beginning(&self, positions: usize) -> Result<Sequence, candle_core::Error> {
        let seen = positions.min(self.seen);
        let cache = match &self.cache {
            Cache::Kernel(heads, layers) => {
                Cache::Kernel(*heads, layers.iter().map(|layer| layer.beginning(*heads, seen)).collect())
            }
            // A clone of a tensor would share what later steps write to.
            Cache::Candle(layers) => {
                let copy = |(k, v): &(Tensor, Tensor)| Ok((k.copy()?, v.copy()?));
                let layers: Result<_, candle_core::Error> =
                    layers.iter().map(|layer| layer.as_ref().map(copy).transpose()).collect();
                Cache::Candle(layers?)
            }
        };
        Ok(Sequence { seen, cache })
    }
}
