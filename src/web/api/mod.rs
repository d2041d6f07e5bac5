//! The resources, one file each.

pub mod alerts;
pub mod catchup;
pub mod decisions;
pub mod events;
pub mod hooks;
pub mod ingest;
pub mod messages;
pub mod obligations;
pub mod search;
pub mod sources;
pub mod stats;
pub mod summarize;
pub mod summary;
pub mod threads;

use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::whole;
use crate::render::json;

/// A JSON answer in which nothing can drive or reorder a terminal.
pub(super) struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        whole(json::line(&self.0).into())
    }
}
