//! Prints what our tokenizer and generator make of texts, for comparison with another engine's (`oracle_llama_cpp.py`).
//!
//! Usage: `oracle MODEL.gguf tokens|greedy|candle N < texts.jsonl`, each line a JSON string; one line of JSON out a text:
//! ids, or the prompt's ids and N generated ids with the two best logits at each step, by our kernels for `greedy` and by
//! candle in f32 for `candle`.

use std::{io::BufRead, path::Path, sync::Arc};

use bluf::model::{
    ModelError, Role, Turn,
    arch::{TextDecoder, candle::Llama, decoder::Decoder, sequence::Step},
    chat::ChatTemplate,
    gguf::Gguf,
    kernel::Cpu,
    tokenizer::TextTokenizer,
};
use candle_core::Device;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, path, what, rest @ ..] = &args[..] else {
        anyhow::bail!("usage: oracle MODEL.gguf tokens|greedy|candle N")
    };
    let steps: usize = rest.first().map_or(Ok(32), |n| n.parse())?;
    let mut gguf = Gguf::open(Path::new(path), &Device::Cpu)?;
    let tokenizer = TextTokenizer::from_gguf(&gguf)?;
    let chat = ChatTemplate::from_gguf(&gguf)?;
    let mut decoder = match what.as_str() {
        "greedy" => Some(TextDecoder::Kernel(Box::new(Decoder::load(&mut gguf, Arc::new(Cpu::new(0)))?))),
        "candle" => Some(TextDecoder::Candle(Box::new(Llama::load(&mut gguf)?))),
        _ => None,
    };
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        match &mut decoder {
            None => println!("{}", serde_json::json!({ "ids": tokenizer.encode_text(&text)? })),
            Some(decoder) => {
                let prompt = chat.encode(&[Turn { role: Role::User, text }], "", &tokenizer)?;
                println!("{}", greedy(decoder, &prompt, steps)?);
            }
        }
    }
    Ok(())
}

fn greedy(decoder: &mut TextDecoder, prompt: &[u32], steps: usize) -> Result<serde_json::Value, ModelError> {
    let mut sequence = decoder.begin();
    let mut read = |tokens: &[u32]| {
        let mut steps = [Step::new(&mut sequence, tokens, 1)];
        decoder.read(&mut steps, &|| false)?;
        Ok::<_, ModelError>(steps[0].logits.remove(0))
    };
    let mut logits = read(prompt)?;
    let (mut ids, mut best_two) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.select_nth_unstable_by(1, |&a, &b| logits[b].total_cmp(&logits[a]));
        order.truncate(2);
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let best = order[0] as u32;
        best_two.push(order.iter().map(|&i| (i, logits[i])).collect::<Vec<_>>());
        ids.push(best);
        logits = read(&[best])?;
    }
    Ok(serde_json::json!({ "prompt": prompt, "ids": ids, "best_two": best_two }))
}
