//! GitHub's webhooks: signed, and no more than a word that a thread changed.

use serde_json::Value;

use crate::{
    net::{HeaderMap, json, sign::verify_hub},
    secret::Secret,
    source::connector::hook::{HookError, Hooked},
};

/// What to read anew for a delivery with `headers` and `body`.
///
/// # Errors
/// Where the body is not what `secret` signed, or is no JSON.
pub fn read(headers: &HeaderMap, body: &[u8], secret: &Secret) -> Result<Hooked, HookError> {
    verify_hub(headers, body, secret)?;
    let value: Value = json::read(body, "webhook").map_err(|error| HookError::Body(error.to_string()))?;
    let repo = value.pointer("/repository/full_name").and_then(Value::as_str);
    let numbered = ["issue", "pull_request", "discussion"].iter().filter_map(|key| value.get(key));
    let mut threads: Vec<String> = numbered
        .filter_map(|thread| thread.get("number")?.as_u64())
        .filter_map(|number| repo.map(|repo| format!("{repo}#{number}")))
        .collect();
    threads.dedup();
    Ok(Hooked { threads, ..Hooked::default() })
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};

    use super::*;
    use crate::net::sign::SignError;

    fn signed(body: &str) -> HeaderMap {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"s").unwrap();
        mac.update(body.as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut headers = HeaderMap::new();
        headers.insert("x-hub-signature-256", format!("sha256={hex}").parse().unwrap());
        headers
    }

    #[track_caller]
    fn check(body: &str, threads: &[&str]) {
        assert_eq!(read(&signed(body), body.as_bytes(), &Secret::new("s")).unwrap().threads, threads, "{body}");
    }

    #[test]
    fn a_delivery_names_the_thread_to_read_anew() {
        check(
            r#"{"action":"deleted","issue":{"number":7},"comment":{"id":1},"repository":{"full_name":"a/b"}}"#,
            &["a/b#7"],
        );
        check(r#"{"action":"submitted","pull_request":{"number":8},"repository":{"full_name":"a/b"}}"#, &["a/b#8"]);
        check(r#"{"discussion":{"number":9},"repository":{"full_name":"a/b"}}"#, &["a/b#9"]);
        check(r#"{"zen":"…","repository":{"full_name":"a/b"}}"#, &[]);
        check(r#"{"issue":{"number":7}}"#, &[]);
    }

    #[test]
    fn what_is_not_signed_is_not_read() {
        let body = r#"{"issue":{"number":7},"repository":{"full_name":"a/b"}}"#;
        let changed = body.replace('7', "8");
        let error = read(&signed(body), changed.as_bytes(), &Secret::new("s")).unwrap_err();
        assert_eq!(error, HookError::Signature(SignError::Mismatch));
        assert!(read(&HeaderMap::new(), body.as_bytes(), &Secret::new("s")).is_err());
        assert!(matches!(read(&signed("nonsense"), b"nonsense", &Secret::new("s")), Err(HookError::Body(_))));
    }
}
