//! Counts by source and channel. There are none of persons.

use axum::extract::State;

use super::Json;
use crate::{
    store::report,
    web::{
        App,
        auth::Reader,
        error::ApiError,
        view::{ChannelView, StatsView},
    },
};

/// Counts
#[utoipa::path(get, path = "/api/v1/stats", tag = "reports",
    responses((status = 200, description = "Counts by source and channel", body = StatsView)))]
pub(crate) async fn channels(State(app): State<App>, reader: Reader) -> Result<Json<StatsView>, ApiError> {
    let (filter, now) = (reader.filter(), app.desk.now());
    let channels = app.read(move |on| report::channels(on, &filter, now)).await?;
    Ok(Json(StatsView { channels: channels.into_iter().map(ChannelView::from).collect() }))
}
