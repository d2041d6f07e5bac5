//! Search, by words and by meaning.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
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
    let (words, state) = (Words::parse(&asked.q), app.centroids.state());
    let question = |by_meaning: bool| Question::Search {
        words: words.clone(),
        filter: filter.clone(),
        most,
        meaning: by_meaning.then_some(state),
    };
    if let Some(known) = app.answered(&question(app.desk.embeds())) {
        return Ok(known);
    }
    let query = query(&app, &asked.q, filter.clone(), most).await;
    let by_meaning = query.vector.is_some();
    let centroids = Arc::clone(&app.centroids);
    let find = move |on: &_| {
        let found = search::search(on, &centroids, &query)?;
        let hits = found.hits.into_iter().map(HitView::from).collect();
        Ok(SearchView { hits, ranked: found.is_ranked, any: found.any, by_meaning })
    };
    app.answer(question(by_meaning), find).await
}

/// What `text` finds.
pub(in crate::web) async fn find(app: &App, text: &str, filter: Filter, most: usize) -> Result<Found, ApiError> {
    let query = query(app, text, filter, most).await;
    let centroids = Arc::clone(&app.centroids);
    app.read(move |on| search::search(on, &centroids, &query)).await
}

/// What to look for; without a vector where there is no encoder, or it has no time.
async fn query(app: &App, text: &str, filter: Filter, most: usize) -> search::Query {
    let words = Words::parse(text);
    let vector = if words.is_empty() { None } else { app.desk.embed(text).await };
    if vector.is_some() {
        catch_up(app);
    }
    search::Query { words, vector, filter, most }
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
