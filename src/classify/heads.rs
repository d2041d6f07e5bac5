//! The trained heads: one small network on a sentence's features, a probability for each thing a sentence may do.

use std::{collections::HashMap, path::PathBuf};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::model::{ModelError, dot};

use super::features::{self, BUCKETS, DENSE, Features, GLOBALS};

/// Units of the shipped hidden layer: three networks of 64, trained apart and laid side by side.
pub const HIDDEN: usize = 192;
/// Sentences in one pass, always as many: how a product is cut up hangs on its size, and a sentence's digits would with it.
const BATCH: usize = 64;
/// Numbers that the first products make of a row: the hidden layer and the straight one.
const FIRST: usize = HIDDEN + Head::ALL.len();
/// A header longer than this is not ours.
const MAX_HEADER_BYTES: usize = 1 << 16;

/// What one output of the network says about a sentence. The order is the order of the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// It asks for action (mail).
    Request,
    /// It suggests something to do (speech).
    Suggest,
    /// The speaker offers or takes on something (speech).
    Offer,
    /// It asks for information, an opinion or a suggestion (speech).
    Elicit,
    /// It informs (speech).
    Inform,
    /// It judges or gives an opinion (speech).
    Assess,
    /// It shows that the other was heard (speech).
    Hear,
    /// It holds the floor or breaks off (speech).
    Stall,
    /// It follows another's question and informs or judges (speech).
    Answer,
    /// People pointed to it as evidence of an action item.
    Action,
    /// People pointed to it as evidence of a decision.
    Decision,
    /// People pointed to it from any part of a summary.
    Salience,
}

impl Head {
    pub const ALL: [Head; 12] = [
        Head::Request,
        Head::Suggest,
        Head::Offer,
        Head::Elicit,
        Head::Inform,
        Head::Assess,
        Head::Hear,
        Head::Stall,
        Head::Answer,
        Head::Action,
        Head::Decision,
        Head::Salience,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Head::Request => "request",
            Head::Suggest => "suggest",
            Head::Offer => "offer",
            Head::Elicit => "elicit",
            Head::Inform => "inform",
            Head::Assess => "assess",
            Head::Hear => "hear",
            Head::Stall => "stall",
            Head::Answer => "answer",
            Head::Action => "action",
            Head::Decision => "decision",
            Head::Salience => "salience",
        }
    }
}

/// A probability for each head, indexed like `Head::ALL`.
pub type Probabilities = [f32; Head::ALL.len()];

/// The network: a hidden layer beside a straight one, and a table of word weights. Shared by training and reading.
pub struct Net {
    /// `[hidden, DENSE]`, `[hidden]`
    hidden: (Tensor, Tensor),
    /// `[heads, hidden]`
    out: Tensor,
    /// `[heads, DENSE]`
    straight: Tensor,
    /// `[BUCKETS, heads]`
    bag: Tensor,
    /// `[heads]`
    bias: Tensor,
}

impl Net {
    /// The tensors by name and shape, in the order of the file; weights of a trained file and of a training run alike.
    pub fn shapes(hidden: usize) -> [(&'static str, Vec<usize>); 6] {
        let heads = Head::ALL.len();
        [
            ("hidden.weight", vec![hidden, DENSE]),
            ("hidden.bias", vec![hidden]),
            ("out.weight", vec![heads, hidden]),
            ("straight.weight", vec![heads, DENSE]),
            ("bag.weight", vec![BUCKETS, heads]),
            ("bias", vec![heads]),
        ]
    }

    /// A network with `hidden` hidden units.
    pub fn new(vars: &VarBuilder<'_>, hidden: usize) -> Result<Net, candle_core::Error> {
        let shapes = Net::shapes(hidden);
        let get = |at: usize| vars.get(shapes[at].1.as_slice(), shapes[at].0);
        Ok(Net { hidden: (get(0)?, get(1)?), out: get(2)?, straight: get(3)?, bag: get(4)?, bias: get(5)? })
    }

    /// Logits `[n, heads]` of `batch`; `mask` (`[n, hidden]`) drops hidden units in training.
    pub fn forward(&self, batch: &Batch, mask: Option<&Tensor>) -> Result<Tensor, candle_core::Error> {
        let mut hidden = batch.dense.matmul(&self.hidden.0.t()?)?.broadcast_add(&self.hidden.1)?.relu()?;
        if let Some(mask) = mask {
            hidden = (hidden * mask)?;
        }
        let (rows, longest) = batch.weights.dims2()?;
        let words = self.bag.index_select(&batch.buckets, 0)?.reshape((rows, longest, Head::ALL.len()))?;
        let words = words.broadcast_mul(&batch.weights.unsqueeze(2)?)?.sum(1)?;
        let straight = batch.dense.matmul(&self.straight.t()?)?;
        (hidden.matmul(&self.out.t()?)? + straight + words)?.broadcast_add(&self.bias)
    }
}

/// Sentences as the network takes them.
pub struct Batch {
    /// `[n, DENSE]`
    pub dense: Tensor,
    /// `[n * longest]`, bags padded with bucket 0
    pub buckets: Tensor,
    /// `[n, longest]`, 0 for padding
    pub weights: Tensor,
}

impl Batch {
    pub fn new(dense: Vec<f32>, bags: &[&[(u32, f32)]]) -> Result<Batch, candle_core::Error> {
        let (rows, longest) = (bags.len(), bags.iter().map(|b| b.len()).max().unwrap_or(0).max(1));
        let mut buckets = vec![0u32; rows * longest];
        let mut weights = vec![0f32; rows * longest];
        for (row, bag) in bags.iter().enumerate() {
            for (i, (bucket, weight)) in bag.iter().enumerate() {
                buckets[row * longest + i] = *bucket;
                weights[row * longest + i] = *weight;
            }
        }
        Ok(Batch {
            dense: Tensor::from_vec(dense, (rows, DENSE), &Device::Cpu)?,
            buckets: Tensor::from_vec(buckets, rows * longest, &Device::Cpu)?,
            weights: Tensor::from_vec(weights, (rows, longest), &Device::Cpu)?,
        })
    }
}

/// What the network makes of a sentence before its place in the whole thread is told: as many numbers as the hidden layer and
/// the straight one have, with what they make of words and their biases.
pub type Local = [f32; FIRST];

/// Heads read from a file, with the thresholds they were given on validation data.
pub struct Heads {
    /// `[DENSE, FIRST]`, zeros where a row has `GLOBALS`.
    first: Tensor,
    /// What `GLOBALS` weigh in the same, one after another.
    globals: [Local; GLOBALS.len()],
    bias: Local,
    /// What the hidden layer weighs, by head.
    out: Vec<Vec<f32>>,
    /// By bucket.
    bag: Vec<Probabilities>,
    thresholds: Probabilities,
    encoder_sha256: String,
}

impl Heads {
    /// Reads a heads file; `name` is for the error.
    ///
    /// # Errors
    /// `BadFile` where the file is not ours or was trained on other features than this program computes.
    pub fn read(bytes: &[u8], name: &str) -> Result<Heads, ModelError> {
        let bad = |why: String| ModelError::BadFile { path: PathBuf::from(name), why };
        let header = metadata(bytes).ok_or_else(|| bad("it has no readable safetensors header".into()))?;
        let field = |key: &str| header.get(key).ok_or_else(|| bad(format!("its header lacks '{key}'")));
        let version = field("feature_version")?;
        if *version != features::VERSION.to_string() {
            let ours = features::VERSION;
            return Err(bad(format!(
                "it was trained on features {version}, and this program computes features {ours}"
            )));
        }
        let names: Vec<&str> = field("heads")?.split(' ').collect();
        if names != Head::ALL.map(Head::as_str) {
            return Err(bad(format!("it has the heads '{}', which are not this program's", names.join(" "))));
        }
        let numbers: Vec<f32> = field("thresholds")?.split(' ').filter_map(|n| n.parse().ok()).collect();
        let thresholds = numbers.try_into().map_err(|_| bad("its thresholds are not one number a head".into()))?;
        let encoder_sha256 = field("encoder_sha256")?.clone();
        let vars =
            VarBuilder::from_slice_safetensors(bytes, DType::F32, &Device::Cpu).map_err(|e| bad(e.to_string()))?;
        let net = Net::new(&vars, HIDDEN).map_err(|e| bad(e.to_string()))?;
        Heads::of(&net, thresholds, encoder_sha256).map_err(|e| bad(e.to_string()))
    }

    fn of(net: &Net, thresholds: Probabilities, encoder_sha256: String) -> Result<Heads, candle_core::Error> {
        let mut first = Tensor::cat(&[&net.hidden.0, &net.straight], 0)?.t()?.contiguous()?.to_vec2::<f32>()?;
        let mut globals = [[0.0; FIRST]; GLOBALS.len()];
        for (weights, at) in globals.iter_mut().zip(GLOBALS) {
            weights.copy_from_slice(&first[at]);
            first[at].fill(0.0);
        }
        let mut bias = [0.0; FIRST];
        bias.copy_from_slice(&Tensor::cat(&[&net.hidden.1, &net.bias], 0)?.to_vec1::<f32>()?);
        let (out, bag) = (net.out.to_vec2::<f32>()?, net.bag.to_vec2::<f32>()?);
        let bag = bag.iter().map(|row| std::array::from_fn(|head| row[head])).collect();
        let first = Tensor::from_vec(first.concat(), (DENSE, FIRST), &Device::Cpu)?;
        Ok(Heads { first, globals, bias, out, bag, thresholds, encoder_sha256 })
    }

    /// The sha256 of the encoder weights that these heads were trained on.
    pub fn encoder_sha256(&self) -> &str {
        &self.encoder_sha256
    }

    /// The probability from which a head speaks up, indexed like `Head::ALL`.
    pub fn thresholds(&self) -> &Probabilities {
        &self.thresholds
    }

    /// What the network makes of each of the sentences `wanted`, but for its place in the whole thread. A sentence's numbers do
    /// not depend on the others that are wanted.
    pub fn locals<V: AsRef<[f32]>>(
        &self,
        features: &Features<'_, V>,
        wanted: &[usize],
    ) -> Result<Vec<Local>, ModelError> {
        let mut all = Vec::with_capacity(wanted.len());
        for batch in wanted.chunks(BATCH) {
            let mut dense = vec![0.0; BATCH * DENSE];
            for (&at, row) in batch.iter().zip(dense.chunks_exact_mut(DENSE)) {
                features.dense(at, row);
            }
            let made = Tensor::from_vec(dense, (BATCH, DENSE), &Device::Cpu)?.matmul(&self.first)?.to_vec2::<f32>()?;
            for (&at, row) in batch.iter().zip(&made) {
                let mut local: Local = std::array::from_fn(|n| row[n] + self.bias[n]);
                for (bucket, weight) in features.bag(at) {
                    let words = &self.bag[bucket as usize];
                    local[HIDDEN..].iter_mut().zip(words).for_each(|(sum, x)| *sum += weight * x);
                }
                all.push(local);
            }
        }
        Ok(all)
    }

    /// The probabilities of a sentence whose place in the whole thread is `globals`.
    pub fn probabilities(&self, local: &Local, globals: [f32; GLOBALS.len()]) -> Probabilities {
        let mut sums = *local;
        for (weights, x) in self.globals.iter().zip(globals).filter(|(_, x)| *x != 0.0) {
            sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += x * w);
        }
        let (hidden, straight) = sums.split_at_mut(HIDDEN);
        hidden.iter_mut().for_each(|unit| *unit = unit.max(0.0));
        std::array::from_fn(|head| {
            let logit = straight[head] + dot(hidden, &self.out[head]);
            1.0 / (1.0 + (-logit).exp())
        })
    }
}

/// The `__metadata__` of a safetensors header.
fn metadata(bytes: &[u8]) -> Option<HashMap<String, String>> {
    #[derive(serde::Deserialize)]
    struct Header {
        #[serde(rename = "__metadata__")]
        metadata: HashMap<String, String>,
    }
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|n| *n <= MAX_HEADER_BYTES)?;
    serde_json::from_slice::<Header>(bytes.get(8..8 + length)?).ok().map(|h| h.metadata)
}
