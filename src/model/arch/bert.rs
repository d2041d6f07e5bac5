//! BERT on our kernels (Devlin et al. 2018), as sentence encoders use it: token ids to one vector a sentence, the mean of
//! its token vectors.
//!
//! Sentences lie one after another without padding; attention alone knows where each ends. Shapes: `d` hidden width, `m`
//! tokens of all sentences together.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::quantized::GgmlDType;
use candle_transformers::models::bert::{Config, HiddenAct};
use half::f16;
use safetensors::{Dtype, tensor::Metadata};

use crate::model::{
    ModelError,
    kernel::{Attention, Cpu, Finish, Heads, LayerCache, Matrix, Norm, Projected, Rows, Span, Turn},
};

/// What weights are multiplied as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Queries, keys and the wide layer in eight bits with a scale for each 32; values, and what is added to a token's own
    /// vector, in f32. All in eight bits is half as fast again, and its worst vectors of a thousand lie at a cosine of
    /// 0.997 to those of f32; so, at 0.999.
    Mixed,
    F32,
}

/// An encoder with its weights.
pub struct Bert {
    cpu: Arc<Cpu>,
    /// `[vocabulary, d]`
    words: Vec<f16>,
    /// `[positions, d]`, with the embedding of the first token type added.
    positions: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<Layer>,
    heads: Heads,
    width: usize,
    scratch: Scratch,
}

struct Layer {
    query: Matrix,
    key: Matrix,
    value: Matrix,
    attention_output: Matrix,
    attention_norm: LayerNorm,
    intermediate: Matrix,
    output: Matrix,
    output_norm: LayerNorm,
}

struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

#[derive(Default)]
struct Scratch {
    x: Vec<f32>,
    rows: Rows,
    hidden_rows: Rows,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    attended: Vec<f32>,
    hidden: Vec<f32>,
    attention: Attention,
    /// Keys and values of each sentence of a batch.
    caches: Vec<LayerCache>,
}

impl Bert {
    /// Reads `file`, a safetensors file of f32 weights.
    ///
    /// # Errors
    /// `BadFile` when a tensor is missing or of another shape than `config` says.
    pub fn load(file: &Path, config: &Config, precision: Precision, cpu: Arc<Cpu>) -> Result<Bert, ModelError> {
        let mut weights = Weights::open(file)?;
        if !matches!(config.hidden_act, HiddenAct::Gelu) {
            return Err(weights.bad(format!("its activation is {:?}; bluf runs gelu", config.hidden_act)));
        }
        let (d, queries) = (config.hidden_size, config.num_attention_heads);
        if queries == 0 || d % (2 * queries) != 0 {
            return Err(weights.bad(format!("{queries} heads of a width of {d} cannot be right")));
        }
        let words = weights.tensor("embeddings.word_embeddings.weight", &[config.vocab_size, d])?;
        let mut positions =
            weights.tensor("embeddings.position_embeddings.weight", &[config.max_position_embeddings, d])?;
        let kinds = weights.tensor("embeddings.token_type_embeddings.weight", &[config.type_vocab_size, d])?;
        for row in positions.chunks_exact_mut(d) {
            row.iter_mut().zip(&kinds).for_each(|(x, kind)| *x += kind);
        }
        let epsilon = config.layer_norm_eps as f32;
        let norm = LayerNorm::load(&mut weights, "embeddings.LayerNorm", d, epsilon)?;
        let layers = (0..config.num_hidden_layers)
            .map(|n| Layer::load(&mut weights, &format!("encoder.layer.{n}"), config, precision, &cpu))
            .collect::<Result<_, _>>()?;
        Ok(Bert {
            words: words.into_iter().map(f16::from_f32).collect(),
            positions,
            norm,
            layers,
            heads: Heads { queries, kv: queries, width: d / queries },
            width: d,
            scratch: Scratch::default(),
            cpu,
        })
    }

    /// `sentences`: token ids, none empty. One vector each, `[sentences][d]`, of length 1.
    ///
    /// # Errors
    /// When a token or a position is none of the model's.
    pub fn encode(&mut self, sentences: &[&[u32]]) -> Result<Vec<Vec<f32>>, ModelError> {
        let d = self.width;
        self.embed(sentences)?;
        let s = &mut self.scratch;
        s.caches.resize_with(sentences.len().max(s.caches.len()), LayerCache::default);
        for layer in &self.layers {
            let spans = sentences.iter().zip(&mut s.caches);
            let mut spans: Vec<Span> =
                spans.map(|(tokens, cache)| Span { cache, first: 0, rows: tokens.len() }).collect();
            let (q, cpu) = (self.heads.queries * self.heads.width, &self.cpu);
            layer.query.multiply(cpu, &s.rows, Finish::Store, &mut s.queries, q);
            layer.key.multiply(cpu, &s.rows, Finish::Store, &mut s.keys, q);
            layer.value.multiply(cpu, &s.rows, Finish::Store, &mut s.values, q);
            let projected = Projected { queries: &s.queries, keys: &s.keys, values: &s.values };
            s.attention.run(cpu, self.heads, Turn::default(), projected, &mut spans, false, &mut s.attended);
            s.hidden_rows.fill(cpu, &s.attended, q, Norm::None);
            layer.attention_output.multiply(cpu, &s.hidden_rows, Finish::Add, &mut s.x, d);
            layer.attention_norm.apply(cpu, &mut s.x, &mut s.rows, d);
            let width = layer.intermediate.columns();
            s.hidden.resize(s.rows.len() * width, 0.0);
            layer.intermediate.multiply(cpu, &s.rows, Finish::Gelu, &mut s.hidden, width);
            s.hidden_rows.fill(cpu, &s.hidden, width, Norm::None);
            layer.output.multiply(cpu, &s.hidden_rows, Finish::Add, &mut s.x, d);
            layer.output_norm.apply(cpu, &mut s.x, &mut s.rows, d);
        }
        let mut rest = &s.x[..];
        let mean = |tokens: &&[u32]| {
            let (own, after) = rest.split_at(tokens.len() * d);
            rest = after;
            mean_of_length_one(own, d)
        };
        Ok(sentences.iter().map(mean).collect())
    }

    /// Fills `scratch.x` and `scratch.rows` with the embeddings of all tokens.
    fn embed(&mut self, sentences: &[&[u32]]) -> Result<(), ModelError> {
        let (d, s) = (self.width, &mut self.scratch);
        let rows: usize = sentences.iter().map(|tokens| tokens.len()).sum();
        s.x.clear();
        for tokens in sentences {
            for (position, &token) in tokens.iter().enumerate() {
                let word = self.words.chunks_exact(d).nth(token as usize);
                let place = self.positions.chunks_exact(d).nth(position);
                let (Some(word), Some(place)) = (word, place) else {
                    return Err(ModelError::Token { token, vocabulary: self.words.len() / d });
                };
                s.x.extend(word.iter().zip(place).map(|(word, place)| word.to_f32() + place));
            }
        }
        for buffer in [&mut s.queries, &mut s.keys, &mut s.values, &mut s.attended] {
            buffer.resize(rows * d, 0.0);
        }
        self.norm.apply(&self.cpu, &mut s.x, &mut s.rows, d);
        Ok(())
    }
}

impl Layer {
    fn load(
        weights: &mut Weights,
        name: &str,
        config: &Config,
        precision: Precision,
        cpu: &Cpu,
    ) -> Result<Layer, ModelError> {
        let (d, inner, epsilon) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps as f32);
        let mut matrix = |part: &str, rows: usize, k: usize| {
            let values = weights.tensor(&format!("{name}.{part}.weight"), &[rows, k])?;
            let bias = weights.tensor(&format!("{name}.{part}.bias"), &[rows])?;
            let small = matches!(part, "attention.self.query" | "attention.self.key" | "intermediate.dense");
            let matrix = match precision {
                Precision::Mixed if small => Matrix::eight_bits(cpu, rows, k, &values),
                Precision::Mixed | Precision::F32 => {
                    let bytes: Vec<u8> = values.iter().flat_map(|w| w.to_le_bytes()).collect();
                    Matrix::from_gguf(cpu, GgmlDType::F32, rows, k, &bytes).map_err(|why| weights.bad(why))?
                }
            };
            Ok::<_, ModelError>(matrix.with_bias(&bias))
        };
        Ok(Layer {
            query: matrix("attention.self.query", d, d)?,
            key: matrix("attention.self.key", d, d)?,
            value: matrix("attention.self.value", d, d)?,
            attention_output: matrix("attention.output.dense", d, d)?,
            intermediate: matrix("intermediate.dense", inner, d)?,
            output: matrix("output.dense", d, inner)?,
            attention_norm: LayerNorm::load(weights, &format!("{name}.attention.output.LayerNorm"), d, epsilon)?,
            output_norm: LayerNorm::load(weights, &format!("{name}.output.LayerNorm"), d, epsilon)?,
        })
    }
}

impl LayerNorm {
    fn load(weights: &mut Weights, name: &str, d: usize, epsilon: f32) -> Result<LayerNorm, ModelError> {
        let weight = weights.tensor(&format!("{name}.weight"), &[d])?;
        let bias = weights.tensor(&format!("{name}.bias"), &[d])?;
        Ok(LayerNorm { weight, bias, epsilon })
    }

    /// `x` normalised, in place and as rows to multiply.
    fn apply(&self, cpu: &Cpu, x: &mut [f32], rows: &mut Rows, d: usize) {
        rows.fill(cpu, x, d, Norm::Layer { weight: &self.weight, bias: &self.bias, epsilon: self.epsilon });
        for (x, row) in x.chunks_exact_mut(d).zip(rows.values().chunks_exact(rows.padded())) {
            x.copy_from_slice(&row[..d]);
        }
    }
}

/// The mean of rows of `d` numbers, divided by its length.
fn mean_of_length_one(rows: &[f32], d: usize) -> Vec<f32> {
    let mut mean = vec![0.0; d];
    for row in rows.chunks_exact(d) {
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += x);
    }
    let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
    mean.iter_mut().for_each(|x| *x /= length);
    mean
}

/// A safetensors file that is read one tensor at a time, so that no more than one is in memory as f32.
struct Weights {
    path: PathBuf,
    file: BufReader<File>,
    metadata: Metadata,
    /// Where the tensors' bytes begin.
    start: u64,
}

/// A header larger than this is no header.
const HEADER_BYTES: u64 = 64 << 20;

impl Weights {
    fn open(path: &Path) -> Result<Weights, ModelError> {
        let bad = |why: String| ModelError::BadFile { path: path.to_path_buf(), why };
        let file = File::open(path).map_err(|e| bad(e.to_string()))?;
        let mut file = BufReader::new(file);
        let mut header = vec![0; 8];
        file.read_exact(&mut header).map_err(|e| bad(e.to_string()))?;
        let length = u64::from_le_bytes(header[..8].try_into().expect("eight bytes were read"));
        if length > HEADER_BYTES {
            return Err(bad("not a safetensors file".to_owned()));
        }
        header.resize(length as usize, 0);
        file.read_exact(&mut header).map_err(|e| bad(e.to_string()))?;
        let metadata = serde_json::from_slice(&header).map_err(|e| bad(e.to_string()))?;
        Ok(Weights { path: path.to_path_buf(), file, metadata, start: 8 + length })
    }

    /// The numbers of the tensor `name`, which some files call `bert.name`.
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let info = self.metadata.info(name).or_else(|| self.metadata.info(&format!("bert.{name}")));
        let Some(info) = info else { return Err(self.bad(format!("there is no tensor '{name}'"))) };
        if info.dtype != Dtype::F32 || info.shape != shape {
            return Err(self.bad(format!("'{name}' is {:?} {:?}, not F32 {shape:?}", info.dtype, info.shape)));
        }
        let (from, to) = info.data_offsets;
        let mut bytes = vec![0; to - from];
        let read = self.file.seek(SeekFrom::Start(self.start + from as u64));
        read.and_then(|_| self.file.read_exact(&mut bytes)).map_err(|e| self.bad(format!("'{name}': {e}")))?;
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(numbers.iter().map(|n| f32::from_le_bytes(*n)).collect())
    }

    fn bad(&self, why: impl ToString) -> ModelError {
        ModelError::BadFile { path: self.path.clone(), why: why.to_string() }
    }
}
