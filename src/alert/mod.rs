//! What people are told: in which words.

pub mod render;
