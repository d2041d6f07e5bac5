//! What is owed, by when; and what people do about it.

use axum::{Extension, body::Body, extract::State, http::HeaderMap};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::Json;
use crate::{
    domain::ObligationKind,
    sla::Explanation,
    store::{
        hold::Act,
        obligation::{self, Kept, Which},
        thread::{self, Filter},
        token::Scope,
    },
    time::Span,
    web::{
        App,
        asked::{self, Path, Query},
        auth::Reader,
        body,
        error::ApiError,
        finish::RequestId,
        owed::{OwedList, OwedView, SnoozeAsked, WaiveAsked},
    },
};

/// Bytes of the longest thing that is asked for here.
const MOST_BODY: usize = 16 * 1024;
const LONGEST_REASON: usize = 1000;
/// Sorts after every deadline.
const NO_DEADLINE: i64 = 9_000_000_000_000_000_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Where the page begins: `next` of the one before, with the same filters
    cursor: Option<String>,
    /// Obligations of a page, 1 to 200
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Only of this source
    source: Option<String>,
    /// Only of this channel
    channel: Option<String>,
    /// Only of this thread
    thread: Option<String>,
    /// `reply`, `decision`, `review`, `promise`, `unblock` or `owner`
    kind: Option<String>,
    /// Only what somebody of this name owes
    owed_by: Option<String>,
    /// Only what is late
    #[serde(default)]
    late: bool,
    /// Also what has ended
    #[serde(default)]
    closed: bool,
}

/// Who owes whom what
#[utoipa::path(get, path = "/api/v1/obligations", tag = "obligations", params(Asked),
    responses((status = 200, description = "A page of obligations, first due first", body = OwedList)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(asked): Query<Asked>,
) -> Result<Json<OwedList>, ApiError> {
    let (most, now) = (asked::limit(asked.limit)?, app.desk.now());
    let after = asked.cursor.as_deref().map(place).transpose()?;
    let kind = asked.kind.as_deref().map(kind).transpose()?;
    app.auditor.note(&reader, "obligations", None, &request, now)?;
    let thread = match asked.thread {
        Some(key) => Some(reader.may_see(app.read(move |on| thread::find(on, &key)).await?)?.id),
        None => None,
    };
    let which = Which {
        threads: Filter { source: asked.source, channel: asked.channel, ..reader.filter() },
        thread,
        kind,
        closed: asked.closed,
        due_before: asked.late.then_some(now),
        owed_by: asked.owed_by,
    };
    let mut page = app
        .read(move |on| obligation::list(on, &which, after.as_ref().map(|(ms, id)| (*ms, id.as_str())), most + 1))
        .await?;
    let more = page.len() > most;
    page.truncate(most);
    let next = page.last().filter(|_| more).map(place_of);
    Ok(Json(OwedList { obligations: page.into_iter().map(|kept| OwedView::of(kept, now)).collect(), next }))
}

/// Say that somebody sees to it
///
/// Nothing more is told of it until it ends, and nobody else is.
#[utoipa::path(post, path = "/api/v1/obligations/{id}/ack", tag = "obligations",
    params(("id" = String, Path, description = "The obligation's id")),
    responses((status = 200, description = "As it stands now", body = OwedView),
              (status = 404, description = "There is no such obligation that you may see")))]
pub(crate) async fn ack(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<OwedView>, ApiError> {
    act(&app, &reader, id, Act::Acknowledge).await.map(Json)
}

/// Put it off
///
/// Nothing is told of it until then; if it is still open, it is told again.
#[utoipa::path(post, path = "/api/v1/obligations/{id}/snooze", tag = "obligations",
    params(("id" = String, Path, description = "The obligation's id")),
    request_body(content = SnoozeAsked, content_type = "application/json"),
    responses((status = 200, description = "As it stands now", body = OwedView),
              (status = 404, description = "There is no such obligation that you may see"),
              (status = 413, description = "The body is too large"),
              (status = 415, description = "The body is not JSON")))]
pub(crate) async fn snooze(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<OwedView>, ApiError> {
    reader.must(Scope::Act)?;
    let asked: SnoozeAsked = read(&app, &headers, body).await?;
    let until = until(&app, &asked.until, app.desk.now())?;
    act(&app, &reader, id, Act::Snooze { until }).await.map(Json)
}

/// Say that it need not be done
#[utoipa::path(post, path = "/api/v1/obligations/{id}/waive", tag = "obligations",
    params(("id" = String, Path, description = "The obligation's id")),
    request_body(content = WaiveAsked, content_type = "application/json"),
    responses((status = 200, description = "As it stands now", body = OwedView),
              (status = 404, description = "There is no such obligation that you may see"),
              (status = 413, description = "The body is too large"),
              (status = 415, description = "The body is not JSON")))]
pub(crate) async fn waive(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<OwedView>, ApiError> {
    reader.must(Scope::Act)?;
    let asked: WaiveAsked = read(&app, &headers, body).await?;
    let reason = reason(&asked.reason)?;
    act(&app, &reader, id, Act::Waive { reason }).await.map(Json)
}

/// Why a deadline is when it is
#[utoipa::path(get, path = "/api/v1/sla/{id}/explain", tag = "obligations",
    params(("id" = String, Path, description = "The obligation's id")),
    responses((status = 200, description = "Every stretch of time that was counted or skipped", body = serde_json::Value),
              (status = 404, description = "There is no such obligation that you may see, or it has no deadline")))]
pub(crate) async fn explain(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Path(id): Path<String>,
) -> Result<Json<Explanation>, ApiError> {
    let kept = find(&app, &reader, &id).await?;
    app.auditor.note(&reader, "explain", Some(kept.thread.key.clone()), &request, app.desk.now())?;
    let explained = app.desk.explain(kept.thread_id, &id).await?;
    let none = || ApiError::not_found("no_deadline", "No policy gives this obligation a deadline.");
    explained.map(Json).ok_or_else(none)
}

/// Does what they want, if they may; the obligation as it stands then.
pub(in crate::web) async fn act(app: &App, reader: &Reader, id: String, what: Act) -> Result<OwedView, ApiError> {
    reader.must(Scope::Act)?;
    find(app, reader, &id).await?;
    if !app.desk.act(&id, what, &reader.who).await? {
        return Err(none());
    }
    Ok(OwedView::of(find(app, reader, &id).await?, app.desk.now()))
}

/// The obligation, if they may see its thread. One that they may not see is not there.
async fn find(app: &App, reader: &Reader, id: &str) -> Result<Kept, ApiError> {
    let id = id.to_owned();
    let found = app.read(move |on| obligation::find(on, &id)).await?;
    found.filter(|kept| reader.sees(&kept.thread.source)).ok_or_else(none)
}

fn none() -> ApiError {
    ApiError::not_found("no_obligation", "There is no such obligation among those you may see.")
}

pub(super) async fn read<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> Result<T, ApiError> {
    body::of_type(headers, &["application/json"])?;
    let bytes = body::read(body, MOST_BODY, app.config.patience).await?;
    serde_json::from_slice(&bytes).map_err(|error| ApiError::bad("bad_body", format!("The body: {error}.")))
}

/// An instant to come, or how long from now.
pub(in crate::web) fn until(app: &App, written: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    let advice = || ApiError::bad("bad_until", "until is an instant to come (RFC 3339), or 4h, 4bh or 1bd from now.");
    let at = match written.parse::<Span>() {
        Ok(span) => app.desk.later(now, span),
        Err(_) => written.trim().replace(' ', "+").parse().ok(),
    };
    at.filter(|at| *at > now).ok_or_else(advice)
}

pub(in crate::web) fn reason(written: &str) -> Result<String, ApiError> {
    let reason = written.trim();
    if reason.is_empty() || reason.len() > LONGEST_REASON {
        return Err(ApiError::bad("bad_reason", format!("reason is a text of 1 to {LONGEST_REASON} bytes.")));
    }
    Ok(reason.to_owned())
}

fn kind(word: &str) -> Result<ObligationKind, ApiError> {
    let advice = || ApiError::bad("bad_kind", "kind is reply, decision, review, promise, unblock or owner.");
    ObligationKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(advice)
}

/// Where the page after an obligation begins, in a form that nobody is to read anything into.
pub(in crate::web) fn place_of(last: &Kept) -> String {
    let due_ms = last.reckoned.due_at.map_or(NO_DEADLINE, Timestamp::as_millisecond);
    format!("{}-{}", asked::cursor(&[due_ms]), last.reckoned.obligation.id)
}

/// Where a page goes on: after a deadline and an id.
pub(in crate::web) fn place(cursor: &str) -> Result<(i64, String), ApiError> {
    let (due, id) = cursor.split_once('-').unwrap_or((cursor, ""));
    let [due_ms] = asked::places::<1>(Some(due))?.unwrap_or([0]);
    Ok((due_ms, id.to_owned()))
}
