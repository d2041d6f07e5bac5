//! Where people just talk: nobody states what was decided ("so the case will be rubber, then").
//!
//! Minutes and calls state their resolutions, and there a weak reading of a decision is mostly an opinion. In talk it is all
//! that there is. (Whether it is said for all, or somebody says yes to it, was tried: neither tells more than the reading.)

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::view::View;
use crate::{domain::Kind, pattern::compiled};

/// Turns of people who talk with each other have at most this many words on average; who reports has more.
const WORDS_A_TURN: usize = 20;

/// What those who take minutes write, and what is put to a vote.
static FORMAL: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(?:resolved|resolution|decision|decided|agreed|proposed|proposal|motion|action|topic)\b[^:]{0,20}:",
    )
});
/// Whether this is talk: several people in short turns, and nothing in it is put as minutes put it.
pub fn is_talk(view: &View) -> bool {
    let messages = &view.thread.messages;
    let speakers: HashSet<&str> = messages.iter().filter_map(|m| m.author.as_deref()).collect();
    let words: usize = view.acts.sentences.iter().map(|s| s.words).sum();
    let topics = speakers.iter().any(|author| author.starts_with('['));
    view.thread.kind == Kind::Transcript
        && speakers.len() > 1
        && !topics
        && words <= WORDS_A_TURN * messages.len()
        && !view.units.iter().any(|unit| FORMAL.is_match(&unit.shown))
}
