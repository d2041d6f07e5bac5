//! qwen3: each head of queries and keys is normalised before it is turned, and heads have a width of their own.

use super::family::Kind;

pub(super) const KIND: Kind = Kind { name: "qwen3", interleaved: false, head_norms: true };
