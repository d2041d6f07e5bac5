//! A summary of a thread that nobody keeps, before any background work.

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::summary;
use crate::{
    domain::{Thread, summary::Summary},
    source::thread_jsonl,
    store::token::Scope,
    web::{App, auth::Reader, body, error::ApiError, finish::RequestId},
};

/// Types of a thread.
pub(super) const TAKEN: [&str; 3] = ["application/json", "application/x-ndjson", "application/jsonl"];

/// Summarise a thread without keeping it
#[utoipa::path(post, path = "/api/v1/summarize", tag = "threads",
    request_body(description = "One thread, `bluf.thread/1`", content_type = "application/json", content = serde_json::Value),
    responses(
        (status = 200, description = "The summary", content(
            (Summary = "application/json"), (String = "text/markdown"), (String = "text/plain"))),
        (status = 406, description = "It cannot be had as what you accept"),
        (status = 408, description = "The body was too slow"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "That is not one thread")))]
pub(crate) async fn now(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    reader.must(Scope::Act)?;
    let form = summary::form(&headers)?;
    body::of_type(&headers, &TAKEN)?;
    let bytes = body::read(body, app.config.most_ingest_bytes, app.config.patience).await?;
    let thread = app.blocking(move || Ok(one_thread(&bytes))).await??;
    app.auditor.note(&reader, "summarize", None, &request, app.desk.now())?;
    let summary = tokio::time::timeout(app.config.summarize_patience, app.desk.summarize(thread)).await;
    let summary =
        summary.map_err(|_| ApiError::unavailable("slow_summary", "This took too long; try a shorter one."))??;
    Ok(summary::written(&summary, form))
}

fn one_thread(bytes: &[u8]) -> Result<Thread, ApiError> {
    let mut reading = thread_jsonl::read(bytes, "the body");
    let unreadable = |detail| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_thread", detail);
    match (reading.threads.pop(), reading.threads.len()) {
        (Some(thread), 0) => Ok(thread),
        (Some(_), more) => Err(unreadable(format!("Send one thread; these are {}.", more + 1))),
        (None, _) => Err(unreadable(match reading.faults.first() {
            Some(fault) => fault.to_string(),
            None => "Send one thread: an object with \"messages\".".to_owned(),
        })),
    }
}
