//! Lets the generator word the bottom line, and keeps the wording only when its quotes bear it out.

use std::sync::Arc;

use super::{
    Options, cite,
    ground::{self, Quote, Unsupported},
    lead, prompt, rank,
    view::View,
};
use crate::{
    domain::{
        Span,
        summary::{BottomLine, By, Cite},
    },
    model::{Embedder, Generation, ModelError, Request, Stop, TextModel},
    text::{sentence, vocabulary::Vocabulary},
};

/// What came of asking the generator.
#[derive(Debug, Default)]
pub struct Worded {
    /// `None`: nothing that the quotes bear out.
    pub line: Option<BottomLine>,
    pub dropped: Vec<(String, Unsupported)>,
    pub prompt_tokens: usize,
    pub new_tokens: usize,
    pub prefill_ms: u64,
    pub decode_ms: u64,
}

/// What is needed to have a bottom line worded.
pub struct Writer<'a> {
    pub view: &'a View<'a>,
    pub options: Options,
    pub generator: &'a mut dyn TextModel,
    pub encoder: &'a mut dyn Embedder,
    pub cancelled: &'a dyn Fn() -> bool,
}

/// Notes that a taught generator is asked to reword, one after another, until a wording is borne out.
const MOST_TRIED: usize = 3;
/// The same for a sentence that follows: a line without it is still one.
const MOST_TRIED_AFTER: usize = 2;
/// Sentences of a bottom line.
const MOST_SENTENCES: usize = 2;
/// What a taught generator says of notes that tell nothing.
const NOTHING: &str = "nothing to report";

impl Worded {
    /// Adds a sentence and what it rests on.
    fn add(&mut self, text: String, cites: Vec<Cite>) {
        match &mut self.line {
            Some(line) => {
                line.text = format!("{} {text}", line.text);
                line.cites.extend(cites);
            }
            None => self.line = Some(BottomLine { text, by: By::Model, cites }),
        }
    }
}

impl Writer<'_> {
    /// Asks for one sentence about all of the units `chosen`, best first, and checks it.
    ///
    /// # Errors
    /// What the models say; a bad answer is no error but a dropped claim.
    pub fn word_all(mut self, chosen: &[usize]) -> Result<Worded, ModelError> {
        let notes: Vec<String> = chosen.iter().map(|&n| note(self.view, n)).collect();
        let title = &self.view.thread.title;
        let (request, used) = prompt::instructed(title, &notes, self.options, self.generator);
        let mut worded = Worded::default();
        self.ask(&request, &chosen[..used], &mut worded)?;
        Ok(worded)
    }

    /// Asks for a sentence about one unit of each of `parts`, and puts the first two that are borne out together.
    ///
    /// # Errors
    /// As `word_all`.
    pub fn word_each(mut self, parts: &[lead::Choices]) -> Result<Worded, ModelError> {
        let mut worded = Worded::default();
        let (mut taken, mut tried) = (Vec::new(), Vec::new());
        for choices in parts {
            let most = if taken.is_empty() { MOST_TRIED } else { MOST_TRIED_AFTER };
            let fresh = lead::besides(self.view, choices, &taken);
            let untried: Vec<usize> = fresh.filter(|n| !tried.contains(n)).take(most).collect();
            taken.extend(self.word_one(&untried, &mut tried, &mut worded)?);
            if taken.len() == MOST_SENTENCES || (self.cancelled)() {
                break;
            }
        }
        Ok(worded)
    }

    /// Asks for the wording of one unit of `chosen` after another, best first, until one is borne out: that one.
    fn word_one(
        &mut self,
        chosen: &[usize],
        tried: &mut Vec<usize>,
        worded: &mut Worded,
    ) -> Result<Option<usize>, ModelError> {
        let view = self.view;
        for &n in chosen {
            tried.push(n);
            let note = note(view, n);
            let Some(request) = prompt::taught(&view.thread.title, &note, self.options, self.generator) else {
                continue;
            };
            let request = Request { only: Some(Arc::new(self.words(n))), ..request };
            if self.ask(&request, &[n], worded)? {
                return Ok(Some(n));
            }
            if (self.cancelled)() {
                break;
            }
        }
        Ok(None)
    }

    /// Adds what comes of one request to `worded`; true when that is a sentence which is borne out.
    fn ask(&mut self, request: &Request, chosen: &[usize], worded: &mut Worded) -> Result<bool, ModelError> {
        let generation = self.generator.generate(request, self.cancelled)?;
        worded.prompt_tokens += generation.prompt_tokens;
        worded.new_tokens += generation.new_tokens;
        worded.prefill_ms += generation.prefill_ms;
        worded.decode_ms += generation.decode_ms;
        let Some(text) = first_sentence(&generation) else {
            if !generation.text.trim().is_empty() {
                worded.dropped.push((generation.text.clone(), Unsupported::Length(0)));
            }
            return Ok(false);
        };
        if text.to_lowercase().starts_with(NOTHING) {
            return Ok(false);
        }
        match check(self.view, chosen, &text, self.encoder)? {
            Ok(cites) => {
                worded.add(text, cites);
                Ok(true)
            }
            Err(why) => {
                worded.dropped.push((text, why));
                Ok(false)
            }
        }
    }

    /// The words that a sentence about unit `n` may use.
    fn words(&self, n: usize) -> Vocabulary {
        let thread = self.view.thread;
        let quotes = || self.view.units[n].spans.iter().map(|span| thread.quote(*span));
        // Not the title's: what breaks off would be made whole with them.
        let names = thread.participants.iter().map(String::as_str);
        let asks = quotes().any(|quote| quote.contains('?')).then_some(ground::WHETHER);
        Vocabulary::of(quotes().chain(names).chain(asks).chain([ground::REPORTING, NOTHING]))
    }
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

/// The cites that bear `text` out, or why none do: one span of the units `chosen` alone, or all that is said in one breath.
fn check(
    view: &View,
    chosen: &[usize],
    text: &str,
    encoder: &mut dyn Embedder,
) -> Result<Result<Vec<Cite>, Unsupported>, ModelError> {
    let spans = |n: &usize| &*view.units[*n].spans;
    let single: Vec<&[Span]> = chosen.iter().flat_map(|n| spans(n).chunks(1)).collect();
    // A piece with a capital begins anew: two sentences as one would be a third claim, that neither makes.
    let goes_on = |span: &Span| view.thread.quote(*span).starts_with(char::is_lowercase);
    let one = |spans: &&[Span]| spans.len() > 1 && spans[1..].iter().all(goes_on);
    let joined: Vec<&[Span]> = chosen.iter().map(spans).filter(one).collect();
    let checked = check_against(view, &single, text, encoder)?;
    if checked.is_ok() || joined.is_empty() { Ok(checked) } else { check_against(view, &joined, text, encoder) }
}

/// The cites of the first of `places` that bears `text` out. The spans of a place are read as one quote, and stay one cite
/// each.
fn check_against(
    view: &View,
    places: &[&[Span]],
    text: &str,
    encoder: &mut dyn Embedder,
) -> Result<Result<Vec<Cite>, Unsupported>, ModelError> {
    let thread = view.thread;
    let mut names: Vec<&str> = thread.participants.iter().map(String::as_str).collect();
    names.push(&thread.title);
    let said: Vec<String> =
        places.iter().map(|spans| spans.iter().map(|s| thread.quote(*s)).collect::<Vec<_>>().join(" ")).collect();
    let author = |spans: &[Span]| spans.first().and_then(|span| thread.messages[span.message].author.as_deref());
    let quotes: Vec<Quote> =
        places.iter().zip(&said).map(|(spans, text)| Quote { speaker: author(spans), text }).collect();
    let best = match ground::borne_out(text, &quotes, &names) {
        Ok(best) => best,
        Err(why) => return Ok(Err(why)),
    };
    let vectors = encoder.embed(&[text, quotes[best].text])?;
    let [claim, evidence] = &vectors[..] else { return Ok(Err(Unsupported::Meaning(0.0))) };
    let cites = || places[best].iter().map(|&span| cite::cite(thread, span)).collect();
    Ok(ground::meaning(rank::cosine(claim, evidence)).map(|()| cites()))
}
