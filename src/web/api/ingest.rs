//! Threads that somebody brings: `bluf.thread/1`, one or many, in parts or whole.

use std::collections::BTreeMap;

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::{Json, summarize::TAKEN};
use crate::{
    domain::{Fault, Item, Page},
    source::connector::push::{self, Pushed},
    store::{
        idempotency::{self, Asked as Known},
        token::Scope,
    },
    web::{
        App,
        asked::Query,
        auth::Reader,
        body,
        error::ApiError,
        finish::RequestId,
        view::{FaultView, TakenView},
    },
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Letters of a key.
const LONGEST_KEY: usize = 255;
/// Faults that an answer lists; the rest are counted.
const LISTED_FAULTS: usize = 100;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Keep them under this source, whatever they say
    source: Option<String>,
}

/// Bring threads in
///
/// A thread adds to what is known of the thread of its id: its messages are added, or replaced where their id is known. With
/// `"whole": true` it is all there is, and what it lacks is gone.
#[utoipa::path(post, path = "/api/v1/ingest", tag = "sources",
    params(Asked, ("idempotency-key" = Option<String>, Header,
        description = "Sent again with the same body within a day, the answer is the same and nothing is done")),
    request_body(description = "Threads, `bluf.thread/1`: one, a list, or one a line", content(
        (serde_json::Value = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "What changed, and what could not be read", body = TakenView),
        (status = 404, description = "A source that takes no threads this way"),
        (status = 408, description = "The body was too slow"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "There is no thread in it, or the key was used for something else")))]
pub(crate) async fn ingest(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    reader.must(Scope::Act)?;
    body::of_type(&headers, &TAKEN)?;
    let key = key(&headers)?;
    let bytes = body::read(body, app.config.most_ingest_bytes, app.config.patience).await?;
    let Some(key) = key else {
        return Ok(Json(take(&app, &reader, &request, asked, bytes).await?).into_response());
    };
    let sum = Sha256::new().chain_update(format!("{asked:?}\0")).chain_update(&bytes).finalize().to_vec();
    let (now, who) = (app.desk.now(), reader.who.clone());
    let known = {
        let (key, who, sum) = (key.clone(), who.clone(), sum.clone());
        app.read(move |on| idempotency::asked(on, &key, &who, &sum, now)).await?
    };
    match known {
        Known::Before { status, answer } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let before: TakenView = serde_json::from_str(&answer).map_err(|e| ApiError::internal(&e))?;
            Ok((status, [(REPLAYED, HeaderValue::from_static("true"))], Json(before)).into_response())
        }
        Known::Otherwise => {
            Err(unprocessable("key_reused", "This Idempotency-Key was used for another body; take a new one."))
        }
        Known::Never => {
            let taken = take(&app, &reader, &request, asked, bytes).await?;
            let answer = serde_json::to_string(&taken).map_err(|e| ApiError::internal(&e))?;
            let store = app.desk.store().clone();
            app.blocking(move || store.keep_answer(&key, &who, &sum, 200, &answer, now)).await?;
            Ok(Json(taken).into_response())
        }
    }
}

async fn take(app: &App, reader: &Reader, request: &str, asked: Asked, bytes: Bytes) -> Result<TakenView, ApiError> {
    let Pushed { items, faults } = app.blocking(move || Ok(push::ingest(&bytes))).await?;
    if items.is_empty() {
        let why = faults.first().map_or_else(|| "there is nothing in it".to_owned(), ToString::to_string);
        return Err(unprocessable("no_thread_in_it", &format!("There is no thread in the body: {why}.")));
    }
    let mut answer = TakenView { faults: listed(&faults), ..TakenView::default() };
    let pages = pages(items, asked.source.as_deref());
    // All or nothing, as far as rights go.
    if let Some(source) = pages.keys().find(|source| !reader.sees(source)) {
        return Err(ApiError::forbidden("source", format!("Your token is not for the source {source:?}.")));
    }
    for (source, page) in pages {
        app.auditor.note(reader, "ingest", Some(source.clone()), request, app.desk.now())?;
        answer.add(app.desk.take(&source, page).await?);
    }
    Ok(answer)
}

/// Threads as the pages of their sources.
fn pages(items: Vec<Item>, source: Option<&str>) -> BTreeMap<String, Page> {
    let mut pages: BTreeMap<String, Page> = BTreeMap::new();
    for mut item in items {
        let (Item::Whole { thread, .. } | Item::Part { thread, .. }) = &mut item else { continue };
        if let Some(source) = source {
            source.clone_into(&mut thread.source);
        }
        pages.entry(thread.source.clone()).or_default().items.push(item);
    }
    pages
}

fn listed(faults: &[Fault]) -> Vec<FaultView> {
    let fault = |fault: &Fault| FaultView {
        line: fault.place.line,
        column: fault.place.column,
        item: fault.place.item,
        what: fault.what.clone(),
    };
    let mut listed: Vec<FaultView> = faults.iter().take(LISTED_FAULTS).map(fault).collect();
    let more = faults.len() - listed.len();
    if more > 0 {
        listed.push(FaultView { line: None, column: None, item: None, what: format!("and {more} more") });
    }
    listed
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    let detail = || format!("An Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII letters.");
    key.map(|key| Some(key.to_owned())).ok_or_else(|| ApiError::bad("bad_key", detail()))
}

fn unprocessable(code: &'static str, detail: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
}
