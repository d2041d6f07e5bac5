//! For pasting into a page: Markdown in which nothing from a thread is a link, an image, HTML or a mention.

use super::view::{self, Entry};
use crate::domain::summary::Summary;

/// Shows nothing and parts what a renderer would otherwise join into a link, a mention or a reference.
const WORD_JOINER: char = '\u{2060}';

/// One summary, ending in a blank line.
pub fn render(summary: &Summary) -> String {
    let mut page = format!("## {}\n\n{}\n\n", escape(&view::title(&summary.thread)), escape(&view::headline(summary)));
    let bottom_line = view::bottom_line(summary);
    if bottom_line.text.is_empty() {
        page.push_str("Nothing to report.\n\n");
    } else {
        page.push_str(&format!("**{}**\n\n", escape(&bottom_line.text)));
    }
    for line in details(&bottom_line) {
        page.push_str(&format!("> {line}\n\n"));
    }
    for section in view::sections(summary) {
        page.push_str(&format!("### {}\n\n", section.heading));
        for entry in &section.entries {
            page.push_str(&format!("- {}\n", escape(&entry.text)));
            for line in details(entry) {
                page.push_str(&format!("  - {line}\n"));
            }
        }
        page.push('\n');
    }
    if let Some(line) = view::not_found(summary) {
        page.push_str(&format!("{line}\n\n"));
    }
    page.push_str(&format!("*{}*\n\n", escape(&view::coverage(summary))));
    page
}

fn details(entry: &Entry) -> Vec<String> {
    let facts: Vec<String> = entry.facts.iter().map(|f| escape(f)).collect();
    let mut lines: Vec<String> = Some(facts.join(" · ")).filter(|l| !l.is_empty()).into_iter().collect();
    lines.extend(entry.quotes.iter().map(|quote| match &quote.words {
        Some(words) => format!("“{}” — {}", escape(words), escape(&quote.said_by)),
        None => format!("— {}", escape(&quote.said_by)),
    }));
    lines
}

/// `text`, already on one line, so that Markdown shows it as it is.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let numbered = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let list_mark =
        (numbered.len() < text.len() && numbered.starts_with(['.', ')'])).then(|| text.len() - numbered.len());
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let special = matches!(
            c,
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '!' | '|' | '~' | '&' | '#' | '$' | '^'
        );
        if special || (at == 0 && matches!(c, '-' | '+' | '=')) || list_mark == Some(at) {
            escaped.push('\\');
        }
        if c == '@' {
            escaped.push(WORD_JOINER);
        }
        escaped.push(c);
        let scheme = c == ':' && rest.starts_with('/');
        let host = c.eq_ignore_ascii_case(&'w') && rest.starts_with('.');
        if scheme || host || matches!(c, '@' | '#') {
            escaped.push(WORD_JOINER);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::escape;

    /// What a reader sees of `text`, and whether anything but text came of it.
    #[track_caller]
    fn check(text: &str) {
        for before in ["", "- ", "**", "> “"] {
            let page = format!("{before}{}", escape(text));
            let mut shown = String::new();
            for event in Parser::new_ext(&page, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
                match event {
                    Event::Text(t) => shown.push_str(&t),
                    Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Heading { .. } | Tag::CodeBlock(_))
                    | Event::Html(_)
                    | Event::InlineHtml(_)
                    | Event::Code(_)
                    | Event::Rule
                    | Event::TaskListMarker(_) => panic!("{page:?} gives {event:?}"),
                    _ => {}
                }
            }
            let seen = shown.replace(super::WORD_JOINER, "");
            assert!(seen.ends_with(text), "{text:?} is shown as {seen:?}");
        }
        let page = escape(text);
        assert!(!page.contains("://") && !page.contains("www."), "{page:?} would be linked by itself");
    }

    #[test]
    fn nothing_in_a_thread_becomes_more_than_text() {
        check("[click](https://example.com) ![x](http://example.com/x.png)");
        check("<https://example.com> <img src=x onerror=y> &lt;b&gt;");
        check("see www.example.com or WWW.example.com, mail ana@example.com, ping @ana about #12");
        check("`code` *bold* _it_ ~~gone~~ | a | b |");
        check("[ref]: https://example.com \"t\"");
        check("1. not a list");
        check("- not a list either");
        check("[ ] not a task, \\ a backslash");
        check("$x$ and ^y^");
    }
}
