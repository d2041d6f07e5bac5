//! What the HTTP face counts, and `/metrics`: Prometheus text, for those who may read.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::{App, auth::Reader, error::ApiError};
use crate::store::{Change, report, work};

/// Upper bounds of the histogram of answer times, in seconds.
const BOUNDS: [f64; 8] = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0, 10.0];

#[derive(Default)]
pub(crate) struct Counters {
    /// By the first digit of the status.
    answers: [AtomicU64; 6],
    buckets: [AtomicU64; BOUNDS.len()],
    micros: AtomicU64,
    refused: AtomicU64,
    unauthorized: AtomicU64,
    limited: AtomicU64,
    streams: AtomicU64,
}

impl Counters {
    pub fn answered(&self, status: StatusCode, took: Duration) {
        if let Some(count) = self.answers.get(usize::from(status.as_u16() / 100)) {
            count.fetch_add(1, Relaxed);
        }
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            if took.as_secs_f64() <= *bound {
                bucket.fetch_add(1, Relaxed);
            }
        }
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    pub fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub fn unauthorized(&self) {
        self.unauthorized.fetch_add(1, Relaxed);
    }

    pub fn limited(&self) {
        self.limited.fetch_add(1, Relaxed);
    }

    /// An event stream was opened, or has ended.
    pub fn stream(&self, opened: bool) {
        if opened {
            self.streams.fetch_add(1, Relaxed)
        } else {
            self.streams.fetch_sub(1, Relaxed)
        };
    }
}

/// Figures of the daemon
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, description = "Prometheus text", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<App>, reader: Reader) -> Result<Response, ApiError> {
    let (filter, now) = (reader.filter(), app.desk.now());
    let (channels, sources, last) =
        app.read(move |on| Ok((report::channels(on, &filter, now)?, work::sources(on)?, Change::last(on)?))).await?;
    let mut text = Text(String::new());
    app.counters.write(&mut text);
    let sum = |count: fn(&report::Channel) -> usize| channels.iter().map(count).sum::<usize>() as f64;
    text.head("bluf_threads", "gauge", "Threads that are kept.");
    text.sample("bluf_threads", &[], sum(|c| c.threads));
    text.head("bluf_messages", "gauge", "Messages that are kept.");
    text.sample("bluf_messages", &[], sum(|c| c.messages));
    text.head("bluf_threads_unread", "gauge", "Threads that wait to be read.");
    text.sample("bluf_threads_unread", &[], sum(|c| c.unread));
    text.head("bluf_source_up", "gauge", "Whether a source could be pulled the last time.");
    for source in sources.iter().filter(|source| reader.sees(&source.name)) {
        text.sample("bluf_source_up", &[("source", &source.name)], f64::from(u8::from(source.failures == 0)));
    }
    if reader.sources.is_none() {
        text.head("bluf_changes_total", "counter", "Things that happened.");
        text.sample("bluf_changes_total", &[], last as f64);
        text.0.push_str(&app.desk.metrics());
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.0).into_response())
}

impl Counters {
    fn write(&self, text: &mut Text) {
        let read = |count: &AtomicU64| count.load(Relaxed) as f64;
        text.head("bluf_http_answers_total", "counter", "Answers by class of status.");
        for (class, count) in self.answers.iter().enumerate().skip(1) {
            text.sample("bluf_http_answers_total", &[("status", &format!("{class}xx"))], read(count));
        }
        text.head("bluf_http_answer_seconds", "histogram", "Time until the head of an answer.");
        for (bound, count) in BOUNDS.iter().zip(&self.buckets) {
            text.sample("bluf_http_answer_seconds_bucket", &[("le", &bound.to_string())], read(count));
        }
        let all: f64 = self.answers.iter().map(read).sum();
        text.sample("bluf_http_answer_seconds_bucket", &[("le", "+Inf")], all);
        text.sample("bluf_http_answer_seconds_sum", &[], read(&self.micros) / 1e6);
        text.sample("bluf_http_answer_seconds_count", &[], all);
        for (name, help, count) in [
            ("bluf_http_refused_total", "Requests with a Host, Origin or site that is not ours.", &self.refused),
            ("bluf_http_unauthorized_total", "Requests without a token that is known.", &self.unauthorized),
            ("bluf_http_limited_total", "Requests that came too often.", &self.limited),
        ] {
            text.head(name, "counter", help);
            text.sample(name, &[], read(count));
        }
        text.head("bluf_http_streams", "gauge", "Event streams that are open.");
        text.sample("bluf_http_streams", &[], read(&self.streams));
    }
}

/// Prometheus text. Writing to a string cannot fail.
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let label = |(name, value): &(&str, &str)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        };
        let labels: Vec<String> = labels.iter().map(label).collect();
        let braced = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{braced} {value}");
    }
}
