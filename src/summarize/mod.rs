//! From a thread to its BLUF: read all of it, choose evidence, word it, check every word against its quotes.
//!
//! `view` holds what is known of a thread, `rank` scores its units, `choose`, `sections` and `lead` pick the evidence, `write`
//! lets the generator word the bottom line from it, `ground` checks the wording, `ledger` accounts for every message.

pub mod choose;
pub mod cite;
pub mod ground;
pub mod lead;
pub mod ledger;
mod memo;
pub mod order;
pub mod prompt;
pub mod rank;
pub mod ranked;
pub mod sections;
pub mod settled;
pub mod unit;
pub mod view;
pub mod voice;
pub mod write;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{
    domain::{
        Kind, SpeechAct, Thread, ThreadActs,
        summary::{BottomLine, By, Provenance, SCHEMA, Statement, Summary, ThreadFacts},
    },
    model::{Embedder, ModelError, TextModel},
    time::Stopwatch,
};
use ranked::Ranked;

pub use memo::Memo;

/// How long summaries and prompts may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Tokens of the prompt for a bottom line, the answer not counted.
    pub max_prompt_tokens: usize,
    /// Tokens of a bottom line.
    pub max_new_tokens: usize,
}

/// Makes summaries.
pub struct Summarizer {
    ranker: rank::Ranker,
    options: Options,
}

/// The models at hand. Without an encoder evidence is chosen by cues and words; without a generator every text is a quote.
#[derive(Default)]
pub struct Models<'a> {
    pub encoder: Option<&'a mut dyn Embedder>,
    pub generator: Option<&'a mut dyn TextModel>,
    /// The generator's name and the sha256 of its weights, for the provenance.
    pub generator_name: Option<String>,
    pub weights_sha256: Option<String>,
    pub adapter_sha256: Option<String>,
    /// How the generator is asked.
    pub style: prompt::Style,
}

/// Evidence for the generator: the best units, at most this many.
const MOST_NOTES: usize = 5;
/// A summary's quotes have about this share of the thread's words, within bounds.
const SHARE_OF_WORDS: f32 = 0.12;
const FEWEST_WORDS: f32 = 90.0;
const MOST_WORDS: f32 = 170.0;

impl Default for Options {
    fn default() -> Options {
        Options { max_prompt_tokens: 1024, max_new_tokens: 56 }
    }
}

impl Summarizer {
    /// # Errors
    /// `BadFile` when the trained weights in this program do not fit it.
    pub fn new(options: Options) -> Result<Summarizer, ModelError> {
        Ok(Summarizer { ranker: rank::Ranker::shipped()?, options })
    }

    /// The BLUF of `thread`, whose sentences are read as `acts`, made at `now`.
    ///
    /// # Errors
    /// What the models say when they cannot run; nothing that a thread says is an error.
    pub fn summarize(
        &self,
        thread: &Thread,
        acts: ThreadActs,
        models: Models,
        now: Timestamp,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Summary, ModelError> {
        self.summarize_again(thread, &acts, models, &mut Memo::default(), now, cancelled)
    }

    /// The same, with what is known from reading the thread before: the result is that of `summarize`.
    ///
    /// # Errors
    /// As `summarize`.
    pub fn summarize_again(
        &self,
        thread: &Thread,
        acts: &ThreadActs,
        mut models: Models,
        memo: &mut Memo,
        now: Timestamp,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Summary, ModelError> {
        let watch = Stopwatch::start();
        let coverage = ledger::coverage(thread, acts);
        let view = view::View::again(thread, Cow::Borrowed(acts), reborrow(&mut models.encoder), memo)?;
        let ranked = Ranked::new(&view, self.ranker.rank(&view), most_words(thread, &view.acts));
        let mut provenance = Provenance { made_at: now.to_string(), ..Provenance::default() };
        provenance.read_ms = watch.elapsed_ms();
        let bottom_line = self.bottom_line(&view, &ranked, models, &mut provenance, cancelled)?;
        let (decisions, asks) = (sections::decisions(&view, &ranked), sections::asks(&view, &ranked));
        let (questions, blockers) = (sections::questions(&view, &ranked), sections::blockers(&view, &ranked));
        let shown = [&decisions, &asks, &questions, &blockers].into_iter().flatten();
        let context = ranked.context(&view, &bottom_line, shown.copied());
        Ok(Summary {
            schema: SCHEMA,
            thread: ThreadFacts::of(thread),
            bottom_line,
            decisions: decisions.iter().map(|&n| sections::decision(&view, n)).collect(),
            asks: asks.iter().map(|&n| sections::ask(&view, n)).collect(),
            questions: questions.iter().map(|&n| sections::question(&view, n)).collect(),
            blockers: blockers.iter().map(|&n| sections::blocker(&view, n)).collect(),
            context: context.iter().map(|&n| statement(&view, n)).collect(),
            flags: Vec::new(),
            coverage,
            through: thread.messages.last().map(|m| m.id.clone()),
            provenance,
        })
    }

    /// The model's wording of the best evidence if its quotes bear it out, else the best quote.
    fn bottom_line(
        &self,
        view: &view::View,
        ranked: &Ranked,
        models: Models,
        provenance: &mut Provenance,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<BottomLine, ModelError> {
        let units = ranked.headline(view);
        let texts: Vec<String> = units.iter().map(|&n| cite::text(view, n)).collect();
        let cites = units.iter().flat_map(|&n| cite::cites(view.thread, &view.units[n])).collect();
        let extract = BottomLine { text: texts.join(" "), by: By::Extract, cites };
        let (Some(generator), Some(encoder)) = (models.generator, models.encoder) else { return Ok(extract) };
        let writer = write::Writer { view, options: self.options, generator, encoder, cancelled };
        let worded = match models.style {
            prompt::Style::Instructed => writer.word_all(&first(ranked.heads(view)))?,
            prompt::Style::Taught => writer.word_each(&lead::parts(view, ranked))?,
        };
        provenance.model = models.generator_name;
        provenance.weights_sha256 = models.weights_sha256;
        provenance.adapter_sha256 = models.adapter_sha256;
        provenance.prompt_version = Some(models.style.version().to_owned());
        provenance.prompt_tokens = worded.prompt_tokens;
        provenance.new_tokens = worded.new_tokens;
        provenance.prefill_ms = worded.prefill_ms;
        provenance.decode_ms = worded.decode_ms;
        provenance.dropped_claims = worded.dropped.len();
        // A decision whose wording is not borne out is shown as it was said, and nothing else in its place.
        let decision = ranked.decided(view).map(|n| cite::cites(view.thread, &view.units[n])).unwrap_or_default();
        let says_it = |line: &BottomLine| decision.is_empty() || decision.iter().any(|cite| line.cites.contains(cite));
        Ok(worded.line.filter(says_it).unwrap_or(extract))
    }
}

/// The notes for one prompt.
fn first(mut notes: Vec<usize>) -> Vec<usize> {
    notes.truncate(MOST_NOTES);
    notes
}

fn statement(view: &view::View, n: usize) -> Statement {
    Statement { text: cite::text(view, n), cites: cite::cites(view.thread, &view.units[n]) }
}

/// Words that a summary of the thread shows.
pub fn most_words(thread: &Thread, acts: &ThreadActs) -> usize {
    let said: usize = acts.sentences.iter().map(|s| s.words).sum();
    let share = if thread.kind == Kind::Document { SHARE_OF_WORDS / 2.0 } else { SHARE_OF_WORDS };
    (said as f32 * share).clamp(FEWEST_WORDS, MOST_WORDS) as usize
}

/// A shorter borrow of an optional model, so that it can be lent more than once.
fn reborrow<'s>(encoder: &'s mut Option<&mut dyn Embedder>) -> Option<&'s mut dyn Embedder> {
    match encoder {
        Some(encoder) => Some(&mut **encoder),
        None => None,
    }
}

/// Acts that tell nothing about a thread on their own.
fn says_nothing(act: SpeechAct) -> bool {
    matches!(act, SpeechAct::Acknowledgement | SpeechAct::Closing)
}
