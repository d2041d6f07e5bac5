//! What happened since an instant: as a digest, latest first, and ranked for somebody who was away.

use axum::{Extension, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Json;
use crate::{
    store::{report, thread::Filter},
    web::{
        App,
        asked::{self, Query},
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        view::{DigestView, LeftOut, ReadState, StirredView},
    },
};

/// Threads that are looked at: the most recently active.
const LOOKED_AT: usize = 1_000;
/// What a thread has, and how much each of it weighs, so that a person sees first what somebody settled or waits for. New
/// messages count as far as there are digits to their number.
const WEIGHTS: [(fn(&StirredView) -> usize, f64); 4] =
    [(|s| s.decisions, 8.0), (|s| s.blockers, 6.0), (|s| s.open_asks, 4.0), (|s| s.open_questions, 3.0)];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// An instant, a date, or how long ago (`24h`, `7d`)
    since: String,
    /// Threads, 1 to 200
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Only of this source
    source: Option<String>,
    /// Only of this channel
    channel: Option<String>,
}

/// What happened, latest first
#[utoipa::path(get, path = "/api/v1/digest", tag = "reports", params(Asked),
    responses((status = 200, description = "Threads in which something was said, and what was left out", body = DigestView)))]
pub(crate) async fn digest(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(asked): Query<Asked>,
) -> Result<Json<DigestView>, ApiError> {
    app.auditor.note(&reader, "digest", None, &request, app.desk.now())?;
    stirred(&app, &reader, asked, false).await.map(Json)
}

/// What happened, most telling first
#[utoipa::path(get, path = "/api/v1/catchup", tag = "reports", params(Asked),
    responses((status = 200, description = "Threads in which something was said, and what was left out", body = DigestView)))]
pub(crate) async fn catchup(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(asked): Query<Asked>,
) -> Result<Json<DigestView>, ApiError> {
    app.auditor.note(&reader, "catchup", None, &request, app.desk.now())?;
    stirred(&app, &reader, asked, true).await.map(Json)
}

async fn stirred(app: &App, reader: &Reader, asked: Asked, ranked: bool) -> Result<DigestView, ApiError> {
    let until = app.desk.now();
    let since = asked::since(&asked.since, until)?;
    let most = asked::limit(asked.limit)?;
    let filter = Filter { source: asked.source, channel: asked.channel, ..reader.filter() };
    let (found, all) = app.read(move |on| report::stirred(on, &filter, since, LOOKED_AT)).await?;
    let looked_at = found.len();
    let mut threads: Vec<StirredView> = found.into_iter().map(StirredView::from).collect();
    let waiting = threads.iter().filter(|s| s.thread.state == ReadState::Waiting).count();
    if ranked {
        // Stable: of two that weigh the same the more recent comes first.
        threads.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    }
    threads.truncate(most);
    let left_out = LeftOut { threads: all - threads.len(), waiting, note: note(all, threads.len(), looked_at) };
    Ok(DigestView { since, until, threads, left_out })
}

fn weight(stirred: &StirredView) -> f64 {
    let claims: f64 = WEIGHTS.iter().map(|(count, weight)| count(stirred) as f64 * weight).sum();
    claims + (1.0 + stirred.new_messages as f64).log10()
}

fn note(all: usize, shown: usize, looked_at: usize) -> String {
    match all - shown {
        0 => "Nothing was left out.".to_owned(),
        _ if looked_at < all => {
            format!(
                "Only the {looked_at} most recent of {all} threads were looked at; ask for a later since, or a source."
            )
        }
        left => format!("{left} of {all} threads are not shown; ask for a higher limit, a later since, or a source."),
    }
}
