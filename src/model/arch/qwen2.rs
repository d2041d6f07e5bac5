//! qwen2: Qwen2 and Qwen2.5. As llama, with biases on queries, keys and values, which are found by their names.

use super::family::Kind;

pub(super) const KIND: Kind = Kind { name: "qwen2", interleaved: false, head_norms: false };
