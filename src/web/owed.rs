//! The shapes of what is owed, of what was told, and of what people do about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    alert::Silence,
    docket::line::{ClosedLine, ObligationLine, shown},
    domain::{Evidence, summary::Cite},
    store::{
        obligation::{Hold, Kept},
        outbox::Alert,
    },
};

/// An obligation with the thread it stands in and with what was done about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OwedView {
    #[serde(flatten)]
    pub obligation: ObligationLine,
    pub thread: OwedIn,
    /// Who sees to it.
    pub acknowledged: Option<HoldView>,
    pub snoozed: Option<HoldView>,
    pub waived: Option<HoldView>,
}

/// A thread in a line.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OwedIn {
    pub id: String,
    pub title: String,
    pub source: String,
    pub channel: Option<String>,
    #[schema(value_type = String)]
    pub kind: &'static str,
    pub url: Option<String>,
}

/// What somebody did about an obligation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HoldView {
    pub by: String,
    pub at: String,
    /// Of a snooze.
    pub until: Option<String>,
    pub reason: Option<String>,
}

/// A page of obligations, first due first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwedList {
    pub obligations: Vec<OwedView>,
    pub next: Option<String>,
}

/// Something that a sink was told, or is about to be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertView {
    /// The envelope's id, which its receiver was given.
    pub id: String,
    pub at: String,
    pub sink: String,
    /// `at_risk`, `breached`, `escalated` or `closed`.
    #[schema(value_type = String)]
    pub stage: &'static str,
    pub obligation: String,
    /// The thread's id; none where it is gone.
    pub thread: Option<String>,
    pub title: Option<String>,
    pub sent_at: Option<String>,
    pub attempts: u32,
    /// Why it was not sent.
    pub ended: Option<String>,
    pub last_error: Option<String>,
}

/// A page of alerts, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertList {
    pub alerts: Vec<AlertView>,
    pub next: Option<String>,
}

/// Until when something is put off: an instant, or how long from now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnoozeAsked {
    /// RFC 3339, or `4h` (round the clock), `4bh` (business hours), `1bd` (business days)
    pub until: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaiveAsked {
    /// Why it need not be done; it is kept with the obligation.
    pub reason: String,
}

/// What nothing is to be told of for a while. Each pattern may be a list; `*` stands for anything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceAsked {
    /// `source`, `channel`, `kind`, `obligation`, `policy`, `people`
    #[serde(rename = "match")]
    #[schema(value_type = Object)]
    pub matches: serde_json::Value,
    /// RFC 3339, or `4h`, `4bh`, `1bd`
    pub until: String,
    pub reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SilenceView {
    pub id: i64,
    #[serde(rename = "match")]
    #[schema(value_type = Object)]
    pub matches: serde_json::Value,
    pub from: String,
    pub until: String,
    pub by: String,
    pub reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SilenceList {
    pub silences: Vec<SilenceView>,
}

impl OwedView {
    pub fn of(kept: Kept, now: Timestamp) -> OwedView {
        let health = kept.health(now).as_str();
        let reckoned = kept.reckoned;
        let (owed, zone) = (reckoned.obligation, reckoned.zone);
        let at = |at: Option<Timestamp>| at.map(|at| shown(at, &zone));
        let hold = |hold: Option<Hold>| {
            hold.map(|h| HoldView { by: h.by, at: shown(h.at, &zone), until: at(h.until), reason: h.reason })
        };
        let said_at = kept.said_at.map(|at| at.to_string());
        let closed = owed.closed.map(|closed| ClosedLine {
            at: shown(closed.at, &zone),
            how: closed.how.as_str(),
            cites: cite(closed.by, kept.ended_by.clone(), None),
        });
        OwedView {
            obligation: ObligationLine {
                id: owed.id,
                kind: owed.kind.as_str(),
                metric: owed.metric.as_str(),
                owed_by: owed.owed_by,
                owed_to: owed.owed_to,
                opened_at: shown(owed.opened_at, &zone),
                due_at: at(reckoned.due_at),
                warn_at: at(reckoned.warn_at),
                health,
                remaining_secs: None,
                paused: reckoned.paused,
                closed,
                cites: cite(owed.opened_by, kept.said_by, said_at),
                policy: reckoned.policy,
            },
            thread: OwedIn {
                id: kept.thread.key,
                title: kept.thread.title,
                source: kept.thread.source,
                channel: kept.thread.channel,
                kind: kept.thread.kind.as_str(),
                url: kept.thread.url,
            },
            acknowledged: hold(kept.acknowledged),
            snoozed: hold(kept.snoozed),
            waived: hold(kept.waived),
        }
    }
}

fn cite(evidence: Evidence, author: Option<String>, sent_at: Option<String>) -> Vec<Cite> {
    match evidence {
        Evidence::Words { message, start, end, quote } if !quote.is_empty() => {
            vec![Cite { message_id: message, author, sent_at, start, end, quote }]
        }
        Evidence::Words { .. } | Evidence::Event { .. } => Vec::new(),
    }
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> AlertView {
        AlertView {
            id: alert.id,
            at: alert.at.to_string(),
            sink: alert.sink,
            stage: alert.stage.as_str(),
            obligation: alert.obligation,
            thread: alert.thread,
            title: alert.title,
            sent_at: alert.sent_at.map(|at| at.to_string()),
            attempts: alert.attempts,
            ended: alert.ended,
            last_error: alert.last_error,
        }
    }
}

impl From<Silence> for SilenceView {
    fn from(silence: Silence) -> SilenceView {
        SilenceView {
            id: silence.id,
            matches: serde_json::to_value(&silence.matches).unwrap_or_default(),
            from: silence.from.to_string(),
            until: silence.until.to_string(),
            by: silence.by,
            reason: silence.why,
        }
    }
}
