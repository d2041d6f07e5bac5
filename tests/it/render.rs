//! The three layouts of a summary, whole.

use bluf::render::{Out, Page, render};

use crate::support::{empty_summary, full_summary};

const PLAIN: Page = Page { columns: 80, colour: false };

#[test]
fn text_leads_with_the_bottom_line() {
    insta::assert_snapshot!("text", render(&full_summary(), Out::Text, PLAIN));
}

#[test]
fn nothing_to_report_is_a_good_answer() {
    insta::assert_snapshot!("text_empty", render(&empty_summary(), Out::Text, PLAIN));
}

#[test]
fn markdown_links_nothing() {
    insta::assert_snapshot!("markdown", render(&full_summary(), Out::Markdown, PLAIN));
}

#[test]
fn json_is_one_object_on_one_line() {
    let line = render(&full_summary(), Out::Json, PLAIN);
    assert_eq!(line.matches('\n').count(), 1);
    insta::assert_snapshot!("json", line);
}

#[test]
fn a_thread_cannot_drive_the_terminal_in_any_layout() {
    for out in [Out::Text, Out::Markdown, Out::Json] {
        let shown = render(&full_summary(), out, PLAIN);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{out:?}: {shown}");
    }
}

#[test]
fn no_line_is_wider_than_the_page() {
    for columns in [40, 60, 100] {
        let shown = render(&full_summary(), Out::Text, Page { columns, colour: false });
        let widest = shown.lines().map(|l| l.chars().count()).max();
        assert!(widest <= Some(columns), "{columns}: {shown}");
    }
}

#[test]
fn colour_is_only_for_those_who_asked() {
    let coloured = render(&full_summary(), Out::Text, Page { columns: 80, colour: true });
    assert!(coloured.contains("\u{1b}[1m"));
    let stripped = coloured.replace("\u{1b}[1m", "").replace("\u{1b}[2m", "").replace("\u{1b}[1;36m", "");
    assert_eq!(stripped.replace("\u{1b}[0m", ""), render(&full_summary(), Out::Text, PLAIN));
}
