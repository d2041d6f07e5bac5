//! A thread's summary: as JSON, Markdown or plain text, by what is asked for; and having it made anew.

use axum::{
    Extension,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};

use super::Json;
use crate::{
    domain::summary::Summary,
    render::{self, json},
    store::{
        summary::{self, Made},
        thread,
        token::Scope,
    },
    web::{
        App,
        asked::{self, Path},
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        view::Accepted,
        whole,
    },
};

const JSON: &str = "application/json";
/// What a summary can be had as, the usual first.
pub(super) const TYPES: [&str; 3] = [JSON, "text/markdown", "text/plain"];
/// Columns of plain text.
const COLUMNS: usize = 100;
/// Seconds until a summary that is not there yet may be.
const SOON: HeaderValue = HeaderValue::from_static("5");

/// A thread's newest summary
#[utoipa::path(get, path = "/api/v1/threads/{id}/summary", tag = "threads",
    params(("id" = String, Path, description = "The thread's id"),
           ("if-none-match" = Option<String>, Header, description = "The ETag of what you have")),
    responses(
        (status = 200, description = "The summary", content(
            (Summary = "application/json"), (String = "text/markdown"), (String = "text/plain"))),
        (status = 202, description = "It has not been read yet; ask again", body = Accepted),
        (status = 304, description = "It is what you have"),
        (status = 404, description = "There is no such thread that you may see"),
        (status = 406, description = "It cannot be had as what you accept"),
        (status = 409, description = "The thread could not be read; that is tried again when it changes")))]
pub(crate) async fn newest(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let form = form(&headers)?;
    let found = app
        .read(move |on| match thread::find(on, &id)? {
            Some(listed) => Ok(Some((summary::newest(on, listed.id)?, listed))),
            None => Ok(None),
        })
        .await?;
    let (made, listed) = found.ok_or_else(ApiError::no_thread)?;
    let listed = reader.may_see(Some(listed))?;
    app.auditor.note(&reader, "summary", Some(listed.key.clone()), &request, app.desk.now())?;
    let Some(made) = made else {
        if listed.read_error.is_some() {
            let detail = "This thread could not be read; that is tried again when it changes.";
            return Err(ApiError::new(StatusCode::CONFLICT, "unreadable", detail));
        }
        return Ok((StatusCode::ACCEPTED, [(RETRY_AFTER, SOON)], Json(Accepted { state: "waiting" })).into_response());
    };
    let tag = tag(&made, form);
    let mut response = if headers.get_all(IF_NONE_MATCH).iter().any(|sent| names(sent, &tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if form == JSON {
        whole(json::escaped(&made.json).into())
    } else {
        let read = serde_json::from_str(&made.json).map_err(|e| ApiError::internal(&e))?;
        written(&read, form)
    };
    // Ask again each time: a deleted message takes its words away at once.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response.headers_mut().insert(ETAG, HeaderValue::from_str(&tag).map_err(|e| ApiError::internal(&e))?);
    Ok(response)
}

/// Have a thread read again
#[utoipa::path(post, path = "/api/v1/threads/{id}/summary", tag = "threads",
    params(("id" = String, Path, description = "The thread's id")),
    responses((status = 202, description = "It will be; `summary.made` on the event stream says when it was", body = Accepted),
              (status = 404, description = "There is no such thread that you may see")))]
pub(crate) async fn refresh(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    reader.must(Scope::Act)?;
    let listed = reader.may_see(app.read(move |on| thread::find(on, &id)).await?)?;
    app.auditor.note(&reader, "refresh", Some(listed.key), &request, app.desk.now())?;
    app.desk.refresh(listed.id).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { state: "waiting" })).into_response())
}

/// Which of [`TYPES`] is asked for.
pub(super) fn form(headers: &HeaderMap) -> Result<&'static str, ApiError> {
    let detail = || format!("This can be had as {}.", TYPES.join(", "));
    asked::accepted(headers, &TYPES)
        .ok_or_else(|| ApiError::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail()))
}

/// A summary as one of [`TYPES`].
pub(super) fn written(summary: &Summary, form: &'static str) -> Response {
    match form {
        "text/markdown" => {
            ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], render::markdown::render(summary)).into_response()
        }
        "text/plain" => {
            let page = render::Page { columns: COLUMNS, colour: false };
            ([(CONTENT_TYPE, "text/plain; charset=utf-8")], render::text::render(summary, page)).into_response()
        }
        _ => Json(summary).into_response(),
    }
}

/// Rows of summaries that were deleted may be used again, versions of threads never are.
fn tag(made: &Made, form: &str) -> String {
    let kind = form.rsplit('/').next().unwrap_or_default();
    format!("\"{:x}-{:x}-{:x}-{:x}-{kind}\"", made.id, made.thread_version, made.made_ms, made.flagged_ms)
}

/// Whether an If-None-Match names `tag`. RFC 9110 §13.1.2: a weak comparison.
fn names(sent: &HeaderValue, tag: &str) -> bool {
    let sent = sent.to_str().unwrap_or_default();
    sent.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
