//! An envelope as JSON for programs: `{type, timestamp, data}` of Standard Webhooks, obligations in the shapes of the API.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    alert::render,
    domain::{
        notice::{Envelope, SourceDown, Stage, ThreadLine, Told, Topic},
        obligation::{Evidence, Health, How, Metric, ObligationKind},
    },
};

/// What is sent. The same envelope gives the same bytes.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    #[serde(rename = "type")]
    topic: Topic,
    /// When it came to be told, not when this attempt was made.
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    /// The notice in a line, for programs that only show it.
    subject: String,
    /// The same for all that is told of one matter.
    group: &'a str,
    obligations: Vec<Owed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a SourceDown>,
}

#[derive(Serialize)]
struct Owed<'a> {
    id: &'a str,
    stage: Stage,
    kind: ObligationKind,
    metric: Metric,
    owed_by: &'a [String],
    owed_to: &'a [String],
    opened_at: Timestamp,
    due_at: Option<Timestamp>,
    warn_at: Option<Timestamp>,
    health: Health,
    closed: Option<Ended<'a>>,
    cites: Vec<Cite<'a>>,
    /// What happened at the source, where it was not words that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Happened<'a>>,
    policy: Option<&'a str>,
    zone: &'a str,
    thread: &'a ThreadLine,
    page: Option<&'a str>,
}

#[derive(Serialize)]
struct Ended<'a> {
    at: Timestamp,
    how: How,
    cites: Vec<Cite<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Happened<'a>>,
}

/// A byte range of a message as its source gave it.
#[derive(Serialize)]
struct Cite<'a> {
    message_id: &'a str,
    author: Option<&'a str>,
    sent_at: Option<Timestamp>,
    start: usize,
    end: usize,
    quote: &'a str,
}

#[derive(Serialize)]
struct Happened<'a> {
    kind: &'a str,
    actor: Option<&'a str>,
    subject: Option<&'a str>,
    at: Timestamp,
}

impl<'a> Body<'a> {
    pub(super) fn of(envelope: &'a Envelope) -> Body<'a> {
        let data = Data {
            subject: render::notice(envelope).subject,
            group: &envelope.group,
            obligations: envelope.told.iter().map(Owed::of).collect(),
            source: envelope.source.as_ref(),
        };
        Body { topic: envelope.topic, timestamp: envelope.made_at, data }
    }
}

impl<'a> Owed<'a> {
    fn of(told: &'a Told) -> Owed<'a> {
        let obligation = &told.obligation;
        let (cites, event) = borne_out(&obligation.opened_by, told.said_by.as_deref(), told.said_at);
        let closed = obligation.closed.as_ref().map(|closed| {
            let (cites, event) = borne_out(&closed.by, told.ended_by.as_deref(), None);
            Ended { at: closed.at, how: closed.how, cites, event }
        });
        Owed {
            id: &obligation.id,
            stage: told.stage,
            kind: obligation.kind,
            metric: obligation.metric,
            owed_by: &obligation.owed_by,
            owed_to: &obligation.owed_to,
            opened_at: obligation.opened_at,
            due_at: told.due_at,
            warn_at: told.warn_at,
            health: told.health,
            closed,
            cites,
            event,
            policy: told.policy.as_deref(),
            zone: &told.zone,
            thread: &told.thread,
            page: told.page.as_deref(),
        }
    }
}

fn borne_out<'a>(
    evidence: &'a Evidence,
    author: Option<&'a str>,
    sent_at: Option<Timestamp>,
) -> (Vec<Cite<'a>>, Option<Happened<'a>>) {
    match evidence {
        Evidence::Words { message, start, end, quote } => {
            let (start, end) = (*start, *end);
            (vec![Cite { message_id: message, author, sent_at, start, end, quote }], None)
        }
        Evidence::Event { kind, actor, subject, at } => {
            (Vec::new(), Some(Happened { kind, actor: actor.as_deref(), subject: subject.as_deref(), at: *at }))
        }
    }
}
