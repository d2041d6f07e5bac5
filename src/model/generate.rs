//! The generator on candle: prompt in, text out, with an exact token budget.

use std::path::Path;

use candle_core::Device;
use candle_transformers::generation::{LogitsProcessor, Sampling as Draw};

use super::{
    Generation, ModelError, Request, Sampling, Stop, TextModel, arch::llama::Llama, chat::ChatTemplate, gguf::Gguf,
    tokenizer::TextTokenizer,
};
use crate::time::Stopwatch;

/// Prompt tokens read between two looks at `cancelled`.
const PREFILL_CHUNK_TOKENS: usize = 256;

/// A chat model from a GGUF file.
pub struct Generator {
    decoder: Llama,
    tokenizer: TextTokenizer,
    chat: ChatTemplate,
    /// The tokens whose keys and values the cache holds, in order.
    cached: Vec<u32>,
}

impl Generator {
    /// # Errors
    /// `BadFile` when the file cannot be used, and says why.
    pub fn load(path: &Path, device: &Device) -> Result<Generator, ModelError> {
        let mut gguf = Gguf::open(path, device)?;
        let tokenizer = TextTokenizer::from_gguf(&gguf)?;
        let chat = ChatTemplate::from_gguf(&gguf)?;
        Ok(Generator { decoder: Llama::load(&mut gguf)?, tokenizer, chat, cached: Vec::new() })
    }

    pub fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// Reads `prompt` and returns the logits after it, or `None` when cancelled. Work already in the cache for a common
    /// beginning is kept.
    fn prefill(
        &mut self,
        prompt: &[u32],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<(candle_core::Tensor, usize)>, ModelError> {
        let common = prompt.iter().zip(&self.cached).take_while(|(a, b)| a == b).count();
        // The last token is always read again: its logits are what decoding starts from.
        let kept = common.min(prompt.len().saturating_sub(1));
        self.decoder.rewind(kept);
        self.cached.truncate(kept);
        let mut logits = None;
        for chunk in prompt[kept..].chunks(PREFILL_CHUNK_TOKENS) {
            if cancelled() {
                return Ok(None);
            }
            logits = Some(self.decoder.read(chunk)?);
            self.cached.extend_from_slice(chunk);
        }
        Ok(logits.map(|l| (l, kept)))
    }
}

impl TextModel for Generator {
    fn context_tokens(&self) -> usize {
        self.decoder.context_tokens()
    }

    fn count(&self, text: &str) -> usize {
        self.tokenizer.encode_text(text).map_or(usize::MAX, |ids| ids.len())
    }

    fn generate(&mut self, request: &Request, cancelled: &dyn Fn() -> bool) -> Result<Generation, ModelError> {
        let prompt = self.chat.encode(&request.turns, &request.answer_start, &self.tokenizer)?;
        let context_tokens = self.context_tokens();
        if prompt.is_empty() || prompt.len() + request.max_new_tokens > context_tokens {
            let (prompt_tokens, new_tokens) = (prompt.len(), request.max_new_tokens);
            return Err(ModelError::TooLong { prompt_tokens, new_tokens, context_tokens });
        }
        let watch = Stopwatch::start();
        let prefilled = self.prefill(&prompt, cancelled)?;
        let prefill_ms = watch.elapsed_ms();
        let mut answer = Answer::new(request);
        let (mut logits, reused_tokens) = match prefilled {
            Some((logits, kept)) => (logits, kept),
            None => return Ok(answer.finish(Stop::Cancelled, prompt.len(), 0, prefill_ms, 0)),
        };
        let mut draw = processor(request.sampling);
        let watch = Stopwatch::start();
        let stop = loop {
            if answer.ids.len() == request.max_new_tokens {
                break Stop::Length;
            }
            if cancelled() {
                break Stop::Cancelled;
            }
            let id = draw.sample(&logits)?;
            if self.tokenizer.ends_turn(id) {
                break Stop::EndOfTurn;
            }
            if answer.push(id, &self.tokenizer) {
                break Stop::StopString;
            }
            logits = self.decoder.read(&[id])?;
            self.cached.push(id);
        };
        Ok(answer.finish(stop, prompt.len(), reused_tokens, prefill_ms, watch.elapsed_ms()))
    }
}

/// The answer as it grows.
struct Answer<'a> {
    ids: Vec<u32>,
    text: String,
    stop: &'a [String],
}

impl<'a> Answer<'a> {
    fn new(request: &'a Request) -> Answer<'a> {
        Answer { ids: Vec::new(), text: String::new(), stop: &request.stop }
    }

    /// Adds a token; true when the text now holds a stop string, which is cut off with all that follows.
    fn push(&mut self, id: u32, tokenizer: &TextTokenizer) -> bool {
        self.ids.push(id);
        self.text = tokenizer.decode(&self.ids);
        let cut = self.stop.iter().filter_map(|s| self.text.find(s.as_str())).min();
        if let Some(at) = cut {
            self.text.truncate(at);
        }
        cut.is_some()
    }

    fn finish(
        self,
        stop: Stop,
        prompt_tokens: usize,
        reused_tokens: usize,
        prefill_ms: u64,
        decode_ms: u64,
    ) -> Generation {
        let new_tokens = self.ids.len();
        Generation { text: self.text, stop, prompt_tokens, reused_tokens, new_tokens, prefill_ms, decode_ms }
    }
}

fn processor(sampling: Sampling) -> LogitsProcessor {
    match sampling {
        Sampling::Greedy => LogitsProcessor::from_sampling(0, Draw::ArgMax),
        Sampling::Seeded { seed, temperature, top_p } => {
            LogitsProcessor::from_sampling(seed, Draw::TopP { p: top_p, temperature })
        }
    }
}
