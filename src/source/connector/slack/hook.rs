//! Slack's Events API: signed with a time, and no more than a word that something was said, edited or deleted.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    net::{HeaderMap, json, sign::verify_v0},
    secret::Secret,
    source::connector::hook::{HookError, Hooked},
};

/// What an event asks for. The first that Slack ever sends wants its challenge back.
///
/// # Errors
/// Where the body is not what `secret` signed at about `now`, or is no JSON.
pub fn read(headers: &HeaderMap, body: &[u8], secret: &Secret, now: Timestamp) -> Result<Hooked, HookError> {
    verify_v0(headers, body, secret, now)?;
    let value: Value = json::read(body, "event").map_err(|error| HookError::Body(error.to_string()))?;
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    if value.get("type").and_then(Value::as_str) == Some("url_verification") {
        return Ok(Hooked { answer: word(&value, "challenge"), ..Hooked::default() });
    }
    let Some(event) = value.get("event").filter(|event| word(event, "type").as_deref() == Some("message")) else {
        return Ok(Hooked::default());
    };
    // What was edited, what is left of what was deleted, or the message itself.
    let message = ["message", "previous_message"].iter().find_map(|key| event.get(key)).unwrap_or(event);
    let (channel, ts, thread) = (word(event, "channel"), word(message, "ts"), word(message, "thread_ts"));
    let broadcast = word(message, "subtype").as_deref() == Some("thread_broadcast");
    let pull = thread.is_none() || thread == ts || broadcast;
    let threads = channel.zip(thread).map(|(channel, thread)| format!("{channel}/{thread}"));
    Ok(Hooked { threads: threads.into_iter().collect(), pull, answer: None })
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};

    use super::*;
    use crate::net::sign::SignError;

    const NOW: i64 = 1_772_442_000;

    fn signed(body: &str) -> HeaderMap {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"s").unwrap();
        mac.update(format!("v0:{NOW}:{body}").as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut headers = HeaderMap::new();
        headers.insert("x-slack-request-timestamp", NOW.to_string().parse().unwrap());
        headers.insert("x-slack-signature", format!("v0={hex}").parse().unwrap());
        headers
    }

    fn hooked(body: &str, at: i64) -> Result<Hooked, HookError> {
        read(&signed(body), body.as_bytes(), &Secret::new("s"), Timestamp::from_second(at).unwrap())
    }

    #[track_caller]
    fn check(event: &str, threads: &[&str], pull: bool) {
        let body = format!(r#"{{"type":"event_callback","event":{event}}}"#);
        let found = hooked(&body, NOW).unwrap();
        assert_eq!((found.threads, found.pull), (threads.iter().map(|t| t.to_string()).collect(), pull), "{event}");
    }

    #[test]
    fn the_challenge_goes_back() {
        let found = hooked(r#"{"type":"url_verification","challenge":"abc"}"#, NOW).unwrap();
        assert_eq!(found.answer.as_deref(), Some("abc"));
    }

    #[test]
    fn an_event_names_its_thread_or_asks_for_a_pull() {
        check(r#"{"type":"message","channel":"C1","ts":"5.1","text":"hi"}"#, &[], true);
        check(r#"{"type":"message","channel":"C1","ts":"6.1","thread_ts":"5.1","text":"hi"}"#, &["C1/5.1"], false);
        let edited = r#"{"type":"message","subtype":"message_changed","channel":"C1","ts":"9.1",
                         "message":{"ts":"6.1","thread_ts":"5.1"},"previous_message":{"ts":"6.1"}}"#;
        check(edited, &["C1/5.1"], false);
        let deleted = r#"{"type":"message","subtype":"message_deleted","channel":"C1","deleted_ts":"6.1",
                          "previous_message":{"ts":"6.1","thread_ts":"5.1"}}"#;
        check(deleted, &["C1/5.1"], false);
        let root = r#"{"type":"message","subtype":"message_deleted","channel":"C1",
                       "previous_message":{"ts":"5.1","thread_ts":"5.1"}}"#;
        check(root, &["C1/5.1"], true);
        check(r#"{"type":"reaction_added","channel":"C1"}"#, &[], false);
    }

    #[test]
    fn old_or_unsigned_events_are_refused() {
        let body = r#"{"type":"url_verification","challenge":"abc"}"#;
        assert_eq!(hooked(body, NOW + 301), Err(HookError::Signature(SignError::Stale)));
        let other = body.replace("abc", "abd");
        let found = read(&signed(body), other.as_bytes(), &Secret::new("s"), Timestamp::from_second(NOW).unwrap());
        assert_eq!(found, Err(HookError::Signature(SignError::Mismatch)));
    }
}
