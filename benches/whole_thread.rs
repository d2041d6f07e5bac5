//! What a model makes of a whole thread: the rival of choosing evidence first. One answer a thread, asked for in one or two
//! sentences, and held against the thread by the checks that every wording of bluf has to pass.
//!
//! Usage: `whole_thread MODEL.gguf ENCODER_FOLDER THREADS.jsonl MOST_TOKENS [ANSWERS.jsonl]`, with `bluf.thread/1` lines. A
//! thread of more than `MOST_TOKENS` is cut at its end, and `read` says how many messages were left whole. One line of JSON
//! a thread: the answer, its sentences with the quote that bears each out or why none does, tokens, and seconds of
//! processor time. With `ANSWERS`, the output of an earlier run, those answers are checked again and none is written.

use std::{collections::HashMap, path::Path, sync::Arc};

use bluf::{
    classify::Classifier,
    domain::Thread,
    model::{Embedder, Place, Request, Role, Sampling, TextModel, Turn, embed::BertEmbedder, generate::Generator},
    source::{self, Format, Input},
    summarize::{
        ground::{self, Quote, Unsupported},
        rank,
    },
    text::sentence,
    time::CpuStopwatch,
};
use serde_json::{Value, json};

const SYSTEM: &str = "You write the bottom line of threads and documents for somebody who reads nothing else. Say in one or \
                      two plain sentences what was decided, concluded or asked, and by whom. Use only what the text says.";
const QUESTION: &str = "What is the bottom line? Answer in one or two sentences.";
const NEW_TOKENS: usize = 96;
/// What many answers begin with, and no claim.
const OPENING: &str = "The bottom line is that ";

/// A sentence of an answer, and the quote that bears it out: its message, and where it stands there.
type Checked = (String, Result<(usize, std::ops::Range<usize>), Unsupported>);

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, encoder, threads, most_tokens, earlier @ ..] = &args[..] else {
        anyhow::bail!("usage: whole_thread MODEL.gguf ENCODER_FOLDER THREADS.jsonl MOST_TOKENS [ANSWERS.jsonl]")
    };
    let place = Arc::new(Place::cpu(1));
    let earlier = earlier.first().map(|path| answers(path)).transpose()?;
    let mut generator = match earlier {
        None => Some(Generator::load(Path::new(model), &place, None)?),
        Some(_) => None,
    };
    let mut encoder = BertEmbedder::load(Path::new(encoder), &place)?;
    let classifier = Classifier::embedded()?;
    for thread in source::read(Input::Path(Path::new(threads)), Some(Format::Jsonl))?.threads {
        let mut line = match (&mut generator, earlier.as_ref().and_then(|lines| lines.get(&thread.id))) {
            (_, Some(line)) => line.clone(),
            (Some(generator), None) => answer(&thread, most_tokens.parse()?, generator)?,
            (None, None) => continue,
        };
        let said = line["answer"].as_str().unwrap_or_default().to_owned();
        let checked = check(&thread, &said, &classifier, &mut encoder)?;
        line["sentences"] = checked.iter().map(|one| told(&thread, one)).collect();
        println!("{line}");
    }
    Ok(())
}

/// The lines of an earlier run, by thread.
fn answers(path: &str) -> anyhow::Result<HashMap<String, Value>> {
    let lines = std::fs::read_to_string(path)?;
    let line = |line: &str| -> anyhow::Result<(String, Value)> {
        let line: Value = serde_json::from_str(line)?;
        Ok((line["id"].as_str().unwrap_or_default().to_owned(), line))
    };
    lines.lines().map(line).collect()
}

fn answer(thread: &Thread, most_tokens: usize, generator: &mut Generator) -> anyhow::Result<Value> {
    let watch = CpuStopwatch::start();
    let (text, read) = within(thread, most_tokens, generator);
    let answer = generator.generate(&request(text), &|| false)?;
    let cpu_s = watch.map(|watch| watch.elapsed().as_secs_f64());
    eprintln!("{}: {} of {} messages, {cpu_s:?} s", thread.id, read, thread.messages.len());
    Ok(json!({
        "id": thread.id, "answer": answer.text.trim(), "messages": thread.messages.len(), "read": read,
        "prompt_tokens": answer.prompt_tokens, "new_tokens": answer.new_tokens, "cpu_s": cpu_s,
    }))
}

/// The thread as one text of at most about `most_tokens`, and how many of its messages that holds whole.
fn within(thread: &Thread, most_tokens: usize, model: &dyn TextModel) -> (String, usize) {
    let mut text = format!("Title: {}\n\n", thread.title);
    let mut left = most_tokens.saturating_sub(model.count(&text));
    for (n, message) in thread.messages.iter().enumerate() {
        let said = message.author.as_ref().map_or(message.text.clone(), |who| format!("{who}: {}", message.text));
        let tokens = model.count(&said) + 1;
        if tokens > left {
            // About four letters a token; the count above errs by more than that.
            text.extend(said.chars().take(4 * left));
            return (text, n);
        }
        left -= tokens;
        text.push_str(&said);
        text.push('\n');
    }
    (text, thread.messages.len())
}

fn request(text: String) -> Request {
    let turn = |role, text: String| Turn { role, text };
    Request {
        turns: vec![
            turn(Role::System, SYSTEM.to_owned()),
            turn(Role::User, format!("{}\n\n{QUESTION}", text.trim_end())),
        ],
        answer_start: String::new(),
        max_new_tokens: NEW_TOKENS,
        sampling: Sampling::Greedy,
        stop: vec!["\n\n".to_owned()],
        only: None,
    }
}

/// Holds every sentence of `answer` against the sentences of the thread, then against whole messages: whichever bears it out.
fn check(
    thread: &Thread,
    answer: &str,
    classifier: &Classifier,
    encoder: &mut dyn Embedder,
) -> anyhow::Result<Vec<Checked>> {
    let acts = classifier.classify(thread, None, &|| false)?;
    let sentences: Vec<_> = acts.sentences.iter().map(|s| (s.span.message, s.span.start..s.span.end)).collect();
    let messages: Vec<_> = thread.messages.iter().enumerate().map(|(n, m)| (n, 0..m.text.len())).collect();
    let mut names: Vec<&str> = thread.participants.iter().map(String::as_str).collect();
    names.push(&thread.title);
    let mut checked = Vec::new();
    for range in sentence::split(answer, 0..answer.len()) {
        let said = answer[range].trim();
        let said = said.strip_prefix(OPENING).unwrap_or(said);
        let mut outcome = Err(Unsupported::NoStatement);
        for places in [&messages, &sentences] {
            let quotes: Vec<Quote> = places
                .iter()
                .map(|(message, range)| Quote {
                    speaker: thread.messages[*message].author.as_deref(),
                    text: &thread.messages[*message].text[range.clone()],
                })
                .collect();
            outcome = ground::borne_out(said, &quotes, &names).map(|best| places[best].clone());
            if let Ok((message, range)) = &outcome {
                let vectors = encoder.embed(&[said, &thread.messages[*message].text[range.clone()]])?;
                if let Err(why) = ground::meaning(rank::cosine(&vectors[0], &vectors[1])) {
                    outcome = Err(why);
                }
            }
            if outcome.is_ok() {
                break;
            }
        }
        checked.push((said.to_owned(), outcome));
    }
    Ok(checked)
}

fn told(thread: &Thread, (said, outcome): &Checked) -> Value {
    match outcome {
        Ok((message, range)) => json!({
            "text": said, "message": thread.messages[*message].id, "start": range.start, "end": range.end,
        }),
        Err(why) => json!({ "text": said, "dropped": format!("{why:?}") }),
    }
}
