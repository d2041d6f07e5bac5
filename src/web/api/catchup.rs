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
/// How much each decision, blocker, open ask and open question of a thread weighs, so that a person sees first what somebody
/// settled or waits for. New messages count as far as there are digits to their number.
const DECISION: f64 = 8.0;
const BLOCKER: f64 = 6.0;
const OPEN_ASK: f64 = 4.0;
const OPEN_QUESTION: f64 = 3.0;

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
    stirred.decisions as f64 * DECISION
        + stirred.blockers as f64 * BLOCKER
        + stirred.open_asks as f64 * OPEN_ASK
        + stirred.open_questions as f64 * OPEN_QUESTION
        + (1.0 + stirred.new_messages as f64).log10()
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
