//! Models without weights, for tests of what is built on models: one answers from a script, one embeds by hashing words.

use std::collections::VecDeque;

use super::{Embedder, Generation, ModelError, Request, Stop, TextModel};

/// Answers in the order of its script and then says nothing; a token is a word.
#[derive(Debug, Default)]
pub struct ScriptedModel {
    pub answers: VecDeque<String>,
    /// Every request it was given.
    pub asked: Vec<Request>,
}

/// Places a text by its words: texts that share words lie near each other.
#[derive(Debug, Default)]
pub struct HashEmbedder;

/// Numbers in a `HashEmbedder` vector.
const DIM: usize = 64;

impl TextModel for ScriptedModel {
    fn context_tokens(&self) -> usize {
        4096
    }

    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn generate(&mut self, request: &Request, cancelled: &dyn Fn() -> bool) -> Result<Generation, ModelError> {
        self.asked.push(request.clone());
        let text = if cancelled() { String::new() } else { self.answers.pop_front().unwrap_or_default() };
        let prompt_tokens = request.turns.iter().map(|t| self.count(&t.text)).sum();
        let new_tokens = self.count(&text);
        let stop = if cancelled() { Stop::Cancelled } else { Stop::EndOfTurn };
        Ok(Generation { text, stop, prompt_tokens, reused_tokens: 0, new_tokens, prefill_ms: 0, decode_ms: 0 })
    }
}

impl Embedder for HashEmbedder {
    fn dim(&self) -> usize {
        DIM
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        Ok(texts.iter().map(|text| place(text)).collect())
    }
}

fn place(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; DIM];
    // A constant part keeps the vector of an empty text at length 1 like every other.
    vector[0] = 0.1;
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        let hash = word.to_lowercase().bytes().fold(2166136261u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16777619));
        vector[hash as usize % DIM] += 1.0;
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / length).collect()
}
