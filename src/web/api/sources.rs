//! Sources: how they are, and having one pulled now.

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::Json;
use crate::{
    store::{token::Scope, work},
    web::{
        App,
        asked::Path,
        auth::Reader,
        error::ApiError,
        finish::RequestId,
        view::{Accepted, SourceList, SourceView},
    },
};

/// Sources
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources",
    responses((status = 200, description = "How every source is", body = SourceList)))]
pub(crate) async fn list(State(app): State<App>, reader: Reader) -> Result<Json<SourceList>, ApiError> {
    let sources = app.read(work::sources).await?;
    let seen = sources.into_iter().filter(|source| reader.sees(&source.name)).map(|source| {
        let view = SourceView::from(source);
        // It may name hosts and paths.
        let last_error = view.last_error.filter(|_| reader.scope >= Scope::Admin);
        SourceView { last_error, ..view }
    });
    Ok(Json(SourceList { sources: seen.collect() }))
}

/// Pull a source now
#[utoipa::path(post, path = "/api/v1/sources/{name}/sync", tag = "sources",
    params(("name" = String, Path, description = "The source's name")),
    responses((status = 202, description = "It will be", body = Accepted),
              (status = 404, description = "There is no such source that you may see")))]
pub(crate) async fn sync(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    reader.must(Scope::Act)?;
    if !reader.sees(&name) || !app.desk.ring(&name) {
        return Err(ApiError::not_found("no_source", "There is no such source among those you may see."));
    }
    app.auditor.note(&reader, "sync", Some(name), &request, app.desk.now())?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { state: "waiting" })).into_response())
}
