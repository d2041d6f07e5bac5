//! What a head sees of a sentence: its vector and its neighbours', its cues and theirs, its words hashed, its place.

use crate::{domain::Kind, model::dot};

use super::cues::{CUES, Cues};

/// Changes whenever a number below means something else; heads trained on another version are refused.
pub const VERSION: u32 = 1;
/// Numbers in a sentence vector.
pub const DIM: usize = 384;
/// Numbers in one dense row.
pub const DENSE: usize = 4 * DIM + 3 * CUES + PLACES;
/// Rows of the table that words are hashed into.
pub const BUCKETS: usize = 1 << 15;

/// The texts of the sentences around one, by number from 1, 0 where there is none; then who and what they share with it.
pub type Surroundings = [u32; 2 * AROUND + 2];

/// Sentences on either side that belong to the exchange a sentence is part of.
const NEAR: usize = 2;
/// Sentences on either side that belong to its topic.
const AROUND: usize = 8;
/// Numbers about length, place, speaker and kind.
const PLACES: usize = 20;
/// Vectors of length 1 have entries near 1/sqrt(384); this brings them near 1, like everything else in a row.
const SCALE: f32 = 16.0;
/// Words of a sentence that go into its bag.
const MAX_WORDS: usize = 60;
/// A sentence of this many words has full weight in the mean of its surroundings; "mm-hmm" has little.
const FULL_WEIGHT_WORDS: usize = 10;

/// One sentence as the features see it.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub text: &'a str,
    pub author: Option<&'a str>,
    /// Which message of the thread it is in.
    pub message: usize,
}

/// The numbers of a row that hang on the whole thread; all others hang on the sentences within `AROUND`.
pub const GLOBALS: [usize; 5] = [PLACE + 2, PLACE + 3, PLACE + 4, PLACE + 5, PLACE + 13];
/// Where the numbers about length and place begin.
const PLACE: usize = 4 * DIM + 3 * CUES;

/// The sentences of one thread in order, with their vectors, ready to be turned into rows.
pub struct Features<'a, V> {
    lines: &'a [Line<'a>],
    vectors: &'a [V],
    cues: &'a [Cues],
    kind: Kind,
    words: Vec<usize>,
    /// The mean vector of the thread, not normalized.
    middle: Vec<f32>,
}

impl<'a, V: AsRef<[f32]>> Features<'a, V> {
    /// `lines`, `vectors` (each `[DIM]`) and `cues` go together by position.
    pub fn new(lines: &'a [Line<'a>], vectors: &'a [V], cues: &'a [Cues], kind: Kind) -> Features<'a, V> {
        let words = lines.iter().map(|l| l.text.split_whitespace().count()).collect();
        Features::counted(lines, vectors, cues, words, kind)
    }

    /// The same where the words of each line have been counted.
    pub fn counted(
        lines: &'a [Line<'a>],
        vectors: &'a [V],
        cues: &'a [Cues],
        words: Vec<usize>,
        kind: Kind,
    ) -> Features<'a, V> {
        let mut features = Features { lines, vectors, cues, kind, words, middle: vec![0.0; DIM] };
        let mut middle = vec![0.0; DIM];
        features.add_mean(0..lines.len(), usize::MAX, &mut middle);
        features.middle = middle;
        features
    }

    /// Writes sentence `at` into `row`, `[DENSE]`.
    pub fn dense(&self, at: usize, row: &mut [f32]) {
        row.fill(0.0);
        let count = self.lines.len();
        let (near, around) = (at.saturating_sub(NEAR), at.saturating_sub(AROUND));
        let (after, beyond) = (count.min(at + 1 + NEAR), count.min(at + 1 + AROUND));
        let (own, rest) = row.split_at_mut(DIM);
        let (before_it, rest) = rest.split_at_mut(DIM);
        let (after_it, rest) = rest.split_at_mut(DIM);
        let (around_it, rest) = rest.split_at_mut(DIM);
        own.copy_from_slice(self.vectors[at].as_ref());
        self.add_mean(near..at, at, before_it);
        self.add_mean(at + 1..after, at, after_it);
        self.add_mean(around..beyond, at, around_it);
        let likeness =
            [cosine(own, before_it), cosine(own, after_it), cosine(own, around_it), cosine(own, &self.middle)];
        for number in own.iter_mut().chain(before_it).chain(after_it).chain(around_it) {
            *number *= SCALE;
        }
        let (cues, places) = rest.split_at_mut(3 * CUES);
        self.flag(at..at + 1, &mut cues[..CUES]);
        self.flag(near..at, &mut cues[CUES..2 * CUES]);
        self.flag(at + 1..beyond.min(at + 1 + 2 * NEAR), &mut cues[2 * CUES..]);
        self.place(at, likeness, places);
    }

    /// The numbers of sentence `at` that hang on the whole thread, in the order of `GLOBALS`; `likeness` is its own.
    pub fn globals(&self, at: usize, likeness: f32) -> [f32; GLOBALS.len()] {
        let [share, early, ending, late] = shares(at, self.lines.len());
        [share, early, ending, late, likeness]
    }

    /// How like sentence `at` is to the whole thread.
    pub fn likeness(&self, at: usize) -> f32 {
        cosine(self.vectors[at].as_ref(), &self.middle)
    }

    /// What the numbers of sentence `at` other than `globals` are made of: sentences with the same surroundings have the
    /// same. `number` tells texts apart.
    pub fn surroundings(&self, at: usize, number: impl Fn(usize) -> u32) -> Surroundings {
        let mut around = [0; 2 * AROUND + 2];
        for (into, other) in around.iter_mut().zip(at as isize - AROUND as isize..=(at + AROUND) as isize) {
            let there = usize::try_from(other).ok().filter(|other| *other < self.lines.len());
            *into = there.map_or(0, |other| 1 + number(other));
        }
        let beside = self.beside(at).into_iter().fold(0, |bits, same| bits << 1 | u32::from(same));
        around[2 * AROUND + 1] = beside;
        around
    }

    /// The hashed words of sentence `at`: `(bucket, weight)`, the weights' squares summing to 1.
    pub fn bag(&self, at: usize) -> Vec<(u32, f32)> {
        let mut buckets = Vec::new();
        let words = tokens(self.lines[at].text);
        for (i, word) in words.iter().enumerate() {
            buckets.push(bucket(&["w", word]));
            let next = words.get(i + 1).map_or("$", String::as_str);
            buckets.push(bucket(&["b", word, next]));
            if i == 0 {
                buckets.push(bucket(&["f", word]));
                buckets.push(bucket(&["g", word, next, words.get(i + 2).map_or("$", String::as_str)]));
            }
        }
        buckets.sort_unstable();
        buckets.dedup();
        let weight = 1.0 / (buckets.len().max(1) as f32).sqrt();
        buckets.into_iter().map(|b| (b, weight)).collect()
    }

    /// Adds the mean vector of `range` without `except`, long sentences weighing more.
    fn add_mean(&self, range: std::ops::Range<usize>, except: usize, sum: &mut [f32]) {
        let mut total = 0.0;
        for at in range.filter(|at| *at != except) {
            let weight = self.words[at].clamp(1, FULL_WEIGHT_WORDS) as f32;
            total += weight;
            for (into, number) in sum.iter_mut().zip(self.vectors[at].as_ref()) {
                *into += weight * number;
            }
        }
        if total > 0.0 {
            sum.iter_mut().for_each(|n| *n /= total);
        }
    }

    /// Sets the cues that any sentence of `range` has.
    fn flag(&self, range: std::ops::Range<usize>, into: &mut [f32]) {
        for at in range {
            for (into, has) in into.iter_mut().zip(self.cues[at].flags()) {
                *into = into.max(f32::from(u8::from(*has)));
            }
        }
    }

    /// Whether the sentence before, and that after, is by the same author; and whether they are in the same message.
    fn beside(&self, at: usize) -> [bool; 4] {
        let here = &self.lines[at];
        let same = |other: Option<&Line<'_>>| other.is_some_and(|l| l.author == here.author);
        let joined = |other: Option<&Line<'_>>| other.is_some_and(|l| l.message == here.message);
        let (before, after) = (at.checked_sub(1).and_then(|b| self.lines.get(b)), self.lines.get(at + 1));
        [same(before), same(after), joined(before), joined(after)]
    }

    fn place(&self, at: usize, likeness: [f32; 4], into: &mut [f32]) {
        let words = self.words[at] as f32;
        let [share, early, ending, late] = shares(at, self.lines.len());
        let [same_before, same_after, joined_before, joined_after] =
            self.beside(at).map(|same| f32::from(u8::from(same)));
        let numbers = [
            (1.0 + words).ln() - 2.0,
            if words <= 2.0 { 1.0 } else { 0.0 },
            share,
            early,
            ending,
            late,
            same_before,
            same_after,
            joined_before,
            joined_after,
            likeness[0],
            likeness[1],
            likeness[2],
            likeness[3],
        ];
        into[..numbers.len()].copy_from_slice(&numbers);
        into[numbers.len() + self.kind as usize] = 1.0;
    }
}

/// How far into the thread a sentence stands, and whether that is at its beginning, at its end, late in it.
fn shares(at: usize, count: usize) -> [f32; 4] {
    let share = (at as f32 + 0.5) / count as f32;
    let truth = |yes: bool| f32::from(u8::from(yes));
    [share, truth(share < 0.05), truth(share > 0.95), truth(share > 0.85)]
}

/// Cosine of two vectors, 0 where one of them is empty of direction.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

/// Lower-case words, numbers as `0`, and the marks that carry meaning.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut open = false;
    for c in text.chars() {
        let inside = c.is_alphanumeric() || matches!(c, '\'' | '’');
        match (inside, tokens.last_mut().filter(|_| open)) {
            (true, Some(word)) => word.extend(c.to_lowercase()),
            (true, None) => tokens.push(c.to_lowercase().collect()),
            (false, _) if matches!(c, '?' | '!' | ':' | '@' | '$' | '#') => tokens.push(c.to_string()),
            _ => {}
        }
        open = inside;
        if tokens.len() > MAX_WORDS {
            break;
        }
    }
    for token in &mut tokens {
        if token.bytes().all(|b| b.is_ascii_digit()) {
            *token = "0".to_owned();
        }
    }
    tokens.truncate(MAX_WORDS);
    tokens
}

/// FNV-1a over the parts: small, the same everywhere, and good enough to spread words.
fn bucket(parts: &[&str]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    ((hash ^ (hash >> 32)) % BUCKETS as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(text: &'a str, author: &'a str) -> Line<'a> {
        Line { text, author: Some(author), message: 0 }
    }

    #[test]
    fn rows_are_finite_for_any_neighbourhood() {
        for texts in [vec![""], vec!["Yes."], vec!["Can you?", "mm", "I'll do it by noon."]] {
            let lines: Vec<Line<'_>> = texts.iter().map(|t| line(t, "Ana")).collect();
            let vectors: Vec<Vec<f32>> = texts.iter().map(|t| vec![t.len() as f32 / 100.0; DIM]).collect();
            let cues: Vec<Cues> = texts.iter().map(|t| Cues::of(t)).collect();
            let features = Features::new(&lines, &vectors, &cues, Kind::Chat);
            let mut row = vec![f32::NAN; DENSE];
            for at in 0..lines.len() {
                features.dense(at, &mut row);
                assert!(row.iter().all(|n| n.is_finite()));
                assert!(features.bag(at).iter().all(|(b, w)| (*b as usize) < BUCKETS && *w > 0.0));
            }
        }
    }

    #[test]
    fn words_are_lower_case_and_numbers_alike() {
        assert_eq!(tokens("Don't send 14 of #3!"), ["don't", "send", "0", "of", "#", "0", "!"]);
        assert_eq!(tokens("   "), Vec::<String>::new());
    }
}
