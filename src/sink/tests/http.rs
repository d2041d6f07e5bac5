//! Webhooks, Slack and Alertmanager against receivers that accept, refuse, limit, redirect and stay silent.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::Sha256;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

use super::{SinkError, built, is_permanent, is_transient};
use crate::{
    alert::render::sample,
    domain::{Envelope, Stage},
    net::sign,
    secret::Secret,
};

const OLD: &str = "whsec_b2xkIGtleSBvZiB0d2VudHktZm91cg==";
const NEW: &str = "whsec_bmV3IGtleSBvZiB0d2VudHktZm91cg==";

fn now() -> jiff::Timestamp {
    sample::at("2026-11-16T16:00:00Z")
}

async fn answering(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(response).mount(&server).await;
    server
}

async fn received(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.expect("requests are kept")
}

fn webhook(server: &MockServer) -> Box<dyn super::Sink> {
    built(&format!("type = 'webhook'\nurl = '{}/in/s3cr3t?key=s3cr3t'\nsecret = '{NEW} {OLD}'", server.uri()))
}

#[tokio::test]
async fn a_webhook_is_signed_by_every_secret_and_the_same_at_every_attempt() {
    let server = answering(ResponseTemplate::new(204)).await;
    let sink = webhook(&server);
    let envelope = sample::envelope(Stage::Breached);
    sink.send(&envelope, now()).await.unwrap();
    sink.send(&envelope, now() + jiff::SignedDuration::from_secs(60)).await.unwrap();
    let received = received(&server).await;
    assert_eq!(received[0].body, received[1].body);
    let header = |n: usize, name: &str| received[n].headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header(0, "webhook-id"), "nt-breached");
    assert_eq!(header(1, "webhook-id"), "nt-breached");
    assert_eq!(header(0, "webhook-timestamp"), now().as_second().to_string());
    // Worked out here from the specification, without our own code.
    let expected = [NEW, OLD].map(|secret| {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("nt-breached.{}.", now().as_second()).as_bytes());
        mac.update(&received[0].body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    });
    assert_eq!(header(0, "webhook-signature"), expected.join(" "));
    let accepted = sign::verify_standard(&received[0].headers, &received[0].body, &[Secret::new(OLD)], now());
    assert_eq!(accepted.as_deref(), Ok("nt-breached"));
    let body: Value = received[0].body_json().unwrap();
    assert_eq!(body["type"], "obligation.breached");
    assert_eq!(body["timestamp"], "2026-11-16T14:00:30Z");
    assert_eq!(body["data"]["obligations"][0]["cites"][0]["message_id"], "m1");
}

#[tokio::test]
async fn what_a_receiver_answers_says_what_to_do() {
    let sent = async |response: ResponseTemplate| {
        let server = answering(response).await;
        let found = webhook(&server).send(&sample::envelope(Stage::AtRisk), now()).await;
        assert!(!format!("{found:?}").contains("s3cr3t"), "{found:?}");
        assert_eq!(received(&server).await.len(), 1, "nothing is asked twice by itself");
        found
    };
    is_transient(&sent(ResponseTemplate::new(500)).await);
    is_transient(&sent(ResponseTemplate::new(502)).await);
    let limited = sent(ResponseTemplate::new(429).insert_header("retry-after", "17")).await;
    assert_eq!(limited, Err(SinkError::RateLimited { retry_after: Duration::from_secs(17) }));
    is_permanent(&sent(ResponseTemplate::new(401)).await, "same secret");
    is_permanent(&sent(ResponseTemplate::new(410)).await, "wants no more");
    is_permanent(&sent(ResponseTemplate::new(404)).await, "check url");
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = ResponseTemplate::new(status).insert_header("location", "/in/elsewhere");
        is_permanent(&sent(elsewhere).await, "not followed");
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_silent_is_tried_again() {
    let server = answering(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let envelope = sample::envelope(Stage::AtRisk);
    let silent = webhook(&server).send(&envelope, now()).await;
    assert!(matches!(&silent, Err(SinkError::Transient(what)) if what.ends_with("no answer in time")), "{silent:?}");
    let closed = built("type = 'webhook'\nurl = 'http://127.0.0.1:1/'\nsecret = 'whsec_bmV3IGtleQ=='");
    is_transient(&closed.send(&envelope, now()).await);
}

#[tokio::test]
async fn a_check_of_a_webhook_tells_nobody_anything() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(405)).mount(&server).await;
    let says = webhook(&server).check().await.unwrap();
    assert!(says.contains("HTTP 405") && says.contains("2 signature") && !says.contains("s3cr3t"), "{says}");
    assert!(received(&server).await.iter().all(|request| request.body.is_empty()));
}

fn bot(server: &MockServer) -> Box<dyn super::Sink> {
    built(&format!("type = 'slack'\nbase_url = '{}/api'\ntoken = 'xoxb-1'\nchannel = 'C1'", server.uri()))
}

#[tokio::test]
async fn slack_gets_blocks_with_a_text_for_whoever_hears_it() {
    let server = MockServer::start().await;
    let taken = ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "channel": "C1", "ts": "1.2" }));
    Mock::given(method("POST")).and(path("/api/chat.postMessage")).respond_with(taken).mount(&server).await;
    bot(&server).send(&sample::envelope(Stage::Breached), now()).await.unwrap();
    let received = received(&server).await;
    assert_eq!(received[0].headers.get("authorization").unwrap(), "Bearer xoxb-1");
    let body: Value = received[0].body_json().unwrap();
    insta::assert_snapshot!("slack", serde_json::to_string_pretty(&body).unwrap());
}

#[tokio::test]
async fn slack_says_in_a_word_what_to_do() {
    let sent = async |response: ResponseTemplate| {
        let server = answering(response).await;
        bot(&server).send(&sample::envelope(Stage::AtRisk), now()).await
    };
    let no = |word: &str| ResponseTemplate::new(200).set_body_json(json!({ "ok": false, "error": word }));
    is_permanent(&sent(no("not_in_channel")).await, "invite the app");
    is_permanent(&sent(no("invalid_auth")).await, "renew the token");
    is_permanent(&sent(no("<b>a sentence</b>")).await, "no reason given");
    is_transient(&sent(no("internal_error")).await);
    is_transient(&sent(ResponseTemplate::new(503)).await);
    let minute = Err(SinkError::RateLimited { retry_after: Duration::from_secs(60) });
    assert_eq!(sent(no("ratelimited")).await, minute);
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "30");
    assert_eq!(sent(limited).await, Err(SinkError::RateLimited { retry_after: Duration::from_secs(30) }));
}

#[tokio::test]
async fn an_incoming_webhook_takes_the_same_message_and_its_address_is_never_told() {
    let hook =
        |server: &MockServer| built(&format!("type = 'slack'\nwebhook_url = '{}/services/T0/B0/s3cr3t'", server.uri()));
    let server = answering(ResponseTemplate::new(200).set_body_string("ok")).await;
    hook(&server).send(&sample::digest(), now()).await.unwrap();
    let body: Value = received(&server).await[0].body_json().unwrap();
    assert!(body.get("channel").is_none() && body["blocks"].as_array().unwrap().len() == 6, "{body}");
    let server = answering(ResponseTemplate::new(404).set_body_string("no_service")).await;
    let gone = hook(&server).send(&sample::outage(), now()).await;
    is_permanent(&gone, "make a new one");
    let server = answering(ResponseTemplate::new(403).set_body_string("an <html> page")).await;
    let refused = hook(&server).send(&sample::outage(), now()).await;
    assert!(matches!(&refused, Err(SinkError::Permanent(what)) if !what.contains("s3cr3t")), "{refused:?}");
    let server = answering(ResponseTemplate::new(400).set_body_string("no_text")).await;
    assert!(hook(&server).check().await.is_ok_and(|says| !says.contains("s3cr3t")));
}

#[tokio::test]
async fn slack_is_probed_by_who_the_token_is() {
    let probed = async |scopes: &str| {
        let server = MockServer::start().await;
        let own = ResponseTemplate::new(200)
            .set_body_json(json!({ "ok": true, "user": "bluf", "team": "Team" }))
            .insert_header("x-oauth-scopes", scopes);
        Mock::given(method("GET")).and(path("/api/auth.test")).respond_with(own).mount(&server).await;
        bot(&server).check().await
    };
    assert_eq!(probed("channels:read,chat:write").await.as_deref(), Ok("bluf in Team, writes to C1"));
    assert!(probed("channels:read").await.unwrap_err().to_string().contains("chat:write"));
}

fn alertmanager(server: &MockServer) -> Box<dyn super::Sink> {
    built(&format!("type = 'alertmanager'\nurl = '{}/'\nuser = 'bluf'\npassword = 'pw'", server.uri()))
}

#[tokio::test]
async fn an_alert_fires_with_one_severity_and_ends_with_all() {
    let server = MockServer::start().await;
    let taken = ResponseTemplate::new(200);
    Mock::given(method("POST")).and(path("/api/v2/alerts")).respond_with(taken).mount(&server).await;
    let sink = alertmanager(&server);
    for stage in Stage::ALL {
        sink.send(&sample::envelope(stage), now()).await.unwrap();
    }
    sink.send(&sample::outage(), now()).await.unwrap();
    sink.send(&Envelope::test("oncall", now()), now()).await.unwrap();
    let mut firing = Vec::new();
    for request in received(&server).await {
        assert_eq!(request.headers.get("authorization").unwrap(), "Basic Ymx1Zjpwdw==");
        for alert in request.body_json::<Vec<Value>>().unwrap() {
            let ends: jiff::Timestamp = alert["endsAt"].as_str().unwrap().parse().unwrap();
            if ends > now() {
                firing
                    .push(format!("{} {}", alert["labels"]["alertname"], alert["labels"]["severity"]).replace('"', ""));
            } else {
                assert_eq!((ends, alert.get("startsAt")), (now(), None), "{alert}");
            }
        }
    }
    let expected =
        ["BlufObligation info", "BlufObligation warning", "BlufObligation critical", "BlufSourceDown warning"];
    assert_eq!(firing, [&expected[..], &["BlufTest info"]].concat());
    let test: Vec<Value> = received(&server).await[5].body_json().unwrap();
    assert_eq!(test[0]["endsAt"], (now() + SignedDuration::from_mins(5)).to_string(), "it ends by itself");
    let last: Vec<Value> = received(&server).await[3].body_json().unwrap();
    assert_eq!(last.len(), 3, "what ended has ended in every severity");
    let second: Vec<Value> = received(&server).await[1].body_json().unwrap();
    insta::assert_snapshot!("alert", serde_json::to_string_pretty(&second[2]).unwrap());
}

#[tokio::test]
async fn alertmanager_is_probed_by_its_version() {
    let server = MockServer::start().await;
    let status = ResponseTemplate::new(200).set_body_json(json!({ "versionInfo": { "version": "0.25.0" } }));
    Mock::given(method("GET")).and(path("/api/v2/status")).respond_with(status).mount(&server).await;
    assert_eq!(alertmanager(&server).check().await.as_deref(), Ok("Alertmanager 0.25.0"));
    let server = answering(ResponseTemplate::new(400).set_body_string("bad")).await;
    is_permanent(&alertmanager(&server).send(&sample::outage(), now()).await, "HTTP 400");
}
