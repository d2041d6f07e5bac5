//! Claims as they are shown: the quote, whose it is, and the cites that bear it out.

use std::sync::LazyLock;

use regex::Regex;

use super::{unit::Unit, view::View, voice};
use crate::{
    domain::{Kind, Span, Thread, summary::Cite},
    pattern::compiled,
};

static FIRST_PERSON: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(?:i|i'm|i'll|i'd|i've|me|my|mine|we|we're|we'll|we'd|we've|us|our|ours|you|your|yours)\b")
});

/// The cite of one span: exact bytes, and who and when from the metadata; nobody where the message lets another speak.
pub fn cite(thread: &Thread, span: Span) -> Cite {
    let message = &thread.messages[span.message];
    Cite {
        message_id: message.id.clone(),
        author: message.author.clone().filter(|_| !voice::is_another(thread, span)),
        sent_at: message.sent_at.map(|at| at.to_string()),
        start: span.start,
        end: span.end,
        quote: thread.quote(span).to_owned(),
    }
}

pub fn cites(thread: &Thread, unit: &Unit) -> Vec<Cite> {
    unit.spans.iter().map(|&span| cite(thread, span)).collect()
}

/// The person who says the unit, where there is one: the heading of a section or a topic is nobody, and a turn of somebody
/// else inside a message is not its author's.
pub fn speaker(view: &View, n: usize) -> Option<String> {
    let author = view.thread.messages[view.units[n].message()].author.as_deref()?;
    let nobody = view.thread.kind == Kind::Document || author.starts_with('[') || author.starts_with("section:");
    let another = || voice::is_another(view.thread, view.units[n].spans[0]);
    (!nobody && !another()).then(|| author.to_owned())
}

/// The unit as a claim's text. What people write to each other stands under its author's name; of what is said in a
/// meeting, only what is in the first or second person, since out of its place nobody can tell who "I" is.
pub fn text(view: &View, n: usize) -> String {
    let shown = &view.units[n].shown;
    let spoken = view.thread.kind == Kind::Transcript;
    match speaker(view, n) {
        Some(speaker) if !spoken || FIRST_PERSON.is_match(shown) => format!("{speaker}: {shown}"),
        _ => shown.clone(),
    }
}

/// When the unit was said.
pub fn at(view: &View, n: usize) -> Option<String> {
    view.thread.messages[view.units[n].message()].sent_at.map(|at| at.to_string())
}
