//! The llama family on candle's quantized matrices: llama (SmolLM2, TinyLlama, Llama 3) and qwen2, which differ in how
//! rotary pairs lie and in biases.
//!
//! Shapes: `d` embedding width, `t` new tokens, `s` positions seen, `h` query heads, `k` key-value heads, `g = h / k`,
//! `e` head width. The embedding table stays quantized, rows are gathered from it. Scores are made for a block of
//! queries at a time, so memory does not grow with `t * s`.

use candle_core::{
    D, Device, Tensor,
    quantized::{QMatMul, QTensor},
};
use candle_nn::{Module, ops, rotary_emb};

use crate::model::{ModelError, gguf::Gguf};

/// Queries whose scores exist at one time.
const QUERY_BLOCK: usize = 256;
/// Positions that the KV cache grows by.
const CACHE_STEP: usize = 512;

/// A decoder with its weights and its KV cache.
pub struct Llama {
    embedding: QTensor,
    layers: Vec<Layer>,
    norm: Norm,
    head: Head,
    rotary: Rotary,
    context_tokens: usize,
    /// Positions in the cache.
    seen: usize,
    device: Device,
}

struct Layer {
    attention_norm: Norm,
    attention: Attention,
    feed_forward_norm: Norm,
    gate: QMatMul,
    up: QMatMul,
    down: QMatMul,
}

struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: QMatMul,
    kv_heads: usize,
    heads: usize,
    cache: Option<(Tensor, Tensor)>,
}

struct Linear {
    weight: QMatMul,
    bias: Option<Tensor>,
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
        let arch = gguf.architecture()?;
        let interleaved = match arch.as_str() {
            "llama" => true,
            "qwen2" => false,
            other => return Err(gguf.bad(format!("its architecture is '{other}'; bluf runs llama and qwen2"))),
        };
        let number = |gguf: &Gguf, key: &str| gguf.number(&format!("{arch}.{key}"));
        let heads = number(gguf, "attention.head_count")?;
        let kv_heads = number(gguf, "attention.head_count_kv").unwrap_or(heads);
        let width = number(gguf, "embedding_length")?;
        let head_width = number(gguf, "rope.dimension_count").unwrap_or(width / heads.max(1));
        if heads == 0 || kv_heads == 0 || heads % kv_heads != 0 || head_width == 0 {
            return Err(gguf.bad(format!("{heads} heads over {kv_heads} key-value heads cannot be right")));
        }
        let context_tokens = number(gguf, "context_length")?;
        let epsilon = gguf.float(&format!("{arch}.attention.layer_norm_rms_epsilon"))? as f32;
        let base = gguf.float(&format!("{arch}.rope.freq_base")).unwrap_or(10_000.0);
        let layers = number(gguf, "block_count")?;
        let layers = (0..layers).map(|n| Layer::load(gguf, n, heads, kv_heads, epsilon)).collect::<Result<_, _>>()?;
        let head = match gguf.has_tensor("output.weight") {
            true => Head::Own(gguf.matmul("output.weight")?),
            false => Head::Tied(gguf.matmul("token_embd.weight")?),
        };
        Ok(Llama {
            embedding: gguf.quantized("token_embd.weight")?,
            layers,
            norm: Norm::load(gguf, "output_norm.weight", epsilon)?,
            head,
            rotary: Rotary::new(context_tokens, head_width, base, interleaved, gguf.device())?,
            context_tokens,
            seen: 0,
            device: gguf.device().clone(),
        })
    }

    pub fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    /// Positions in the cache.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Forgets every position from `to` on; what lies before is kept.
    pub fn rewind(&mut self, to: usize) {
        self.seen = self.seen.min(to);
    }

    /// Reads `tokens` after what is cached and returns the logits of the token after them, `[vocabulary]`.
    pub fn read(&mut self, tokens: &[u32]) -> Result<Tensor, ModelError> {
        let (from, t) = (self.seen, tokens.len());
        let ids = Tensor::new(tokens, &self.device)?;
        let mut x = self.embedding.embedding(&ids)?;
        let rotary = self.rotary.at(from, t)?;
        for layer in &mut self.layers {
            x = layer.forward(&x, from, &rotary)?;
        }
        self.seen += t;
        let last = self.norm.forward(&x.narrow(0, t - 1, 1)?)?;
        let (Head::Own(matrix) | Head::Tied(matrix)) = &self.head;
        Ok(matrix.forward(&last)?.squeeze(0)?)
    }
}

impl Layer {
    fn load(gguf: &mut Gguf, n: usize, heads: usize, kv_heads: usize, epsilon: f32) -> Result<Layer, ModelError> {
        let name = |part: &str| format!("blk.{n}.{part}.weight");
        Ok(Layer {
            attention_norm: Norm::load(gguf, &name("attn_norm"), epsilon)?,
            attention: Attention {
                query: Linear::load(gguf, n, "attn_q")?,
                key: Linear::load(gguf, n, "attn_k")?,
                value: Linear::load(gguf, n, "attn_v")?,
                output: gguf.matmul(&name("attn_output"))?,
                kv_heads,
                heads,
                cache: None,
            },
            feed_forward_norm: Norm::load(gguf, &name("ffn_norm"), epsilon)?,
            gate: gguf.matmul(&name("ffn_gate"))?,
            up: gguf.matmul(&name("ffn_up"))?,
            down: gguf.matmul(&name("ffn_down"))?,
        })
    }

    /// `x`: `[t, d]` to `[t, d]`.
    fn forward(&mut self, x: &Tensor, from: usize, rotary: &Rotary) -> Result<Tensor, candle_core::Error> {
        let x = (self.attention.forward(&self.attention_norm.forward(x)?, from, rotary)? + x)?;
        let normed = self.feed_forward_norm.forward(&x)?;
        let gated = (ops::silu(&self.gate.forward(&normed)?)? * self.up.forward(&normed)?)?;
        self.down.forward(&gated)? + x
    }
}

impl Attention {
    /// `x`: `[t, d]` to `[t, d]`; causal.
    fn forward(&mut self, x: &Tensor, from: usize, rotary: &Rotary) -> Result<Tensor, candle_core::Error> {
        let (t, _) = x.dims2()?;
        let split = |y: Tensor, heads: usize| y.reshape((t, heads, ()))?.transpose(0, 1)?.contiguous();
        let query = rotary.turn(&split(self.query.forward(x)?, self.heads)?)?;
        let key = rotary.turn(&split(self.key.forward(x)?, self.kv_heads)?)?;
        let value = split(self.value.forward(x)?, self.kv_heads)?;
        self.remember(&key, &value, from)?;
        let mut blocks = Vec::with_capacity(t.div_ceil(QUERY_BLOCK));
        for start in (0..t).step_by(QUERY_BLOCK) {
            let rows = QUERY_BLOCK.min(t - start);
            blocks.push(self.attend(&query.narrow(1, start, rows)?, from + start)?);
        }
        self.output.forward(&Tensor::cat(&blocks, 0)?)
    }

    /// Writes `[k, t, e]` keys and values at position `from`.
    fn remember(&mut self, key: &Tensor, value: &Tensor, from: usize) -> Result<(), candle_core::Error> {
        let (heads, t, width) = key.dims3()?;
        let held = self.cache.as_ref().map_or(0, |(keys, _)| keys.dims()[1]);
        if from + t > held {
            let room = (from + t).next_multiple_of(CACHE_STEP);
            let grown = |old: Option<&Tensor>| -> Result<Tensor, candle_core::Error> {
                let new = Tensor::zeros((heads, room, width), key.dtype(), key.device())?;
                if let Some(old) = old.filter(|_| from > 0) {
                    new.slice_set(&old.narrow(1, 0, from)?.contiguous()?, 1, 0)?;
                }
                Ok(new)
            };
            let old = self.cache.take();
            self.cache = Some((grown(old.as_ref().map(|c| &c.0))?, grown(old.as_ref().map(|c| &c.1))?));
        }
        let (keys, values) = self.cache.as_ref().expect("the cache was made above");
        keys.slice_set(&key.contiguous()?, 1, from)?;
        values.slice_set(&value.contiguous()?, 1, from)
    }

    /// `query`: `[h, r, e]`, rows at positions `first..`; returns `[r, h * e]`.
    fn attend(&self, query: &Tensor, first: usize) -> Result<Tensor, candle_core::Error> {
        let (heads, rows, width) = query.dims3()?;
        let (keys, values) = self.cache.as_ref().expect("keys are remembered before they are attended to");
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
        let bias = format!("blk.{n}.{part}.bias");
        let bias = if gguf.has_tensor(&bias) { Some(gguf.f32(&bias)?) } else { None };
        Ok(Linear { weight: gguf.matmul(&format!("blk.{n}.{part}.weight"))?, bias })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, candle_core::Error> {
        let y = self.weight.forward(x)?;
        self.bias.as_ref().map_or(Ok(y.clone()), |bias| y.broadcast_add(bias))
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
    fn new(context: usize, width: usize, base: f64, interleaved: bool, device: &Device) -> Result<Rotary, ModelError> {
        let rates: Vec<f32> = (0..width).step_by(2).map(|i| base.powf(-(i as f64) / width as f64) as f32).collect();
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
