//! Threads: in lists, most recently active first or each exactly once, and one by one.

use axum::{Extension, extract::State, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Json;
use crate::{
    store::thread::{self, After, Filter},
    web::{
        App,
        answers::Question,
        asked::{self, Path, Query},
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        view::{ThreadList, ThreadView},
    },
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Where the page begins: `next` of the one before, with the same filters
    cursor: Option<String>,
    /// Threads of a page, 1 to 200
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Only of this source
    source: Option<String>,
    /// Only of this kind
    #[param(pattern = "^(chat|email|issue|review|document|transcript)$")]
    kind: Option<String>,
    /// Only of this channel
    channel: Option<String>,
    /// Only active at or after: an instant, a date, or how long ago (`24h`, `7d`)
    since: Option<String>,
    /// `activity`: the most recent first; a thread that becomes active meanwhile moves to the front. `added`: in the order they
    /// came in; each exactly once, whatever happens meanwhile
    #[param(pattern = "^(activity|added)$")]
    sort: Option<String>,
}

/// Threads
#[utoipa::path(get, path = "/api/v1/threads", tag = "threads", params(Asked),
    responses((status = 200, description = "A page of threads", body = ThreadList)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let most = asked::limit(asked.limit)?;
    let since = asked.since.map(|text| asked::since(&text, app.desk.now())).transpose()?;
    let kind = asked::kind(asked.kind.as_deref())?;
    let filter = Filter { source: asked.source, kind, channel: asked.channel, since, ..reader.filter() };
    let cursor = asked.cursor.as_deref();
    match asked.sort.as_deref() {
        None | Some("activity") => {
            let after = asked::places::<2>(cursor)?.map(|[last_ms, id]| After { last_ms, id });
            let question = Question::ByActivity { filter: filter.clone(), after, most };
            let list = move |on: &_| {
                let page = thread::page(on, &filter, after, most + 1)?;
                Ok(list_of(page, most, |last| vec![last.last_ms, last.id]))
            };
            app.answer(question, list).await
        }
        Some("added") => {
            let after = asked::places::<1>(cursor)?.map_or(0, |[id]| id);
            let question = Question::ByRow { filter: filter.clone(), after, most };
            let list =
                move |on: &_| Ok(list_of(thread::by_row(on, &filter, after, most + 1)?, most, |last| vec![last.id]));
            app.answer(question, list).await
        }
        Some(_) => Err(ApiError::bad("bad_sort", "sort is activity or added.")),
    }
}

/// One thread
#[utoipa::path(get, path = "/api/v1/threads/{id}", tag = "threads", params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The thread", body = ThreadView),
              (status = 404, description = "There is none that you may see")))]
pub(crate) async fn one(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Path(id): Path<String>,
) -> Result<Json<ThreadView>, ApiError> {
    let thread = reader.may_see(app.read(move |on| thread::find(on, &id)).await?)?;
    app.auditor.note(&reader, "thread", Some(thread.key.clone()), &request, app.desk.now())?;
    Ok(Json(thread.into()))
}

/// A page of `most`, of one more than it shows.
fn list_of(mut page: Vec<thread::Listed>, most: usize, place: impl Fn(&thread::Listed) -> Vec<i64>) -> ThreadList {
    let more = page.len() > most;
    page.truncate(most);
    let next = page.last().filter(|_| more).map(|last| asked::cursor(&place(last)));
    ThreadList { threads: page.into_iter().map(ThreadView::from).collect(), next }
}
