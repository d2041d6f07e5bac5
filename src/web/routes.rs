//! The whole table of addresses.

use axum::{
    Router,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{App, api, auth, document, due, error::ApiError, feed, finish, health, metrics, ui};

/// Everything, with what every request passes on its way in and out.
pub(super) fn router(app: &App) -> Router {
    let (open, _) = open().split_for_parts();
    let (closed, _) = closed().split_for_parts();
    let closed = closed.merge(pages()).merge(document::routes(api()));
    let closed = closed
        .fallback(|| async { document::no_page() })
        .method_not_allowed_fallback(|| async { not_allowed() })
        .layer(from_fn_with_state(app.clone(), auth::enter));
    let open = open.method_not_allowed_fallback(|| async { not_allowed() });
    open.merge(closed)
        .layer(CatchPanicLayer::custom(finish::panicked))
        .layer(from_fn_with_state(app.clone(), finish::finish))
        .layer(CompressionLayer::new())
        .with_state(app.clone())
}

/// What the routes say of themselves, as OpenAPI 3.1.
pub(super) fn api() -> OpenApi {
    let mut api = closed().merge(open()).into_openapi();
    document::complete(&mut api);
    api
}

/// Routes that need no token: signs of life, and webhooks, which are signed.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(api::hooks::hook))
}

/// Routes for whoever `auth` lets in.
fn closed() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(api::threads::list))
        .routes(routes!(api::threads::one))
        .routes(routes!(api::messages::list))
        .routes(routes!(api::summary::newest, api::summary::refresh))
        .routes(routes!(api::summarize::now))
        .routes(routes!(api::search::threads))
        .routes(routes!(api::decisions::list))
        .routes(routes!(api::obligations::list))
        .routes(routes!(api::obligations::ack))
        .routes(routes!(api::obligations::snooze))
        .routes(routes!(api::obligations::waive))
        .routes(routes!(api::obligations::explain))
        .routes(routes!(api::alerts::list))
        .routes(routes!(api::alerts::silences, api::alerts::silence))
        .routes(routes!(api::alerts::end_silence))
        .routes(routes!(api::catchup::digest))
        .routes(routes!(api::catchup::catchup))
        .routes(routes!(api::stats::channels))
        .routes(routes!(api::sources::list))
        .routes(routes!(api::sources::sync))
        .routes(routes!(api::ingest::ingest))
        .routes(routes!(api::events::stream))
        .routes(routes!(feed::digest))
        .routes(routes!(due::due))
        .routes(routes!(metrics::metrics))
}

/// For people with a browser.
fn pages() -> Router<App> {
    Router::new()
        .route("/", get(ui::threads))
        .route("/threads/{id}", get(ui::thread))
        .route("/search", get(ui::search))
        .route("/waiting", get(ui::waiting))
        .route("/obligations/{id}", post(ui::done))
        .route("/theme", post(ui::theme))
        .route("/style.css", get(ui::style))
}

fn not_allowed() -> ApiError {
    let detail = "Nothing is done by this method here; the Allow header has those that are.";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail)
}
