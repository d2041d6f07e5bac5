//! Decoders on our kernels: pre-norm blocks of grouped-query attention and a gated feed-forward layer, as llama has them.
//!
//! Shapes: `d` embedding width, `m` rows (new tokens of all sequences together), `h` query heads, `k` key-value heads,
//! `e` head width. What sets one family apart from another is in `Family`, one file each.

use std::sync::Arc;

use super::{
    adapter::{Adapted, Through},
    family::Family,
    sequence::{Cache, Sequence, Step},
};
use crate::model::{
    ModelError,
    gguf::{Gguf, Raw},
    kernel::{Attention, Balance, Cpu, Finish, Heads, LayerCache, Matrix, Norm, Projected, Rotary, Rows, Span, Turn},
};

/// A decoder with its weights. Sequences, with their keys and values, belong to the caller.
pub struct Decoder {
    cpu: Arc<Cpu>,
    embedding: Matrix,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// The embedding table again where the file has no other.
    head: Option<Matrix>,
    heads: Heads,
    rotary: Rotary,
    width: usize,
    epsilon: f32,
    context_tokens: usize,
    scratch: Scratch,
}

struct Layer {
    attention_norm: Vec<f32>,
    query: Adapted,
    key: Adapted,
    value: Adapted,
    /// Where keys have a bias.
    balance: Option<Balance>,
    /// Weights of the norm that each head of queries and of keys goes through, where the family has one.
    head_norms: Option<[Vec<f32>; 2]>,
    output: Adapted,
    feed_forward_norm: Vec<f32>,
    gate_and_up: GateAndUp,
    down: Adapted,
}

enum GateAndUp {
    Together(Matrix),
    /// Of two formats, as some mixed quantizations have them.
    Apart(Matrix, Matrix),
}

/// What every layer of a pass needs.
#[derive(Clone, Copy)]
struct Pass<'a> {
    cpu: &'a Cpu,
    heads: Heads,
    rotary: &'a Rotary,
    epsilon: f32,
    /// Embedding width.
    width: usize,
}

/// Buffers of a step, kept for the next.
#[derive(Default)]
struct Scratch {
    x: Vec<f32>,
    rows: Rows,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    attended: Vec<f32>,
    hidden: Vec<f32>,
    gate: Vec<f32>,
    through: Through,
    attention: Attention,
}

/// Rows of logits that are made at one time.
const LOGIT_ROWS: usize = 64;

impl Decoder {
    /// # Errors
    /// `BadFile` when the file is of another architecture, lacks a tensor, or has weights that no kernel reads.
    pub fn load(gguf: &mut Gguf, cpu: Arc<Cpu>) -> Result<Decoder, ModelError> {
        let family = Family::of(gguf)?;
        let (heads, width) = (family.heads, family.width);
        let embedding = load(gguf, &cpu, "token_embd.weight", None, &|row| row)?;
        let head = match gguf.has_tensor("output.weight") {
            true => Some(load(gguf, &cpu, "output.weight", None, &|row| row)?),
            false => None,
        };
        let layers = (0..family.layers).map(|n| Layer::load(gguf, &cpu, n, &family)).collect::<Result<_, _>>()?;
        Ok(Decoder {
            embedding,
            layers,
            norm: floats(gguf, "output_norm.weight", width)?,
            head,
            heads,
            rotary: Rotary::new(family.rates(gguf)?),
            width,
            epsilon: family.epsilon,
            context_tokens: family.context_tokens,
            scratch: Scratch::default(),
            cpu,
        })
    }

    pub fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    /// Tokens that there are.
    pub fn vocabulary(&self) -> usize {
        self.embedding.columns()
    }

    /// A sequence that holds nothing yet.
    pub fn begin(&self) -> Sequence {
        Sequence { seen: 0, cache: Cache::Kernel(self.heads, vec![LayerCache::default(); self.layers.len()]) }
    }

    /// Reads the tokens of every step after what its sequence holds; all in one pass over the weights. `false` when
    /// `stop`, asked before each layer, ended it: then no sequence has moved.
    ///
    /// # Panics
    /// When a sequence is another decoder's.
    pub fn read(&mut self, steps: &mut [Step<'_>], stop: &dyn Fn() -> bool) -> Result<bool, ModelError> {
        let (d, heads) = (self.width, self.heads);
        let rows: usize = steps.iter().map(|s| s.tokens.len()).sum();
        let last = steps.iter().map(|s| s.sequence.seen + s.tokens.len()).max().unwrap_or(0);
        self.rotary.reserve(last);
        let s = &mut self.scratch;
        s.x.resize(rows * d, 0.0);
        for (&token, x) in steps.iter().flat_map(|s| s.tokens).zip(s.x.chunks_exact_mut(d)) {
            if token as usize >= self.embedding.columns() {
                return Err(ModelError::Token { token, vocabulary: self.embedding.columns() });
            }
            self.embedding.row(token as usize, x);
        }
        s.queries.resize(rows * heads.queries * heads.width, 0.0);
        s.keys.resize(rows * heads.kv * heads.width, 0.0);
        s.values.resize(rows * heads.kv * heads.width, 0.0);
        s.attended.resize(rows * heads.queries * heads.width, 0.0);
        let pass = Pass { cpu: &self.cpu, heads, rotary: &self.rotary, epsilon: self.epsilon, width: d };
        for (n, layer) in self.layers.iter().enumerate() {
            if stop() {
                return Ok(false);
            }
            let mut spans: Vec<Span> = steps
                .iter_mut()
                .map(|step| {
                    let Cache::Kernel(_, layers) = &mut step.sequence.cache else {
                        panic!("another decoder's sequence")
                    };
                    Span { cache: &mut layers[n], first: step.sequence.seen, rows: step.tokens.len() }
                })
                .collect();
            layer.forward(pass, &mut spans, s);
        }
        self.logits(steps);
        for step in steps {
            step.sequence.seen += step.tokens.len();
        }
        Ok(true)
    }

    /// Fills in the logits that the steps ask for.
    fn logits(&mut self, steps: &mut [Step<'_>]) {
        let (d, s) = (self.width, &mut self.scratch);
        let head = self.head.as_ref().unwrap_or(&self.embedding);
        let norm = Norm::Rms { weight: &self.norm, epsilon: self.epsilon };
        let mut wanted: Vec<f32> = Vec::new();
        let mut from = 0;
        for step in steps.iter() {
            let rows = step.tokens.len();
            wanted.extend_from_slice(&s.x[(from + rows - step.logit_rows.min(rows)) * d..(from + rows) * d]);
            from += rows;
        }
        let mut logits = vec![0.0; wanted.len() / d * head.columns()];
        for (x, out) in wanted.chunks(LOGIT_ROWS * d).zip(logits.chunks_mut(LOGIT_ROWS * head.columns())) {
            s.rows.fill(&self.cpu, x, d, norm);
            head.multiply(&self.cpu, &s.rows, Finish::Store, out, head.columns());
        }
        let mut rows = logits.chunks_exact(head.columns());
        for step in steps {
            step.logits = rows.by_ref().take(step.logit_rows.min(step.tokens.len())).map(<[f32]>::to_vec).collect();
        }
    }
}

impl Layer {
    fn load(gguf: &mut Gguf, cpu: &Cpu, n: usize, family: &Family) -> Result<Layer, ModelError> {
        let name = |part: &str| format!("blk.{n}.{part}.weight");
        let (heads, d) = (family.heads, family.width);
        let turned = |row: usize| family.turned_row(row);
        let query = adapted(gguf, cpu, n, "attn_q", &turned)?;
        let key = adapted(gguf, cpu, n, "attn_k", &turned)?;
        let value = adapted(gguf, cpu, n, "attn_v", &|row| row)?;
        for (part, matrix, count) in
            [("attn_q", &query, heads.queries), ("attn_k", &key, heads.kv), ("attn_v", &value, heads.kv)]
        {
            if matrix.columns() != count * heads.width {
                return Err(gguf.bad(format!(
                    "{} has {} rows for {count} heads of {}",
                    name(part),
                    matrix.columns(),
                    heads.width
                )));
            }
        }
        let key_bias = format!("blk.{n}.attn_k.bias");
        let balance = match gguf.has_tensor(&key_bias) {
            true => {
                let rows = heads.kv * heads.width;
                let bias = floats(gguf, &key_bias, rows)?;
                Some(Balance::of_bias(heads, &(0..rows).map(|row| bias[turned(row)]).collect::<Vec<f32>>()))
            }
            false => None,
        };
        let head_norms = match family.head_norms {
            true => Some([
                floats(gguf, &name("attn_q_norm"), heads.width)?,
                floats(gguf, &name("attn_k_norm"), heads.width)?,
            ]),
            false => None,
        };
        Ok(Layer {
            attention_norm: floats(gguf, &name("attn_norm"), d)?,
            query,
            key,
            value,
            balance,
            head_norms,
            output: adapted(gguf, cpu, n, "attn_output", &|row| row)?,
            feed_forward_norm: floats(gguf, &name("ffn_norm"), d)?,
            gate_and_up: GateAndUp::load(gguf, cpu, [&name("ffn_gate"), &name("ffn_up")])?,
            down: adapted(gguf, cpu, n, "ffn_down", &|row| row)?,
        })
    }

    /// `s.x`: `[m, d]`, changed in place.
    fn forward(&self, pass: Pass<'_>, spans: &mut [Span<'_>], s: &mut Scratch) {
        let Pass { cpu, heads, rotary, epsilon, width: d } = pass;
        let (q, kv) = (heads.queries * heads.width, heads.kv * heads.width);
        s.rows.fill(cpu, &s.x, d, Norm::Rms { weight: &self.attention_norm, epsilon });
        self.query.multiply(cpu, &s.rows, Finish::Store, &mut s.queries, q, &mut s.through);
        self.key.multiply(cpu, &s.rows, Finish::Store, &mut s.keys, kv, &mut s.through);
        self.value.multiply(cpu, &s.rows, Finish::Store, &mut s.values, kv, &mut s.through);
        if let Some([query, key]) = &self.head_norms {
            norm_heads(&mut s.queries, query, epsilon);
            norm_heads(&mut s.keys, key, epsilon);
        }
        let projected = Projected { queries: &s.queries, keys: &s.keys, values: &s.values };
        let turn = Turn { rotary: Some(rotary), balance: self.balance.as_ref() };
        s.attention.run(cpu, heads, turn, projected, spans, true, &mut s.attended);
        s.rows.fill(cpu, &s.attended, q, Norm::None);
        self.output.multiply(cpu, &s.rows, Finish::Add, &mut s.x, d, &mut s.through);
        s.rows.fill(cpu, &s.x, d, Norm::Rms { weight: &self.feed_forward_norm, epsilon });
        let width = self.gate_and_up.forward(cpu, s);
        s.rows.fill(cpu, &s.hidden, width, Norm::None);
        self.down.multiply(cpu, &s.rows, Finish::Add, &mut s.x, d, &mut s.through);
    }
}

impl GateAndUp {
    fn load(gguf: &mut Gguf, cpu: &Cpu, [gate, up]: [&str; 2]) -> Result<GateAndUp, ModelError> {
        let (a, b) = (gguf.raw(gate)?, gguf.raw(up)?);
        let (rows, k) = matrix_dims(gguf, gate, &a)?;
        if a.dims != b.dims {
            return Err(gguf.bad(format!("'{gate}' is {:?} and '{up}' {:?}", a.dims, b.dims)));
        }
        if a.dtype == b.dtype && rows % 16 == 0 {
            let together = Matrix::gate_and_up(cpu, a.dtype, rows, k, [&a.bytes, &b.bytes]);
            return Ok(GateAndUp::Together(together.map_err(|why| gguf.bad(format!("'{gate}': {why}")))?));
        }
        Ok(GateAndUp::Apart(load(gguf, cpu, gate, None, &|row| row)?, load(gguf, cpu, up, None, &|row| row)?))
    }

    /// `silu(gate) * up` of `s.rows` to `s.hidden`; returns how wide its rows are.
    fn forward(&self, cpu: &Cpu, s: &mut Scratch) -> usize {
        match self {
            GateAndUp::Together(matrix) => {
                let width = matrix.columns() / 2;
                s.hidden.resize(s.rows.len() * width, 0.0);
                matrix.multiply(cpu, &s.rows, Finish::GatedSilu, &mut s.hidden, width);
                width
            }
            GateAndUp::Apart(gate, up) => {
                let width = up.columns();
                s.hidden.resize(s.rows.len() * width, 0.0);
                s.gate.resize(s.rows.len() * width, 0.0);
                gate.multiply(cpu, &s.rows, Finish::Store, &mut s.gate, width);
                up.multiply(cpu, &s.rows, Finish::Store, &mut s.hidden, width);
                for (up, gate) in s.hidden.iter_mut().zip(&s.gate) {
                    *up *= gate / (1.0 + (-gate).exp());
                }
                width
            }
        }
    }
}

/// Each head of `x`, as wide as `weight`, over the root of its mean square.
fn norm_heads(x: &mut [f32], weight: &[f32], epsilon: f32) {
    for head in x.chunks_exact_mut(weight.len()) {
        let squares: f32 = head.iter().map(|x| x * x).sum();
        let by = 1.0 / (squares / weight.len() as f32 + epsilon).sqrt();
        for (x, w) in head.iter_mut().zip(weight) {
            *x *= by * w;
        }
    }
}

fn matrix_dims(gguf: &Gguf, name: &str, raw: &Raw) -> Result<(usize, usize), ModelError> {
    match raw.dims[..] {
        [rows, k] => Ok((rows, k)),
        _ => Err(gguf.bad(format!("'{name}' is {:?}, not a matrix", raw.dims))),
    }
}

/// The matrix `part` of layer `n`, with its bias and what an adapter has for it, where there are any.
fn adapted(
    gguf: &mut Gguf,
    cpu: &Cpu,
    n: usize,
    part: &str,
    order: &(dyn Fn(usize) -> usize + Sync),
) -> Result<Adapted, ModelError> {
    let name = format!("blk.{n}.{part}");
    let matrix = load(gguf, cpu, &format!("{name}.weight"), Some(format!("{name}.bias")), order)?;
    Ok(Adapted::new(cpu, matrix, gguf.beside(&name)?, order))
}

/// The matrix `name`, with its bias where the file has one, rows in the order that `order` gives.
fn load(
    gguf: &mut Gguf,
    cpu: &Cpu,
    name: &str,
    bias: Option<String>,
    order: &(dyn Fn(usize) -> usize + Sync),
) -> Result<Matrix, ModelError> {
    let raw = gguf.raw(name)?;
    let (rows, k) = matrix_dims(gguf, name, &raw)?;
    let matrix = Matrix::reordered(cpu, raw.dtype, rows, k, &raw.bytes, order);
    let matrix = matrix.map_err(|why| gguf.bad(format!("'{name}': {why}")))?;
    match bias.filter(|bias| gguf.has_tensor(bias)) {
        None => Ok(matrix),
        Some(bias) => {
            let bias = floats(gguf, &bias, rows)?;
            Ok(matrix.with_bias(&(0..rows).map(|row| bias[order(row)]).collect::<Vec<f32>>()))
        }
    }
}

/// A small tensor as f32, `len` numbers.
fn floats(gguf: &mut Gguf, name: &str, len: usize) -> Result<Vec<f32>, ModelError> {
    let values: Vec<f32> = gguf.f32(name)?.flatten_all()?.to_vec1()?;
    if values.len() != len {
        return Err(gguf.bad(format!("'{name}' has {} numbers, not {len}", values.len())));
    }
    Ok(values)
}
