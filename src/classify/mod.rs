//! Sentences to speech acts: the encoder's vectors, trained heads, and cue words where there is no encoder.

mod assent;
pub mod cues;
pub mod features;
pub mod heads;
mod judge;
mod memo;

use std::{collections::HashSet, ops::Range, path::PathBuf};

use crate::{
    domain::{Kind, Sentence, Span, Thread, ThreadActs},
    model::{Embedder, ModelError},
    text::person_mention::Roll,
};

use self::{
    cues::Cues,
    features::{DIM, Features, Line, Surroundings},
    heads::{Heads, Probabilities},
    memo::Piece,
};

pub use memo::Memo;

/// Sentences handed to the encoder between two looks at whether the caller still wants them.
const CHUNK: usize = 256;
/// The heads that this program ships.
static EMBEDDED: &[u8] = include_bytes!("../../models/heads/heads.safetensors");
const EMBEDDED_NAME: &str = "models/heads/heads.safetensors (in this program)";
/// Why a message was not read when the caller withdrew.
const CANCELLED: &str = "reading was cancelled";

/// Reads threads sentence by sentence.
pub struct Classifier {
    /// `None`: cue words alone.
    heads: Option<Heads>,
}

impl Classifier {
    /// The heads compiled into this program.
    ///
    /// # Errors
    /// `BadFile` where the program was built with heads of another version.
    pub fn embedded() -> Result<Classifier, ModelError> {
        Ok(Classifier { heads: Some(Heads::read(EMBEDDED, EMBEDDED_NAME)?) })
    }

    pub fn with_heads(heads: Heads) -> Classifier {
        Classifier { heads: Some(heads) }
    }

    /// Reads by cue words alone, whatever encoder it is given.
    pub fn without_heads() -> Classifier {
        Classifier { heads: None }
    }

    /// Refuses an encoder other than the one the heads were trained on.
    ///
    /// # Errors
    /// `BadFile` naming both.
    pub fn check_encoder(&self, sha256: &str) -> Result<(), ModelError> {
        match &self.heads {
            Some(heads) if heads.encoder_sha256() != sha256 => {
                let theirs = heads.encoder_sha256();
                Err(mismatch(format!("trained on the encoder {theirs}, but the encoder here is {sha256}")))
            }
            _ => Ok(()),
        }
    }

    /// Reads every message's own words. Linear in the thread; equal sentences are embedded once. A message without
    /// words of its own is read: it has nothing to say. When `cancelled`, the messages not reached are in `skipped`.
    ///
    /// # Errors
    /// What the encoder fails with, and `BadFile` where its vectors do not fit the heads.
    pub fn classify(
        &self,
        thread: &Thread,
        encoder: Option<&mut dyn Embedder>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<ThreadActs, ModelError> {
        self.classify_again(thread, encoder, &mut Memo::default(), cancelled)
    }

    /// The same, with what is known from reading the thread before with the same encoder: the result is that of `classify`.
    ///
    /// # Errors
    /// As `classify`.
    pub fn classify_again(
        &self,
        thread: &Thread,
        encoder: Option<&mut dyn Embedder>,
        memo: &mut Memo,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<ThreadActs, ModelError> {
        let people = people(thread);
        memo.begin(thread, &people);
        let mut pieces = memo.pieces(thread);
        let mut skipped = Vec::new();
        let mut embeddings = Vec::new();
        if let Some(encoder) = encoder {
            let said: Vec<(&Piece, &str)> = pieces.iter().map(|piece| (piece, line(thread, piece).text)).collect();
            embeddings = memo.embed(&said, encoder, CHUNK, cancelled)?;
            if let Some(first) = pieces.get(embeddings.len()).map(|p| p.message) {
                pieces.retain(|p| p.message < first);
                embeddings.truncate(pieces.len());
                skipped.extend((first..thread.messages.len()).map(|message| (message, CANCELLED)));
            }
        }
        let lines: Vec<Line<'_>> = pieces.iter().map(|p| line(thread, p)).collect();
        let cues: Vec<Cues> = pieces.iter().map(|p| p.text.cues.clone()).collect();
        let probabilities = match &self.heads {
            Some(heads) if !embeddings.is_empty() => {
                if let Some(odd) = embeddings.iter().find(|v| v.len() != DIM) {
                    return Err(mismatch(format!("the encoder's vectors have {} numbers, not {DIM}", odd.len())));
                }
                let words = pieces.iter().map(|p| p.text.words).collect();
                let features = Features::counted(&lines, &embeddings, &cues, words, thread.kind);
                let numbers: Vec<u32> = pieces.iter().map(|p| p.text.number).collect();
                let around: Vec<Surroundings> =
                    (0..lines.len()).map(|at| features.surroundings(at, |other| numbers[other])).collect();
                let locals = memo.locals(&around, |unknown| heads.locals(&features, unknown))?;
                // Much is said several times.
                let most = numbers.iter().max().map_or(0, |most| *most as usize + 1);
                let mut likeness: Vec<Option<f32>> = vec![None; most];
                let probabilities = |(at, local)| {
                    let likeness = likeness[numbers[at] as usize].get_or_insert_with(|| features.likeness(at));
                    heads.probabilities(local, features.globals(at, *likeness))
                };
                locals.enumerate().map(probabilities).collect()
            }
            _ => Vec::new(),
        };
        let roll = Roll::new(&people);
        let judged = pieces.iter().enumerate().map(|(at, piece)| {
            let heads = self.heads.as_ref().zip(probabilities.get(at)).map(|(h, p)| (p, h.thresholds()));
            sentence_of(piece, &lines[at], heads, thread.kind, &roll)
        });
        let mut sentences: Vec<Sentence> = judged.collect();
        assent::carry(&mut sentences, &cues);
        memo.end();
        Ok(ThreadActs { sentences, embeddings, skipped })
    }
}

fn mismatch(why: String) -> ModelError {
    ModelError::BadFile { path: PathBuf::from(EMBEDDED_NAME), why }
}

fn line<'a>(thread: &'a Thread, piece: &Piece) -> Line<'a> {
    let said = thread.messages.get(piece.message);
    Line {
        text: said.and_then(|m| m.text.get(piece.range.clone())).unwrap_or(""),
        author: said.and_then(|m| m.author.as_deref()),
        message: piece.message,
    }
}

/// Participants, and authors whom the source does not list among them.
fn people(thread: &Thread) -> Vec<String> {
    let mut people = thread.participants.clone();
    let mut known: HashSet<&str> = thread.participants.iter().map(String::as_str).collect();
    for author in thread.messages.iter().filter_map(|m| m.author.as_deref()) {
        if known.insert(author) {
            people.push(author.to_owned());
        }
    }
    people
}

fn sentence_of(
    piece: &Piece,
    line: &Line<'_>,
    heads: Option<(&Probabilities, &Probabilities)>,
    kind: Kind,
    roll: &Roll,
) -> Sentence {
    let (words, cues) = (piece.text.words, &piece.text.cues);
    let verdict = judge::judge(cues, words, kind, heads);
    let due = judge::may_be_due(verdict.act).then(|| piece.text.due(line.text)).flatten();
    let offset = |r: Range<usize>| Span::new(piece.message, piece.range.start + r.start..piece.range.start + r.end);
    // A name that is the author's own is a signature, unless it is set down as a task.
    let task = cues.any(&[cues::Cue::ActionItem, cues::Cue::NamedWill]);
    let named = piece.text.named(line.text, roll).filter(|who| task || Some(*who) != line.author);
    Sentence {
        span: Span::new(piece.message, piece.range.clone()),
        act: verdict.act,
        probability: verdict.acts[cues::index(verdict.act)],
        acts: verdict.acts,
        salience: verdict.salience,
        decision: verdict.decision,
        action: verdict.action,
        addressee: named.map(str::to_owned),
        due: due.map(offset),
        words,
    }
}

#[cfg(test)]
mod tests;
