//! Webhooks of sources, which bring a signature and no token.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use crate::web::{App, asked::Path, body, desk::Delivery, error::ApiError};

/// A signed webhook
#[utoipa::path(post, path = "/api/v1/hooks/{source}", tag = "sources",
    params(("source" = String, Path, description = "The source's name")),
    request_body(description = "What the system sends, as it sends it", content_type = "application/json", content = serde_json::Value),
    responses((status = 200, description = "What the sender waits for", body = String, content_type = "text/plain"),
              (status = 202, description = "Taken"),
              (status = 404, description = "There is no such source that takes webhooks"),
              (status = 408, description = "The body was too slow"),
              (status = 413, description = "The body is too large")),
    security(()))]
pub(crate) async fn hook(
    State(app): State<App>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body = body::read(body, app.config.most_ingest_bytes, app.config.patience).await?;
    match app.desk.hook(&source, Delivery { headers, body }).await? {
        Some(answer) => Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], answer).into_response()),
        None => Ok(StatusCode::ACCEPTED.into_response()),
    }
}
