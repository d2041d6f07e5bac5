//! The page of what waits for somebody, and what people do about it there.

use axum::{
    extract::{Form, State, rejection::FormRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use minijinja::{Value, context};
use serde::Deserialize;

use super::{encoded, ours, theme_of, when};
use crate::{
    alert::waits::Waits,
    render::plain,
    store::{
        hold::Act,
        obligation::{self, Kept, Which},
        thread::Filter,
    },
    web::{
        App,
        api::obligations::{act, place, place_of, reason, until},
        asked::{Path, Query},
        auth::Reader,
        error::ApiError,
        owed::OwedView,
    },
};

/// Obligations of a page.
const ITEMS: usize = 40;
/// Groups of the page, most pressing first.
const GROUPS: [(&str, &str); 3] = [("breached", "Late"), ("at_risk", "Due soon"), ("on_track", "On track")];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    cursor: Option<String>,
    source: Option<String>,
}

/// What waits, first due first.
pub(in crate::web) async fn waiting(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    Query(asked): Query<List>,
) -> Result<Response, ApiError> {
    let now = app.desk.now();
    let after = asked.cursor.as_deref().map(place).transpose()?;
    let which = Which { threads: Filter { source: asked.source.clone(), ..reader.filter() }, ..Which::default() };
    let mut page = app
        .read(move |on| obligation::list(on, &which, after.as_ref().map(|(ms, id)| (*ms, id.as_str())), ITEMS + 1))
        .await?;
    let more = page.len() > ITEMS;
    page.truncate(ITEMS);
    let next = page.last().filter(|_| more).map(place_of);
    let items: Vec<(&str, Value)> = page.into_iter().map(|kept| item(kept, now)).collect();
    let groups = GROUPS.iter().filter_map(|(health, heading)| {
        let items: Vec<Value> = items.iter().filter(|(h, _)| h == health).map(|(_, value)| value.clone()).collect();
        (!items.is_empty()).then(|| context! { health => *health, heading => *heading, items => items })
    });
    let values = context! {
        theme => theme_of(&headers), back => "/waiting", owed => groups.collect::<Vec<_>>(), next => next,
        begins => asked.cursor.is_none(), source => asked.source.as_deref().map(plain::line),
        more => asked.source.as_deref().map(|s| format!("&source={}", encoded(s))),
    };
    app.pages.page("waiting.html", values)
}

/// An obligation as pages show it, with how it stands.
pub(super) fn item(kept: Kept, now: Timestamp) -> (&'static str, Value) {
    let kind = kept.reckoned.obligation.kind;
    let OwedView { obligation: owed, thread, acknowledged, snoozed, .. } = OwedView::of(kept, now);
    let mut facts: Vec<String> =
        owed.paused.iter().map(|why| format!("its clock stands still: {}", plain::line(why))).collect();
    facts.extend(acknowledged.map(|hold| format!("{} sees to it", plain::line(&hold.by))));
    let put_off =
        snoozed.and_then(|hold| hold.until).filter(|until| until.parse::<Timestamp>().is_ok_and(|at| at > now));
    facts.extend(put_off.map(|until| format!("put off until {}", when(&until))));
    let cites = owed.cites.iter().map(|cite| {
        context! {
            quote => plain::line(&cite.quote),
            author => cite.author.as_deref().map(plain::line),
            at => cite.sent_at.as_deref().map(when),
        }
    });
    let title = plain::line(&thread.title);
    let value = context! {
        id => owed.id,
        thread => thread.id.clone(),
        title => if title.is_empty() { thread.id } else { title },
        source => plain::line(&thread.source),
        channel => thread.channel.as_deref().map(plain::line),
        // Of a source's own address nothing but the web's own kind becomes a link.
        url => thread.url.filter(|url| url.starts_with("https://") || url.starts_with("http://")).map(|url| plain::line(&url)),
        says => Waits::new(kind, &owed.owed_by, &owed.owed_to).since(&when(&owed.opened_at)).sentence(),
        due => owed.due_at.as_deref().map(when),
        health => owed.health.replace('_', " "),
        policy => owed.policy.as_deref().map(plain::line),
        facts => facts,
        cites => cites.collect::<Vec<_>>(),
        open => matches!(owed.health, "breached" | "at_risk" | "on_track"),
    };
    (owed.health, value)
}

#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    #[serde(rename = "do")]
    what: String,
    until: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    back: String,
}

/// Acknowledges, puts off or waives, and goes back to where they were.
pub(in crate::web) async fn done(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    form: Result<Form<Done>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(done) = form.map_err(|e| ApiError::bad("bad_form", e.body_text()))?;
    let now = app.desk.now();
    let what = match done.what.as_str() {
        "ack" => Act::Acknowledge,
        "snooze" => Act::Snooze { until: until(&app, done.until.as_deref().unwrap_or_default(), now)? },
        "waive" => Act::Waive { reason: reason(done.reason.as_deref().unwrap_or_default())? },
        _ => return Err(ApiError::bad("bad_form", "do is ack, snooze or waive.")),
    };
    act(&app, &reader, id, what).await?;
    let back = HeaderValue::from_str(&done.back).ok().filter(|_| ours(&done.back));
    Ok((StatusCode::SEE_OTHER, [(LOCATION, back.unwrap_or(HeaderValue::from_static("/waiting")))]).into_response())
}
