//! How much a unit of evidence tells about its thread: a linear ranker trained on human summaries.
//!
//! One set of weights a family of text. Features are dense numbers (position, centrality, cues, what the heads say) and a
//! hashed bag of the unit's words and word pairs. Trained by `models/training/train_ranker.rs` to predict how much of a
//! unit's content the human summary of its thread repeats.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use candle_core::{Device, safetensors};
use regex::RegexSet;

use super::{memo::Facts, order::ranks, unit::Unit, view::View};
use crate::{
    domain::{Kind, Thread, ThreadActs},
    model::{ModelError, dot},
    pattern::compiled_set,
    text::words,
};

/// Buckets of the hashed bag.
pub const BUCKETS: usize = 1 << 14;
/// The weights that ship.
const SHIPPED: &[u8] = include_bytes!("../../models/heads/ranker.safetensors");

/// Families of text that are summarized differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    Document,
    Written,
    Spoken,
}

/// What the ranker sees of a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    pub dense: Vec<f32>,
    /// Bucket and weight; the weights have length 1 (L2).
    pub bag: Vec<(u32, f32)>,
}

/// Trained weights for the three families.
pub struct Ranker {
    families: HashMap<Family, Weights>,
}

/// One family's weights. The score of a unit is `bias + dense · (x - mean) / scale + bag · words`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    pub mean: Vec<f32>,
    pub scale: Vec<f32>,
    pub dense: Vec<f32>,
    /// `[BUCKETS]`
    pub bag: Vec<f32>,
    pub bias: f32,
}

static CUES: LazyLock<RegexSet> = LazyLock::new(|| {
    compiled_set(
        &[
            r"\bthis (?:proposal|pep|kep|rfc|eip|document|specification|change|feature)\b",
            r"\b(?:propose|introduce|define|specif|provide|allow|enable|add|describe)",
            r"\b(?:we|i) (?:should|will|need|decided|agree)",
            r"\b(?:resolved|decid|agree|conclu)",
            r"\?$",
            r"\b(?:problem|issue|motivat|because|goal|purpose)",
            r"\bplease\b|\bcould you\b|\bcan you\b",
            r"\d",
            r"\b(?:i|my|me)\b",
            r"\bfor example\b|e\.g\.",
            r"^(?:hi|hello|dear|thanks|thank|regards|cheers|best|\[)",
            r"https?://",
            r"\b(?:suggest|recommend|think|believe)\b",
            r"\b(?:however|but|although)\b",
            r"[`{}<>=|]",
            r"^\W*(?:\d+\.|[-*#])",
            r"^(?:resolution|resolved|decision|action|proposed|proposal|agreed)\b",
            r"\bnext (?:week|call|meeting|step)|\bfollow[- ]up|\bcontinue",
            r"\bagenda\b|\bitem (?:\d|one|two)|\bsession (?:on|with|to)\b|\bpurpose of\b|\bwelcome to\b|\bhere (?:today )?to (?:discuss|talk)",
        ],
        None,
    )
});
/// Names of sections, for documents and minutes.
static SECTIONS: LazyLock<RegexSet> = LazyLock::new(|| {
    compiled_set(
        &[
            "abstract|summary|overview",
            "motivation|introduction|background",
            "rationale",
            "goal",
            "specification|design|reference|detail",
            "proposal",
            "security|backward|compat",
            "test|implementation|risk|drawback|alternative|open|unresolved|future",
            "topic",
        ],
        None,
    )
});

impl Family {
    pub const ALL: [Family; 3] = [Family::Document, Family::Written, Family::Spoken];

    pub fn of(kind: Kind) -> Family {
        match kind {
            Kind::Document => Family::Document,
            Kind::Transcript => Family::Spoken,
            Kind::Chat | Kind::Email | Kind::Issue | Kind::Review => Family::Written,
        }
    }

    /// The prefix of its tensors in the weights file.
    pub fn name(self) -> &'static str {
        match self {
            Family::Document => "document",
            Family::Written => "written",
            Family::Spoken => "spoken",
        }
    }
}

impl Ranker {
    /// The weights that ship with this version.
    ///
    /// # Errors
    /// `BadFile` when they do not fit the features of this version: they must be trained again.
    pub fn shipped() -> Result<Ranker, ModelError> {
        let bad = |why: String| ModelError::BadFile { path: "models/heads/ranker.safetensors".into(), why };
        let tensors = safetensors::load_buffer(SHIPPED, &Device::Cpu).map_err(|e| bad(e.to_string()))?;
        let read = |family: Family, part: &str| -> Result<Vec<f32>, ModelError> {
            let name = format!("{}.{part}", family.name());
            let tensor = tensors.get(&name).ok_or_else(|| bad(format!("it has no '{name}'")))?;
            Ok(tensor.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1()?)
        };
        let mut families = HashMap::new();
        for family in Family::ALL {
            let (mean, scale, dense) = (read(family, "mean")?, read(family, "scale")?, read(family, "dense")?);
            let (bag, bias) = (read(family, "bag")?, read(family, "bias")?);
            if bag.len() != BUCKETS
                || dense.len() != dense_len()
                || mean.len() != dense.len()
                || scale.len() != dense.len()
            {
                return Err(bad("its features are not those of this version; run the training example".to_owned()));
            }
            families.insert(family, Weights { mean, scale, dense, bag, bias: bias.first().copied().unwrap_or(0.0) });
        }
        Ok(Ranker { families })
    }

    /// One score a unit: about the share of its words that a human summary would repeat.
    pub fn scores(&self, thread: &Thread, features: &[Features]) -> Vec<f32> {
        let weights = &self.families[&Family::of(thread.kind)];
        features.iter().map(|f| weights.score(f)).collect()
    }

    /// The scores of all units of a thread.
    pub fn rank(&self, view: &View) -> Vec<f32> {
        let weights = &self.families[&Family::of(view.thread.kind)];
        let rows = Rows::new(view);
        let mut dense = Vec::with_capacity(dense_len());
        let mut words: Vec<Option<f32>> = vec![None; view.facts];
        let score = |(n, unit): (usize, &Unit)| {
            rows.dense(n, &mut dense);
            let words = *words[unit.number].get_or_insert_with(|| weights.words(&unit.facts.bag));
            weights.score_of(&dense, words)
        };
        view.units.iter().enumerate().map(score).collect()
    }
}

impl Weights {
    pub fn score(&self, features: &Features) -> f32 {
        self.score_of(&features.dense, self.words(&features.bag))
    }

    fn words(&self, bag: &[(u32, f32)]) -> f32 {
        bag.iter().map(|&(bucket, x)| x * self.bag[bucket as usize]).sum()
    }

    fn score_of(&self, dense: &[f32], bag: f32) -> f32 {
        let scaled = dense.iter().zip(self.mean.iter().zip(&self.scale)).map(|(x, (mean, scale))| (x - mean) / scale);
        let dense: f32 = scaled.zip(&self.dense).map(|(x, w)| x * w).sum();
        self.bias + dense + bag
    }
}

/// The dense features of every unit of a thread.
pub struct Rows<'v> {
    view: &'v View<'v>,
    lexical: Lexical,
    meaning: Meaning,
    /// By author.
    sections: HashMap<&'v str, Vec<f32>>,
}

impl<'v> Rows<'v> {
    pub fn new(view: &'v View<'v>) -> Rows<'v> {
        let mut sections: HashMap<&str, Vec<f32>> = HashMap::new();
        for unit in &view.units {
            let author = author(view, unit);
            sections.entry(author).or_insert_with(|| cues(&SECTIONS, author));
        }
        Rows { view, lexical: Lexical::new(view), meaning: Meaning::new(view), sections }
    }

    /// Writes those of unit `n` into `row`, `dense_len` of them.
    pub fn dense(&self, n: usize, row: &mut Vec<f32>) {
        let unit = &self.view.units[n];
        row.clear();
        row.extend(place(self.view.thread, &self.view.acts, unit));
        row.extend_from_slice(&unit.facts.cues);
        row.extend_from_slice(self.sections.get(author(self.view, unit)).map_or(&[], Vec::as_slice));
        row.extend(self.lexical.of(n));
        row.extend(self.meaning.of(n));
        row.extend(heads(&self.view.acts, unit));
    }
}

fn author<'v>(view: &View<'v>, unit: &Unit) -> &'v str {
    view.thread.messages[unit.message()].author.as_deref().unwrap_or("")
}

/// What the cues find in what a unit shows.
pub(super) fn cues_of(shown: &str) -> Vec<f32> {
    cues(&CUES, shown)
}

/// How many dense features there are.
pub fn dense_len() -> usize {
    PLACE + CUES.len() + SECTIONS.len() + LEXICAL + MEANING + HEADS
}

const PLACE: usize = 14;

/// Where the unit stands and how long it is.
fn place(thread: &Thread, acts: &ThreadActs, unit: &Unit) -> [f32; PLACE] {
    let span = unit.spans[0];
    let message = &thread.messages[span.message];
    let count = thread.messages.len() as f32;
    let (m, w) = (span.message as f32, unit.words as f32);
    // Sentences are in order, so those of this message before this one are right before it.
    let first = unit.sentences[0];
    let before = acts.sentences[..first].iter().rev().take_while(|s| s.span.message == span.message).count() as f32;
    let truth = |yes: bool| f32::from(u8::from(yes));
    let starter = thread.messages.first().and_then(|m| m.author.as_deref());
    [
        m / count,
        truth(span.message == 0),
        truth(span.message + 1 == thread.messages.len()),
        before.min(20.0) / 20.0,
        truth(before == 0.0),
        1.0 / (1.0 + m),
        1.0 / (1.0 + before),
        1.0 / (1.0 + m) / (1.0 + before),
        w.min(40.0) / 40.0,
        w.min(15.0) / 15.0,
        truth(w > 45.0),
        truth(message.author.as_deref() == starter),
        truth(thread.messages.len() < 3),
        span.start as f32 / message.text.len().max(1) as f32,
    ]
}

fn cues(set: &RegexSet, text: &str) -> Vec<f32> {
    let mut found = vec![0.0; set.len()];
    for n in &set.matches(text) {
        found[n] = 1.0;
    }
    found
}

const LEXICAL: usize = 5;

/// What the words of the thread say about which of its units are central.
struct Lexical {
    /// By unit, like `rank`.
    centrality: Vec<f32>,
    rank: Vec<f32>,
    /// By the number of a unit's facts: overlap with the title, and how frequent its words are.
    words: Vec<[f32; 2]>,
    /// The number of each unit's facts.
    numbers: Vec<usize>,
}

impl Lexical {
    fn new(view: &View) -> Lexical {
        let (mut in_units, mut in_all) = (vec![0.0f32; view.stems], vec![0.0f32; view.stems]);
        // In the order of first use, so that sums do not hang on how stems are numbered.
        let mut used: Vec<usize> = Vec::new();
        let several = several(view);
        for (facts, units) in &several {
            for &(stem, times) in &facts.terms {
                let stem = stem as usize;
                if in_units[stem] == 0.0 {
                    used.push(stem);
                }
                in_units[stem] += units;
                in_all[stem] += times * units;
            }
        }
        let count = view.units.len() as f32;
        let (mut rarity, mut fame) = (vec![0.0f32; view.stems], vec![0.0f32; view.stems]);
        for &stem in &used {
            rarity[stem] = (1.0 + count / in_units[stem]).ln();
            fame[stem] = in_all[stem].ln();
        }
        let mut weights: Vec<f32> = Vec::new();
        let mut begins: Vec<usize> = Vec::with_capacity(several.len() + 1);
        for (facts, _) in &several {
            let own = weights.len();
            begins.push(own);
            weights.extend(facts.terms.iter().map(|&(stem, times)| times * rarity[stem as usize]));
            let length = weights[own..].iter().map(|w| w * w).sum::<f32>().sqrt().max(1e-9);
            weights[own..].iter_mut().for_each(|weight| *weight /= length);
        }
        let terms = |facts: &Facts, number: usize| {
            let weights = &weights[begins[number]..];
            facts.terms.iter().map(|(stem, _)| *stem as usize).zip(weights.iter().copied()).collect::<Vec<_>>()
        };
        let terms: Vec<Vec<(usize, f32)>> = several.iter().enumerate().map(|(n, (facts, _))| terms(facts, n)).collect();
        let mut centroid = vec![0.0f32; view.stems];
        for &(stem, weight) in view.units.iter().flat_map(|unit| &terms[unit.number]) {
            centroid[stem] += weight;
        }
        let length = used.iter().map(|&stem| centroid[stem] * centroid[stem]).sum::<f32>().sqrt().max(1e-9);
        let central =
            |terms: &Vec<(usize, f32)>| terms.iter().map(|(stem, w)| w * centroid[*stem]).sum::<f32>() / length;
        let central: Vec<f32> = terms.iter().map(central).collect();
        let centrality: Vec<f32> = view.units.iter().map(|unit| central[unit.number]).collect();
        let title = &view.title_stems;
        let words = |(facts, _): &(&Facts, f32)| {
            let has = |stem: &u32| facts.stems.contains(stem);
            let overlap = title.iter().flatten().filter(|stem| has(stem)).count() as f32 / title.len().max(1) as f32;
            let frequency = facts.stems.iter().map(|&stem| fame[stem as usize]).sum::<f32>();
            [overlap, frequency / facts.stems.len().max(1) as f32]
        };
        Lexical {
            rank: ranks(&centrality),
            centrality,
            words: several.iter().map(words).collect(),
            numbers: view.units.iter().map(|unit| unit.number).collect(),
        }
    }

    fn of(&self, n: usize) -> [f32; LEXICAL] {
        let c = self.centrality[n];
        let [overlap, frequency] = self.words[self.numbers[n]];
        [c, self.rank[n], overlap, frequency, c * c]
    }
}

const MEANING: usize = 6;

/// What the embeddings say, by unit; empty where there are none.
struct Meaning {
    /// To the centre, the title, the opening and the last unit.
    to: Vec<[f32; 4]>,
    rank: Vec<f32>,
}

impl Meaning {
    fn new(view: &View) -> Meaning {
        let embeddings = &view.embeddings;
        let (Some(opening), Some(last)) = (embeddings.first(), embeddings.last()) else {
            return Meaning { to: Vec::new(), rank: Vec::new() };
        };
        let mut centre = vec![0.0; opening.len()];
        embeddings.iter().for_each(|e| centre.iter_mut().zip(e.iter()).for_each(|(c, x)| *c += x));
        let length = centre.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
        centre.iter_mut().for_each(|x| *x /= length);
        let of = |e: &[f32]| [&centre[..], &view.title, opening, last].map(|other| cosine(e, other));
        // Units with the same facts have the same vector, but for one whose sentences others made theirs of.
        let mut known = vec![None; view.facts];
        let mut to = Vec::with_capacity(embeddings.len());
        for (e, unit) in embeddings.iter().zip(&view.units) {
            let (same, found) = *known[unit.number].get_or_insert_with(|| (e, of(e)));
            to.push(if Arc::ptr_eq(same, e) { found } else { of(e) });
        }
        let to_centre: Vec<f32> = to.iter().map(|[centre, ..]| *centre).collect();
        Meaning { rank: ranks(&to_centre), to }
    }

    fn of(&self, n: usize) -> [f32; MEANING] {
        let [centre, title, opening, last] = self.to.get(n).copied().unwrap_or_default();
        [centre, self.rank.get(n).copied().unwrap_or_default(), title, opening, last, centre * centre]
    }
}

/// The facts of the view's units by their numbers, and how many units have each.
fn several<'v>(view: &'v View) -> Vec<(&'v Facts, f32)> {
    let mut several: Vec<(&Facts, f32)> = Vec::with_capacity(view.facts);
    for unit in &view.units {
        if unit.number == several.len() {
            several.push((&unit.facts, 0.0));
        }
        several[unit.number].1 += 1.0;
    }
    several
}

const HEADS: usize = 14;

/// What the trained heads say of the unit's sentences: the most of each.
fn heads(acts: &ThreadActs, unit: &Unit) -> [f32; HEADS] {
    let mut most = [0.0f32; HEADS];
    for &s in unit.sentences.iter() {
        let sentence = &acts.sentences[s];
        let all = sentence.acts.iter().chain([&sentence.salience, &sentence.decision, &sentence.action]);
        most.iter_mut().zip(all).for_each(|(m, x)| *m = m.max(*x));
    }
    most
}

/// Words and pairs of neighbours, hashed.
pub(super) fn bag(shown: &str) -> Vec<(u32, f32)> {
    let mut tokens = words::words(shown);
    if shown.trim_end().ends_with('?') {
        tokens.push("?".to_owned());
    }
    let pairs = tokens.windows(2).map(|pair| bucket(&format!("{} {}", pair[0], pair[1])));
    let mut buckets: Vec<u32> = tokens.iter().map(|t| bucket(t)).chain(pairs).collect();
    buckets.sort_unstable();
    let mut counted: Vec<(u32, f32)> = Vec::new();
    for b in buckets {
        match counted.last_mut() {
            Some((last, n)) if *last == b => *n += 1.0,
            _ => counted.push((b, 1.0)),
        }
    }
    let length = counted.iter().map(|(_, n)| n * n).sum::<f32>().sqrt().max(1e-9);
    counted.iter_mut().for_each(|(_, n)| *n /= length);
    counted
}

/// FNV-1a, folded to the number of buckets.
fn bucket(token: &str) -> u32 {
    let hash = token.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 15)) % BUCKETS as u32
}

/// The cosine of two vectors of length 1; 0 when one is absent.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    dot(a, b)
}
