//! The event stream: what happens, as it happens, and from where a reader left off.
//!
//! A stream looks into the database, so that it misses nothing whoever rings or does not, and sends only what its reader may
//! see. It ends when its token does.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::stream::{self, Stream};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    store::{Change, token},
    web::{App, asked::Query, auth::Reader, error::ApiError, finish::RequestId, view::EventView},
};

const LAST_EVENT_ID: &str = "last-event-id";
/// Between looks into the database.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Changes that are sent between two looks.
const AT_ONCE: usize = 200;
/// How long a reader waits before it comes back.
const COME_BACK: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// The last event you have seen, for those who cannot send Last-Event-ID; 0: from the earliest that is kept
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// What happens
///
/// `thread.changed`, `thread.gone`, `summary.made`, `source.down`, `source.up`,
/// `obligation.at_risk`, `obligation.breached`, `obligation.escalated`, `obligation.closed`, each with an EventView as data; and `reset` where
/// what you missed is no longer kept: read your lists anew.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    params(Asked, ("last-event-id" = Option<i64>, Header, description = "The last event you have seen")),
    responses((status = 200, description = "Server-sent events", body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = match headers.get(LAST_EVENT_ID).map(last_event_id) {
        Some(id) => Some(id?),
        None => asked.after,
    };
    let last = app.read(Change::last).await?;
    app.auditor.note(&reader, "events", None, &request, app.desk.now())?;
    // A number from the future is one of another database.
    let (seen, reset) = match after {
        Some(after) if after > last || after < 0 => (last, true),
        Some(after) => (after, false),
        None => (last, false),
    };
    let heartbeat = app.config.heartbeat;
    app.counters.stream(true);
    let watch = Watch { app, reader, seen, begun: false, reset, ready: Vec::new() };
    let alive = KeepAlive::new().interval(heartbeat).text("alive");
    let mut response = Sse::new(watch.events()).keep_alive(alive).into_response();
    // A proxy is not to gather events.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn last_event_id(value: &HeaderValue) -> Result<i64, ApiError> {
    let id = value.to_str().ok().and_then(|id| id.trim().parse().ok());
    id.ok_or_else(|| ApiError::bad("bad_event_id", "Last-Event-ID is the number of an event."))
}

/// One reader's stream.
struct Watch {
    app: App,
    reader: Reader,
    /// The last change that was looked at.
    seen: i64,
    begun: bool,
    /// Whether the reader is to be told that something is lost.
    reset: bool,
    /// To be sent, latest first.
    ready: Vec<Event>,
}

impl Watch {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut watch| async move {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        })
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        if !self.begun {
            self.begun = true;
            return Some(Event::default().retry(COME_BACK).comment("here"));
        }
        loop {
            if let Some(event) = self.ready.pop() {
                return Some(event);
            }
            if self.reset {
                self.reset = false;
                return Some(Event::default().event("reset").id(self.seen.to_string()).data("{}"));
            }
            if !self.look().await? {
                tokio::select! {
                    () = self.app.closing.cancelled() => return None,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
            }
        }
    }

    /// Looks for what is new; whether something is. `None`: the reader may look no more, or the store cannot be read.
    async fn look(&mut self) -> Option<bool> {
        let (seen, now, id) = (self.seen, self.app.desk.now(), self.reader.token);
        let looked = self.app.read(move |on| {
            let stands = id.map_or(Ok(true), |id| token::stands(on, id, now))?;
            Ok((stands, Change::after(on, seen, AT_ONCE)?))
        });
        let (stands, (changes, lost)) = looked.await.ok()?;
        if !stands || self.app.closing.is_cancelled() {
            return None;
        }
        // Before the first change nothing can be lost.
        self.reset |= lost && seen > 0;
        self.seen = changes.last().map_or(seen, |last| last.seq);
        let any = !changes.is_empty();
        let visible =
            |change: &Change| change.source.as_deref().map_or(self.reader.sources.is_none(), |s| self.reader.sees(s));
        self.ready = changes.into_iter().filter(visible).rev().filter_map(event).collect();
        Some(any)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.app.counters.stream(false);
    }
}

fn event(change: Change) -> Option<Event> {
    let (id, kind) = (change.seq.to_string(), change.kind.clone());
    Event::default().event(kind).id(id).json_data(EventView::from(change)).ok()
}
