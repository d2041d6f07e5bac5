//! Signed webhooks: whether a body is what its sender signed. Every comparison takes the same time, right or wrong.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::HeaderMap;
use crate::secret::Secret;

/// A signed time further than this from now is refused, so that a caught request cannot be sent again. Seconds.
pub const WINDOW_SECS: i64 = 5 * 60;

/// Why a signature was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("the header {0} is missing or is not what it should be")]
    Missing(&'static str),
    #[error("signed at another time: check both clocks, or it is an old request sent again")]
    Stale,
    #[error("the signature does not fit: the secrets differ, or the body was changed")]
    Mismatch,
    #[error("the webhook's secret cannot be used: {0}")]
    Secret(&'static str),
}

/// `X-Hub-Signature-256: sha256=HEX`, the HMAC of the body (GitHub, and others who took it up).
///
/// # Errors
/// See [`SignError`].
pub fn verify_hub(headers: &HeaderMap, body: &[u8], secret: &Secret) -> Result<(), SignError> {
    let hex = text(headers, "x-hub-signature-256")?.strip_prefix("sha256=").unwrap_or_default();
    accepts(hmac(secret.reveal().as_bytes(), &[body])?, hex)
}

/// `X-Slack-Signature: v0=HEX` over `v0:TIME:BODY`, with the time in `X-Slack-Request-Timestamp`.
///
/// # Errors
/// See [`SignError`].
pub fn verify_v0(headers: &HeaderMap, body: &[u8], secret: &Secret, now: Timestamp) -> Result<(), SignError> {
    let time = text(headers, "x-slack-request-timestamp")?;
    fresh(time, "x-slack-request-timestamp", now)?;
    let hex = text(headers, "x-slack-signature")?.strip_prefix("v0=").unwrap_or_default();
    accepts(hmac(secret.reveal().as_bytes(), &[b"v0:", time.as_bytes(), b":", body])?, hex)
}

/// The three headers of Standard Webhooks for a body, one signature a secret (`whsec_BASE64`), so that secrets can change
/// without a gap.
///
/// # Errors
/// `Secret` where one is not of that form.
pub fn standard(
    id: &str,
    at: Timestamp,
    body: &[u8],
    secrets: &[Secret],
) -> Result<[(&'static str, String); 3], SignError> {
    let time = at.as_second().to_string();
    let signatures = secrets.iter().map(|secret| {
        Ok(format!("v1,{}", STANDARD.encode(standard_mac(id, &time, body, secret)?.finalize().into_bytes())))
    });
    let signatures: Vec<String> = signatures.collect::<Result<_, SignError>>()?;
    Ok([("webhook-id", id.to_owned()), ("webhook-timestamp", time), ("webhook-signature", signatures.join(" "))])
}

/// Whether one of the body's Standard Webhooks signatures is by one of `secrets`; gives the message's id, by which a second
/// delivery is known.
///
/// # Errors
/// See [`SignError`].
pub fn verify_standard(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[Secret],
    now: Timestamp,
) -> Result<String, SignError> {
    let id = text(headers, "webhook-id")?;
    let time = text(headers, "webhook-timestamp")?;
    fresh(time, "webhook-timestamp", now)?;
    let given: Vec<Vec<u8>> = text(headers, "webhook-signature")?
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let mut accepted = subtle::Choice::from(0);
    for secret in secrets {
        let own = standard_mac(id, time, body, secret)?.finalize().into_bytes();
        given.iter().for_each(|given| accepted |= own.as_slice().ct_eq(given));
    }
    if accepted.into() { Ok(id.to_owned()) } else { Err(SignError::Mismatch) }
}

fn standard_mac(id: &str, time: &str, body: &[u8], secret: &Secret) -> Result<Hmac<Sha256>, SignError> {
    let encoded = secret.reveal().strip_prefix("whsec_").ok_or(SignError::Secret("it does not begin with whsec_"))?;
    let key = STANDARD.decode(encoded).map_err(|_| SignError::Secret("what follows whsec_ is not base64"))?;
    hmac(&key, &[id.as_bytes(), b".", time.as_bytes(), b".", body])
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Result<Hmac<Sha256>, SignError> {
    if key.is_empty() {
        return Err(SignError::Secret("it is empty"));
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| SignError::Secret("its length is wrong"))?;
    parts.iter().for_each(|part| mac.update(part));
    Ok(mac)
}

fn accepts(mac: Hmac<Sha256>, hex: &str) -> Result<(), SignError> {
    let own: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    if own.as_bytes().ct_eq(hex.as_bytes()).into() { Ok(()) } else { Err(SignError::Mismatch) }
}

fn fresh(time: &str, header: &'static str, now: Timestamp) -> Result<(), SignError> {
    let at: i64 = time.parse().map_err(|_| SignError::Missing(header))?;
    if at.abs_diff(now.as_second()) > WINDOW_SECS.unsigned_abs() { Err(SignError::Stale) } else { Ok(()) }
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, SignError> {
    headers.get(name).and_then(|value| value.to_str().ok()).ok_or(SignError::Missing(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &str)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
        };
        pairs.iter().map(named).collect()
    }

    #[test]
    fn hub_signatures_are_those_of_the_published_example() {
        let secret = Secret::new("It's a Secret to Everybody");
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let check = |signature: &str, body: &str| {
            verify_hub(&headers(&[("x-hub-signature-256", signature)]), body.as_bytes(), &secret)
        };
        assert_eq!(check(good, "Hello, World!"), Ok(()));
        assert_eq!(check(good, "Hello, World"), Err(SignError::Mismatch));
        assert_eq!(check(&good[..40], "Hello, World!"), Err(SignError::Mismatch));
        assert_eq!(check("", "Hello, World!"), Err(SignError::Mismatch));
        assert_eq!(verify_hub(&HeaderMap::new(), b"", &secret), Err(SignError::Missing("x-hub-signature-256")));
        let empty = verify_hub(&headers(&[("x-hub-signature-256", good)]), b"", &Secret::new(""));
        assert!(matches!(empty, Err(SignError::Secret(_))));
    }

    #[test]
    fn v0_signatures_are_those_of_the_published_example_and_age() {
        let secret = Secret::new("8f742231b10e8888abcd99yyyzzz85a5");
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                    channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
                    &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let good = headers(&[
            ("x-slack-request-timestamp", "1531420618"),
            ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ]);
        let at = |secs| Timestamp::from_second(secs).unwrap();
        let check = |secs, body: &str| verify_v0(&good, body.as_bytes(), &secret, at(secs));
        assert_eq!(check(1531420618, body), Ok(()));
        assert_eq!(check(1531420618 + WINDOW_SECS, body), Ok(()));
        assert_eq!(check(1531420618 + WINDOW_SECS + 1, body), Err(SignError::Stale));
        assert_eq!(check(1531420618 - WINDOW_SECS - 1, body), Err(SignError::Stale));
        assert_eq!(check(1531420618, "text=other"), Err(SignError::Mismatch));
    }

    #[test]
    fn standard_webhooks_are_signed_by_every_secret_and_accepted_by_any() {
        let secret = |key: &str| Secret::new(format!("whsec_{}", STANDARD.encode(key)));
        let (old, new, other) = (secret("old key"), secret("new key"), secret("other key"));
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signed = standard("msg_1", at, b"{}", &[old.clone(), new.clone()]).unwrap();
        let signed: Vec<(&'static str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let signed = headers(&signed);
        let old = [old];
        for secrets in [old.to_vec(), vec![new.clone()], vec![other.clone(), new]] {
            assert_eq!(verify_standard(&signed, b"{}", &secrets, at).as_deref(), Ok("msg_1"));
        }
        assert_eq!(verify_standard(&signed, b"{}", &[other], at), Err(SignError::Mismatch));
        assert_eq!(verify_standard(&signed, b"{ }", &old, at), Err(SignError::Mismatch));
        let late = Timestamp::from_second(1_614_265_330 + WINDOW_SECS + 1).unwrap();
        assert_eq!(verify_standard(&signed, b"{}", &old, late), Err(SignError::Stale));
        assert!(matches!(standard("m", at, b"", &[Secret::new("plain")]), Err(SignError::Secret(_))));
    }

    #[test]
    fn the_published_standard_example_is_met() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signed = standard("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#, &[secret]).unwrap();
        assert_eq!(signed[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
