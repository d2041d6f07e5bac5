//! Deadlines as a calendar that others subscribe to (RFC 5545): the address has a token.

use std::fmt::Write;

use axum::{
    Extension,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, tz::TimeZone};

use super::{App, asked::Query, auth::Reader, error::ApiError, feed::Asked, finish::RequestId};
use crate::{
    render::plain,
    store::obligation::{self, Kept, Which},
};

/// Deadlines of the feed, the earliest.
const ENTRIES: usize = 500;
/// Bytes of a line before it is folded. RFC 5545 §3.1.
const LINE_BYTES: usize = 75;

/// What is due, as a calendar
#[utoipa::path(get, path = "/api/v1/feeds/due.ics", tag = "reports", params(Asked),
    responses((status = 200, description = "iCalendar", body = String, content_type = "text/calendar")))]
pub(crate) async fn due(
    State(app): State<App>,
    reader: Reader,
    Extension(RequestId(request)): Extension<RequestId>,
    Query(_asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let now = app.desk.now();
    app.auditor.note(&reader, "feed", None, &request, now)?;
    let which = Which { threads: reader.filter(), ..Which::default() };
    let owed = app.read(move |on| obligation::list(on, &which, None, ENTRIES)).await?;
    Ok(([(CONTENT_TYPE, "text/calendar; charset=utf-8")], calendar(&owed, now)).into_response())
}

fn calendar(owed: &[Kept], now: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| folded(&mut text, &format!("{name}:{value}"));
    line("BEGIN", "VCALENDAR");
    line("VERSION", "2.0");
    line("PRODID", "-//bluf//bluf//EN");
    line("NAME", "Due by bluf");
    for kept in owed {
        let Some(due) = kept.reckoned.due_at else { continue };
        let owed = &kept.reckoned.obligation;
        let who = if owed.owed_by.is_empty() { "nobody named".to_owned() } else { owed.owed_by.join(", ") };
        line("BEGIN", "VEVENT");
        line("UID", &format!("{}@bluf", owed.id));
        line("DTSTAMP", &utc(now));
        line("DTSTART", &utc(due));
        line("DURATION", "PT15M");
        line("TRANSP", "TRANSPARENT");
        line("SUMMARY", &escaped(&format!("{}: {} ({who})", owed.kind.as_str(), kept.thread.title)));
        if let Some(url) =
            kept.thread.url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://"))
        {
            line("URL", &plain::line(url));
        }
        line("END", "VEVENT");
    }
    line("END", "VCALENDAR");
    text
}

/// RFC 5545 §3.3.5, form 2.
fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// RFC 5545 §3.3.11. Control characters have no form there.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in plain::line(text).chars() {
        if matches!(c, '\\' | ';' | ',') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A content line, in parts of 75 bytes that break no character.
fn folded(text: &mut String, line: &str) {
    let mut bytes = 0;
    for c in line.chars() {
        if bytes + c.len_utf8() > LINE_BYTES {
            text.push_str("\r\n ");
            bytes = 1;
        }
        text.push(c);
        bytes += c.len_utf8();
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "\r\n");
}

#[cfg(test)]
mod tests {
    use super::{escaped, folded};

    #[test]
    fn lines_are_folded_and_come_back_whole() {
        for line in ["short".to_owned(), "é".repeat(200), format!("SUMMARY:{}", "word ".repeat(60))] {
            let mut text = String::new();
            folded(&mut text, &line);
            assert!(text.split("\r\n").all(|part| part.len() <= 75), "{text}");
            assert_eq!(text.replace("\r\n ", ""), format!("{line}\r\n"));
        }
    }

    #[test]
    fn text_cannot_become_another_property() {
        assert_eq!(escaped("a;b,c\\d\r\nEND:VEVENT"), "a\\;b\\,c\\\\d END:VEVENT");
    }
}
