//! Lets the generator word the bottom line, and keeps the wording only when its quotes bear it out.

use super::{
    Options, cite,
    ground::{self, Quote, Unsupported},
    prompt, rank,
    view::View,
};
use crate::{
    domain::{
        Span,
        summary::{BottomLine, By, Cite},
    },
    model::{Embedder, Generation, ModelError, Stop, TextModel},
    text::sentence,
};

/// What came of asking the generator.
#[derive(Debug)]
pub struct Worded {
    /// `None`: nothing that the quotes bear out.
    pub line: Option<BottomLine>,
    pub dropped: Vec<(String, Unsupported)>,
    pub generation: Generation,
}

/// Asks for one sentence about the units `chosen`, best first, and checks it.
///
/// # Errors
/// What the models say; a bad answer is no error but a dropped claim.
pub fn bottom_line(
    view: &View,
    chosen: &[usize],
    options: Options,
    generator: &mut dyn TextModel,
    encoder: &mut dyn Embedder,
    cancelled: &dyn Fn() -> bool,
) -> Result<Worded, ModelError> {
    let notes: Vec<String> = chosen.iter().map(|&n| note(view, n)).collect();
    let (request, used) = prompt::bottom_line(&view.thread.title, &notes, options, generator);
    let generation = generator.generate(&request, cancelled)?;
    let mut worded = Worded { line: None, dropped: Vec::new(), generation };
    let Some(text) = first_sentence(&worded.generation) else {
        if !worded.generation.text.trim().is_empty() {
            worded.dropped.push((worded.generation.text.clone(), Unsupported::Length(0)));
        }
        return Ok(worded);
    };
    match check(view, &chosen[..used], &text, encoder)? {
        Ok(cites) => worded.line = Some(BottomLine { text, by: By::Model, cites }),
        Err(why) => worded.dropped.push((text, why)),
    }
    Ok(worded)
}

/// A unit as the generator sees it: who, and what was said.
fn note(view: &View, n: usize) -> String {
    let shown = &view.units[n].shown;
    cite::speaker(view, n).map_or(shown.clone(), |speaker| format!("{speaker}: {shown}"))
}

/// The first sentence of what was generated, if it was ended rather than cut off.
fn first_sentence(generation: &Generation) -> Option<String> {
    let text = generation.text.trim().trim_matches('"').trim();
    let range = sentence::split(text, 0..text.len()).into_iter().next()?;
    let first = text[range.clone()].trim_start_matches(['-', '*', ' ']).trim();
    let whole = range.end < text.len() || generation.stop != Stop::Length || first.ends_with(['.', '!', '?']);
    (whole && generation.stop != Stop::Cancelled && !first.is_empty()).then(|| first.to_owned())
}

/// The cites that bear `text` out, or why they do not.
fn check(
    view: &View,
    chosen: &[usize],
    text: &str,
    encoder: &mut dyn Embedder,
) -> Result<Result<Vec<Cite>, Unsupported>, ModelError> {
    let mut names: Vec<&str> = view.thread.participants.iter().map(String::as_str).collect();
    names.push(&view.thread.title);
    let spans: Vec<Span> = chosen.iter().flat_map(|&n| view.units[n].spans.iter().copied()).collect();
    let author = |span: &Span| view.thread.messages[span.message].author.as_deref();
    let quotes: Vec<Quote> =
        spans.iter().map(|span| Quote { speaker: author(span), text: view.thread.quote(*span) }).collect();
    let best = match ground::borne_out(text, &quotes, &names) {
        Ok(best) => best,
        Err(why) => return Ok(Err(why)),
    };
    let vectors = encoder.embed(&[text, quotes[best].text])?;
    let [claim, evidence] = &vectors[..] else { return Ok(Err(Unsupported::Meaning(0.0))) };
    Ok(ground::meaning(rank::cosine(claim, evidence)).map(|()| vec![cite::cite(view.thread, spans[best])]))
}
