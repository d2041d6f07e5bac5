//! The networks: masked logistic loss, AdamW, and the same numbers every time.

use std::collections::HashMap;

use anyhow::Result;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, VarBuilder};

use bluf::classify::{
    features::{self, DIM},
    heads::{HIDDEN, Head, Net, Probabilities},
};

use crate::examples::{ByHead, Examples, HEADS};

/// Networks trained apart, each from a seed of its own; the shipped one is their mean.
pub const MEMBERS: usize = 3;
/// Hidden units of one of them.
const UNITS: usize = HIDDEN / MEMBERS;
const SEED: u64 = 20_260_101;
const PASSES: usize = 5;
const ROWS: usize = 256;
const RATE: f64 = 1e-3;
const WEIGHT_DECAY: f64 = 0.05;
/// Share of hidden units dropped in each step.
const DROPOUT: f64 = 0.4;
/// Share of words dropped in each step, so that no head leans on one word.
const WORD_DROPOUT: f64 = 0.2;
/// The rare heads count this much more in the loss, or the common ones would drown them.
const RARE_WEIGHT: f32 = 2.0;
const RARE: [Head; 3] = [Head::Offer, Head::Action, Head::Decision];

/// What training leaves: the tensors of a network by name.
pub struct Learned {
    vars: Vec<(&'static str, Var)>,
    hidden: usize,
}

/// Trains `members` networks on `rows`, one after the other, and lays them side by side.
pub fn train(examples: &Examples, rows: &[usize], members: usize) -> Result<Learned> {
    let members: Result<Vec<Learned>> =
        (0..members as u64).map(|member| train_member(examples, rows, SEED + member)).collect();
    Learned::mean(&members?)
}

fn train_member(examples: &Examples, rows: &[usize], seed: u64) -> Result<Learned> {
    let mut dice = Dice(seed);
    let learned = Learned::new(&mut dice)?;
    let net = learned.net()?;
    let vars = learned.vars.iter().map(|(_, v)| v.clone()).collect();
    let rate = |progress: f64| RATE * (progress / 0.05).min(1.0) * (1.0 - progress).max(0.02);
    let mut adam = AdamW::new(vars, ParamsAdamW { lr: RATE, weight_decay: WEIGHT_DECAY, ..Default::default() })?;
    let mut order: Vec<usize> = rows.iter().flat_map(|&at| std::iter::repeat_n(at, examples.times(at))).collect();
    let steps = PASSES * order.len().div_ceil(ROWS);
    let mut step = 0;
    for pass in 0..PASSES {
        dice.shuffle(&mut order);
        let mut sum = 0.0;
        for rows in order.chunks(ROWS) {
            let batch = examples.batch(rows, |at| {
                examples.bags[at].iter().copied().filter(|_| dice.chance() >= WORD_DROPOUT).collect()
            })?;
            let mask = dice.mask(rows.len(), UNITS, DROPOUT)?;
            let (target, weight) = targets(examples, rows)?;
            let loss = loss(&net.forward(&batch, Some(&mask))?, &target, &weight)?;
            adam.set_learning_rate(rate(step as f64 / steps as f64));
            adam.backward_step(&loss)?;
            sum += f64::from(loss.to_scalar::<f32>()?);
            step += 1;
        }
        eprintln!("pass {} of {PASSES}: loss {:.4}", pass + 1, sum / order.len().div_ceil(ROWS) as f64);
    }
    Ok(learned)
}

/// Labels and their weights, `[rows, heads]` each; an absent label weighs nothing.
fn targets(examples: &Examples, rows: &[usize]) -> Result<(Tensor, Tensor)> {
    let flat = |of: &dyn Fn(Head, Option<bool>) -> f32| -> Result<Tensor> {
        let row = |&at: &usize| Head::ALL.map(|head| of(head, examples.labels[at][head as usize]));
        Ok(Tensor::from_vec(rows.iter().flat_map(row).collect::<Vec<f32>>(), (rows.len(), HEADS), &Device::Cpu)?)
    };
    let target = flat(&|_, label| if label == Some(true) { 1.0 } else { 0.0 })?;
    let weight = flat(&|head, label| match label {
        None => 0.0,
        Some(_) if RARE.contains(&head) => RARE_WEIGHT,
        Some(_) => 1.0,
    })?;
    Ok((target, weight))
}

/// Logistic loss of the known labels, a mean over rows.
fn loss(logits: &Tensor, target: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let each = ((logits.relu()? - (logits * target)?)? + softplus)?;
    Ok(((each * weight)?.sum_all()? / weight.dim(0)? as f64)?)
}

impl Learned {
    fn new(dice: &mut Dice) -> Result<Learned> {
        let mut vars = Vec::new();
        for (name, shape) in Net::shapes(UNITS) {
            let reach = match name {
                "hidden.weight" => (1.0 / DIM as f64).sqrt(),
                "out.weight" => (1.0 / UNITS as f64).sqrt(),
                _ => 0.0,
            };
            let count: usize = shape.iter().product();
            let numbers: Vec<f32> = (0..count).map(|_| ((2.0 * dice.chance() - 1.0) * reach) as f32).collect();
            vars.push((name, Var::from_tensor(&Tensor::from_vec(numbers, shape, &Device::Cpu)?)?));
        }
        Ok(Learned { vars, hidden: UNITS })
    }

    /// One network whose logits are the mean of the members': hidden layers side by side, straight ones averaged.
    fn mean(members: &[Learned]) -> Result<Learned> {
        let share = 1.0 / members.len() as f64;
        let mut vars = Vec::new();
        for (at, (name, _)) in members[0].vars.iter().enumerate() {
            let tensors: Vec<&Tensor> = members.iter().map(|m| m.vars[at].1.as_tensor()).collect();
            let joined = match *name {
                "hidden.weight" | "hidden.bias" => Tensor::cat(&tensors, 0)?,
                "out.weight" => (Tensor::cat(&tensors, 1)? * share)?,
                _ => (Tensor::stack(&tensors, 0)?.sum(0)? * share)?,
            };
            vars.push((*name, Var::from_tensor(&joined)?));
        }
        Ok(Learned { vars, hidden: members.iter().map(|m| m.hidden).sum() })
    }

    fn net(&self) -> Result<Net> {
        let tensors: HashMap<String, Tensor> =
            self.vars.iter().map(|(name, var)| ((*name).to_owned(), var.as_tensor().clone())).collect();
        Ok(Net::new(&VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu), self.hidden)?)
    }

    /// This network with each head's logits times its share, and with straight, word and bias weights added.
    pub fn blended(&self, shares: &ByHead, added: [Tensor; 3]) -> Result<Learned> {
        let shares = Tensor::from_slice(shares, HEADS, &Device::Cpu)?;
        let [straight, bag, bias] = added;
        let mut vars = Vec::new();
        for (name, var) in &self.vars {
            let own = var.as_tensor();
            let tensor = match *name {
                "out.weight" => own.broadcast_mul(&shares.unsqueeze(1)?)?,
                "straight.weight" => (own.broadcast_mul(&shares.unsqueeze(1)?)? + &straight)?,
                "bag.weight" => (own.broadcast_mul(&shares)? + &bag)?,
                "bias" => ((own * &shares)? + &bias)?,
                _ => own.clone(),
            };
            vars.push((*name, Var::from_tensor(&tensor)?));
        }
        Ok(Learned { vars, hidden: self.hidden })
    }

    /// Logits of `rows`, in their order.
    pub fn logits(&self, examples: &Examples, rows: &[usize]) -> Result<Vec<ByHead>> {
        let net = self.net()?;
        let mut all = Vec::with_capacity(rows.len());
        for rows in rows.chunks(1024) {
            let logits = net.forward(&examples.batch(rows, |at| examples.bags[at].clone())?, None)?;
            for row in logits.to_vec2::<f32>()? {
                let mut by_head = [0.0; HEADS];
                by_head.copy_from_slice(&row);
                all.push(by_head);
            }
        }
        Ok(all)
    }

    /// The weights in half precision, behind a header that says what they are for.
    pub fn to_safetensors(&self, thresholds: &Probabilities, encoder_sha256: &str) -> Result<Vec<u8>> {
        let shown: Vec<String> = thresholds.iter().map(|t| format!("{t:.4}")).collect();
        let mut header = serde_json::json!({ "__metadata__": {
            "feature_version": features::VERSION.to_string(),
            "heads": Head::ALL.map(Head::as_str).join(" "),
            "thresholds": shown.join(" "),
            "encoder_sha256": encoder_sha256,
        }});
        let mut data = Vec::new();
        for (name, var) in &self.vars {
            let start = data.len();
            var.as_tensor().to_dtype(DType::F16)?.write_bytes(&mut data)?;
            let place = serde_json::json!({ "dtype": "F16", "shape": var.dims(), "data_offsets": [start, data.len()] });
            header[*name] = place;
        }
        let mut header = serde_json::to_vec(&header)?;
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header);
        bytes.extend(data);
        Ok(bytes)
    }
}

/// SplitMix64: numbers that are the same on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    fn chance(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Zeros for a `dropped` share of `[rows, columns]`, and what keeps the mean for the rest.
    fn mask(&mut self, rows: usize, columns: usize, dropped: f64) -> Result<Tensor> {
        let kept = (1.0 / (1.0 - dropped)) as f32;
        let numbers: Vec<f32> = (0..rows * columns).map(|_| if self.chance() < dropped { 0.0 } else { kept }).collect();
        Ok(Tensor::from_vec(numbers, (rows, columns), &Device::Cpu)?)
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}
