//! The sentence encoder: BERT with mean pooling (all-MiniLM-L6-v2), on candle.

use std::path::Path;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, DTYPE};
use tokenizers::{Tokenizer, TruncationParams};

use super::{Embedder, ModelError};

/// Sentences in one forward pass. Batches hold sentences of like length, so padding is small.
const BATCH_SENTENCES: usize = 32;
/// A longer sentence is cut here: 128 word pieces are about 90 words, and the model was trained on 128.
const MAX_TOKENS: usize = 128;

/// A BERT encoder whose sentence vector is the mean of its token vectors.
pub struct BertEmbedder {
    model: BertModel,
    tokenizer: Tokenizer,
    device: Device,
    dim: usize,
}

impl BertEmbedder {
    /// Reads `config.json`, `tokenizer.json` and `model.safetensors` from `folder`.
    ///
    /// # Errors
    /// `BadFile` naming the file that is missing or malformed.
    pub fn load(folder: &Path, device: &Device) -> Result<BertEmbedder, ModelError> {
        let config: Config = serde_json::from_slice(&read(&folder.join("config.json"))?)
            .map_err(|e| bad(&folder.join("config.json"), e))?;
        let tokenizer_path = folder.join("tokenizer.json");
        let mut tokenizer = Tokenizer::from_file(&tokenizer_path).map_err(|e| bad(&tokenizer_path, e))?;
        tokenizer.with_padding(None);
        let truncation = TruncationParams { max_length: MAX_TOKENS, ..Default::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|e| bad(&tokenizer_path, e))?;
        let weights = folder.join("model.safetensors");
        let vars =
            VarBuilder::from_buffered_safetensors(read(&weights)?, DTYPE, device).map_err(|e| bad(&weights, e))?;
        let dim = config.hidden_size;
        Ok(BertEmbedder { model: BertModel::load(vars, &config)?, tokenizer, device: device.clone(), dim })
    }

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
        for batch in order.chunks(BATCH_SENTENCES) {
            let ids: Vec<&[u32]> = batch.iter().map(|&i| encoded[i].get_ids()).collect();
            let rows: Vec<Vec<f32>> = self.forward(&ids)?.to_vec2()?;
            for (&i, row) in batch.iter().zip(rows) {
                vectors[i] = row;
            }
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
