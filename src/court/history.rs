//! A thread's history as moves: who said, pushed, reviewed, drafted or closed what, in order.

use std::sync::LazyLock;

use jiff::{Timestamp, tz::TimeZone};
use regex::Regex;

use super::{debt::Mark, due};
use crate::{
    domain::{Kind, Message, Moment, Sentence, Span, SpeechAct, Thread, ThreadActs, WENT_ON},
    pattern::compiled,
};

/// What a step does to the question whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Says,
    /// A comment on a line of the change.
    Remarks,
    Approves,
    AsksForChanges,
    Pushes,
    Drafts,
    Readies,
    RequestsReview,
    Closes,
    Reopens,
    /// A document says where it stands.
    States,
    /// Somebody writes on where the talk goes on, outside of this thread.
    GoesOn,
    /// Anything else the source tells: labels, assignments.
    Other,
}

/// One step of a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub mark: Mark,
    /// Index into `Thread::messages`, where it is one.
    pub message: Option<usize>,
    pub who: &'a str,
    /// What was written, without the mark of an archive before it; for a change of a document, what its author says of it.
    pub text: &'a str,
    pub subject: Option<&'a str>,
    pub does: Move,
    pub bot: bool,
}

/// A thread with its sentences, in the order things happened.
pub(super) struct History<'a> {
    pub thread: &'a Thread,
    pub acts: &'a ThreadActs,
    pub steps: Vec<Step<'a>>,
}

/// Marks that archives put before what is no message: `[event] force-pushed`, `[review: approved] …`, `[commit] …`.
static MARKED: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^\[(event|review: ?\w*|inline review|commit|document[^\]]*)\]\s*"));
static OUT_OF_OFFICE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(auto(matic|mated)?[- ]?(reply|response)|out of (the )?office|i am (currently )?(out of|away|on (leave|vacation|holiday)))",
    )
});
static BOT: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\[bot\]$|bot$|^u?botu$|^ubottu$|^github-actions|^dependabot|^copilot"));

impl<'a> History<'a> {
    pub(super) fn of(thread: &'a Thread, acts: &'a ThreadActs) -> History<'a> {
        let mut latest = None;
        let messages = thread.messages.iter().enumerate().map(|(at, message)| {
            let step = said(at, message);
            // Messages keep their order: one that states no time, or an earlier one, stands where its source put it.
            latest = latest.max(step.mark.at(thread));
            (latest, step)
        });
        let mut timed: Vec<(Option<Timestamp>, Step<'a>)> = messages.collect();
        timed.extend((0..thread.events.len()).map(|at| {
            let step = happened(thread, at);
            (step.mark.at(thread).or(Some(Timestamp::MAX)), step)
        }));
        timed.sort_by_key(|(at, _)| *at);
        let steps = timed.into_iter().map(|(_, step)| step).collect();
        History { thread, acts, steps }
    }

    /// The first who wrote, rather than pushed: commits bear names that nobody is addressed by.
    pub(super) fn author(&self) -> Option<&'a str> {
        let wrote = self.steps.iter().filter(|step| !step.who.is_empty() && step.message.is_some() && !step.bot);
        let mut spoke = wrote.clone().filter(|step| step.does == Move::Says);
        spoke.next().or_else(|| wrote.clone().next()).map(|step| step.who)
    }

    /// The message that the thread's title is taken from: what the thread is about, also in a room with other talk.
    pub(super) fn titled(&self) -> Option<usize> {
        let title = self.thread.title.trim().trim_end_matches('…').trim_end_matches("...").trim();
        let begins = |message: &Message| !title.is_empty() && message.text.trim_start().starts_with(title);
        self.thread.messages.iter().position(begins)
    }

    pub(super) fn sentences(&self, message: usize) -> impl Iterator<Item = &'a Sentence> {
        let first = self.acts.sentences.partition_point(|s| s.span.message < message);
        self.acts.sentences[first..].iter().take_while(move |s| s.span.message == message)
    }

    /// When a due phrase means, by the offset its message was sent with.
    pub(super) fn due(&self, phrase: Span) -> Option<Timestamp> {
        match self.thread.messages.get(phrase.message)?.sent_at? {
            Moment::At { instant, offset } => {
                due::instant(self.thread.quote(phrase), instant, &TimeZone::fixed(offset))
            }
            _ => None,
        }
    }

    /// Whether somebody says something in it that moves the thread on: a person, at work, and more than thanks.
    pub(super) fn is_progress(&self, step: &Step<'_>) -> bool {
        if step.bot || OUT_OF_OFFICE.is_match(step.text) {
            return false;
        }
        let idle = |act| matches!(act, SpeechAct::Acknowledgement | SpeechAct::Closing);
        let mut sentences = step.message.into_iter().flat_map(|at| self.sentences(at)).peekable();
        sentences.peek().is_none() || !sentences.all(|sentence| idle(sentence.act))
    }
}

/// Whether an account is a program's, by its name; sources that mark such say so themselves.
pub fn is_bot(name: &str) -> bool {
    BOT.is_match(name)
}

fn happened(thread: &Thread, at: usize) -> Step<'_> {
    let event = &thread.events[at];
    let (who, subject) = (event.actor.as_deref().unwrap_or_default(), event.subject.as_deref());
    let text = subject.filter(|_| matches!(event.kind.as_str(), "status" | "created" | "edited")).unwrap_or_default();
    let is_version = thread.kind == Kind::Document && matches!(event.kind.as_str(), "created" | "edited");
    let does = if is_version { Move::Pushes } else { named(&event.kind) };
    let (mark, bot) = (Mark::Happened(at), is_bot(who));
    Step { mark, message: None, who, text, subject, does, bot }
}

fn said(at: usize, message: &Message) -> Step<'_> {
    let marked = MARKED.find(&message.text);
    let text = marked.map_or(message.text.as_str(), |mark| &message.text[mark.end()..]);
    let does = marked.map_or(Move::Says, |mark| match mark.as_str().trim_end() {
        "[event]" | "[commit]" => named(text),
        "[inline review]" => Move::Remarks,
        "[review: approved]" => Move::Approves,
        "[review: changes_requested]" => Move::AsksForChanges,
        mark if mark.starts_with("[review") && text.is_empty() => Move::Other,
        _ => Move::Says,
    });
    let does = if message.text.starts_with("[commit]") { Move::Pushes } else { does };
    let who = message.author.as_deref().unwrap_or_default();
    let mark = Mark::Said(Span { message: at, start: 0, end: message.text.len() });
    Step { mark, message: Some(at), who, text, subject: None, does, bot: message.bot || is_bot(who) }
}

/// What an event does, by the source's word for it.
fn named(kind: &str) -> Move {
    let word = kind.to_ascii_lowercase().replace([' ', '-'], "_");
    match word.as_str() {
        w if w.starts_with("commit") || w.contains("force_pushed") => Move::Pushes,
        w if w.contains("to_draft") => Move::Drafts,
        w if w.starts_with("ready_for_review") => Move::Readies,
        w if w.starts_with("review_requested") => Move::RequestsReview,
        "approved" => Move::Approves,
        "changes_requested" => Move::AsksForChanges,
        "closed" | "merged" => Move::Closes,
        "reopened" => Move::Reopens,
        "status" | "status_changed" => Move::States,
        WENT_ON => Move::GoesOn,
        _ => Move::Other,
    }
}
