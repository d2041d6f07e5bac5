//! A docket as programs read it: one object a thread, times with the offset of whoever owes.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{Docket, Entry, cite, talk::Talk};
use crate::domain::{
    How, Thread,
    summary::{Cite, Flag, ThreadFacts, Word},
};

/// The JSON of `stalled` and of `GET obligations`. Field order is the order of the JSON.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DocketLine {
    pub thread: ThreadFacts,
    /// The instant it is judged by.
    pub as_of: String,
    pub stalled: bool,
    /// One neutral sentence about that.
    pub why: String,
    pub waiting_on: Vec<String>,
    pub obligations: Vec<ObligationLine>,
    pub flags: Vec<Flag>,
    /// A quarter of an hour that may settle it.
    pub talk: Option<Talk>,
}

/// One obligation with its reading. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ObligationLine {
    pub id: String,
    #[schema(value_type = String)]
    pub kind: Word,
    #[schema(value_type = String)]
    pub metric: Word,
    pub owed_by: Vec<String>,
    pub owed_to: Vec<String>,
    pub opened_at: String,
    pub due_at: Option<String>,
    pub warn_at: Option<String>,
    /// `on_track`, `at_risk`, `breached`; once it has ended `met`, `missed` or `lifted`.
    #[schema(value_type = String)]
    pub health: Word,
    /// What is left on the goal's own clock; below zero, what has run since the deadline.
    pub remaining_secs: Option<i64>,
    /// Why its clock stands still.
    pub paused: Option<String>,
    pub closed: Option<ClosedLine>,
    pub cites: Vec<Cite>,
    pub policy: Option<String>,
}

/// How an obligation ended.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ClosedLine {
    pub at: String,
    /// `met`, `withdrawn`, `superseded` or `waived`.
    #[schema(value_type = String)]
    pub how: Word,
    pub cites: Vec<Cite>,
}

impl DocketLine {
    /// `docket` is that of `thread` at `now`; `now` is shown in `zone`.
    pub fn new(thread: &Thread, docket: Docket, now: Timestamp, zone: &TimeZone) -> DocketLine {
        let obligations = docket.entries.iter().map(|entry| ObligationLine::new(thread, entry, now)).collect();
        DocketLine {
            thread: ThreadFacts::of(thread),
            as_of: now.display_with_offset(zone.to_offset(now)).to_string(),
            stalled: docket.stalled,
            why: docket.why,
            waiting_on: docket.waiting_on,
            obligations,
            flags: docket.flags,
            talk: docket.talk,
        }
    }

    /// Whether anything in it has stalled or is late.
    pub fn is_trouble(&self) -> bool {
        self.stalled || self.obligations.iter().any(|obligation| obligation.health == "breached")
    }
}

impl ObligationLine {
    pub fn new(thread: &Thread, entry: &Entry, now: Timestamp) -> ObligationLine {
        let (obligation, reading) = (&entry.obligation, &entry.assessment);
        let closed = obligation.ended_by(now).map(|closed| ClosedLine {
            at: shown(closed.at, &entry.zone),
            how: how(closed.how),
            cites: cite(thread, &closed.by).into_iter().collect(),
        });
        ObligationLine {
            id: obligation.id.clone(),
            kind: obligation.kind.as_str(),
            metric: obligation.metric.as_str(),
            owed_by: obligation.owed_by.clone(),
            owed_to: obligation.owed_to.clone(),
            opened_at: shown(obligation.opened_at, &entry.zone),
            due_at: reading.due_at.map(|at| shown(at, &entry.zone)),
            warn_at: reading.warn_at.map(|at| shown(at, &entry.zone)),
            health: reading.health.as_str(),
            remaining_secs: reading.remaining_secs,
            paused: reading.paused.clone(),
            closed,
            cites: cite(thread, &obligation.opened_by).into_iter().collect(),
            policy: reading.policy.clone(),
        }
    }
}

/// An instant with the offset of a zone of the tz database.
pub fn shown(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.display_with_offset(zone.to_offset(at)).to_string()
}

fn how(how: How) -> Word {
    match how {
        How::Met => "met",
        How::Withdrawn => "withdrawn",
        How::Superseded => "superseded",
        How::Waived => "waived",
    }
}
