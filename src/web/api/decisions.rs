//! The decision log: what was decided anywhere, latest first.

use axum::{Extension, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Json;
use crate::{
    store::{summary, thread::Filter},
    web::{
        App,
        asked::{self, Query},
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        view::{DecisionList, DecisionView},
    },
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Where the page begins: `next` of the one before, with the same filters
    cursor: Option<String>,
    /// Decisions of a page, 1 to 200
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Only of this source
    source: Option<String>,
    /// Only of this channel
    channel: Option<String>,
    /// Only of threads active at or after: an instant, a date, or how long ago (`24h`, `7d`)
    since: Option<String>,
}

/// Decisions
#[utoipa::path(get, path = "/api/v1/decisions", tag = "reports", params(Asked),
    responses((status = 200, description = "A page of decisions", body = DecisionList)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(asked): Query<Asked>,
) -> Result<Json<DecisionList>, ApiError> {
    let most = asked::limit(asked.limit)?;
    let since = asked.since.map(|text| asked::since(&text, app.desk.now())).transpose()?;
    let after = asked::places::<2>(asked.cursor.as_deref())?.map(|[at_ms, row]| (at_ms, row));
    let filter = Filter { source: asked.source, channel: asked.channel, since, ..reader.filter() };
    app.auditor.note(&reader, "decisions", None, &request, app.desk.now())?;
    let mut page = app.read(move |on| summary::decisions(on, &filter, after, most + 1)).await?;
    let more = page.len() > most;
    page.truncate(most);
    let next = page.last().filter(|_| more).map(|last| asked::cursor(&[last.at_ms.unwrap_or(0), last.row]));
    Ok(Json(DecisionList { decisions: page.into_iter().map(DecisionView::from).collect(), next }))
}
