//! The llama family on candle: the path of GPUs, and the oracle that our own kernels are checked against.
//!
//! Shapes: `d` embedding width, `t` new tokens, `s` positions seen, `h` query heads, `k` key-value heads, `g = h / k`,
//! `e` head width. The embedding table stays quantized, rows are gathered from it. Scores are made for a block of
//! queries at a time, so memory does not grow with `t * s`.

use candle_core::{
    D, Device, Tensor,
    quantized::{QMatMul, QTensor},
};
use candle_nn::{Module, ops, rotary_emb};

use super::{
    family::Family,
    sequence::{Cache, Sequence, Step},
};
use crate::model::{ModelError, gguf::Gguf};

/// Queries whose scores exist at one time.
const QUERY_BLOCK: usize = 256;
/// Positions that the KV cache grows by.
const CACHE_STEP: usize = 512;

/// A decoder with its weights.
pub struct Llama {
    embedding: QTensor,
    layers: Vec<Layer>,
    norm: Norm,
    head: Head,
    rotary: Rotary,
    context_tokens: usize,
    device: Device,
}

struct Layer {
    attention_norm: Norm,
    attention: Attention,
    feed_forward_norm: Norm,
    gate: QMatMul,
    up: QMatMul,
    down: Linear,
}

struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    kv_heads: usize,
    heads: usize,
    head_norms: Option<[Norm; 2]>,
}

struct Linear {
    weight: QMatMul,
    bias: Option<Tensor>,
    /// Of an adapter: `[in, rank]` and `[rank, out]`.
    beside: Option<[Tensor; 2]>,
}

struct Norm {
    weight: Tensor,
    epsilon: f32,
}

enum Head {
    Own(QMatMul),
    /// The embedding table, transposed by use.
    Tied(QMatMul),
}

struct Rotary {
    /// `[context, e / 2]`
    cos: Tensor,
    sin: Tensor,
    /// Pairs are neighbours (llama's GGUF layout) rather than halves (qwen2).
    interleaved: bool,
}

impl Llama {
    /// # Errors
    /// `BadFile` when the file is of another architecture or lacks a tensor.
    pub fn load(gguf: &mut Gguf) -> Result<Llama, ModelError> {
        let family = Family::of(gguf)?;
        let layers = (0..family.layers).map(|n| Layer::load(gguf, n, &family)).collect::<Result<_, _>>()?;
        let head = match gguf.has_tensor("output.weight") {
            true => Head::Own(gguf.matmul("output.weight")?),
            false => Head::Tied(gguf.matmul("token_embd.weight")?),
        };
        Ok(Llama {
            embedding: gguf.quantized("token_embd.weight")?,
            layers,
            norm: Norm::load(gguf, "output_norm.weight", family.epsilon)?,
            head,
            rotary: Rotary::new(&family.rates(gguf)?, family.context_tokens, family.interleaved, gguf.device())?,
            context_tokens: family.context_tokens,
            device: gguf.device().clone(),
        })
    }

    pub fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    pub fn begin(&self) -> Sequence {
        Sequence { seen: 0, cache: Cache::Candle(vec![None; self.layers.len()]) }
    }

    /// Reads the tokens of every step after what its sequence holds, one step after another. `false` when `stop`, asked
    /// before each layer, ended it: then no sequence has moved.
    ///
    /// # Panics
    /// When a sequence is another decoder's.
    pub fn read(&mut self, steps: &mut [Step<'_>], stop: &dyn Fn() -> bool) -> Result<bool, ModelError> {
        let starts: Vec<usize> = steps.iter().map(|step| step.sequence.seen).collect();
        for n in 0..steps.len() {
            let step = &mut steps[n];
            let (from, t) = (step.sequence.seen, step.tokens.len());
            let Cache::Candle(caches) = &mut step.sequence.cache else { panic!("another decoder's sequence") };
            let mut x = self.embedding.embedding(&Tensor::new(step.tokens, &self.device)?)?;
            let rotary = self.rotary.at(from, t)?;
            for (layer, cache) in self.layers.iter().zip(caches) {
                if stop() {
                    steps.iter_mut().zip(starts).for_each(|(step, start)| step.sequence.seen = start);
                    return Ok(false);
                }
                x = layer.forward(&x, cache, from, &rotary)?;
            }
            step.sequence.seen += t;
            let rows = step.logit_rows.min(t);
            step.logits.clear();
            if rows > 0 {
                let last = self.norm.forward(&x.narrow(0, t - rows, rows)?)?;
                let (Head::Own(matrix) | Head::Tied(matrix)) = &self.head;
                step.logits = matrix.forward(&last)?.to_vec2()?;
            }
        }
        Ok(true)
    }
}

impl Layer {
    fn load(gguf: &mut Gguf, n: usize, family: &Family) -> Result<Layer, ModelError> {
        let epsilon = family.epsilon;
        let name = |part: &str| format!("blk.{n}.{part}.weight");
        Ok(Layer {
            attention_norm: Norm::load(gguf, &name("attn_norm"), epsilon)?,
            attention: Attention {
                query: Linear::load(gguf, n, "attn_q")?,
                key: Linear::load(gguf, n, "attn_k")?,
                value: Linear::load(gguf, n, "attn_v")?,
                output: Linear::load(gguf, n, "attn_output")?,
                kv_heads: family.heads.kv,
                heads: family.heads.queries,
                head_norms: match family.head_norms {
                    true => Some([
                        Norm::load(gguf, &name("attn_q_norm"), epsilon)?,
                        Norm::load(gguf, &name("attn_k_norm"), epsilon)?,
                    ]),
                    false => None,
                },
            },
            feed_forward_norm: Norm::load(gguf, &name("ffn_norm"), epsilon)?,
            gate: gguf.matmul(&name("ffn_gate"))?,
            up: gguf.matmul(&name("ffn_up"))?,
            down: Linear::load(gguf, n, "ffn_down")?,
        })
    }

    /// `x`: `[t, d]` to `[t, d]`.
    fn forward(
        &self,
        x: &Tensor,
        cache: &mut Option<(Tensor, Tensor)>,
        from: usize,
        rotary: &Rotary,
    ) -> Result<Tensor, candle_core::Error> {
        let x = (self.attention.forward(&self.attention_norm.forward(x)?, cache, from, rotary)? + x)?;
        let normed = self.feed_forward_norm.forward(&x)?;
        let gated = (ops::silu(&self.gate.forward(&normed)?)? * self.up.forward(&normed)?)?;
        self.down.forward(&gated)? + x
    }
}

impl Attention {
    /// `x`: `[t, d]` to `[t, d]`; causal.
    fn forward(
        &self,
        x: &Tensor,
        cache: &mut Option<(Tensor, Tensor)>,
        from: usize,
        rotary: &Rotary,
    ) -> Result<Tensor, candle_core::Error> {
        let (t, _) = x.dims2()?;
        let split = |y: Tensor, heads: usize| y.reshape((t, heads, ()))?.transpose(0, 1)?.contiguous();
        let (mut query, mut key) =
            (split(self.query.forward(x)?, self.heads)?, split(self.key.forward(x)?, self.kv_heads)?);
        if let Some([query_norm, key_norm]) = &self.head_norms {
            (query, key) = (query_norm.forward(&query)?, key_norm.forward(&key)?);
        }
        let (query, key) = (rotary.turn(&query)?, rotary.turn(&key)?);
        let value = split(self.value.forward(x)?, self.kv_heads)?;
        let (keys, values) = self.remember(cache, &key, &value, from)?;
        let mut blocks = Vec::with_capacity(t.div_ceil(QUERY_BLOCK));
        for start in (0..t).step_by(QUERY_BLOCK) {
            let rows = QUERY_BLOCK.min(t - start);
            blocks.push(self.attend(&query.narrow(1, start, rows)?, &keys, &values, from + start)?);
        }
        self.output.forward(&Tensor::cat(&blocks, 0)?)
    }

    /// Writes `[k, t, e]` keys and values at position `from` and returns the whole cache.
    fn remember(
        &self,
        cache: &mut Option<(Tensor, Tensor)>,
        key: &Tensor,
        value: &Tensor,
        from: usize,
    ) -> Result<(Tensor, Tensor), candle_core::Error> {
        let (heads, t, width) = key.dims3()?;
        let held = cache.as_ref().map_or(0, |(keys, _)| keys.dims()[1]);
        if from + t > held {
            let room = (from + t).next_multiple_of(CACHE_STEP);
            let grown = |old: Option<&Tensor>| -> Result<Tensor, candle_core::Error> {
                let new = Tensor::zeros((heads, room, width), key.dtype(), key.device())?;
                if let Some(old) = old.filter(|_| from > 0) {
                    new.slice_set(&old.narrow(1, 0, from)?.contiguous()?, 1, 0)?;
                }
                Ok(new)
            };
            let old = cache.take();
            *cache = Some((grown(old.as_ref().map(|c| &c.0))?, grown(old.as_ref().map(|c| &c.1))?));
        }
        let (keys, values) = cache.clone().expect("the cache was made above");
        keys.slice_set(&key.contiguous()?, 1, from)?;
        values.slice_set(&value.contiguous()?, 1, from)?;
        Ok((keys, values))
    }

    /// `query`: `[h, r, e]`, rows at positions `first..`; returns `[r, h * e]`.
    fn attend(
        &self,
        query: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        first: usize,
    ) -> Result<Tensor, candle_core::Error> {
        let (heads, rows, width) = query.dims3()?;
        let seen = first + rows;
        let group = heads / self.kv_heads;
        let (keys, values) = (keys.narrow(1, 0, seen)?, values.narrow(1, 0, seen)?);
        let query = (query.contiguous()?.reshape((self.kv_heads, group * rows, width))? / (width as f64).sqrt())?;
        let scores = query.matmul(&keys.transpose(1, 2)?)?;
        let scores = if rows == 1 { scores } else { mask(&scores, self.kv_heads, group, rows, first)? };
        let mixed = ops::softmax_last_dim(&scores)?.matmul(&values.contiguous()?)?;
        mixed.reshape((heads, rows, width))?.transpose(0, 1)?.reshape((rows, heads * width))
    }
}

/// Hides later positions: row `i` of a block that starts at position `first` sees `first + i + 1` of them.
fn mask(scores: &Tensor, kv: usize, group: usize, rows: usize, first: usize) -> Result<Tensor, candle_core::Error> {
    let seen = first + rows;
    let hidden = |i: usize| (0..seen).map(move |j| if j > first + i { f32::NEG_INFINITY } else { 0.0 });
    let mask: Vec<f32> = (0..rows).flat_map(hidden).collect();
    let mask = Tensor::from_vec(mask, (rows, seen), scores.device())?;
    scores.reshape((kv * group, rows, seen))?.broadcast_add(&mask)?.reshape((kv, group * rows, seen))
}

impl Linear {
    fn load(gguf: &mut Gguf, n: usize, part: &str) -> Result<Linear, ModelError> {
        let name = format!("blk.{n}.{part}");
        let bias = format!("{name}.bias");
        let bias = if gguf.has_tensor(&bias) { Some(gguf.f32(&bias)?) } else { None };
        let beside = gguf.beside(&name)?.map(|part| part.tensors(gguf.device())).transpose()?;
        Ok(Linear { weight: gguf.matmul(&format!("{name}.weight"))?, bias, beside })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, candle_core::Error> {
        let mut y = self.weight.forward(x)?;
        if let Some(bias) = &self.bias {
            y = y.broadcast_add(bias)?;
        }
        if let Some([a, b]) = &self.beside {
            y = (y + x.matmul(a)?.matmul(b)?)?;
        }
        Ok(y)
    }
}

impl Norm {
    fn load(gguf: &mut Gguf, name: &str, epsilon: f32) -> Result<Norm, ModelError> {
        Ok(Norm { weight: gguf.f32(name)?, epsilon })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, candle_core::Error> {
        ops::rms_norm(&x.contiguous()?, &self.weight, self.epsilon)
    }
}

impl Rotary {
    fn new(rates: &[f32], context: usize, interleaved: bool, device: &Device) -> Result<Rotary, ModelError> {
        let rates = Tensor::new(rates, device)?.unsqueeze(0)?;
        let places =
            Tensor::arange(0u32, context as u32, device)?.to_dtype(candle_core::DType::F32)?.unsqueeze(D::Minus1)?;
        let angles = places.matmul(&rates)?;
        Ok(Rotary { cos: angles.cos()?, sin: angles.sin()?, interleaved })
    }

    fn at(&self, from: usize, t: usize) -> Result<Rotary, candle_core::Error> {
        let (cos, sin) = (self.cos.narrow(0, from, t)?, self.sin.narrow(0, from, t)?);
        Ok(Rotary { cos, sin, interleaved: self.interleaved })
    }

    /// `x`: `[heads, t, e]`, turned by its positions.
    fn turn(&self, x: &Tensor) -> Result<Tensor, candle_core::Error> {
        let x = x.unsqueeze(0)?;
        let turned = match self.interleaved {
            true => rotary_emb::rope_i(&x, &self.cos, &self.sin)?,
            false => rotary_emb::rope(&x, &self.cos, &self.sin)?,
        };
        turned.squeeze(0)
    }
}
