//! The prompt for a bottom line: a fixed beginning, which the model reads once, and the chosen quotes.

use super::Options;
use crate::model::{Request, Role, Sampling, TextModel, Turn};

/// Changes with every change of the wording below, so that a summary says which wording made it.
pub const VERSION: &str = "bottom-line/1";

const SYSTEM: &str = include_str!("prompts/system.txt");
const EXAMPLE_NOTES: &str = include_str!("prompts/example_notes.txt");
const EXAMPLE_LINE: &str = include_str!("prompts/example_line.txt");

/// A prompt with as many of `notes` as `options` allow, in order; also how many those are. No part of a note is cut.
pub fn bottom_line(title: &str, notes: &[String], options: Options, model: &dyn TextModel) -> (Request, usize) {
    let mut text = format!("Notes on \"{}\":\n", title.trim());
    let fixed = [SYSTEM, EXAMPLE_NOTES, EXAMPLE_LINE].iter().map(|t| model.count(t)).sum::<usize>();
    let mut used = 0;
    for note in notes {
        let longer = format!("{text}- {note}\n");
        if used > 0 && fixed.saturating_add(model.count(&longer)) > options.max_prompt_tokens {
            break;
        }
        text = longer;
        used += 1;
    }
    let turn = |role: Role, text: &str| Turn { role, text: text.trim().to_owned() };
    let turns = vec![
        turn(Role::System, SYSTEM),
        turn(Role::User, EXAMPLE_NOTES),
        turn(Role::Assistant, EXAMPLE_LINE),
        turn(Role::User, &text),
    ];
    let stop = vec!["\n".to_owned()];
    let request = Request {
        turns,
        answer_start: String::new(),
        max_new_tokens: options.max_new_tokens,
        sampling: Sampling::Greedy,
        stop,
    };
    (request, used)
}
