//! What sets one family of decoders apart from another, read from a GGUF file's metadata.

use super::{llama, qwen2, qwen3};
use crate::model::{ModelError, gguf::Gguf, kernel::Heads};

/// A decoder's dimensions and its family's peculiarities.
pub struct Family {
    pub heads: Heads,
    /// Embedding width.
    pub width: usize,
    pub layers: usize,
    pub epsilon: f32,
    pub context_tokens: usize,
    /// The base of the rotary angles.
    pub base: f64,
    /// Whether the file has pairs that turn together side by side, rather than half a head apart.
    pub interleaved: bool,
    /// Whether each head of queries and keys goes through a norm of its own.
    pub head_norms: bool,
}

/// How a family is recognised and read.
pub struct Kind {
    /// `general.architecture`
    pub name: &'static str,
    pub interleaved: bool,
    pub head_norms: bool,
}

/// Every family that bluf runs.
const KINDS: [&Kind; 3] = [&llama::KIND, &qwen2::KIND, &qwen3::KIND];

impl Family {
    /// # Errors
    /// `BadFile` when the architecture is none of ours, or the metadata cannot be right.
    pub fn of(gguf: &Gguf) -> Result<Family, ModelError> {
        let arch = gguf.architecture()?;
        let Some(kind) = KINDS.iter().find(|kind| kind.name == arch) else {
            let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            return Err(gguf.bad(format!("its architecture is '{arch}'; bluf runs {}", known.join(", "))));
        };
        let number = |key: &str| gguf.number(&format!("{arch}.{key}"));
        let queries = number("attention.head_count")?;
        let kv = number("attention.head_count_kv").unwrap_or(queries);
        let width = number("embedding_length")?;
        let head_width = number("attention.key_length").or_else(|_| number("rope.dimension_count"));
        let head_width = head_width.unwrap_or(width / queries.max(1));
        if queries == 0 || kv == 0 || queries % kv != 0 || head_width == 0 || head_width % 2 != 0 || width == 0 {
            return Err(gguf.bad(format!("{queries} heads of {head_width} over {kv} key-value heads cannot be right")));
        }
        Ok(Family {
            heads: Heads { queries, kv, width: head_width },
            width,
            layers: number("block_count")?,
            epsilon: gguf.float(&format!("{arch}.attention.layer_norm_rms_epsilon"))? as f32,
            context_tokens: number("context_length")?,
            base: gguf.float(&format!("{arch}.rope.freq_base")).unwrap_or(10_000.0),
            interleaved: kind.interleaved,
            head_norms: kind.head_norms,
        })
    }

    /// The angle that each pair of dimensions turns by for each position; Llama 3 divides them by factors of its own.
    pub fn rates(&self, gguf: &mut Gguf) -> Result<Vec<f32>, ModelError> {
        let width = self.heads.width;
        let mut rates: Vec<f32> =
            (0..width).step_by(2).map(|i| self.base.powf(-(i as f64) / width as f64) as f32).collect();
        if gguf.has_tensor("rope_freqs.weight") {
            let factors: Vec<f32> = gguf.f32("rope_freqs.weight")?.flatten_all()?.to_vec1()?;
            for (rate, factor) in rates.iter_mut().zip(factors) {
                *rate /= factor;
            }
        }
        Ok(rates)
    }

    /// The row of the file's query or key matrix that stands at `row` when pairs lie half a head apart.
    pub fn turned_row(&self, row: usize) -> usize {
        if !self.interleaved {
            return row;
        }
        let (width, i) = (self.heads.width, row % self.heads.width);
        let half = width / 2;
        row - i + if i < half { 2 * i } else { 2 * (i - half) + 1 }
    }
}
