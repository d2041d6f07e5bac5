//! Pages for people with a browser: plain HTML that works without scripts.
//!
//! Templates escape everything that they show, and text of a thread becomes neither a link nor anything else but text.

mod thread;
mod waiting;

use axum::{
    Extension,
    extract::{Form, State, rejection::FormRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
    },
    response::{IntoResponse, Response},
};
use minijinja::{Environment, Value, context};
use serde::Deserialize;

pub(super) use thread::thread;
pub(super) use waiting::{done, waiting};

use super::{
    App,
    api::search::find,
    asked::{self, Query},
    auth::Reader,
    error::{ApiError, Problem},
    finish::RequestId,
    view::{ReadState, SnippetView, ThreadView},
};
use crate::{
    domain::Moment,
    render::plain,
    store::thread::{After, Filter, page},
};

const TEMPLATES: [(&str, &str); 9] = [
    ("base.html", include_str!("base.html")),
    ("item.html", include_str!("item.html")),
    ("owed.html", include_str!("owed.html")),
    ("threads.html", include_str!("threads.html")),
    ("thread.html", include_str!("thread.html")),
    ("waiting.html", include_str!("waiting.html")),
    ("search.html", include_str!("search.html")),
    ("problem.html", include_str!("problem.html")),
    ("digest.xml", include_str!("digest.xml")),
];
const STYLE: &str = include_str!("style.css");
/// Threads of a page.
const THREADS: usize = 40;
/// How long a browser remembers that somebody wants it dark. Seconds.
const REMEMBERED: u32 = 365 * 24 * 3600;

/// The templates.
pub(crate) struct Pages {
    templates: Environment<'static>,
}

impl Pages {
    pub fn new() -> Pages {
        let mut templates = Environment::new();
        for (name, text) in TEMPLATES {
            templates.add_template(name, text).expect("a test renders every template of this program");
        }
        Pages { templates }
    }

    pub fn text(&self, name: &str, values: Value) -> Result<String, ApiError> {
        let template = self.templates.get_template(name).map_err(|e| ApiError::internal(&e))?;
        template.render(values).map_err(|e| ApiError::internal(&e))
    }

    fn page(&self, name: &str, values: Value) -> Result<Response, ApiError> {
        Ok(([(CONTENT_TYPE, "text/html; charset=utf-8")], self.text(name, values)?).into_response())
    }

    /// A page about a request that failed.
    pub fn problem(&self, problem: &Problem) -> Result<Response, ApiError> {
        let values =
            context! { title => problem.title, detail => problem.detail.as_str(), id => problem.request_id.as_str() };
        self.page("problem.html", values)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    cursor: Option<String>,
    source: Option<String>,
}

/// The list of threads, most recently active first.
pub(super) async fn threads(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    Query(asked): Query<List>,
) -> Result<Response, ApiError> {
    let after = asked::places::<2>(asked.cursor.as_deref())?.map(|[last_ms, id]| After { last_ms, id });
    let filter = Filter { source: asked.source.clone(), ..reader.filter() };
    let mut listed = app.read(move |on| page(on, &filter, after, THREADS + 1)).await?;
    let more = listed.len() > THREADS;
    listed.truncate(THREADS);
    let next = listed.last().filter(|_| more).map(|last| asked::cursor(&[last.last_ms, last.id]));
    let threads: Vec<Value> = listed.into_iter().map(|l| item(&l.into())).collect();
    let values = context! {
        theme => theme_of(&headers), threads => threads, next => next, begins => asked.cursor.is_none(),
        more => asked.source.as_deref().map(|s| format!("&source={}", encoded(s))),
        source => asked.source.as_deref().map(plain::line),
    };
    app.pages.page("threads.html", values)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sought {
    #[serde(default)]
    q: String,
}

/// What a search found.
pub(super) async fn search(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    headers: HeaderMap,
    Query(Sought { q }): Query<Sought>,
) -> Result<Response, ApiError> {
    app.auditor.note(&reader, "search", None, &request, app.desk.now())?;
    let found = find(&app, &q, reader.filter(), THREADS).await?;
    let hits = found.hits.into_iter().map(|hit| {
        let hit = super::view::HitView::from(hit);
        let parts: Vec<Value> = hit.messages.iter().map(snippet).collect();
        context! { thread => item(&hit.thread), messages => parts }
    });
    let values = context! {
        theme => theme_of(&headers), q => plain::line(&q), any => found.any, ranked => found.is_ranked,
        hits => hits.collect::<Vec<_>>(),
    };
    app.pages.page("search.html", values)
}

/// Text as part of a query. RFC 3986 §2.1.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// A thread, as lists show it.
fn item(thread: &ThreadView) -> Value {
    let title = plain::line(&thread.title);
    context! {
        id => thread.id.as_str(),
        title => if title.is_empty() { plain::line(&thread.external_id) } else { title },
        bottom_line => thread.bottom_line.as_deref().map(plain::line),
        source => plain::line(&thread.source),
        channel => thread.channel.as_deref().map(plain::line),
        kind => thread.kind,
        messages => thread.messages,
        people => thread.participants.len(),
        at => thread.last_activity_at.as_deref().map(when),
        state => match thread.state {
            ReadState::Read => "",
            ReadState::Waiting => "to be read",
            ReadState::Failed => "could not be read",
        },
    }
}

/// A snippet in parts, of which some are marked.
fn snippet(snippet: &SnippetView) -> Value {
    let mut parts = Vec::new();
    let mut at = snippet.start;
    let mut part = |from: usize, to: usize, marked: bool| {
        let text = snippet.text.get(from - snippet.start..to - snippet.start).unwrap_or_default();
        // Spaces between parts stay.
        let text: String = plain::lines(text).replace('\n', " ");
        parts.push(context! { text => text, marked => marked });
    };
    for mark in snippet.marks.iter().filter(|m| m.start >= snippet.start && m.end <= snippet.end) {
        part(at, mark.start.max(at), false);
        part(mark.start.max(at), mark.end, true);
        at = mark.end;
    }
    part(at, snippet.end.max(at), false);
    context! {
        parts => parts,
        author => snippet.author.as_deref().map(plain::line),
        at => snippet.sent_at.as_deref().map(when),
    }
}

/// A moment without its seconds, on its writer's own clock.
fn when(moment: &str) -> String {
    match Moment::parse(moment) {
        Some(Moment::At { instant, offset }) => offset.to_datetime(instant).strftime("%Y-%m-%d %H:%M").to_string(),
        Some(Moment::Local(at)) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        _ => plain::line(moment),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Theme {
    to: String,
    #[serde(default)]
    back: String,
}

/// Remembers whether somebody wants it dark, and goes back to where they were.
pub(super) async fn theme(form: Result<Form<Theme>, FormRejection>) -> Result<Response, ApiError> {
    let Form(theme) = form.map_err(|e| ApiError::bad("bad_form", e.body_text()))?;
    if !matches!(theme.to.as_str(), "light" | "dark" | "auto") {
        return Err(ApiError::bad("bad_theme", "A theme is light, dark or auto."));
    }
    let cookie = format!("theme={}; Path=/; Max-Age={REMEMBERED}; SameSite=Strict; HttpOnly", theme.to);
    let back = HeaderValue::from_str(&theme.back).ok().filter(|_| ours(&theme.back));
    let back = back.unwrap_or(HeaderValue::from_static("/"));
    let cookie = HeaderValue::from_str(&cookie).map_err(|e| ApiError::internal(&e))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, back), (SET_COOKIE, cookie)]).into_response())
}

/// Whether an address is a page of ours: the second letter of one elsewhere is a slash, or what browsers take for one.
fn ours(back: &str) -> bool {
    back.starts_with('/') && !back[1..].starts_with(['/', '\\'])
}

/// What somebody chose; `auto` follows their system.
fn theme_of(headers: &HeaderMap) -> &'static str {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let chosen = cookies.flat_map(|all| all.split(';')).find_map(|one| one.trim().strip_prefix("theme="));
    match chosen {
        Some("dark") => "dark",
        Some("light") => "light",
        _ => "auto",
    }
}

pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "private, max-age=3600")], STYLE).into_response()
}
