//! What was told to whom; and silences, while which nothing is.

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Json, obligations};
use crate::{
    alert::RouteMatch,
    store::{hold, outbox, token::Scope},
    web::{
        App,
        asked::{self, Path, Query},
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        owed::{AlertList, AlertView, SilenceAsked, SilenceList, SilenceView},
    },
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Where the page begins: `next` of the one before
    cursor: Option<String>,
    /// Alerts of a page, 1 to 200
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// What was told
#[utoipa::path(get, path = "/api/v1/alerts", tag = "obligations", params(Asked),
    responses((status = 200, description = "A page of alerts, newest first", body = AlertList)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(asked): Query<Asked>,
) -> Result<Json<AlertList>, ApiError> {
    let most = asked::limit(asked.limit)?;
    let before = asked::places::<1>(asked.cursor.as_deref())?.map(|[row]| row);
    app.auditor.note(&reader, "alerts", None, &request, app.desk.now())?;
    let visible = reader.sources.clone();
    let mut page = app.read(move |on| outbox::alerts(on, visible.as_deref(), before, most + 1)).await?;
    let more = page.len() > most;
    page.truncate(most);
    let next = page.last().filter(|_| more).map(|last| asked::cursor(&[last.row]));
    Ok(Json(AlertList { alerts: page.into_iter().map(AlertView::from).collect(), next }))
}

/// Silences
#[utoipa::path(get, path = "/api/v1/silences", tag = "obligations",
    responses((status = 200, description = "Silences that have not ended", body = SilenceList)))]
pub(crate) async fn silences(State(app): State<App>, _reader: Reader) -> Result<Json<SilenceList>, ApiError> {
    let now = app.desk.now();
    let silences = app.read(move |on| hold::silences(on, now)).await?;
    Ok(Json(SilenceList { silences: silences.into_iter().map(SilenceView::from).collect() }))
}

/// Begin a silence
///
/// What is still open when it ends is told then.
#[utoipa::path(post, path = "/api/v1/silences", tag = "obligations",
    request_body(content = SilenceAsked, content_type = "application/json"),
    responses((status = 200, description = "The silence", body = SilenceView),
              (status = 413, description = "The body is too large"),
              (status = 415, description = "The body is not JSON")))]
pub(crate) async fn silence(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<SilenceView>, ApiError> {
    reader.must(Scope::Act)?;
    if reader.sources.is_some() {
        return Err(ApiError::forbidden("sources", "A silence may cover any source; this token may see some alone."));
    }
    let asked: SilenceAsked = obligations::read(&app, &headers, body).await?;
    let now = app.desk.now();
    let until = obligations::until(&app, &asked.until, now)?;
    let reason = obligations::reason(&asked.reason)?;
    let matches: RouteMatch = serde_json::from_value(asked.matches)
        .map_err(|error| ApiError::bad("bad_match", format!("match: {error}.")))?;
    if matches == RouteMatch::default() {
        return Err(ApiError::bad("bad_match", "match names nothing; {\"source\": \"*\"} covers everything."));
    }
    let (store, who) = (app.desk.store().clone(), reader.who.clone());
    let kept = matches.clone();
    let id = app.blocking(move || store.silence(&kept, until, &who, &reason, now)).await?;
    let silences = app.read(move |on| hold::silences(on, now)).await?;
    let made = silences.into_iter().find(|silence| silence.id == id);
    made.map(|silence| Json(SilenceView::from(silence)))
        .ok_or_else(|| ApiError::internal(&"a silence that was kept is gone"))
}

/// End a silence
#[utoipa::path(delete, path = "/api/v1/silences/{id}", tag = "obligations",
    params(("id" = i64, Path, description = "The silence's number")),
    responses((status = 204, description = "It has ended"),
              (status = 404, description = "There is no such silence that still holds")))]
pub(crate) async fn end_silence(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    reader.must(Scope::Act)?;
    if app.desk.end_silence(id, &reader.who).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_found("no_silence", "There is no such silence that still holds."))
}
