//! One file an architecture: from token ids to the logits of the next token, from sentences to vectors.

pub mod adapter;
pub mod bert;
pub mod candle;
pub mod decoder;
mod family;
mod llama;
mod qwen2;
mod qwen3;
pub mod sequence;
#[cfg(test)]
mod tests;

use sequence::{Sequence, Step};

use super::ModelError;

/// A decoder, wherever it runs.
pub enum TextDecoder {
    /// On this CPU, on our kernels.
    Kernel(Box<decoder::Decoder>),
    /// On a GPU, on candle.
    Candle(Box<candle::Llama>),
}

impl TextDecoder {
    pub fn context_tokens(&self) -> usize {
        match self {
            TextDecoder::Kernel(decoder) => decoder.context_tokens(),
            TextDecoder::Candle(decoder) => decoder.context_tokens(),
        }
    }

    /// A sequence that holds nothing yet.
    pub fn begin(&self) -> Sequence {
        match self {
            TextDecoder::Kernel(decoder) => decoder.begin(),
            TextDecoder::Candle(decoder) => decoder.begin(),
        }
    }

    /// Reads on in every step's sequence. `false` when `stop`, asked before each layer, ended it.
    ///
    /// # Errors
    /// When a token is none of the model's, or a device fails.
    pub fn read(&mut self, steps: &mut [Step<'_>], stop: &dyn Fn() -> bool) -> Result<bool, ModelError> {
        match self {
            TextDecoder::Kernel(decoder) => decoder.read(steps, stop),
            TextDecoder::Candle(decoder) => decoder.read(steps, stop),
        }
    }
}
