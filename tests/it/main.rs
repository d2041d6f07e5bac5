//! One binary of integration tests: the program as its users meet it, and the rules of its source.

mod cli;
mod connector_files;
mod daemon;
mod connector;
mod connector_mail;
mod render;
mod summaries;
mod support;
mod tidy;
mod weights;
