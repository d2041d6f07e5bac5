//! The shapes of answers. Times are RFC 3339 as the source gave them; ids of threads are the keys that addresses have.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::ShowsThreads;
use crate::store::{
    Change, Taken,
    report::{Channel, Claims, Stirred},
    search::Hit,
    summary::Decided,
    thread::{Kept, Listed},
    work::SourceState,
};

/// A thread, as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ThreadView {
    #[serde(skip)]
    pub row: i64,
    pub id: String,
    pub source: String,
    /// What its source calls it.
    pub external_id: String,
    #[schema(value_type = String)]
    pub kind: &'static str,
    pub channel: Option<String>,
    pub title: String,
    pub url: Option<String>,
    pub messages: usize,
    pub participants: Vec<String>,
    pub opened_at: Option<String>,
    pub last_activity_at: Option<String>,
    pub state: ReadState,
    /// The bottom line of its newest summary.
    pub bottom_line: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadState {
    /// The summary takes everything in it into account.
    Read,
    /// Something in it is still to be read.
    Waiting,
    /// It could not be read; that is tried again when it changes.
    Failed,
}

/// A page of threads, and where the next one begins.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ThreadList {
    pub threads: Vec<ThreadView>,
    pub next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageView {
    pub id: String,
    pub author: Option<String>,
    pub sent_at: Option<String>,
    pub edited_at: Option<String>,
    pub reply_to: Option<String>,
    /// Written by a program.
    pub bot: bool,
    /// As its author wrote it: cites are byte ranges of this.
    pub text: String,
    /// How often its words were changed.
    pub edits: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageList {
    pub messages: Vec<MessageView>,
    pub next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionView {
    pub text: String,
    pub decided_by: Option<String>,
    pub at: Option<String>,
    /// The thread's id.
    pub thread: String,
    pub title: String,
    pub source: String,
    pub url: Option<String>,
    /// The first message it rests on, and its words.
    pub message_id: Option<String>,
    pub quote: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionList {
    pub decisions: Vec<DecisionView>,
    pub next: Option<String>,
}

/// What a search found, best first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchView {
    pub hits: Vec<HitView>,
    /// Whether the messages were ranked by the words; where very many have them, the newest come first.
    pub ranked: bool,
    /// Whether no message has all of the words, so that any of them was looked for.
    pub any: bool,
    /// Whether meaning was looked at beside words.
    pub by_meaning: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitView {
    pub thread: ThreadView,
    pub score: f64,
    /// Messages that have the words; none where only the meaning is near.
    pub messages: Vec<SnippetView>,
}

/// Part of a message: `text` is bytes `start..end` of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SnippetView {
    pub message_id: String,
    pub author: Option<String>,
    pub sent_at: Option<String>,
    pub start: usize,
    pub end: usize,
    pub text: String,
    /// Where the words stand: bytes of the whole message, like `start` and `end`.
    pub marks: Vec<MarkView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarkView {
    pub start: usize,
    pub end: usize,
}

/// A thread in which something was said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StirredView {
    pub thread: ThreadView,
    pub new_messages: usize,
    pub decisions: usize,
    pub open_asks: usize,
    pub open_questions: usize,
    pub blockers: usize,
    /// Why it stands where it stands: "2 decisions", "1 open question".
    pub why: Vec<String>,
}

/// What happened since an instant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DigestView {
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    pub threads: Vec<StirredView>,
    pub left_out: LeftOut,
}

/// What an answer does not show.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOut {
    pub threads: usize,
    /// Threads, shown or not, whose newest messages are still to be read.
    pub waiting: usize,
    /// What was left out and how to get it.
    pub note: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsView {
    pub channels: Vec<ChannelView>,
}

/// Counts of a channel. There are none of persons.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelView {
    pub source: String,
    pub channel: Option<String>,
    pub threads: usize,
    pub messages: usize,
    pub active_last_7_days: usize,
    pub waiting: usize,
    pub decisions: usize,
    pub open_asks: usize,
    pub open_questions: usize,
    pub blockers: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceView {
    pub name: String,
    /// `up`, `down`, or `new`: not pulled yet.
    #[schema(value_type = String)]
    pub state: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub pulled_at: Option<Timestamp>,
    /// Pulls that failed in a row.
    pub failures: usize,
    /// Why the last one did; for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    pub threads: usize,
    /// Items that could not be read.
    pub quarantined: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceList {
    pub sources: Vec<SourceView>,
}

/// What was brought in.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct TakenView {
    /// Threads in which something is new.
    pub threads: usize,
    pub added: usize,
    pub edited: usize,
    pub gone: usize,
    /// What could not be read, and where.
    pub faults: Vec<FaultView>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FaultView {
    pub line: Option<usize>,
    pub column: Option<usize>,
    /// The message's place in its thread, counted from 1.
    pub item: Option<usize>,
    pub what: String,
}

/// What has been asked for will be done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    #[schema(value_type = String)]
    pub state: &'static str,
}

/// Something that happened, on the event stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    pub seq: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    pub source: Option<String>,
    /// The thread's id.
    pub thread: Option<String>,
}

impl ShowsThreads for ThreadList {
    fn threads(&self) -> impl Iterator<Item = &ThreadView> {
        self.threads.iter()
    }
}

impl ShowsThreads for SearchView {
    fn threads(&self) -> impl Iterator<Item = &ThreadView> {
        self.hits.iter().map(|hit| &hit.thread)
    }
}

impl From<Listed> for ThreadView {
    fn from(listed: Listed) -> ThreadView {
        let state = match (listed.is_read, &listed.read_error) {
            (true, _) => ReadState::Read,
            (false, None) => ReadState::Waiting,
            (false, Some(_)) => ReadState::Failed,
        };
        ThreadView {
            row: listed.id,
            id: listed.key,
            source: listed.source,
            external_id: listed.external_id,
            kind: listed.kind.as_str(),
            channel: listed.channel,
            title: listed.title,
            url: listed.url,
            messages: listed.messages,
            participants: listed.participants,
            opened_at: listed.opened_at,
            last_activity_at: listed.last_at,
            state,
            bottom_line: listed.bottom_line,
        }
    }
}

impl From<Kept> for MessageView {
    fn from(kept: Kept) -> MessageView {
        let message = kept.message;
        MessageView {
            id: message.id,
            author: message.author,
            sent_at: message.sent_at.map(|m| m.to_string()),
            edited_at: message.edited_at.map(|m| m.to_string()),
            reply_to: message.reply_to,
            bot: message.bot,
            text: message.text,
            edits: kept.versions,
        }
    }
}

impl From<Decided> for DecisionView {
    fn from(d: Decided) -> DecisionView {
        let Decided { text, decided_by, at, thread, title, source, url, message_id, quote, .. } = d;
        DecisionView { text, decided_by, at, thread, title, source, url, message_id, quote }
    }
}

impl From<Hit> for HitView {
    fn from(hit: Hit) -> HitView {
        let messages = hit.messages.into_iter().map(|m| SnippetView {
            message_id: m.id,
            author: m.author,
            sent_at: m.sent_at,
            start: m.snippet.start,
            end: m.snippet.end,
            text: m.text,
            marks: m.snippet.marks.into_iter().map(|r| MarkView { start: r.start, end: r.end }).collect(),
        });
        HitView { thread: hit.thread.into(), score: hit.score, messages: messages.collect() }
    }
}

impl From<Stirred> for StirredView {
    fn from(stirred: Stirred) -> StirredView {
        let Claims { decisions, open_asks, open_questions, blockers } = stirred.claims;
        let counted = [
            (decisions, "decision", "decisions"),
            (blockers, "blocker", "blockers"),
            (open_asks, "open ask", "open asks"),
            (open_questions, "open question", "open questions"),
            (stirred.new_messages, "new message", "new messages"),
        ];
        let why = counted.iter().filter(|(n, ..)| *n > 0);
        let why = why.map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many })).collect();
        let (thread, new_messages) = (stirred.thread.into(), stirred.new_messages);
        StirredView { thread, new_messages, decisions, open_asks, open_questions, blockers, why }
    }
}

impl From<Channel> for ChannelView {
    fn from(channel: Channel) -> ChannelView {
        let Claims { decisions, open_asks, open_questions, blockers } = channel.claims;
        ChannelView {
            source: channel.source,
            channel: channel.channel,
            threads: channel.threads,
            messages: channel.messages,
            active_last_7_days: channel.active,
            waiting: channel.unread,
            decisions,
            open_asks,
            open_questions,
            blockers,
        }
    }
}

impl From<SourceState> for SourceView {
    fn from(source: SourceState) -> SourceView {
        let state = match (source.failures, source.pulled_ms) {
            (0, Some(_)) => "up",
            (0, None) => "new",
            _ => "down",
        };
        SourceView {
            name: source.name,
            state,
            pulled_at: source.pulled_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            failures: source.failures,
            last_error: source.last_error,
            threads: source.threads,
            quarantined: source.quarantined,
        }
    }
}

impl TakenView {
    pub fn add(&mut self, taken: Taken) {
        self.threads += taken.threads;
        self.added += taken.added;
        self.edited += taken.edited;
        self.gone += taken.gone;
    }
}

impl From<Change> for EventView {
    fn from(change: Change) -> EventView {
        let at = Timestamp::from_millisecond(change.at_ms).ok();
        EventView { seq: change.seq, at, source: change.source, thread: change.thread }
    }
}
