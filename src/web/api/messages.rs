//! Messages of a thread, in reading order.

use axum::{Extension, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Json;
use crate::{
    store::thread,
    web::{
        App,
        asked::{self, Path, Query},
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        view::{MessageList, MessageView},
    },
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Where the page begins: `next` of the one before
    cursor: Option<String>,
    /// Messages of a page, 1 to 200
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// A thread's messages
#[utoipa::path(get, path = "/api/v1/threads/{id}/messages", tag = "threads",
    params(("id" = String, Path, description = "The thread's id"), Asked),
    responses((status = 200, description = "A page of messages", body = MessageList),
              (status = 404, description = "There is no such thread that you may see"),
              (status = 410, description = "The message that the page was to begin after is gone: begin anew")))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<MessageList>, ApiError> {
    let most = asked::limit(asked.limit)?;
    let after = asked::places::<1>(asked.cursor.as_deref())?;
    let listed = reader.may_see(app.read(move |on| thread::find(on, &id)).await?)?;
    app.auditor.note(&reader, "messages", Some(listed.key.clone()), &request, app.desk.now())?;
    let page = app.read(move |on| match after {
        None => thread::messages(on, listed.id, 0, most + 1).map(Some),
        Some([row]) => thread::messages_after(on, listed.id, row, most + 1),
    });
    let Some(mut page) = page.await? else {
        let gone = axum::http::StatusCode::GONE;
        return Err(ApiError::new(gone, "cursor_gone", "The message that this page begins after is gone; begin anew."));
    };
    let more = page.len() > most;
    page.truncate(most);
    let next = page.last().filter(|_| more).map(|last| asked::cursor(&[last.id]));
    Ok(Json(MessageList { messages: page.into_iter().map(MessageView::from).collect(), next }))
}
