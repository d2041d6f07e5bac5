//! The digest as an Atom feed (RFC 4287), for readers that send no headers: the address has a token.

use axum::{
    Extension,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use minijinja::{Value, context};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{App, asked::Query, auth::Reader, error::ApiError, finish::RequestId};
use crate::{
    render::plain,
    store::thread::{self, Listed},
};

/// Threads of the feed: the most recently active that have a summary.
const ENTRIES: usize = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// A token, where no header can be sent
    #[serde(rename = "token")]
    _token: Option<String>,
}

/// The newest bottom lines, as an Atom feed
#[utoipa::path(get, path = "/api/v1/feeds/digest.atom", tag = "reports", params(Asked),
    responses((status = 200, description = "Atom", body = String, content_type = "application/atom+xml")))]
pub(crate) async fn digest(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(_asked): Query<Asked>,
) -> Result<Response, ApiError> {
    app.auditor.note(&reader, "feed", None, &request, app.desk.now())?;
    let filter = reader.filter();
    let threads = app.read(move |on| thread::page(on, &filter, None, ENTRIES)).await?;
    let updated = threads.first().map_or(app.desk.now(), changed);
    let entries: Vec<Value> = threads.iter().filter(|t| t.bottom_line.is_some()).map(entry).collect();
    let xml = app.pages.text("digest.xml", context! { updated => updated.to_string(), entries => entries })?;
    Ok(([(CONTENT_TYPE, "application/atom+xml; charset=utf-8")], xml).into_response())
}

/// XML has no room for control characters: all text is made plain.
fn entry(thread: &Listed) -> Value {
    context! {
        key => thread.key.as_str(),
        title => plain::line(&thread.title),
        source => plain::line(&thread.source),
        updated => changed(thread).to_string(),
        bottom_line => plain::line(thread.bottom_line.as_deref().unwrap_or_default()),
    }
}

fn changed(thread: &Listed) -> Timestamp {
    Timestamp::from_millisecond(thread.last_ms).unwrap_or_default()
}
