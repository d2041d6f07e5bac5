//! Every labelled sentence as a row of features, with its labels and where it came from.

use anyhow::Result;

use bluf::classify::{
    cues::Cues,
    features::{DENSE, Features, Line},
    heads::{Batch, Head},
};

use crate::{
    corpus::{Labels, Part, Set, Thread},
    vectors::Vectors,
};

pub const HEADS: usize = Head::ALL.len();
/// One number a head.
pub type ByHead = [f32; HEADS];

/// Mail sentences are few beside speech, so each counts this often.
const MAIL_TIMES: usize = 3;

/// Where a sentence came from.
#[derive(Clone, Copy)]
pub struct Origin {
    pub set: Set,
    pub part: Part,
    pub sixth: usize,
}

/// The sentences, by position.
pub struct Examples {
    dense: Vec<f32>,
    pub bags: Vec<Vec<(u32, f32)>>,
    pub labels: Vec<Labels>,
    pub origin: Vec<Origin>,
}

impl Examples {
    pub fn new(threads: &[Thread], vectors: &Vectors) -> Examples {
        let mut examples = Examples { dense: Vec::new(), bags: Vec::new(), labels: Vec::new(), origin: Vec::new() };
        for thread in threads {
            let lines: Vec<Line<'_>> = thread
                .lines
                .iter()
                .map(|l| Line { text: &l.text, author: l.author.as_deref(), message: l.message })
                .collect();
            let rows: Vec<Vec<f32>> = lines.iter().map(|l| vectors.of(l.text).to_vec()).collect();
            let cues: Vec<Cues> = lines.iter().map(|l| Cues::of(l.text)).collect();
            let features = Features::new(&lines, &rows, &cues, thread.kind);
            let mut row = vec![0.0; DENSE];
            for at in 0..lines.len() {
                features.dense(at, &mut row);
                examples.dense.extend_from_slice(&row);
                examples.bags.push(features.bag(at));
                examples.labels.push(thread.lines[at].labels);
                examples.origin.push(Origin { set: thread.set, part: thread.part, sixth: thread.sixth });
            }
        }
        examples
    }

    /// The rows of a set and part, in order.
    pub fn rows(&self, set: Set, part: Part) -> Vec<usize> {
        (0..self.origin.len()).filter(|&at| self.origin[at].set == set && self.origin[at].part == part).collect()
    }

    /// The rows to train on whose sixth is `wanted`, in order.
    pub fn training(&self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let is_wanted = |origin: &Origin| origin.part == Part::Train && wanted(origin.sixth);
        (0..self.origin.len()).filter(|&at| is_wanted(&self.origin[at])).collect()
    }

    /// How often a row counts.
    pub fn times(&self, at: usize) -> usize {
        if self.origin[at].set == Set::Ami { 1 } else { MAIL_TIMES }
    }

    /// The dense rows one after the other.
    pub fn dense(&self, rows: &[usize]) -> Vec<f32> {
        let mut dense = Vec::with_capacity(rows.len() * DENSE);
        for &at in rows {
            dense.extend_from_slice(&self.dense[at * DENSE..(at + 1) * DENSE]);
        }
        dense
    }

    /// The rows as the network takes them, with the words that `words` leaves of each.
    pub fn batch(&self, rows: &[usize], mut words: impl FnMut(usize) -> Vec<(u32, f32)>) -> Result<Batch> {
        let bags: Vec<Vec<(u32, f32)>> = rows.iter().map(|&at| words(at)).collect();
        let bags: Vec<&[(u32, f32)]> = bags.iter().map(Vec::as_slice).collect();
        Ok(Batch::new(self.dense(rows), &bags)?)
    }
}
