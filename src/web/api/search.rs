//! Search, by words and by meaning.

use std::sync::Arc;

use axum::{Extension, body::Bytes, extract::State, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    render::json,
    store::{
        search::{self, Found, Words},
        thread::Filter,
    },
    web::{
        App,
        answers::Question,
        asked::{self, Query},
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        view::{HitView, SearchView},
        whole,
    },
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Words, "phrases in quotes", -without, begin*
    q: String,
    /// Threads, 1 to 200
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Only of this source
    source: Option<String>,
    /// Only of this kind
    #[param(pattern = "^(chat|email|issue|review|document|transcript)$")]
    kind: Option<String>,
    /// Only of threads active at or after: an instant, a date, or how long ago (`24h`, `7d`)
    since: Option<String>,
}

/// Search
#[utoipa::path(get, path = "/api/v1/search", tag = "threads", params(Asked),
    responses((status = 200, description = "Threads, best first", body = SearchView)))]
pub(crate) async fn threads(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let most = asked::limit(asked.limit)?;
    let kind = asked::kind(asked.kind.as_deref())?;
    let since = asked.since.map(|text| asked::since(&text, app.desk.now())).transpose()?;
    let filter = Filter { source: asked.source, kind, since, ..reader.filter() };
    app.auditor.note(&reader, "search", None, &request, app.desk.now())?;
    let (shown, has_encoder) = (app.desk.store().showing().now(), app.desk.embeds());
    let meaning = has_encoder.then(|| app.centroids.state());
    let question = Question::Search { words: Words::parse(&asked.q), filter: filter.clone(), most, meaning };
    if let Some(known) = app.answered(&question) {
        return Ok(known);
    }
    let (found, by_meaning) = find(&app, &asked.q, filter, most).await?;
    let rows = found.hits.iter().map(|hit| hit.thread.id).collect();
    let hits = found.hits.into_iter().map(HitView::from).collect();
    let body = Bytes::from(json::line(&SearchView { hits, ranked: found.is_ranked, any: found.any, by_meaning }));
    // Where the encoder had no time, whoever asks next may find it with some.
    Ok(if by_meaning || !has_encoder { app.keep(question, shown, rows, body) } else { whole(body) })
}

/// What `text` finds, and whether meaning was looked at.
pub(in crate::web) async fn find(
    app: &App,
    text: &str,
    filter: Filter,
    most: usize,
) -> Result<(Found, bool), ApiError> {
    let words = Words::parse(text);
    let vector = if words.is_empty() { None } else { app.desk.embed(text).await };
    let by_meaning = vector.is_some();
    if by_meaning {
        catch_up(app);
    }
    let query = search::Query { words, vector, filter, most };
    let centroids = Arc::clone(&app.centroids);
    let found = app.read(move |on| search::search(on, &centroids, &query)).await?;
    Ok((found, by_meaning))
}

/// Has the threads' vectors brought up to date beside this search, which makes do with what is there.
fn catch_up(app: &App) {
    let (store, centroids) = (Arc::clone(app.desk.store()), Arc::clone(&app.centroids));
    tokio::task::spawn_blocking(move || {
        if let Err(error) = centroids.catch_up(&store) {
            tracing::warn!(%error, "the threads' vectors could not be read");
        }
    });
}
