//! The tokenizer, built from what the GGUF file itself says: byte-level BPE with the model's own pre-split.
//!
//! Text from a thread is encoded by `encode_text`, which reads no control token in it: a message that contains
//! `<|im_end|>` is eleven ordinary characters and cannot end a turn.

use tokenizers::{
    AddedToken, SplitDelimiterBehavior, Tokenizer,
    models::bpe::{BPE, Vocab},
    pre_tokenizers::{
        PreTokenizerWrapper,
        byte_level::ByteLevel,
        digits::Digits,
        sequence::Sequence,
        split::{Split, SplitPattern},
    },
};

use super::{ModelError, gguf::Gguf};

/// GGUF `token_type` of tokens that steer the model and are not text.
const CONTROL: i64 = 3;
/// GGUF `token_type` of tokens added to the vocabulary whole.
const USER_DEFINED: i64 = 4;

/// The pre-split of Qwen2, as published in its `tokenizer.json`.
const QWEN2_SPLIT: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The pre-split of Llama 3, as published in its `tokenizer.json`.
const LLAMA3_SPLIT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Text to token ids and back, for one model.
pub struct TextTokenizer {
    /// Reads control tokens: for the chat template only.
    template: Tokenizer,
    /// Reads everything as text.
    text: Tokenizer,
    bos: Option<u32>,
    /// Tokens that end a turn.
    ends: Vec<u32>,
}

impl TextTokenizer {
    /// # Errors
    /// `BadFile` when the metadata is incomplete or names a tokenizer other than byte-level BPE.
    pub fn from_gguf(gguf: &Gguf) -> Result<TextTokenizer, ModelError> {
        let model = gguf.string("tokenizer.ggml.model")?;
        if model != "gpt2" {
            return Err(gguf.bad(format!("its tokenizer is '{model}'; bluf reads byte-level BPE ('gpt2')")));
        }
        let tokens = gguf.strings("tokenizer.ggml.tokens")?;
        let types = gguf.numbers("tokenizer.ggml.token_type")?;
        let merges = merges(gguf)?;
        let vocabulary: Vocab = tokens.iter().cloned().zip(0u32..).collect();
        let bpe = BPE::builder().vocab_and_merges(vocabulary, merges).build().map_err(|e| gguf.bad(e))?;
        let mut template = Tokenizer::new(bpe);
        template.with_pre_tokenizer(Some(pre_split(gguf)?));
        template.with_decoder(Some(ByteLevel::default()));
        let of_type =
            |wanted: i64| tokens.iter().zip(&types).filter(move |(_, t)| **t == wanted).map(|(token, _)| token.clone());
        let added = |special: bool| move |token: String| AddedToken::from(token, special).normalized(false);
        template.add_special_tokens(of_type(CONTROL).map(added(true))).map_err(|e| gguf.bad(e))?;
        template.add_tokens(of_type(USER_DEFINED).map(added(false))).map_err(|e| gguf.bad(e))?;
        let mut text = template.clone();
        text.set_encode_special_tokens(true);
        let id = |key: &str| gguf.number(key).ok().map(|n| n as u32);
        let bos = id("tokenizer.ggml.bos_token_id").filter(|_| gguf.flag("tokenizer.ggml.add_bos_token") == Some(true));
        let named = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "</s>"];
        let mut ends: Vec<u32> = named.iter().filter_map(|t| template.token_to_id(t)).collect();
        ends.extend(id("tokenizer.ggml.eos_token_id"));
        Ok(TextTokenizer { template, text, bos, ends })
    }

    /// Ids of text that people wrote; control tokens in it are text.
    pub fn encode_text(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        encode(&self.text, text)
    }

    /// Ids of a piece of the chat template; control tokens in it steer the model.
    pub fn encode_template(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        encode(&self.template, text)
    }

    pub fn decode(&self, ids: &[u32]) -> String {
        self.template.decode(ids, true).unwrap_or_default()
    }

    /// The token that must open every prompt, for models that want one.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    pub fn ends_turn(&self, id: u32) -> bool {
        self.ends.contains(&id)
    }
}

fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, ModelError> {
    let encoding = tokenizer.encode(text, false).map_err(|e| candle_core::Error::Msg(format!("tokenizer: {e}")))?;
    Ok(encoding.get_ids().to_vec())
}

fn merges(gguf: &Gguf) -> Result<Vec<(String, String)>, ModelError> {
    let lines = gguf.strings("tokenizer.ggml.merges")?;
    let pair = |line: &String| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
    lines.iter().map(|line| pair(line).ok_or_else(|| gguf.bad(format!("'{line}' is not a BPE merge")))).collect()
}

/// How text is cut before merging, by the name that the GGUF file gives.
fn pre_split(gguf: &Gguf) -> Result<PreTokenizerWrapper, ModelError> {
    let name = gguf.string("tokenizer.ggml.pre").unwrap_or_else(|_| "gpt-2".to_owned());
    let bytes_of_words = ByteLevel::new(false, true, true);
    let by_pattern = |pattern: &str| -> Result<PreTokenizerWrapper, ModelError> {
        let split = Split::new(SplitPattern::Regex(pattern.to_owned()), SplitDelimiterBehavior::Isolated, false);
        let split = split.map_err(|e| gguf.bad(e))?;
        Ok(Sequence::new(vec![split.into(), ByteLevel::new(false, true, false).into()]).into())
    };
    match name.as_str() {
        "gpt-2" | "default" => Ok(bytes_of_words.into()),
        "smollm" => Ok(Sequence::new(vec![Digits::new(true).into(), bytes_of_words.into()]).into()),
        "qwen2" => by_pattern(QWEN2_SPLIT),
        "llama-bpe" | "llama3" => by_pattern(LLAMA3_SPLIT),
        other => Err(gguf.bad(format!("its pre-tokenizer '{other}' is not one that bluf knows"))),
    }
}
