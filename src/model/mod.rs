//! The transformers that run on this machine: what the rest of the house sees of them.
//!
//! `TextModel` words sentences, `Embedder` places sentences in a vector space. Each runs on our kernels, on candle for
//! GPUs, and scripted for tests; `worker` gives both to many callers from one owning thread. No tensor leaves this room.

pub mod arch;
pub mod catalogue;
pub mod chat;
pub mod checksum;
pub mod embed;
pub mod fetch;
pub mod generate;
pub mod gguf;
pub mod kernel;
pub mod manifest;
pub mod progress;
pub mod scripted;
pub mod shelf;
pub mod speed;
pub mod tokenizer;
pub mod worker;

pub use kernel::dot;

use std::{path::PathBuf, sync::Arc};

use candle_core::Device;

use crate::text::vocabulary::Vocabulary;

/// What goes wrong with a model, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Weights are not on this machine: pull them.
    #[error("the weights of '{name}' are not on this machine; run `bluf models pull {name}`")]
    Missing { name: String },
    /// A file is there and cannot be used: pull it again, or name another.
    #[error("{path}: {why}", path = path.display())]
    BadFile { path: PathBuf, why: String },
    /// The request asks for more than the model can hold: shorten it.
    #[error(
        "the prompt has {prompt_tokens} tokens and {new_tokens} more are asked for, but the context is {context_tokens}"
    )]
    TooLong { prompt_tokens: usize, new_tokens: usize, context_tokens: usize },
    /// The queue is full: try again later.
    #[error("the model is busy: {waiting} requests are waiting; try again later")]
    Busy { waiting: usize },
    /// The model's thread has ended: restart.
    #[error("the model's thread has stopped")]
    Stopped,
    #[error("token {token} is outside of the vocabulary of {vocabulary}")]
    Token { token: u32, vocabulary: usize },
    #[error("inference failed: {0}")]
    Compute(#[from] candle_core::Error),
}

/// Who speaks in a prompt, in the words of chat templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    System,
    User,
    Assistant,
}

/// One turn of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub role: Role,
    pub text: String,
}

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// The likeliest token, always.
    Greedy,
    /// Drawn from the likeliest tokens that make up `top_p` of the probability, the same for the same seed.
    Seeded { seed: u64, temperature: f64, top_p: f64 },
}

/// What to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub turns: Vec<Turn>,
    /// The first words of the answer, given rather than generated; they are not part of `Generation::text`.
    pub answer_start: String,
    /// The most tokens to generate, the end-of-turn token not counted.
    pub max_new_tokens: usize,
    pub sampling: Sampling,
    /// Generation ends before the first of these.
    pub stop: Vec<String>,
    /// The only words that the answer may use; `None`: any.
    pub only: Option<Arc<Vocabulary>>,
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    EndOfTurn,
    StopString,
    Length,
    Cancelled,
}

/// What was generated, and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    pub text: String,
    pub stop: Stop,
    pub prompt_tokens: usize,
    /// Prompt tokens whose work was kept from the request before.
    pub reused_tokens: usize,
    pub new_tokens: usize,
    pub prefill_ms: u64,
    pub decode_ms: u64,
}

/// Words sentences.
pub trait TextModel: Send {
    /// Tokens that a prompt and its answer may have together.
    fn context_tokens(&self) -> usize;

    /// Tokens of `text`, exactly as the model reads it.
    fn count(&self, text: &str) -> usize;

    /// Generates until the model ends its turn, a stop string, the token budget, or `cancelled`, which is asked before
    /// each token.
    ///
    /// # Errors
    /// `TooLong` when prompt and budget exceed the context; nothing is ever cut off to fit.
    fn generate(&mut self, request: &Request, cancelled: &dyn Fn() -> bool) -> Result<Generation, ModelError>;
}

/// A text model that answers several requests at once.
pub trait BatchTextModel: TextModel {
    /// A request being answered.
    type Draft;

    /// Makes a draft of `request`; nothing is read yet.
    ///
    /// # Errors
    /// `TooLong` when prompt and budget exceed the context.
    fn begin(&mut self, request: &Request) -> Result<Self::Draft, ModelError>;

    /// Brings every draft that has not ended a little further. `false` when `stop`, asked every few milliseconds, ended
    /// it: then no draft has moved.
    ///
    /// # Errors
    /// When inference fails.
    fn step(&mut self, drafts: &mut [&mut Self::Draft], stop: &dyn Fn() -> bool) -> Result<bool, ModelError>;

    /// Why a draft ended, once it has.
    fn stop(draft: &Self::Draft) -> Option<Stop>;

    /// What a draft has come to.
    fn finish(draft: Self::Draft) -> Generation;
}

/// Where a model runs.
pub enum Place {
    /// On our kernels.
    Cpu(Arc<kernel::Cpu>),
    /// On candle: a GPU, or the CPU as an oracle.
    Candle(Device),
}

/// Turns text into one vector a piece.
pub trait Embedder: Send {
    /// Numbers in a vector.
    fn dim(&self) -> usize;

    /// One vector for each text, `[texts][dim]`, each of length 1 (L2).
    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError>;
}

impl Place {
    /// The CPU, on `threads` threads; 0 for one a physical core.
    pub fn cpu(threads: usize) -> Place {
        Place::Cpu(Arc::new(kernel::Cpu::new(threads)))
    }

    fn device(&self) -> &Device {
        match self {
            Place::Cpu(_) => &Device::Cpu,
            Place::Candle(device) => device,
        }
    }
}

impl ModelError {
    fn bad_file(path: &std::path::Path, why: impl ToString) -> ModelError {
        ModelError::BadFile { path: path.to_path_buf(), why: why.to_string() }
    }
}
