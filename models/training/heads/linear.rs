//! A linear reading of each head, trained until it no longer improves: rare heads are learned from few telling words.
//!
//! Class-balanced logistic regression by L-BFGS. The heads are independent and descend side by side, because a look at
//! the data costs little more for all of them than for one.

use std::collections::VecDeque;

use anyhow::Result;
use candle_core::{Device, Tensor};

use bluf::classify::features::{BUCKETS, DENSE};

use crate::examples::{ByHead, Examples, HEADS};

/// Dense numbers, words, and one for the bias.
const INPUTS: usize = DENSE + BUCKETS + 1;
/// How far a weight may go, as a variance: a dense number's, then a word's.
const REACH: [f32; 2] = [5e-4, 1.0];
/// Looks at the data.
const LOOKS: usize = 60;
/// Steps that the descent remembers.
const MEMORY: usize = 8;
/// A step has to bring this share of what the slope promises.
const ENOUGH: f64 = 1e-4;
/// A stride below this is lost in rounding.
const SHORTEST: f64 = 1e-6;
/// Rows multiplied at once.
const ROWS: usize = 4096;

/// Weights `[INPUTS, HEADS]`.
pub struct Linear(Vec<f32>);

/// The rows and how much each counts for each head.
struct Problem<'a> {
    examples: &'a Examples,
    chunks: Vec<(Vec<usize>, Tensor)>,
    /// By row: 0 where the label is unknown.
    weights: Vec<ByHead>,
}

/// One head's way down.
struct Descent {
    here: Vec<f32>,
    loss: f64,
    slope: Vec<f32>,
    direction: Vec<f32>,
    stride: f64,
    /// Steps, the changes of slope over them, and the products of the two.
    past: VecDeque<(Vec<f32>, Vec<f32>, f64)>,
}

/// Fits every head on `rows`.
pub fn fit(examples: &Examples, rows: &[usize]) -> Result<Linear> {
    let problem = Problem::new(examples, rows)?;
    let origin = vec![vec![0.0; INPUTS]; HEADS];
    let mut paths: Vec<Descent> =
        problem.look(&origin)?.into_iter().map(|(loss, slope)| Descent::new(loss, slope)).collect();
    for _ in 0..LOOKS {
        let ahead: Vec<Vec<f32>> = paths.iter().map(Descent::ahead).collect();
        for ((path, there), (loss, slope)) in paths.iter_mut().zip(&ahead).zip(problem.look(&ahead)?) {
            path.judge(there, loss, slope);
        }
    }
    let found: Vec<Vec<f32>> = paths.into_iter().map(|p| p.here).collect();
    Ok(Linear(scaled(&found)))
}

impl Linear {
    /// Logits of `rows`, in their order.
    pub fn logits(&self, examples: &Examples, rows: &[usize]) -> Result<Vec<ByHead>> {
        let mut all = Vec::with_capacity(rows.len());
        for rows in rows.chunks(ROWS) {
            let dense = Tensor::from_vec(examples.dense(rows), (rows.len(), DENSE), &Device::Cpu)?;
            all.extend(logits(&self.0, examples, rows, &dense)?);
        }
        Ok(all)
    }

    /// The weights as the network names them: straight, bag, bias.
    pub fn tensors(&self) -> Result<[Tensor; 3]> {
        let tensor = |from: usize, rows: usize| {
            Tensor::from_slice(&self.0[from * HEADS..(from + rows) * HEADS], (rows, HEADS), &Device::Cpu)
        };
        Ok([tensor(0, DENSE)?.t()?.contiguous()?, tensor(DENSE, BUCKETS)?, tensor(INPUTS - 1, 1)?.squeeze(0)?])
    }
}

impl<'a> Problem<'a> {
    fn new(examples: &'a Examples, rows: &[usize]) -> Result<Problem<'a>> {
        let mut chunks = Vec::new();
        for rows in rows.chunks(ROWS) {
            let dense = Tensor::from_vec(examples.dense(rows), (rows.len(), DENSE), &Device::Cpu)?;
            chunks.push((rows.to_vec(), dense));
        }
        Ok(Problem { examples, chunks, weights: balanced(examples, rows) })
    }

    /// The loss and its slope for each head at the point it is at.
    fn look(&self, points: &[Vec<f32>]) -> Result<Vec<(f64, Vec<f32>)>> {
        let numbers = scaled(points);
        let mut losses = [0f64; HEADS];
        let mut slopes = vec![0f32; INPUTS * HEADS];
        let mut weights = self.weights.iter();
        for (rows, dense) in &self.chunks {
            let mut errors = Vec::with_capacity(rows.len() * HEADS);
            let by_row = logits(&numbers, self.examples, rows, dense)?;
            for ((&at, logits), weight) in rows.iter().zip(&by_row).zip(&mut weights) {
                for head in 0..HEADS {
                    let is = self.examples.labels[at][head] == Some(true);
                    let (loss, error) = logistic(logits[head], is);
                    losses[head] += f64::from(weight[head]) * loss;
                    errors.push(weight[head] * error);
                }
            }
            self.add_words(rows, &errors, &mut slopes[DENSE * HEADS..]);
            let errors = Tensor::from_vec(errors, (rows.len(), HEADS), &Device::Cpu)?;
            let straight = dense.t()?.matmul(&errors)?.flatten_all()?.to_vec1::<f32>()?;
            slopes.iter_mut().zip(straight).for_each(|(into, n)| *into += n);
        }
        let one = |(head, point): (usize, &Vec<f32>)| {
            let mut slope: Vec<f32> = (0..INPUTS).map(|i| slopes[i * HEADS + head] * reach(i)).collect();
            let free = INPUTS - 1;
            slope[..free].iter_mut().zip(point).for_each(|(s, p)| *s += p);
            (losses[head] + 0.5 * dot(&point[..free], &point[..free]), slope)
        };
        Ok(points.iter().enumerate().map(one).collect())
    }

    /// Adds the slopes of words and bias, `[BUCKETS + 1, HEADS]`.
    fn add_words(&self, rows: &[usize], errors: &[f32], slopes: &mut [f32]) {
        for (&at, errors) in rows.iter().zip(errors.chunks_exact(HEADS)) {
            for &(bucket, weight) in self.examples.bags[at].iter().chain([&(BUCKETS as u32, 1.0)]) {
                let into = &mut slopes[bucket as usize * HEADS..][..HEADS];
                into.iter_mut().zip(errors).for_each(|(into, error)| *into += weight * error);
            }
        }
    }
}

impl Descent {
    fn new(loss: f64, slope: Vec<f32>) -> Descent {
        let stride = 1.0 / dot(&slope, &slope).sqrt().max(1.0);
        let direction = slope.iter().map(|n| -n).collect();
        Descent { here: vec![0.0; slope.len()], loss, slope, direction, stride, past: VecDeque::new() }
    }

    /// Where to look next.
    fn ahead(&self) -> Vec<f32> {
        self.here.iter().zip(&self.direction).map(|(h, d)| h + self.stride as f32 * d).collect()
    }

    /// Goes there if it is lower, and otherwise looks nearer.
    fn judge(&mut self, there: &[f32], loss: f64, slope: Vec<f32>) {
        if self.stride < SHORTEST {
            return;
        }
        if loss > self.loss + ENOUGH * self.stride * dot(&self.slope, &self.direction) {
            self.stride *= 0.5;
            return;
        }
        let step: Vec<f32> = there.iter().zip(&self.here).map(|(t, h)| t - h).collect();
        let bend: Vec<f32> = slope.iter().zip(&self.slope).map(|(t, h)| t - h).collect();
        let product = dot(&step, &bend);
        if product > 0.0 {
            self.past.push_back((step, bend, product));
        }
        if self.past.len() > MEMORY {
            self.past.pop_front();
        }
        (self.here, self.loss, self.slope, self.stride) = (there.to_vec(), loss, slope, 1.0);
        self.direction = self.turned();
    }

    /// The way down, by what past steps said of the curvature.
    fn turned(&self) -> Vec<f32> {
        let mut way: Vec<f32> = self.slope.iter().map(|n| -n).collect();
        let mut shares = Vec::with_capacity(self.past.len());
        for (step, bend, product) in self.past.iter().rev() {
            let share = dot(step, &way) / product;
            add(&mut way, bend, -share);
            shares.push(share);
        }
        if let Some((_, bend, product)) = self.past.back() {
            let scale = (product / dot(bend, bend)) as f32;
            way.iter_mut().for_each(|n| *n *= scale);
        }
        for ((step, bend, product), share) in self.past.iter().zip(shares.into_iter().rev()) {
            let too_much = dot(bend, &way) / product;
            add(&mut way, step, share - too_much);
        }
        way
    }
}

/// What each row counts for each head, so that both answers count alike and the rows keep their number.
fn balanced(examples: &Examples, rows: &[usize]) -> Vec<ByHead> {
    let mut counts = [[0usize; HEADS]; 2];
    let known = |at: usize| examples.labels[at].into_iter().enumerate().filter_map(|(head, is)| Some((head, is?)));
    for &at in rows {
        for (head, is) in known(at) {
            counts[usize::from(is)][head] += examples.times(at);
        }
    }
    let weights = |&at: &usize| {
        let mut weights = [0.0; HEADS];
        for (head, is) in known(at) {
            let all = counts[0][head] + counts[1][head];
            weights[head] = (examples.times(at) * all) as f32 / (2 * counts[usize::from(is)][head]) as f32;
        }
        weights
    };
    rows.iter().map(weights).collect()
}

/// Logits of `rows`, whose dense numbers are `dense`, under weights `[INPUTS, HEADS]`.
fn logits(numbers: &[f32], examples: &Examples, rows: &[usize], dense: &Tensor) -> Result<Vec<ByHead>> {
    let straight = Tensor::from_slice(&numbers[..DENSE * HEADS], (DENSE, HEADS), &Device::Cpu)?;
    let straight = dense.matmul(&straight)?.flatten_all()?.to_vec1::<f32>()?;
    let (words, bias) = numbers[DENSE * HEADS..].split_at(BUCKETS * HEADS);
    let one = |(&at, straight): (&usize, &[f32])| {
        let mut sums = [0.0; HEADS];
        sums.iter_mut().zip(straight).zip(bias).for_each(|((sum, s), b)| *sum = s + b);
        for &(bucket, weight) in &examples.bags[at] {
            let words = &words[bucket as usize * HEADS..][..HEADS];
            sums.iter_mut().zip(words).for_each(|(sum, word)| *sum += weight * word);
        }
        sums
    };
    Ok(rows.iter().zip(straight.chunks_exact(HEADS)).map(one).collect())
}

/// The points of the heads side by side, `[INPUTS, HEADS]`, and as weights.
fn scaled(points: &[Vec<f32>]) -> Vec<f32> {
    (0..INPUTS).flat_map(|i| points.iter().map(move |point| point[i] * reach(i))).collect()
}

/// The descent goes as far in a number that it may use freely as in one that it may not; this is the difference.
fn reach(input: usize) -> f32 {
    REACH[usize::from(input >= DENSE)].sqrt()
}

/// The logistic loss and its slope.
fn logistic(logit: f32, is: bool) -> (f64, f32) {
    let wrong = if is { -logit } else { logit };
    let loss = f64::from(wrong.max(0.0)) + f64::from((-wrong.abs()).exp()).ln_1p();
    let chance = 1.0 / (1.0 + (-logit).exp());
    (loss, chance - f32::from(u8::from(is)))
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn add(into: &mut [f32], what: &[f32], times: f64) {
    into.iter_mut().zip(what).for_each(|(into, n)| *into += times as f32 * n);
}
