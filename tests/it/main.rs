//! One binary of integration tests: the program as its users meet it, and the rules of its source.

mod cli;
mod render;
mod summaries;
mod support;
mod tidy;
mod web;
mod weights;
