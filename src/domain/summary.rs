//! `bluf.summary/1`: what bluf says about a thread, every claim with the quotes that bear it out.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::thread::Thread;

/// The version word of the JSON shape.
pub const SCHEMA: &str = "bluf.summary/1";

/// A word of a closed set.
pub type Word = &'static str;

/// Every such word: schemas, kinds of threads, kinds of flags, severities, healths.
const WORDS: &[Word] = &[
    SCHEMA,
    "chat",
    "email",
    "issue",
    "review",
    "document",
    "transcript",
    "unanswered",
    "undecided",
    "awaiting_review",
    "promise_overdue",
    "blocked",
    "no_owner",
    "no_deadline",
    "ping_pong",
    "reopened",
    "low",
    "medium",
    "high",
    "on_track",
    "at_risk",
    "breached",
];

/// One thread's BLUF. Field order is the order of the JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Summary {
    #[serde(deserialize_with = "word")]
    #[schema(value_type = String)]
    pub schema: Word,
    pub thread: ThreadFacts,
    pub bottom_line: BottomLine,
    pub decisions: Vec<Decision>,
    pub asks: Vec<Ask>,
    pub questions: Vec<Question>,
    pub blockers: Vec<Blocker>,
    pub context: Vec<Statement>,
    pub flags: Vec<Flag>,
    pub coverage: Coverage,
    /// The id of the last message this summary takes into account.
    pub through: Option<String>,
    pub provenance: Provenance,
}

/// Metadata copied from the source, never generated. Times are as `Moment` writes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ThreadFacts {
    pub id: String,
    pub source: String,
    #[serde(deserialize_with = "word")]
    #[schema(value_type = String)]
    pub kind: Word,
    pub title: String,
    pub url: Option<String>,
    pub messages: usize,
    pub participants: Vec<String>,
    pub opened_at: Option<String>,
    pub last_activity_at: Option<String>,
}

/// A byte range of a message: `quote == text[start..end]` of the message as given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cite {
    pub message_id: String,
    pub author: Option<String>,
    pub sent_at: Option<String>,
    pub start: usize,
    pub end: usize,
    pub quote: String,
}

/// Who worded a text: the generator from its cites, or the quote itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    Model,
    Extract,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BottomLine {
    pub text: String,
    pub by: By,
    pub cites: Vec<Cite>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Decision {
    pub text: String,
    pub decided_by: Option<String>,
    pub at: Option<String>,
    pub cites: Vec<Cite>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskState {
    Open,
    Done,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ask {
    pub text: String,
    /// `None`: nobody is named.
    pub owner: Option<String>,
    /// The due phrase as written.
    pub due: Option<String>,
    pub state: AskState,
    pub cites: Vec<Cite>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuestionState {
    Open,
    Answered,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Question {
    pub text: String,
    pub asked_by: Option<String>,
    pub at: Option<String>,
    pub state: QuestionState,
    pub answer: Option<Statement>,
    pub cites: Vec<Cite>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Blocker {
    pub text: String,
    pub owner: Option<String>,
    pub since: Option<String>,
    pub cites: Vec<Cite>,
}

/// A text and the quotes it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Statement {
    pub text: String,
    pub cites: Vec<Cite>,
}

/// Something about the thread that needs a person: see CONTRACT's `FLAG`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Flag {
    #[serde(deserialize_with = "word")]
    #[schema(value_type = String)]
    pub kind: Word,
    #[serde(deserialize_with = "word")]
    #[schema(value_type = String)]
    pub severity: Word,
    pub since: Option<String>,
    pub owed_by: Vec<String>,
    pub owed_to: Vec<String>,
    pub due_at: Option<String>,
    #[serde(deserialize_with = "word")]
    #[schema(value_type = String)]
    pub health: Word,
    pub reason: String,
    pub cites: Vec<Cite>,
}

/// The ledger: `messages == read + skipped.len()`, always.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Coverage {
    pub messages: usize,
    pub read: usize,
    pub skipped: Vec<Skipped>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Skipped {
    pub message_id: String,
    pub reason: String,
}

/// How the summary was made. Times are wall milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Provenance {
    pub model: Option<String>,
    pub weights_sha256: Option<String>,
    /// Of what was laid beside the weights.
    pub adapter_sha256: Option<String>,
    pub prompt_version: Option<String>,
    pub prompt_tokens: usize,
    pub new_tokens: usize,
    pub read_ms: u64,
    pub prefill_ms: u64,
    pub decode_ms: u64,
    /// Model sentences that their evidence did not bear out.
    pub dropped_claims: usize,
    pub made_at: String,
}

impl ThreadFacts {
    pub fn of(thread: &Thread) -> ThreadFacts {
        let moments = || thread.messages.iter().filter_map(|m| m.sent_at);
        ThreadFacts {
            id: thread.id.clone(),
            source: thread.source.clone(),
            kind: thread.kind.as_str(),
            title: thread.title.clone(),
            url: thread.url.clone(),
            messages: thread.messages.len(),
            participants: thread.participants.clone(),
            opened_at: moments().next().map(|m| m.to_string()),
            last_activity_at: moments().next_back().map(|m| m.to_string()),
        }
    }
}

/// Reads a word back: what is kept of it is the program's own.
fn word<'de, D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
    let given = String::deserialize(from)?;
    let known = WORDS.iter().find(|word| **word == given);
    known.copied().ok_or_else(|| D::Error::custom(format_args!("unknown word {given:?}")))
}
