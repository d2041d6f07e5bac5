//! What an answer asks for: to go on, to wait, to try again, or to give up.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

use super::{HeaderMap, NetError, Response};

/// The wait where a limit was met and nobody said how long. Seconds.
const UNSAID_SECS: u64 = 60;
/// No answer may silence a source for longer than this. Seconds.
const LONGEST_SECS: u64 = 24 * 60 * 60;
/// Later than this in epoch seconds, a reset is meant in milliseconds.
const LAST_SECOND: i64 = 100_000_000_000;

/// How much of a rate is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Requests until the reset.
    pub remaining: u64,
    pub resets_in: Duration,
}

/// Whether the answer is one to read: 2xx and 304 are.
///
/// `now` counts where the answer has no `Date` of its own, since a reset is told by the server's clock.
///
/// # Errors
/// By what the caller must do: `RateLimited` for 429, for 403 that means a limit and for 503 with a time; `Transient` for
/// other 5xx, 408 and 425; `Permanent` for the rest, redirects to another host among them.
pub fn verdict(response: &Response, now: Timestamp) -> Result<(), NetError> {
    let (status, place) = (response.status, &response.place);
    let now = date(&response.headers).unwrap_or(now);
    let asked = wait(&response.headers, now);
    match status {
        200..=299 | 304 => Ok(()),
        429 => Err(limited(asked)),
        403 if asked.is_some() || speaks_of_limits(&response.body) => Err(limited(asked)),
        503 if asked.is_some() => Err(limited(asked)),
        408 | 425 | 500..=599 => Err(NetError::Transient(format!("{place}: HTTP {status}"))),
        301 | 302 | 303 | 307 | 308 => {
            Err(refused(status, format!("{place}: leads elsewhere, which is not followed; set the address it names")))
        }
        401 => Err(refused(status, format!("{place}: HTTP 401, the token was refused; renew it"))),
        403 => Err(refused(status, format!("{place}: HTTP 403, the token lacks a right to this"))),
        404 | 410 => Err(refused(status, format!("{place}: HTTP {status}, not there, or the token may not see it"))),
        _ => Err(refused(status, format!("{place}: HTTP {status}"))),
    }
}

/// What is left of the rate, where the answer says so.
pub fn budget(headers: &HeaderMap, now: Timestamp) -> Option<Budget> {
    let now = date(headers).unwrap_or(now);
    Some(Budget { remaining: text(headers, "x-ratelimit-remaining")?.parse().ok()?, resets_in: reset(headers, now)? })
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), else the reset of a rate that is used up.
fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    if let Some(asked) = text(headers, "retry-after") {
        let by_date = || http_date(asked).map(|at| until(at, now));
        return asked.trim().parse().ok().map(Duration::from_secs).or_else(by_date).map(bounded);
    }
    let used_up = text(headers, "x-ratelimit-remaining").is_some_and(|left| left.trim() == "0");
    used_up.then(|| reset(headers, now)).flatten()
}

fn reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let at: i64 = text(headers, "x-ratelimit-reset")?.trim().parse().ok()?;
    let at = if at > LAST_SECOND { at / 1000 } else { at };
    Some(bounded(until(Timestamp::from_second(at).ok()?, now)))
}

fn limited(asked: Option<Duration>) -> NetError {
    NetError::RateLimited { retry_after: asked.unwrap_or(Duration::from_secs(UNSAID_SECS)) }
}

fn refused(status: u16, what: String) -> NetError {
    NetError::Permanent { status: Some(status), what }
}

/// Some limits are told in prose alone.
fn speaks_of_limits(body: &[u8]) -> bool {
    body.windows(10).any(|word| word.eq_ignore_ascii_case(b"rate limit"))
}

/// At least a second, so that nobody is asked again in the same instant.
fn bounded(wait: Duration) -> Duration {
    wait.clamp(Duration::from_secs(1), Duration::from_secs(LONGEST_SECS))
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, "date")?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text.trim()).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap()));
        Response { status, headers: headers.collect(), body: body.into(), place: "GET a.example/x".into() }
    }

    #[track_caller]
    fn waits(status: u16, headers: &[(&'static str, &str)], body: &str, secs: Option<u64>) {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let found = match verdict(&answer(status, headers, body), now) {
            Err(NetError::RateLimited { retry_after }) => Some(retry_after.as_secs()),
            _ => None,
        };
        assert_eq!(found, secs, "{status} {headers:?}");
    }

    #[test]
    fn every_way_of_saying_later_is_understood() {
        waits(429, &[("retry-after", "17")], "", Some(17));
        waits(429, &[("retry-after", "Fri, 20 Nov 2026 12:01:30 GMT")], "", Some(90));
        waits(429, &[], "", Some(60));
        waits(429, &[("retry-after", "99999999999")], "", Some(LONGEST_SECS));
        waits(429, &[("retry-after", "0")], "", Some(1));
        waits(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795176120")], "", Some(120));
        waits(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795176120000")], "", Some(120));
        waits(403, &[("retry-after", "5")], "", Some(5));
        waits(403, &[], "You have exceeded a secondary Rate Limit", Some(60));
        waits(503, &[("retry-after", "3")], "", Some(3));
        // The server's own clock is the one that its reset is told by.
        let own = ("date", "Fri, 20 Nov 2026 12:01:50 GMT");
        waits(403, &[own, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795176120")], "", Some(10));
    }

    #[test]
    fn what_is_no_limit_is_told_apart() {
        waits(403, &[("x-ratelimit-remaining", "41"), ("x-ratelimit-reset", "1795176120")], "forbidden", None);
        waits(200, &[("retry-after", "5")], "", None);
        let now = Timestamp::UNIX_EPOCH;
        assert!(verdict(&answer(304, &[], ""), now).is_ok());
        for status in [500, 502, 503, 504, 408] {
            assert!(matches!(verdict(&answer(status, &[], ""), now), Err(NetError::Transient(_))), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 410, 422] {
            let found = verdict(&answer(status, &[], ""), now);
            assert!(matches!(found, Err(NetError::Permanent { status: Some(s), .. }) if s == status), "{status}");
        }
    }

    #[test]
    fn a_budget_is_read_where_it_is_told() {
        let headers = answer(200, &[("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", "1795176120")], "").headers;
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        assert_eq!(budget(&headers, now), Some(Budget { remaining: 12, resets_in: Duration::from_secs(120) }));
        assert_eq!(budget(&HeaderMap::new(), now), None);
    }
}
