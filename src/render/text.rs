//! For reading in a terminal: the bottom line first, then what somebody must know or do, each with who said it.

use super::{
    Page,
    view::{self, Entry, Quote},
};
use crate::domain::summary::Summary;

/// How far a claim and its quote stand in from the margin.
pub(super) const CLAIM: (&str, &str) = ("  • ", "    ");
pub(super) const DETAIL: (&str, &str) = ("    ", "    ");
pub(super) const BOTTOM_LINE: (&str, &str) = ("", "");
const UNDER_BOTTOM_LINE: (&str, &str) = ("  ", "  ");

/// One summary, ending in a blank line so that the next stands apart.
pub fn render(summary: &Summary, page: Page) -> String {
    let mut sheet = Sheet::new(page);
    sheet.put(&view::title(&summary.thread), BOTTOM_LINE, Style::Bold);
    sheet.put(&view::headline(summary), BOTTOM_LINE, Style::Dim);
    sheet.gap();

    let bottom_line = view::bottom_line(summary);
    if bottom_line.text.is_empty() {
        sheet.put("Nothing to report.", BOTTOM_LINE, Style::Plain);
    } else {
        sheet.put(&bottom_line.text, BOTTOM_LINE, Style::Bold);
    }
    sheet.details(&bottom_line, UNDER_BOTTOM_LINE);

    for section in view::sections(summary) {
        sheet.gap();
        sheet.put(section.heading, BOTTOM_LINE, Style::Heading);
        for entry in &section.entries {
            sheet.put(&entry.text, CLAIM, Style::Plain);
            sheet.details(entry, DETAIL);
        }
    }
    sheet.gap();
    if let Some(line) = view::not_found(summary) {
        sheet.put(&line, BOTTOM_LINE, Style::Plain);
    }
    sheet.put(&view::coverage(summary), BOTTOM_LINE, Style::Dim);
    sheet.gap();
    sheet.text
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    Plain,
    Bold,
    Dim,
    Heading,
}

/// Lines as they are put on a page.
pub(super) struct Sheet {
    page: Page,
    pub text: String,
}

impl Sheet {
    pub(super) fn new(page: Page) -> Sheet {
        Sheet { page, text: String::new() }
    }

    /// `text` wrapped to the page, the first line after `indent.0` and the rest after `indent.1`.
    pub(super) fn put(&mut self, text: &str, indent: (&str, &str), style: Style) {
        let options = textwrap::Options::new(self.page.columns)
            .initial_indent(indent.0)
            .subsequent_indent(indent.1)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        for line in textwrap::wrap(text, options) {
            let (on, off) = if self.page.colour { codes(style) } else { ("", "") };
            self.text.push_str(&format!("{on}{line}{off}\n"));
        }
    }

    pub(super) fn details(&mut self, entry: &Entry, indent: (&str, &str)) {
        let (attribution, others): (Vec<&Quote>, Vec<&Quote>) = entry.quotes.iter().partition(|q| q.words.is_none());
        let mut facts = entry.facts.clone();
        facts.extend(attribution.iter().map(|q| format!("— {}", q.said_by)));
        if !facts.is_empty() {
            self.put(&facts.join(" · "), indent, Style::Dim);
        }
        for quote in others {
            let words = quote.words.as_deref().unwrap_or_default();
            self.put(&format!("“{words}” — {}", quote.said_by), indent, Style::Dim);
        }
    }

    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }
}

/// Select Graphic Rendition codes that switch a style on and off.
fn codes(style: Style) -> (&'static str, &'static str) {
    match style {
        Style::Plain => ("", ""),
        Style::Bold => ("\u{1b}[1m", "\u{1b}[0m"),
        Style::Dim => ("\u{1b}[2m", "\u{1b}[0m"),
        Style::Heading => ("\u{1b}[1;36m", "\u{1b}[0m"),
    }
}
