//! The arithmetic of transformers on a CPU: quantized products, attention, norms, each written once and compiled for every
//! kind of CPU that a build may meet.
//!
//! This is the only room with unsafe code. Each file says which invariant it relies on; what leaves the room (`Cpu`,
//! `Matrix`, `Rows`, `Finish`, `attend`) is safe: lengths are checked there, and kernels are only called on a CPU that has
//! their instructions. Design and figures follow `isa` (lanes), `format` and `pack` (how weights lie), `tile` and `finish` (products),
//! `attend` (attention) and `cache` (keys and values), `rows` (activations), `dot` (one product of two rows), `team` (threads), `dispatch` (which kernels run here); `memory` gives back what is free.
//!
//! One property holds throughout and is tested: a row's result is the same, bit for bit, whatever rows are with it, however
//! a prompt is cut, and on however many threads. So batching, reuse of a prompt's beginning and speculation change no word.
#![allow(unsafe_code)]
// Lanes, rows and halves are what kernels count; iterators over several arrays of registers say less.
#![allow(clippy::needless_range_loop)]

mod attend;
mod cache;
mod dispatch;
mod dot;
mod finish;
mod format;
mod isa;
mod matrix;
mod memory;
mod pack;
mod rows;
mod team;
#[cfg(test)]
mod tests;
mod tile;
mod unpack;

pub use attend::{Attention, Projected, Span};
pub use cache::{Balance, Heads, LayerCache, Rotary, Turn};
pub use dispatch::{Cpu, Dispatch};
pub use dot::dot;
pub use finish::Finish;
pub use matrix::Matrix;
pub use memory::{give_back, share_heaps};
pub use rows::{Norm, Rows};
