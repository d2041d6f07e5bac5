//! The prompt for a bottom line: a fixed beginning, which the model reads once, and the chosen quotes.

use super::Options;
use crate::model::{Request, Role, Sampling, TextModel, Turn};

const SYSTEM: &str = include_str!("prompts/system.txt");
const EXAMPLE_NOTES: &str = include_str!("prompts/example_notes.txt");
const EXAMPLE_LINE: &str = include_str!("prompts/example_line.txt");
const REWORD: &str = include_str!("prompts/reword.txt");

/// How a generator is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As any chat model is: what is wanted, an example, all notes.
    #[default]
    Instructed,
    /// As our adapter was taught: one note, to be reworded.
    Taught,
}

impl Style {
    const ALL: [Style; 2] = [Style::Instructed, Style::Taught];

    /// Changes with every change of a wording below, so that a summary says which wording made it.
    pub fn version(self) -> &'static str {
        match self {
            Style::Instructed => "bottom-line/1",
            Style::Taught => "bottom-line/2",
        }
    }

    /// The style of this version, if it is one of ours.
    pub fn of_version(version: &str) -> Option<Style> {
        Style::ALL.into_iter().find(|style| style.version() == version)
    }
}

/// A prompt with as many of `notes` as `options` allow, in order; also how many those are. No part of a note is cut.
pub fn instructed(title: &str, notes: &[String], options: Options, model: &dyn TextModel) -> (Request, usize) {
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
    let example = [(Role::System, SYSTEM), (Role::User, EXAMPLE_NOTES), (Role::Assistant, EXAMPLE_LINE)];
    (request(&example, &text, options), used)
}

/// A prompt with one note, or none when that is longer than `options` allow.
pub fn taught(title: &str, note: &str, options: Options, model: &dyn TextModel) -> Option<Request> {
    let text = format!("Bottom line of \"{}\":\n- {note}", title.trim());
    let tokens = model.count(REWORD).saturating_add(model.count(&text));
    (tokens <= options.max_prompt_tokens).then(|| request(&[(Role::System, REWORD)], &text, options))
}

fn request(before: &[(Role, &str)], text: &str, options: Options) -> Request {
    let turn = |&(role, text): &(Role, &str)| Turn { role, text: text.trim().to_owned() };
    Request {
        turns: before.iter().chain([&(Role::User, text)]).map(turn).collect(),
        answer_start: String::new(),
        max_new_tokens: options.max_new_tokens,
        sampling: Sampling::Greedy,
        stop: vec!["\n".to_owned()],
        only: None,
    }
}
