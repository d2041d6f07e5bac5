//! The way out: an id for every request, headers for every answer, and a body for what failed.

use std::any::Any;

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{App, error::ApiError, guard, guard::Peer};
use crate::time::Stopwatch;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Pages have a stylesheet of our own and nothing else: no script, no frame, no picture, nothing from elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// The headers of every answer. With `same-origin`, unlike `no-referrer`, our own forms say where they come from.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

/// What a request is called here, in the log, in the audit and in its answer.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub String);

/// Wraps every route: guards it, and finishes what it answers.
pub(crate) async fn finish(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let id = new_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let wants_page = wants_page(&request);
    let refused = match request.extensions().get::<Peer>() {
        Some(peer) => guard::check(peer, &app.config.hosts, request.method(), request.uri(), request.headers()).err(),
        None => Some(ApiError::internal(&"a request from nowhere")),
    };
    let mut response = match refused {
        None => next.run(request).await,
        Some(error) => {
            app.counters.refused();
            error.into_response()
        }
    };
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        response = worded(&app, response.headers().clone(), &error, &id, wants_page);
    }
    let status = response.status();
    dress(response.headers_mut(), &id);
    app.counters.answered(status, watch.elapsed());
    let route = route.as_deref().unwrap_or("none");
    let (status, ms) = (status.as_u16(), watch.elapsed_ms());
    tracing::debug!(%method, route, status, duration_ms = ms, request_id = %id, "answered");
    response
}

/// The answer to a request whose handler panicked.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::internal(&"a handler panicked").into_response()
}

/// An error as a problem, or as a page for somebody with a browser.
fn worded(app: &App, headers: HeaderMap, error: &ApiError, id: &str, as_page: bool) -> Response {
    let problem = error.problem(id);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match as_page.then(|| app.pages.problem(&problem)) {
        Some(Ok(page)) => page,
        _ => {
            let mut response = Json(problem).into_response();
            response.headers_mut().insert(CONTENT_TYPE, PROBLEM);
            response
        }
    };
    *response.status_mut() = status;
    for (name, value) in &headers {
        if !matches!(name.as_str(), "content-type" | "content-length") {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

fn dress(headers: &mut HeaderMap, id: &str) {
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    // What one may see another may not.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.append(VARY, HeaderValue::from_static("Accept, Authorization"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// Whether somebody with a browser asks for a page.
fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    !path.starts_with("/api/") && accepts.contains("text/html")
}

/// 64 bits of chance. Without any, requests share an id, and that is all.
fn new_id() -> String {
    getrandom::u64().map_or_else(|_| "0".repeat(16), |chance| format!("{chance:016x}"))
}
