//! What a failed request is told: RFC 9457 problem details. Nothing of what went wrong inside leaves.

use std::{fmt::Display, time::Duration};

use axum::{
    extract::rejection::{PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::DeskError;
use crate::store::StoreError;

/// Seconds until somebody who was told "later" may ask again, where nothing better is known.
const LATER: Duration = Duration::from_secs(1);

/// A request that is not answered.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after: Option<Duration>,
}

/// RFC 9457, with a word for programs and the id that the log has.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `about:blank`: the status says what sort of problem it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: &'static str,
    pub status: u16,
    /// What to do about it.
    pub detail: String,
    /// The same for the same sort of mistake.
    pub code: &'static str,
    pub request_id: String,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> ApiError {
        ApiError { status, code, detail: detail.into(), retry_after: None }
    }

    pub fn bad(code: &'static str, detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn not_found(code: &'static str, detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, code, detail)
    }

    pub fn no_thread() -> ApiError {
        ApiError::not_found("no_thread", "There is no such thread among those you may see.")
    }

    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, code, detail)
    }

    pub fn later(code: &'static str, detail: impl Into<String>, after: Duration) -> ApiError {
        let status = StatusCode::TOO_MANY_REQUESTS;
        ApiError { retry_after: Some(after), ..ApiError::new(status, code, detail) }
    }

    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> ApiError {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        ApiError { retry_after: Some(LATER), ..ApiError::new(status, code, detail) }
    }

    /// Something that should not be: the log says what, the answer does not.
    pub fn internal(error: &dyn Display) -> ApiError {
        tracing::error!(%error, "a request failed");
        let detail = "Something went wrong here. The log has more under this request id.";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// What is said about it, once it has an id.
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            request_id: request_id.to_owned(),
        }
    }
}

/// An empty body with the error beside it: `finish` words it for whoever asks.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // A browser asks for Basic's password and is given a token; programs send it as a bearer's.
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"bluf\""));
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bluf\""));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> ApiError {
        match error {
            StoreError::Busy => ApiError::unavailable("database_busy", "The database is busy; try again."),
            StoreError::Full => {
                ApiError::unavailable("database_full", "The disk is full; it goes on by itself once there is room.")
            }
            StoreError::ReadOnly { .. } => ApiError::unavailable(
                "database_read_only",
                "The database cannot be written; what is there can be read.",
            ),
            other => ApiError::internal(&other),
        }
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> ApiError {
        match error {
            DeskError::Busy { retry_after } => {
                ApiError::later("busy", "Too many summaries are waiting; try again.", retry_after)
            }
            DeskError::NoSource(name) => {
                ApiError::not_found("no_source", format!("There is no source {name:?} that takes this."))
            }
            DeskError::Signature => ApiError::forbidden("bad_signature", "The signature is missing, wrong or too old."),
            DeskError::Refused(why) => ApiError::bad("refused", why),
            DeskError::Store(error) => error.into(),
            DeskError::Failed(error) => ApiError::internal(&error),
        }
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> ApiError {
        ApiError::bad("bad_query", rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> ApiError {
        ApiError::bad("bad_path", rejection.body_text())
    }
}
