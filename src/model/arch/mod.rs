//! One file an architecture: from token ids to the logits of the next token.

pub mod llama;
