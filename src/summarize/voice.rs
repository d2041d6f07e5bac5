//! Whose words a unit is: its message's author's, or those of somebody whom the message lets speak.
//!
//! Mail programs and archives lose the `>` of quoted lines, and who notes down a call puts several speakers into one turn.
//! Nothing of that heads a summary, and nobody is said to have said what another did.

use std::collections::{HashMap, hash_map::Entry};

use super::{unit::Unit, view::View};
use crate::{
    domain::{Kind, Span, Thread},
    text::{quote, turn},
};

/// Content words in a row by which a passage is known again.
const RUN: usize = 3;
/// Fewer runs than this are a phrase that anybody may have.
const FEWEST_RUNS: usize = 3;
/// From this share of a unit's runs on the words are somebody else's.
const BORROWED: f32 = 0.75;

/// Whether a unit is its author's own beyond doubt.
pub fn is_own(view: &View, n: usize) -> bool {
    let hemmed = |span: &Span| {
        let text = &view.thread.messages[span.message].text;
        view.thread.kind == Kind::Email && quote::is_hemmed_in(text, &(span.start..span.end))
    };
    !view.borrowed[n] && !view.units[n].spans.iter().any(|span| hemmed(span) || is_another(view.thread, *span))
}

/// Whether `span` is in a turn of somebody else inside its message.
pub fn is_another(thread: &Thread, span: Span) -> bool {
    let message = &thread.messages[span.message];
    let voice = || turn::other_voice(&message.text, span.start, message.author.as_deref(), &thread.participants);
    thread.kind == Kind::Transcript && voice().is_some()
}

/// For each unit, whether its words are those of an earlier message by somebody else. Of speech nothing is: what two people say
/// in turns they both say.
pub fn borrowed(thread: &Thread, units: &[Unit]) -> Vec<bool> {
    let author = |unit: &Unit| thread.messages[unit.message()].author.as_deref();
    let alone = units.iter().all(|unit| author(unit) == units.first().and_then(author));
    if alone || matches!(thread.kind, Kind::Transcript | Kind::Document) {
        return vec![false; units.len()];
    }
    // Who said a run first; what two wrote in one breath is nobody's.
    let mut first: HashMap<&[u32], usize> = HashMap::new();
    let mut borrowed = Vec::with_capacity(units.len());
    for unit in units {
        let (mut runs, mut others) = (0, 0);
        for run in unit.facts.stems.windows(RUN) {
            runs += 1;
            match first.entry(run) {
                Entry::Occupied(said) => {
                    let earlier = &thread.messages[*said.get()];
                    let known = earlier.author.is_some() && *said.get() < unit.message();
                    others += usize::from(known && earlier.author.as_deref() != author(unit));
                }
                Entry::Vacant(unsaid) => {
                    unsaid.insert(unit.message());
                }
            }
        }
        borrowed.push(runs >= FEWEST_RUNS && others as f32 >= BORROWED * runs as f32);
    }
    borrowed
}
