//! llama: SmolLM2, TinyLlama, Llama 3. Touvron et al. 2023. Its GGUF files have rotary pairs side by side.

use super::family::Kind;

pub(super) const KIND: Kind = Kind { name: "llama", interleaved: true, head_norms: false };
