//! The generator: prompts in, texts out, with exact token budgets, several at a time.
//!
//! A request becomes a `Draft`. `step` reads on in every draft at once: one pass over the weights brings each a token or
//! more, or a piece of its prompt. Beginnings that prompts share are read once and copied. Greedy drafts guess what comes
//! next from what stood there before in the prompt, and keep what the model would have chosen itself (prompt lookup,
//! Saxena 2023), so guessing changes the time and never the text.

use std::{path::Path, sync::Arc};

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling as Draw};

use super::{
    BatchTextModel, Generation, ModelError, Place, Request, Sampling, Stop, TextModel,
    arch::{
        TextDecoder,
        adapter::Adapter,
        candle::Llama,
        decoder::Decoder,
        sequence::{Sequence, Step},
    },
    chat::ChatTemplate,
    gguf::Gguf,
    tokenizer::TextTokenizer,
};
use crate::{text::vocabulary::Vocabulary, time::Stopwatch};

/// Prompt tokens read in one step.
const PREFILL_TOKENS: usize = 256;
/// Tokens guessed ahead at most.
const GUESSES: usize = 4;
/// Tokens that must have stood before the guess already.
const GUESS_AFTER: usize = 3;
/// Tokens that are tried when the words of an answer are limited. Where none of them will do, the likeliest stands, and what
/// is made of it is for the caller to judge.
const TRIED: usize = 512;
/// Beginnings kept for later prompts, and the fewest tokens worth keeping.
const KEPT: usize = 4;
const KEPT_TOKENS: usize = 16;

/// A chat model from a GGUF file.
pub struct Generator {
    decoder: TextDecoder,
    tokenizer: TextTokenizer,
    chat: ChatTemplate,
    /// Beginnings of earlier prompts, the latest used last.
    kept: Vec<Kept>,
}

struct Kept {
    tokens: Vec<u32>,
    sequence: Sequence,
}

/// A request being answered.
pub struct Draft {
    prompt: Vec<u32>,
    sequence: Sequence,
    /// Prompt tokens whose work was copied.
    reused: usize,
    /// Tokens of the answer; the last may not have been read yet.
    ids: Vec<u32>,
    text: String,
    max_new_tokens: usize,
    stops: Vec<String>,
    draw: Option<LogitsProcessor>,
    only: Option<Arc<Vocabulary>>,
    stop: Option<Stop>,
    prefill_ms: u64,
    decode_ms: u64,
}

impl Generator {
    /// # Errors
    /// `BadFile` when the file cannot be used, or `adapter` does not fit it, and says why.
    pub fn load(path: &Path, place: &Place, adapter: Option<Adapter>) -> Result<Generator, ModelError> {
        let mut gguf = Gguf::open(path, place.device())?;
        if let Some(adapter) = adapter {
            gguf.adapt(adapter)?;
        }
        let tokenizer = TextTokenizer::from_gguf(&gguf)?;
        let chat = ChatTemplate::from_gguf(&gguf)?;
        let decoder = match place {
            Place::Cpu(cpu) => TextDecoder::Kernel(Box::new(Decoder::load(&mut gguf, Arc::clone(cpu))?)),
            Place::Candle(_) => TextDecoder::Candle(Box::new(Llama::load(&mut gguf)?)),
        };
        Ok(Generator { decoder, tokenizer, chat, kept: Vec::new() })
    }

    pub fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// A sequence that holds what a kept beginning has in common with `prompt`, and how many tokens that is.
    fn recall(&mut self, prompt: &[u32]) -> Result<(Sequence, usize), ModelError> {
        let common = |kept: &Kept| kept.tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        // The last token is always read again: its logits are what decoding starts from.
        let longest = self.kept.iter().enumerate().map(|(n, k)| (common(k).min(prompt.len() - 1), n)).max();
        let Some((common, n)) = longest.filter(|(common, _)| *common >= KEPT_TOKENS) else {
            return Ok((self.decoder.begin(), 0));
        };
        let mut kept = self.kept.remove(n);
        let sequence = kept.sequence.beginning(common)?;
        // What two prompts share is what the next will share; the rest was this one's own.
        if common < kept.tokens.len() {
            kept.tokens.truncate(common);
            kept.sequence = kept.sequence.beginning(common)?;
        }
        self.kept.push(kept);
        Ok((sequence, common))
    }

    /// Keeps a prompt that has been read, unless its beginning was a kept one.
    fn keep(&mut self, draft: &Draft) -> Result<(), ModelError> {
        if draft.reused > 0 || draft.prompt.len() < KEPT_TOKENS {
            return Ok(());
        }
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        let sequence = draft.sequence.beginning(draft.prompt.len())?;
        self.kept.push(Kept { tokens: draft.prompt.clone(), sequence });
        Ok(())
    }
}

impl Draft {
    fn into_generation(self) -> Generation {
        Generation {
            text: self.text,
            stop: self.stop.unwrap_or(Stop::Cancelled),
            prompt_tokens: self.prompt.len(),
            reused_tokens: self.reused,
            new_tokens: self.ids.len(),
            prefill_ms: self.prefill_ms,
            decode_ms: self.decode_ms,
        }
    }

    /// The next piece of the prompt, while there is one.
    fn unread_prompt(&self) -> Option<Vec<u32>> {
        let rest = self.prompt.get(self.sequence.seen()..).filter(|rest| !rest.is_empty())?;
        Some(rest[..rest.len().min(PREFILL_TOKENS)].to_vec())
    }

    /// The token to read next, and guesses at those after it.
    fn ahead(&self) -> Vec<u32> {
        let mut tokens: Vec<u32> = self.ids.last().copied().into_iter().collect();
        let left = self.max_new_tokens.saturating_sub(self.ids.len());
        if self.draw.is_none() && left > 0 {
            let history: Vec<u32> = self.prompt.iter().chain(&self.ids).copied().collect();
            tokens.extend(guess(&history, GUESSES.min(left)));
        }
        tokens
    }

    /// Takes one token after another for as long as the guesses were the model's own choices.
    fn check_guesses(
        &mut self,
        tokens: &[u32],
        logits: Vec<Vec<f32>>,
        tokenizer: &TextTokenizer,
    ) -> Result<(), ModelError> {
        let before = self.sequence.seen() - tokens.len();
        let mut right = 1;
        for (n, logits) in logits.into_iter().enumerate() {
            self.choose(logits, tokenizer)?;
            let guessed = tokens.get(n + 1).is_some_and(|guess| self.ids.last() == Some(guess));
            if self.stop.is_some() || !guessed {
                break;
            }
            right += 1;
        }
        self.sequence.rewind(before + right);
        Ok(())
    }

    /// The best token that keeps to the words the answer may use.
    fn admitted(&mut self, mut logits: Vec<f32>, tokenizer: &TextTokenizer) -> Result<u32, ModelError> {
        let first = self.pick(&logits)?;
        let Some(only) = self.only.clone() else { return Ok(first) };
        let mut id = first;
        for _ in 0..TRIED {
            let admits = if tokenizer.ends_turn(id) {
                only.admits(&self.text, true)
            } else {
                self.ids.push(id);
                let text = tokenizer.decode(&self.ids);
                self.ids.pop();
                let stops = self.stops.iter().any(|s| text.contains(s.as_str()));
                only.admits(if stops { &self.text } else { &text }, stops)
            };
            if admits {
                return Ok(id);
            }
            logits[id as usize] = f32::NEG_INFINITY;
            id = self.pick(&logits)?;
        }
        Ok(first)
    }

    /// The token that `logits` choose.
    fn pick(&mut self, logits: &[f32]) -> Result<u32, ModelError> {
        match &mut self.draw {
            None => Ok(likeliest(logits)),
            Some(draw) => Ok(draw.sample(&Tensor::from_slice(logits, logits.len(), &Device::Cpu)?)?),
        }
    }

    /// Adds the token that `logits` choose, or ends.
    fn choose(&mut self, logits: Vec<f32>, tokenizer: &TextTokenizer) -> Result<(), ModelError> {
        if self.ids.len() == self.max_new_tokens {
            self.stop = Some(Stop::Length);
            return Ok(());
        }
        let id = self.admitted(logits, tokenizer)?;
        if tokenizer.ends_turn(id) {
            self.stop = Some(Stop::EndOfTurn);
            return Ok(());
        }
        self.ids.push(id);
        self.text = tokenizer.decode(&self.ids);
        if let Some(at) = self.stops.iter().filter_map(|s| self.text.find(s.as_str())).min() {
            self.text.truncate(at);
            self.stop = Some(Stop::StopString);
        } else if self.ids.len() == self.max_new_tokens {
            self.stop = Some(Stop::Length);
        }
        Ok(())
    }
}

impl BatchTextModel for Generator {
    type Draft = Draft;

    fn begin(&mut self, request: &Request) -> Result<Draft, ModelError> {
        let prompt = self.chat.encode(&request.turns, &request.answer_start, &self.tokenizer)?;
        let context_tokens = self.decoder.context_tokens();
        if prompt.is_empty() || prompt.len() + request.max_new_tokens > context_tokens {
            let (prompt_tokens, new_tokens) = (prompt.len(), request.max_new_tokens);
            return Err(ModelError::TooLong { prompt_tokens, new_tokens, context_tokens });
        }
        Ok(Draft {
            prompt,
            sequence: self.decoder.begin(),
            reused: 0,
            ids: Vec::new(),
            text: String::new(),
            max_new_tokens: request.max_new_tokens,
            stops: request.stop.clone(),
            draw: sampler(request.sampling),
            only: request.only.clone(),
            stop: None,
            prefill_ms: 0,
            decode_ms: 0,
        })
    }

    /// The next piece of the first prompt that is not read whole, and the next tokens of every answer.
    fn step(&mut self, drafts: &mut [&mut Draft], stop: &dyn Fn() -> bool) -> Result<bool, ModelError> {
        let watch = Stopwatch::start();
        let mut reading = false;
        let mut active: Vec<(&mut Draft, Vec<u32>, bool)> = Vec::new();
        for draft in drafts.iter_mut().filter(|d| d.stop.is_none()) {
            // Only now, so that the second of several requests that came together finds what the first has read.
            if !reading && draft.sequence.seen() == 0 {
                (draft.sequence, draft.reused) = self.recall(&draft.prompt)?;
            }
            match draft.unread_prompt() {
                Some(piece) if !reading => {
                    reading = true;
                    let last = draft.sequence.seen() + piece.len() == draft.prompt.len();
                    active.push((draft, piece, last));
                }
                Some(_) => {}
                None => {
                    let tokens = draft.ahead();
                    active.push((draft, tokens, true));
                }
            }
        }
        let mut steps: Vec<Step> = active
            .iter_mut()
            .map(|(draft, tokens, wants)| {
                let rows = if draft.ids.is_empty() { usize::from(*wants) } else { tokens.len() };
                Step::new(&mut draft.sequence, tokens, rows)
            })
            .collect();
        if steps.is_empty() || !self.decoder.read(&mut steps, stop)? {
            return Ok(steps.is_empty());
        }
        let logits: Vec<Vec<Vec<f32>>> = steps.into_iter().map(|step| step.logits).collect();
        let elapsed = watch.elapsed_ms();
        for ((draft, tokens, _), logits) in active.into_iter().zip(logits) {
            if draft.ids.is_empty() {
                draft.prefill_ms += elapsed;
                if let Some(logits) = logits.into_iter().next() {
                    self.keep(draft)?;
                    draft.choose(logits, &self.tokenizer)?;
                }
            } else {
                draft.decode_ms += elapsed;
                draft.check_guesses(&tokens, logits, &self.tokenizer)?;
            }
        }
        Ok(true)
    }

    fn stop(draft: &Draft) -> Option<Stop> {
        draft.stop
    }

    fn finish(draft: Draft) -> Generation {
        draft.into_generation()
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
        let mut draft = self.begin(request)?;
        while draft.stop.is_none() {
            if cancelled() || !self.step(&mut [&mut draft], cancelled)? {
                draft.stop.get_or_insert(Stop::Cancelled);
            }
        }
        Ok(draft.into_generation())
    }
}

/// What followed the last time that the last tokens stood together, at most `most` tokens.
fn guess(history: &[u32], most: usize) -> Vec<u32> {
    let Some(end) = history.len().checked_sub(GUESS_AFTER) else { return Vec::new() };
    let last = &history[end..];
    let at = history[..history.len() - 1].windows(GUESS_AFTER).rposition(|window| window == last);
    at.map_or(Vec::new(), |at| history[at + GUESS_AFTER..].iter().take(most).copied().collect())
}

/// The first of the largest.
fn likeliest(logits: &[f32]) -> u32 {
    let best = logits
        .iter()
        .enumerate()
        .fold((0, f32::NEG_INFINITY), |best, (id, &x)| if x > best.1 { (id, x) } else { best });
    best.0 as u32
}

/// How tokens are drawn; `None` when the likeliest is always taken.
fn sampler(sampling: Sampling) -> Option<LogitsProcessor> {
    match sampling {
        Sampling::Greedy => None,
        Sampling::Seeded { seed, temperature, top_p } => {
            Some(LogitsProcessor::from_sampling(seed, Draw::TopP { p: top_p, temperature }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_what_followed_the_same_words_before() {
        assert_eq!(guess(&[1, 2, 3, 4, 5, 9, 1, 2, 3], 2), [4, 5]);
        assert_eq!(guess(&[1, 2, 3, 4, 1, 2, 3, 7, 1, 2, 3], 1), [7], "the latest place speaks");
        assert_eq!(guess(&[1, 2, 3], 4), [0u32; 0], "the words themselves are no earlier place");
        assert_eq!(guess(&[1, 1, 1, 1], 2), [1], "a place may overlap");
        assert_eq!(guess(&[1], 4), [0u32; 0]);
    }

    #[test]
    fn the_first_of_equals_is_the_likeliest() {
        assert_eq!(likeliest(&[0.5, 2.0, 2.0, -1.0]), 1);
    }
}
