//! What talk settles without a formula: "so the case will be rubber, then".
//!
//! Minutes and calls state their resolutions, and there a weak reading of a decision is mostly an opinion. Where people just
//! talk, nobody states anything, and what was settled shows in how it is said: for all, or as how things are, and not as what
//! one of them thinks. (Whether somebody says yes to it was tried, and tells nothing: people say yes to everything.)

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::view::View;
use crate::domain::Kind;

/// Turns of people who talk with each other have at most this many words on average; who reports has more.
const WORDS_A_TURN: usize = 20;

/// What those who take minutes write, and what is put to a vote.
static FORMAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W*(?:resolved|resolution|decision|decided|agreed|proposed|proposal|motion|action|topic)\b[^:]{0,20}:",
    )
});
/// Said for oneself, or as one possibility.
static OPINION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bi (?:think|guess|believe|mean|suppose|don['’]?t|would|feel|thought|was)\b|\bi['’](?:m|d|ve)\b|\b(?:probably|could|maybe|if)\b",
    )
});
/// Said for all.
static TOGETHER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:we|we['’](?:re|ll|ve|d)|let['’]s|us|our)\b"));

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

/// Whether what is said may be more than an opinion: it is said for all, or nobody's view is named.
pub fn is_for_all(shown: &str) -> bool {
    TOGETHER.is_match(shown) || !OPINION.is_match(shown)
}

fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("a pattern of this file compiles")
}

#[cfg(test)]
mod tests {
    use super::{View, is_for_all, is_talk};
    use crate::{
        classify::Classifier,
        domain::{Kind, Message, Thread},
    };

    fn thread(said: &[(&str, &str)]) -> Thread {
        let message = |(author, text): &(&str, &str)| Message {
            author: Some((*author).to_owned()),
            text: (*text).to_owned(),
            ..Message::default()
        };
        Thread {
            source: "test".to_owned(),
            kind: Kind::Transcript,
            id: "t1".to_owned(),
            title: "Depot".to_owned(),
            url: None,
            channel: None,
            participants: Vec::new(),
            messages: said.iter().map(message).collect(),
            events: Vec::new(),
            as_of: None,
        }
    }

    fn view(thread: &Thread) -> View<'_> {
        let acts = Classifier::without_heads().classify(thread, None, &|| false).expect("cues need no model");
        View::new(thread, acts, None).expect("without an encoder nothing fails")
    }

    #[test]
    fn what_is_said_for_all_is_more_than_an_opinion() {
        for said in
            ["We will paint the pumps green.", "So the pumps will be green then.", "I think we paint the pumps green."]
        {
            assert!(is_for_all(said), "{said}");
        }
        for said in ["I think the pumps look better in green.", "Maybe the pumps look better in green."] {
            assert!(!is_for_all(said), "{said}");
        }
    }

    #[test]
    fn talk_has_short_turns_of_several_and_no_formula() {
        let talk = [("Ana", "So the pumps will be green then."), ("Raj", "Okay.")];
        assert!(is_talk(&view(&thread(&talk))));
        assert!(!is_talk(&view(&thread(&talk[..1]))), "one alone");
        let formal = [("Ana", "Proposed: the pumps are green."), ("Raj", "+1")];
        assert!(!is_talk(&view(&thread(&formal))));
        let noted = [("[topic]", "Pumps"), ("Ana", "The pumps will be green then."), ("Raj", "Okay.")];
        assert!(!is_talk(&view(&thread(&noted))));
        let long = "We went to the depot and looked at all of the pumps that are there. ".repeat(3);
        assert!(!is_talk(&view(&thread(&[("Ana", &long), ("Raj", &long)]))), "they report");
    }
}
