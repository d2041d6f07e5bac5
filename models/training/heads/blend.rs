//! Two voices for each head, the networks' and the linear one's, and how far each is believed: as far as it was right
//! on sentences that it was not trained on.

use anyhow::Result;
use candle_core::{Device, Tensor};

use crate::{
    corpus::SIXTHS,
    examples::{ByHead, Examples, HEADS},
    learn::{self, Learned, MEMBERS},
    linear,
};

/// Newton steps; three numbers need few.
const STEPS: usize = 30;
/// Keeps beliefs finite where a voice is always right.
const RIDGE: f64 = 1e-2;

/// What was said of a sentence by models that were not trained on it: logits, and the probability they make together.
pub struct Held {
    pub at: usize,
    pub net: ByHead,
    pub linear: ByHead,
    pub both: ByHead,
}

/// How far the network and the linear voice are believed, and the bias.
type Belief = [f64; 3];

/// Trains without one sixth after the other, and lets the models speak about the sixth they have not seen.
pub fn held_out(examples: &Examples) -> Result<Vec<Held>> {
    let mut held = Vec::new();
    for out in 0..SIXTHS {
        let rows = examples.training(|sixth| sixth != out);
        let unseen = examples.training(|sixth| sixth == out);
        let net = learn::train(examples, &rows, 1)?.logits(examples, &unseen)?;
        let linear = linear::fit(examples, &rows)?.logits(examples, &unseen)?;
        let both = [0.0; HEADS];
        held.extend(unseen.iter().zip(net).zip(linear).map(|((&at, net), linear)| Held { at, net, linear, both }));
        eprintln!("held out {} of {SIXTHS}", out + 1);
    }
    let beliefs = beliefs(examples, &held);
    for held in &mut held {
        for (head, [net, linear, bias]) in beliefs.iter().enumerate() {
            let logit = net * f64::from(held.net[head]) + linear * f64::from(held.linear[head]) + bias;
            held.both[head] = sigmoid(logit as f32);
        }
    }
    Ok(held)
}

/// Trains both voices on the whole training part, and makes one network of them.
pub fn train(examples: &Examples, held: &[Held]) -> Result<Learned> {
    let beliefs = beliefs(examples, held);
    let rows = examples.training(|_| true);
    let net = learn::train(examples, &rows, MEMBERS)?;
    let [straight, bag, bias] = linear::fit(examples, &rows)?.tensors()?;
    let column = |which: usize| -> Result<Tensor> {
        let numbers: Vec<f32> = beliefs.iter().map(|belief| belief[which] as f32).collect();
        Ok(Tensor::from_vec(numbers, HEADS, &Device::Cpu)?)
    };
    let (shares, linear) = (beliefs.map(|belief| belief[0] as f32), column(1)?);
    let straight = straight.broadcast_mul(&linear.unsqueeze(1)?)?;
    let bias = ((bias * &linear)? + column(2)?)?;
    net.blended(&shares, [straight, bag.broadcast_mul(&linear)?, bias])
}

pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

fn beliefs(examples: &Examples, held: &[Held]) -> [Belief; HEADS] {
    std::array::from_fn(|head| {
        let said = |h: &Held| {
            let is = examples.labels[h.at][head]?;
            Some(([f64::from(h.net[head]), f64::from(h.linear[head]), 1.0], is))
        };
        let points: Vec<([f64; 3], bool)> = held.iter().filter_map(said).collect();
        let belief = logistic(&points, [true; 3]);
        // A voice that would be believed backwards is not heard.
        match belief {
            [net, ..] if net < 0.0 => logistic(&points, [false, true, true]),
            [_, linear, _] if linear < 0.0 => logistic(&points, [true, false, true]),
            belief => belief,
        }
    })
}

/// Logistic regression by Newton's method on the inputs that are `used`.
fn logistic(points: &[([f64; 3], bool)], used: [bool; 3]) -> Belief {
    let mut belief = [0.0; 3];
    for _ in 0..STEPS {
        let mut slope = belief.map(|b| -RIDGE * b);
        let mut bend = [[0.0; 3]; 3];
        for (x, is) in points {
            let chance = 1.0 / (1.0 + (-dot(x, &belief)).exp());
            for i in (0..3).filter(|&i| used[i]) {
                slope[i] += x[i] * (f64::from(u8::from(*is)) - chance);
                for j in (0..3).filter(|&j| used[j]) {
                    bend[i][j] += x[i] * x[j] * chance * (1.0 - chance);
                }
            }
        }
        for (i, row) in bend.iter_mut().enumerate() {
            row[i] += RIDGE;
        }
        let step = solved(bend, slope);
        belief.iter_mut().zip(step).for_each(|(b, s)| *b += s);
    }
    belief
}

/// Solves a symmetric positive system by elimination.
fn solved(mut rows: [[f64; 3]; 3], mut right: [f64; 3]) -> [f64; 3] {
    for pivot in 0..3 {
        let (row, of) = (rows[pivot], right[pivot]);
        for below in pivot + 1..3 {
            let times = rows[below][pivot] / row[pivot];
            rows[below].iter_mut().zip(row).for_each(|(n, p)| *n -= times * p);
            right[below] -= times * of;
        }
    }
    let mut found = [0.0; 3];
    for at in (0..3).rev() {
        found[at] = (right[at] - dot(&rows[at], &found)) / rows[at][at];
    }
    found
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
