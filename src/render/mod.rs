//! Lays a summary out for a person, for a page or for a program.

pub mod docket;
pub mod json;
pub mod markdown;
pub mod sla;
pub mod text;
pub mod view;

use clap::ValueEnum;

pub use crate::domain::plain;
use crate::domain::summary::Summary;

/// What `--out` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Out {
    /// For reading in a terminal.
    #[default]
    Text,
    /// For pasting into a page or an issue.
    Markdown,
    /// One `bluf.summary/1` object a line.
    Json,
}

/// How a terminal is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub columns: usize,
    pub colour: bool,
}

/// One summary, ready to print.
pub fn render(summary: &Summary, out: Out, page: Page) -> String {
    match out {
        Out::Text => text::render(summary, page),
        Out::Markdown => markdown::render(summary),
        Out::Json => json::line(summary),
    }
}
