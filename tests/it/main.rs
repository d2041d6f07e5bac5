//! One binary of integration tests: the program as its users meet it, and the rules of its source.

mod again;
mod alerts;
mod cli;
mod connector;
mod connector_files;
mod connector_mail;
mod daemon;
mod faces;
mod render;
mod sinks;
mod stalled;
mod summaries;
mod support;
mod tidy;
mod voices;
mod web;
mod weights;
