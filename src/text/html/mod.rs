//! HTML becomes the plain text a reader would see: quotes as `>` lines, links with their address, nothing that is hidden.

mod look;

use std::fmt::Write as _;

use html2text::{Comment, Document, Element, Handle, RcDom, config};

use self::look::Look;

/// What an HTML document says, and how much of it no reader of the rendered page would see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    /// Characters of text left out because their element is hidden, has no size, or is white on white.
    pub hidden_chars: usize,
}

/// The visible text of `html`. Paragraphs are parted by an empty line, cells of a table row by ` | `.
///
/// Only attributes and `style` attributes hide an element: style sheets are not read.
pub fn to_text(html: &str) -> Rendered {
    // Only the crate's parser is used: its renderer wraps lines to a width and recurses, and mail nests tables deeply.
    let Ok(dom) = config::plain().parse_html(html.as_bytes()) else {
        return Rendered { text: html.to_owned(), hidden_chars: 0 };
    };
    let mut page = Page::default();
    page.walk(&dom);
    let text = page.out.trim_matches(['\n', ' ']).to_owned();
    Rendered { text, hidden_chars: page.hidden_chars }
}

/// Quotes and lists nested deeper than this look like this deep: each level costs bytes on every line.
const SHOWN_DEPTH: usize = 20;

enum Step {
    Enter(Handle, Backdrop),
    Leave(Leave),
}

/// Whether white text would show: some element around it declares another background.
#[derive(Clone, Copy, PartialEq)]
enum Backdrop {
    Page,
    Coloured,
}

enum Leave {
    Block(usize),
    Quote,
    List,
    Preformatted,
    Link { href: String, from: usize },
}

#[derive(Default)]
struct Page {
    out: String,
    hidden_chars: usize,
    quotes: usize,
    /// Depth of the quote that the last line belongs to.
    last_quotes: usize,
    preformatted: usize,
    /// One entry an open list: the next number, or none for bullets.
    lists: Vec<Option<usize>>,
    /// Line breaks owed before the next word.
    breaks: usize,
    space: bool,
    /// A bullet or a quote has just been opened: a block's own margin does not part it from its first word.
    opened: bool,
}

impl Page {
    /// Depth first without recursion: nesting is as deep as the sender likes.
    fn walk(&mut self, dom: &RcDom) {
        let mut steps = vec![Step::Enter(dom.document.clone(), Backdrop::Page)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Leave(leave) => self.leave(leave),
                Step::Enter(node, backdrop) => self.enter(&node, backdrop, &mut steps),
            }
        }
    }

    fn enter(&mut self, node: &Handle, backdrop: Backdrop, steps: &mut Vec<Step>) {
        let mut inner = backdrop;
        match &node.data {
            Element { name, attrs, .. } => {
                let tag = &*name.local;
                if matches!(tag, "head" | "style" | "script" | "title" | "template" | "noscript") {
                    return;
                }
                let attrs = attrs.borrow();
                let attr = |key: &str| attrs.iter().find(|a| &*a.name.local == key).map(|a| &*a.value);
                let look = Look::of(&attr);
                if look.coloured {
                    inner = Backdrop::Coloured;
                }
                if look.hidden || look.white && inner == Backdrop::Page {
                    self.hidden_chars += text_chars(node);
                    return;
                }
                if let Some(leave) = self.open(tag, &attr) {
                    steps.push(Step::Leave(leave));
                }
            }
            _ => {
                if let Some(text) = text_of(node) {
                    self.words(&text);
                }
            }
        }
        steps.extend(node.children.borrow().iter().rev().map(|child| Step::Enter(child.clone(), inner)));
    }

    fn open<'a>(&mut self, tag: &str, attr: &impl Fn(&str) -> Option<&'a str>) -> Option<Leave> {
        match tag {
            "br" => self.line_break(),
            "hr" => {
                self.ask(1);
                self.raw("________________________________");
                self.ask(1);
            }
            "img" => self.words(attr("alt").filter(|_| !is_pixel(attr)).unwrap_or_default()),
            "td" | "th" if self.breaks == 0 && !self.at_line_start() => self.raw(" | "),
            "a" => {
                let href = attr("href").unwrap_or_default().trim().to_owned();
                return Some(Leave::Link { href, from: self.out.len() });
            }
            "blockquote" => {
                self.ask(1);
                self.quotes += 1;
                self.opened = true;
                return Some(Leave::Quote);
            }
            "pre" => {
                self.ask(2);
                self.preformatted += 1;
                return Some(Leave::Preformatted);
            }
            "ul" | "ol" => {
                self.ask(1);
                let first = attr("start").and_then(|s| s.parse().ok()).unwrap_or(1);
                self.lists.push((tag == "ol").then_some(first));
                return Some(Leave::List);
            }
            "li" => {
                self.ask(1);
                self.bullet();
                return Some(Leave::Block(1));
            }
            "p" | "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.ask(2);
                return Some(Leave::Block(2));
            }
            "div" | "tr" | "section" | "article" | "address" | "header" | "footer" | "main" | "dl" | "dt" | "dd"
            | "center" | "form" | "figure" | "fieldset" | "body" => {
                self.ask(1);
                return Some(Leave::Block(1));
            }
            _ => {}
        }
        None
    }

    fn leave(&mut self, leave: Leave) {
        match leave {
            Leave::Block(breaks) => self.ask(breaks),
            Leave::Quote => {
                self.quotes -= 1;
                self.ask(1);
            }
            Leave::List => {
                self.lists.pop();
                self.ask(1);
            }
            Leave::Preformatted => {
                self.preformatted -= 1;
                self.ask(2);
            }
            Leave::Link { href, from } => {
                let shown = self.out.get(from..).unwrap_or_default().trim();
                if !shown.is_empty() && is_address(&href) && !same_address(shown, &href) {
                    self.space = false;
                    let _ = write!(self.out, " ({href})");
                }
            }
        }
    }

    fn words(&mut self, text: &str) {
        if self.preformatted > 0 {
            for (n, line) in text.split('\n').enumerate() {
                if n > 0 {
                    self.line_break();
                }
                self.raw(line.trim_end_matches('\r'));
            }
            return;
        }
        // HTML's own white space, which a no-break space is not.
        for word in text.split_inclusive([' ', '\t', '\n', '\r', '\u{C}']) {
            let bare = word.trim_end_matches([' ', '\t', '\n', '\r', '\u{C}']);
            self.raw(&bare.replace('\u{A0}', " "));
            self.space |= bare.len() < word.len();
        }
    }

    fn raw(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.settle();
        self.opened = false;
        if std::mem::take(&mut self.space) && !self.at_line_start() {
            self.out.push(' ');
        }
        self.out.push_str(text);
    }

    /// Makes the breaks that are owed and opens the line with its quote marks.
    fn settle(&mut self) {
        let owed = std::mem::take(&mut self.breaks);
        // An empty line between a quote and what is around it belongs to the shallower one.
        let between = marks(self.quotes.min(std::mem::replace(&mut self.last_quotes, self.quotes)));
        if owed > 0 {
            self.space = false;
        }
        if self.out.is_empty() {
            self.out.push_str(&marks(self.quotes));
            return;
        }
        for n in 0..owed {
            let kept = self.out.trim_end_matches(' ').len();
            self.out.truncate(kept);
            self.out.push('\n');
            self.out.push_str(&if n + 1 == owed { marks(self.quotes) } else { between.trim_end().to_owned() });
        }
    }

    fn line_break(&mut self) {
        if !self.out.is_empty() {
            self.breaks += 1;
        }
    }

    /// At least `breaks` line breaks before the next word.
    fn ask(&mut self, breaks: usize) {
        if !self.out.is_empty() && !self.opened {
            self.breaks = self.breaks.max(breaks);
        }
    }

    fn bullet(&mut self) {
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(SHOWN_DEPTH));
        let mark = match self.lists.last_mut() {
            Some(Some(n)) => {
                *n = n.saturating_add(1);
                format!("{indent}{}. ", n.saturating_sub(1))
            }
            _ => format!("{indent}- "),
        };
        self.raw(&mark);
        self.opened = true;
    }

    fn at_line_start(&self) -> bool {
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        line.trim_start_matches(['>', ' ']).is_empty() || line.ends_with(' ')
    }
}

fn marks(depth: usize) -> String {
    "> ".repeat(depth.min(SHOWN_DEPTH))
}

fn is_pixel<'a>(attr: &impl Fn(&str) -> Option<&'a str>) -> bool {
    ["width", "height"].iter().any(|side| attr(side).is_some_and(|v| matches!(v.trim(), "0" | "1")))
}

fn is_address(href: &str) -> bool {
    ["http://", "https://", "mailto:", "ftp://"]
        .iter()
        .any(|scheme| href.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)))
}

/// Whether the words of a link already are its address, give or take the scheme and a closing slash.
fn same_address(shown: &str, href: &str) -> bool {
    let bare = |s: &str| {
        let s = s.trim().to_ascii_lowercase();
        let s = s.strip_prefix("mailto:").unwrap_or(&s);
        let s = s.strip_prefix("http://").or_else(|| s.strip_prefix("https://")).unwrap_or(s);
        s.trim_start_matches("www.").trim_end_matches('/').to_owned()
    };
    bare(shown) == bare(href)
}

fn text_chars(node: &Handle) -> usize {
    let mut chars = 0;
    let mut nodes = vec![node.clone()];
    while let Some(node) = nodes.pop() {
        chars += text_of(&node).map_or(0, |t| t.chars().filter(|c| !c.is_whitespace()).count());
        nodes.extend(node.children.borrow().iter().cloned());
    }
    chars
}

/// The text of a text node. The crate keeps that variant's name to itself, so it is had by way of its serialised form,
/// in which only four characters are written differently and markup alone begins with `<`.
fn text_of(node: &Handle) -> Option<String> {
    if matches!(node.data, Document | Comment { .. } | Element { .. }) {
        return None;
    }
    let mut bytes = Vec::new();
    node.serialize(&mut bytes).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    if text.starts_with('<') {
        return None;
    }
    if !text.contains('&') {
        return Some(text);
    }
    Some(text.replace("&nbsp;", "\u{A0}").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, text: &str) {
        assert_eq!(to_text(html), Rendered { text: text.to_owned(), hidden_chars: 0 });
    }

    #[track_caller]
    fn hidden(html: &str, text: &str, hidden_chars: usize) {
        assert_eq!(to_text(html), Rendered { text: text.to_owned(), hidden_chars });
    }

    #[test]
    fn paragraphs_and_lines_stay_apart() {
        check("<p>One  two\n three</p><p>Four<br>five</p>", "One two three\n\nFour\nfive");
        check("<div>a</div><div><br></div><div>b</div>", "a\n\nb");
        check("a &lt;b&gt; &amp;amp; c&nbsp;d", "a <b> &amp; c d");
        check("<b>bold</b><i>er</i> and <code>x</code>", "bolder and x");
        check("<pre>fn main() {\n    run();\n}</pre>after", "fn main() {\n    run();\n}\n\nafter");
    }

    #[test]
    fn quotes_become_marked_lines() {
        check(
            "Yes.<div>On Monday Ann wrote:<br><blockquote><p>Ship it?</p><p>Or wait?</p></blockquote></div>ok",
            "Yes.\nOn Monday Ann wrote:\n> Ship it?\n>\n> Or wait?\n\nok",
        );
        check("<blockquote>b<blockquote>a</blockquote>c</blockquote>", "> b\n> > a\n> c");
    }

    #[test]
    fn links_keep_their_address_where_it_says_more() {
        check("<a href='https://ex.org/a'>the plan</a>.", "the plan (https://ex.org/a).");
        check("<a href='https://ex.org/'>ex.org</a> <a href='mailto:a@ex.org'>a@ex.org</a>", "ex.org a@ex.org");
        check("<a href='#top'>up</a> <a href='https://ex.org/pixel'></a>", "up");
    }

    #[test]
    fn lists_and_tables_read_as_lines() {
        check("<ul><li>a</li><li>b<ol><li>c</li><li>d</li></ol></li></ul>", "- a\n- b\n  1. c\n  2. d");
        check("<ul><li><p>a</p></li></ul>", "- a");
        check("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a | b\nc");
        check("x<hr>y", "x\n________________________________\ny");
    }

    #[test]
    fn what_a_reader_would_not_see_is_counted() {
        hidden("<span style='display: none'>pre head</span>Hello", "Hello", 7);
        hidden("<p style='font-size:0px'>abc</p><p style='color:#FFFFFF'>de</p>f", "f", 5);
        hidden("<div style='max-height:0;overflow:hidden'><b>abc</b></div>d", "d", 3);
        hidden("<table><tr><td bgcolor='#003366'><font color='white'>Sign up</font></td></tr></table>", "Sign up", 0);
        hidden("<style>p{}</style><script>x()</script><!-- y -->z", "z", 0);
    }

    #[test]
    fn deep_and_broken_markup_is_read() {
        let deep = format!("{}core", "<div><blockquote>".repeat(2_000));
        assert!(to_text(&deep).text.ends_with("core"));
        check("<p>open <b>never closed", "open never closed");
        check("", "");
    }
}
