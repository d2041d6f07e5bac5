//! What a sentence does: the closed set of speech acts, and a thread read sentence by sentence.

use std::sync::Arc;

use super::message::Span;

/// What a sentence does, from the point of view of somebody who must act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpeechAct {
    /// A request that somebody do something.
    Ask,
    Question,
    Proposal,
    Decision,
    /// The speaker takes something on ("I'll send it").
    Commitment,
    Blocker,
    Answer,
    Acknowledgement,
    /// A greeting or farewell that asks for nothing.
    Closing,
    Status,
    Other,
}

/// One sentence of a thread and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    pub span: Span,
    pub act: SpeechAct,
    /// How sure the reading of `act` is, 0 to 1.
    pub probability: f32,
    /// The same for every act, indexed like `SpeechAct::ALL`.
    pub acts: [f32; 11],
    /// How much a summary would rest on it, 0 to 1.
    pub salience: f32,
    /// How likely it bears out a decision, 0 to 1.
    pub decision: f32,
    /// How likely it bears out an action item, 0 to 1.
    pub action: f32,
    /// Who is asked or named, as the thread's participants or the text have it.
    pub addressee: Option<String>,
    /// The words that say by when, in the same message.
    pub due: Option<Span>,
    pub words: usize,
}

/// Everything said in a thread, sentence by sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThreadActs {
    /// In the order of the thread.
    pub sentences: Vec<Sentence>,
    /// One vector a sentence, `[sentences][dim]`; empty where no encoder read them.
    pub embeddings: Vec<Arc<[f32]>>,
    /// Messages that were not read, by index, and why.
    pub skipped: Vec<(usize, &'static str)>,
}

impl SpeechAct {
    pub const ALL: [SpeechAct; 11] = [
        SpeechAct::Ask,
        SpeechAct::Question,
        SpeechAct::Proposal,
        SpeechAct::Decision,
        SpeechAct::Commitment,
        SpeechAct::Blocker,
        SpeechAct::Answer,
        SpeechAct::Acknowledgement,
        SpeechAct::Closing,
        SpeechAct::Status,
        SpeechAct::Other,
    ];

    /// The lower-case word that files and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            SpeechAct::Ask => "ask",
            SpeechAct::Question => "question",
            SpeechAct::Proposal => "proposal",
            SpeechAct::Decision => "decision",
            SpeechAct::Commitment => "commitment",
            SpeechAct::Blocker => "blocker",
            SpeechAct::Answer => "answer",
            SpeechAct::Acknowledgement => "acknowledgement",
            SpeechAct::Closing => "closing",
            SpeechAct::Status => "status",
            SpeechAct::Other => "other",
        }
    }
}
