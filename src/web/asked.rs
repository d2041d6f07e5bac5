//! What is asked for: the parts of an address and of a query, each with a plain word about what is wrong with it.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::ACCEPT},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::error::ApiError;
use crate::domain::{Kind, Moment};

/// Items of a page, unless another number is asked for.
const USUAL: usize = 50;
/// Items of the longest page.
pub(crate) const MOST: usize = 200;

/// The query, or a problem.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub T);

/// Parts of the path, or a problem.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub T);

pub(crate) fn limit(asked: Option<usize>) -> Result<usize, ApiError> {
    match asked {
        None => Ok(USUAL),
        Some(n @ 1..=MOST) => Ok(n),
        Some(_) => Err(ApiError::bad("bad_limit", format!("limit is a number from 1 to {MOST}."))),
    }
}

pub(crate) fn kind(asked: Option<&str>) -> Result<Option<Kind>, ApiError> {
    let Some(word) = asked else { return Ok(None) };
    let kind = Kind::nearest(word);
    if kind.as_str() == word {
        return Ok(Some(kind));
    }
    Err(ApiError::bad("bad_kind", "kind is chat, email, issue, review, document or transcript."))
}

/// An instant, a date (midnight UTC), or how long ago: `24h`, `7d`, `2w`.
pub(crate) fn since(asked: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    // A plus of an offset is a space in an address, unless it is written as %2B.
    let text = asked.trim().replace(' ', "+");
    let advice =
        || ApiError::bad("bad_since", "since is 2026-11-12, 2026-11-12T14:00:00+01:00, or how long ago: 24h, 7d.");
    if let Some(ago) = ago(&text) {
        return now.checked_sub(ago).map_err(|_| advice());
    }
    match Moment::parse(&text) {
        Some(Moment::At { instant, .. }) => Ok(instant),
        Some(Moment::Local(at)) => at.to_zoned(TimeZone::UTC).map(|z| z.timestamp()).map_err(|_| advice()),
        _ => Err(advice()),
    }
}

fn ago(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 24 * 7,
        _ => return None,
    };
    // More than a few centuries is a mistake.
    let number = number.parse::<u32>().ok().filter(|n| *n <= 1_000_000)?;
    Some(SignedDuration::from_hours(i64::from(number) * hours))
}

/// Numbers that say where a page goes on, in a form that nobody is to read anything into.
pub(crate) fn cursor(places: &[i64]) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("{:x}", *place as u64)).collect();
    places.join("-")
}

pub(crate) fn places<const N: usize>(cursor: Option<&str>) -> Result<Option<[i64; N]>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bad = || ApiError::bad("bad_cursor", "This cursor is not one that was given out here; begin without one.");
    let places: Result<Vec<i64>, _> =
        cursor.split('-').map(|place| u64::from_str_radix(place, 16).map(|place| place as i64)).collect();
    places.ok().and_then(|places| places.try_into().ok()).map(Some).ok_or_else(bad)
}

/// Which of `offered` media types is liked best; the first where all are liked alike. RFC 9110 §12.5.1.
pub(crate) fn accepted(headers: &HeaderMap, offered: &[&'static str]) -> Option<&'static str> {
    let accept: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if accept.is_empty() {
        return offered.first().copied();
    }
    let accept = accept.join(",");
    let liking = |offer: &str| {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?.to_ascii_lowercase();
            let q = parts.find_map(|p| p.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            let (kind, _) = offer.split_once('/')?;
            let closeness = match name.as_str() {
                exact if exact == offer => 3,
                range if range.strip_suffix("/*") == Some(kind) => 2,
                "*/*" => 1,
                _ => return None,
            };
            Some((closeness, q))
        });
        ranges.max_by_key(|(closeness, _)| *closeness).map_or(0.0, |(_, q)| q)
    };
    let mut best: Option<(&'static str, f32)> = None;
    for &offer in offered {
        let q = liking(offer);
        if q > 0.0 && best.is_none_or(|(_, most)| q > most) {
            best = Some((offer, q));
        }
    }
    best.map(|(offer, _)| offer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_an_instant_or_how_long_ago() {
        let now: Timestamp = "2026-11-12T12:00:00Z".parse().expect("a time");
        let at = |text| since(text, now).map(|t| t.to_string()).ok();
        assert_eq!(at("24h").as_deref(), Some("2026-11-11T12:00:00Z"));
        assert_eq!(at("1w").as_deref(), Some("2026-11-05T12:00:00Z"));
        assert_eq!(at("2026-11-01").as_deref(), Some("2026-11-01T00:00:00Z"));
        assert_eq!(at("2026-11-01T09:00:00 01:00").as_deref(), Some("2026-11-01T08:00:00Z"));
        for odd in ["", "h", "-1d", "99999999999h", "yesterday", "é", "10:30", "1000000w"] {
            assert_eq!(at(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_given_out() {
        let given = [-1, i64::MAX, i64::MIN];
        assert_eq!(places::<3>(Some(&cursor(&given))).ok().flatten(), Some(given));
        for odd in ["", "x", "1", "1-2-3-4", "1--3", "10000000000000000-1-1", "é"] {
            assert!(places::<3>(Some(odd)).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_type_that_is_liked_best_is_taken() {
        let offered = ["application/json", "text/markdown", "text/plain"];
        let of = |accept: &str| accepted(&[(ACCEPT, accept.parse().expect("a value"))].into_iter().collect(), &offered);
        assert_eq!(accepted(&HeaderMap::new(), &offered), Some("application/json"));
        assert_eq!(of("*/*"), Some("application/json"));
        assert_eq!(of("text/markdown"), Some("text/markdown"));
        assert_eq!(of("text/*;q=0.5, text/plain"), Some("text/plain"));
        assert_eq!(of("text/markdown;q=0, text/*"), Some("text/plain"));
        assert_eq!(of("image/png"), None);
    }
}
