//! Prints what our tokenizer and generator make of texts, for comparison with another engine's (`oracle_llama_cpp.py`).
//!
//! Usage: `oracle MODEL.gguf tokens|greedy N < texts.jsonl`, each line a JSON string; one line of JSON out a text: ids, or
//! for `greedy` the prompt's ids and N generated ids with the two best logits at each step.

use std::{io::BufRead, path::Path};

use bluf::model::{
    ModelError, Role, Turn, arch::llama::Llama, chat::ChatTemplate, gguf::Gguf, tokenizer::TextTokenizer,
};
use candle_core::Device;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, path, what, rest @ ..] = &args[..] else { anyhow::bail!("usage: oracle MODEL.gguf tokens|greedy N") };
    let steps: usize = rest.first().map_or(Ok(32), |n| n.parse())?;
    let mut gguf = Gguf::open(Path::new(path), &Device::Cpu)?;
    let tokenizer = TextTokenizer::from_gguf(&gguf)?;
    let chat = ChatTemplate::from_gguf(&gguf)?;
    let mut decoder = if what == "greedy" { Some(Llama::load(&mut gguf)?) } else { None };
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

fn greedy(decoder: &mut Llama, prompt: &[u32], steps: usize) -> Result<serde_json::Value, ModelError> {
    decoder.rewind(0);
    let mut logits: Vec<f32> = decoder.read(prompt)?.to_vec1()?;
    let (mut ids, mut best_two) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.select_nth_unstable_by(1, |&a, &b| logits[b].total_cmp(&logits[a]));
        order.truncate(2);
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let best = order[0] as u32;
        best_two.push(order.iter().map(|&i| (i, logits[i])).collect::<Vec<_>>());
        ids.push(best);
        logits = decoder.read(&[best])?.to_vec1()?;
    }
    Ok(serde_json::json!({ "prompt": prompt, "ids": ids, "best_two": best_two }))
}
