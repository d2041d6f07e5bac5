//! `/healthz`: the process answers. `/readyz`: it can do its work, or what is in the way. Neither names anything.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    App,
    desk::{ModelState, StoreState},
};

#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`; `degraded`: it works, and something needs a look; `not_ready`.
    state: &'static str,
    /// `fine`, `full`, `read_only`, `failed`.
    database: &'static str,
    /// `ready`, `loading`, `without` (quotes speak), `failed`.
    model: &'static str,
    sources_down: usize,
    /// Where people are told, and could not be the last time.
    sinks_down: usize,
    /// Notices that are to be sent, now or later.
    notices_waiting: usize,
}

/// Whether the process answers
#[utoipa::path(get, path = "/healthz", tag = "health",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether it can do its work
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "It can, perhaps not all of it", body = Ready),
    (status = 503, description = "It cannot; what is in the way", body = Ready)))]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let health = app.desk.health();
    // What the daemon noticed last may be over, or worse by now.
    let reads = app.read(|on| on.query_row("SELECT 1", (), |_| Ok(()))).await.is_ok();
    let database = match health.store {
        _ if !reads => "failed",
        StoreState::Fine => "fine",
        StoreState::Full => "full",
        StoreState::ReadOnly => "read_only",
        StoreState::Failed => "failed",
    };
    let model = match health.model {
        ModelState::Ready => "ready",
        ModelState::Loading => "loading",
        ModelState::Without => "without",
        ModelState::Failed => "failed",
    };
    let (sources_down, sinks_down) = (health.sources_down.len(), health.sinks_down.len());
    let (status, state) = if database != "fine" || model == "loading" {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    } else if model == "failed" || sources_down > 0 || sinks_down > 0 {
        (StatusCode::OK, "degraded")
    } else {
        (StatusCode::OK, "ready")
    };
    (status, Json(Ready { state, database, model, sources_down, sinks_down, notices_waiting: health.notices_waiting }))
        .into_response()
}
