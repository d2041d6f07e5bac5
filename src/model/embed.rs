//! The sentence encoder: BERT with mean pooling (all-MiniLM-L6-v2), on our kernels, or on candle for a GPU.

use std::{path::Path, sync::Arc};

use candle_core::{D, DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, DTYPE};
use tokenizers::{Tokenizer, TruncationParams};

use super::{
    Embedder, ModelError, Place,
    arch::bert::{Bert, Precision},
};

/// Tokens in one pass on our kernels.
const BATCH_TOKENS: usize = 1024;
/// Sentences in one pass on candle. Batches hold sentences of like length, so padding is small.
const BATCH_SENTENCES: usize = 32;
/// A longer sentence is cut here: 128 word pieces are about 90 words, and the model was trained on 128.
const MAX_TOKENS: usize = 128;

/// A BERT encoder whose sentence vector is the mean of its token vectors.
pub struct BertEmbedder {
    encoder: Encoder,
    tokenizer: Tokenizer,
    dim: usize,
}

enum Encoder {
    Kernel(Box<Bert>),
    Candle(Box<CandleBert>),
}

/// The encoder on candle: the path of GPUs, and the oracle that ours is checked against.
struct CandleBert {
    model: BertModel,
    device: Device,
}

impl BertEmbedder {
    /// Reads `config.json`, `tokenizer.json` and `model.safetensors` from `folder`.
    ///
    /// # Errors
    /// `BadFile` naming the file that is missing or malformed.
    pub fn load(folder: &Path, place: &Place) -> Result<BertEmbedder, ModelError> {
        BertEmbedder::with_precision(folder, place, Precision::Mixed)
    }

    /// The same with weights multiplied as `precision` says; a GPU always takes f32.
    ///
    /// # Errors
    /// As `load`.
    pub fn with_precision(folder: &Path, place: &Place, precision: Precision) -> Result<BertEmbedder, ModelError> {
        let config: Config = serde_json::from_slice(&read(&folder.join("config.json"))?)
            .map_err(|e| bad(&folder.join("config.json"), e))?;
        let tokenizer_path = folder.join("tokenizer.json");
        let mut tokenizer = Tokenizer::from_file(&tokenizer_path).map_err(|e| bad(&tokenizer_path, e))?;
        tokenizer.with_padding(None);
        let truncation = TruncationParams { max_length: MAX_TOKENS, ..Default::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|e| bad(&tokenizer_path, e))?;
        let weights = folder.join("model.safetensors");
        let encoder = match place {
            Place::Cpu(cpu) => Encoder::Kernel(Box::new(Bert::load(&weights, &config, precision, Arc::clone(cpu))?)),
            Place::Candle(device) => {
                let vars = VarBuilder::from_buffered_safetensors(read(&weights)?, DTYPE, device)
                    .map_err(|e| bad(&weights, e))?;
                Encoder::Candle(Box::new(CandleBert { model: BertModel::load(vars, &config)?, device: device.clone() }))
            }
        };
        Ok(BertEmbedder { encoder, tokenizer, dim: config.hidden_size })
    }
}

impl CandleBert {
    /// `ids`: `[sentences][tokens]`, ragged. Returns `[sentences, dim]`, each row of length 1.
    fn forward(&self, ids: &[&[u32]]) -> Result<Tensor, candle_core::Error> {
        let (rows, longest) = (ids.len(), ids.iter().map(|r| r.len()).max().unwrap_or(0));
        let mut flat = vec![0u32; rows * longest];
        let mut mask = vec![0f32; rows * longest];
        for (row, tokens) in ids.iter().enumerate() {
            let at = row * longest;
            flat[at..at + tokens.len()].copy_from_slice(tokens);
            mask[at..at + tokens.len()].fill(1.0);
        }
        let flat = Tensor::from_vec(flat, (rows, longest), &self.device)?;
        let mask = Tensor::from_vec(mask, (rows, longest), &self.device)?;
        let hidden = self.model.forward(&flat, &flat.zeros_like()?, Some(&mask))?.to_dtype(DType::F32)?;
        let weights = mask.unsqueeze(D::Minus1)?;
        let mean = hidden.broadcast_mul(&weights)?.sum(1)?.broadcast_div(&weights.sum(1)?)?;
        mean.broadcast_div(&mean.sqr()?.sum_keepdim(1)?.sqrt()?)
    }
}

impl Embedder for BertEmbedder {
    fn dim(&self) -> usize {
        self.dim
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        let encoded = self
            .tokenizer
            .encode_batch(texts.to_vec(), true)
            .map_err(|e| ModelError::Compute(candle_core::Error::Msg(e.to_string())))?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| encoded[i].get_ids().len());
        let mut vectors = vec![Vec::new(); texts.len()];
        let mut rest = &order[..];
        while !rest.is_empty() {
            let mut tokens = 0;
            let fits = |i: &&usize| {
                tokens += encoded[**i].get_ids().len();
                tokens <= BATCH_TOKENS
            };
            let most = match &self.encoder {
                Encoder::Kernel(_) => rest.iter().take_while(fits).count().max(1),
                Encoder::Candle(_) => BATCH_SENTENCES.min(rest.len()),
            };
            let (batch, after) = rest.split_at(most);
            let ids: Vec<&[u32]> = batch.iter().map(|&i| encoded[i].get_ids()).collect();
            let rows = match &mut self.encoder {
                Encoder::Kernel(bert) => bert.encode(&ids)?,
                Encoder::Candle(bert) => bert.forward(&ids)?.to_vec2()?,
            };
            for (&i, row) in batch.iter().zip(rows) {
                vectors[i] = row;
            }
            rest = after;
        }
        Ok(vectors)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    std::fs::read(path).map_err(|e| bad(path, e))
}

fn bad(path: &Path, why: impl ToString) -> ModelError {
    ModelError::BadFile { path: path.to_path_buf(), why: why.to_string() }
}
