//! Bodies, read whole: no larger and no slower than they may be, and of a type that is understood.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};

use super::error::ApiError;

/// The whole body.
pub(crate) async fn read(body: Body, most: usize, patience: Duration) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(patience, to_bytes(body, most)).await {
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            format!("The body did not arrive within {} s.", patience.as_secs()),
        )),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_limit(&error) => Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "large_body",
            format!("The body has more than {most} bytes; send it in parts."),
        )),
        Ok(Err(_)) => Err(ApiError::bad("cut_body", "The body ended before its end.")),
    }
}

/// Refuses a body of another type than those that are taken. A page of another site can send only types that are not here
/// without asking first.
pub(crate) fn of_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), ApiError> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bare = given.split(';').next().unwrap_or_default().trim();
    if taken.iter().any(|t| t.eq_ignore_ascii_case(bare)) {
        return Ok(());
    }
    let detail = format!("Send it with Content-Type: {}.", taken.join(" or "));
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail))
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit") {
            return true;
        }
        cause = error.source();
    }
    false
}
