//! Sinks against receivers that are not ours: aiosmtpd, Alertmanager, and the reference library of Standard Webhooks.
//!
//! `BLUF_PYTHON` names a Python that has `aiosmtpd` and `standardwebhooks`; without it, `python3` is asked.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bluf::{
    domain::Envelope,
    sink::{Sink, SinkError, registry::SinkConfig},
    source::{Input, read},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{certificates, say};

/// Ends with the test that started it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn sink(section: &str) -> Box<dyn Sink> {
    let config: SinkConfig = toml::from_str(section).expect("a section");
    config.build("here", &(Arc::new(|_: &str| Ok(())) as _)).expect("a sink")
}

/// What is told of one matter, at a stage of it.
fn envelope(stage: &str, quote: &str) -> Envelope {
    let opened = Timestamp::now() - SignedDuration::from_hours(5);
    let words = |message: &str, quote: &str| json!({ "words": { "message": message, "start": 0, "end": quote.len(), "quote": quote } });
    let closed = json!({ "at": Timestamp::now(), "how": "met", "by": words("2", "Yes.") });
    let obligation = json!({
        "id": "ob-1", "thread": "1", "kind": "reply", "metric": "first_response", "owed_by": ["Ben"], "owed_to": ["Ana"],
        "opened_at": opened, "opened_by": words("1", quote), "first_opened_at": null, "stated_due": null,
        "closed": if stage == "closed" { closed } else { Value::Null },
    });
    let told = json!({
        "obligation": obligation, "stage": stage, "health": "breached", "due_at": opened + SignedDuration::from_hours(4),
        "warn_at": opened + SignedDuration::from_hours(3), "policy": "chat", "zone": "Asia/Kolkata",
        "thread": { "key": "k1", "title": "Retry budget \u{2013} für alle", "url": "https://chat.example/1", "source": "chat",
                    "channel": "#platform", "kind": "chat" },
        "said_by": "Ana", "said_at": opened, "page": null,
    });
    serde_json::from_value(json!({
        "id": format!("nt-{stage}"), "topic": format!("obligation.{stage}"), "made_at": Timestamp::now(), "group": "k1",
        "told": [told], "source": null,
    }))
    .expect("an envelope")
}

/// A Python that has the module; that there is none is said, and fails where servers are needed.
fn python_with(module: &str) -> Option<String> {
    let python = std::env::var("BLUF_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
    has.is_ok_and(|status| status.success())
        .then_some(python)
        .or_else(|| absent(&format!("{module}: pip install {module}")))
}

fn absent<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("BLUF_NEED_SERVERS").is_none(), "BLUF_NEED_SERVERS is set and there is no {what}");
    say(&format!("SKIPPED: no {what}"));
    None
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn listening(port: u16) {
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing answers on port {port}");
}

async fn aiosmtpd(python: &str, mailbox: &Path, more: &[&str]) -> (Server, u16) {
    let port = free_port();
    let mut command = Command::new(python);
    command.args(["-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}"), "-c", "aiosmtpd.handlers.Mailbox"]);
    command.arg(mailbox).args(more).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server(command.spawn().expect("it starts"));
    listening(port).await;
    (server, port)
}

/// What Python's own library finds wrong in the letters of a Maildir, and how many parts they have.
const PARSE: &str = "
import email, email.policy, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1], 'new').iterdir()):
    letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    parts = list(letter.walk())
    print([part.get_content_type() for part in parts], [defect for part in parts for defect in part.defects])
    print(letter['Subject'], '|', letter['From'], '|', letter['To'], '|', letter['References'] == letter['In-Reply-To'])
    assert 'Retry budget' in letter.get_body(('plain',)).get_content() and '<h2' in letter.get_body(('html',)).get_content()
";

#[tokio::test]
async fn a_mail_server_that_is_not_ours_takes_letters_by_every_kind_of_line() {
    let Some(python) = python_with("aiosmtpd") else { return };
    let folder = tempfile::TempDir::new().unwrap();
    if !certificates::make(folder.path()) {
        return;
    }
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (mailbox, key, leaf) = (folder.path().join("mail"), at("leaf.key"), at("leaf.pem"));
    let kinds = [
        ("none", vec![]),
        ("starttls", vec!["--tlscert", leaf.as_str(), "--tlskey", key.as_str()]),
        ("implicit", vec!["--smtpscert", leaf.as_str(), "--smtpskey", key.as_str()]),
    ];
    for ((tls, more), stage) in kinds.iter().zip(["at_risk", "breached", "closed"]) {
        let (_server, port) = aiosmtpd(&python, &mailbox, more).await;
        let section = format!(
            "type = 'smtp'\nhost = 'localhost'\nport = {port}\ntls = '{tls}'\nfrom = 'blüf <b@a.example>'\nto = ['c@a.example']\n"
        );
        let trusting = sink(&format!("{section}ca_file = '{}'\n", at("ca.pem")));
        let found = envelope(stage, "Can you confirm the retry budget?\n.\r\n.. Grüße 👋");
        trusting.send(&found, Timestamp::now()).await.unwrap_or_else(|error| panic!("{tls}: {error}"));
        trusting.check().await.unwrap_or_else(|error| panic!("{tls}: {error}"));
        if *tls != "none" {
            let refused = sink(&section).send(&found, Timestamp::now()).await.unwrap_err();
            assert!(matches!(&refused, SinkError::Permanent(what) if what.contains("ca_file")), "{tls}: {refused}");
        }
    }
    let parsed = Command::new(&python).args(["-c", PARSE]).arg(&mailbox).output().unwrap();
    let says = String::from_utf8_lossy(&parsed.stdout).into_owned();
    assert!(parsed.status.success(), "{says}{}", String::from_utf8_lossy(&parsed.stderr));
    assert_eq!(says.matches("['multipart/alternative', 'text/plain', 'text/html'] []").count(), 3, "{says}");
    assert_eq!(says.matches("| blüf <b@a.example> | c@a.example | True").count(), 3, "{says}");
    // Read back by our own reader, three letters are one thread.
    let reading = read(Input::Path(&mailbox), None).unwrap();
    let threads: Vec<usize> = reading.threads.iter().map(|thread| thread.messages.len()).collect();
    assert_eq!(threads, [3]);
}

/// Whether the reference library takes a webhook: as it came, as if it had come an hour ago, and with a changed body.
const VERIFY: &str = "
import json, sys, datetime
from standardwebhooks.webhooks import Webhook
given = json.load(sys.stdin)
def says(body, headers):
    try:
        Webhook(given['secret']).verify(body, headers)
        return 'accepted'
    except Exception as error:
        return type(error).__name__
print(says(given['body'], given['headers']), says(given['body'], given['old']), says(given['body'] + ' ', given['headers']))
";

#[tokio::test]
async fn the_reference_library_accepts_a_webhook_and_refuses_it_later() {
    let Some(python) = python_with("standardwebhooks") else { return };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_b2xkIGtleSBvZiB0d2VudHktZm91cg=="];
    let hook = sink(&format!(
        "type = 'webhook'\nurl = '{}'\nsecret = '{}'",
        server.uri(),
        secrets.join("\n").replace('\n', " ")
    ));
    let envelope = envelope("breached", "Can you confirm?");
    hook.send(&envelope, Timestamp::now()).await.unwrap();
    hook.send(&envelope, Timestamp::now() - SignedDuration::from_mins(6)).await.unwrap();
    let received = server.received_requests().await.unwrap();
    let headers = |n: usize| -> serde_json::Map<String, Value> {
        let named = received[n].headers.iter().filter(|(name, _)| name.as_str().starts_with("webhook-"));
        named.map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect()
    };
    let body = String::from_utf8(received[0].body.clone()).unwrap();
    for secret in secrets {
        let given = json!({ "secret": secret, "body": body, "headers": headers(0), "old": headers(1) });
        let mut child = Command::new(&python)
            .args(["-c", VERIFY])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
        let says = child.wait_with_output().unwrap();
        let expected = "accepted WebhookVerificationError WebhookVerificationError";
        assert_eq!(String::from_utf8_lossy(&says.stdout).trim(), expected);
    }
}

#[tokio::test]
async fn a_real_alertmanager_fires_and_resolves() {
    let program = "/usr/bin/prometheus-alertmanager";
    if !Path::new(program).exists() {
        return absent("Alertmanager: apt-get install --no-install-recommends prometheus-alertmanager").unwrap_or(());
    }
    let told = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&told).await;
    let folder = tempfile::TempDir::new().unwrap();
    let settings = format!(
        "route: {{ receiver: here, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }}\n\
         receivers: [{{ name: here, webhook_configs: [{{ url: '{}', send_resolved: true }}] }}]\n",
        told.uri()
    );
    fs::write(folder.path().join("am.yml"), settings).unwrap();
    let port = free_port();
    let child = Command::new(program)
        .current_dir(folder.path())
        .args(["--config.file=am.yml", "--storage.path=data", "--cluster.listen-address="])
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let _server = Server(child);
    listening(port).await;
    let alertmanager = sink(&format!("type = 'alertmanager'\nurl = 'http://127.0.0.1:{port}'"));
    assert!(alertmanager.check().await.unwrap().starts_with("Alertmanager 0."));
    // Each stage in turn; what is heard of each is its own severity, and the end of the one before.
    let mut heard: Vec<String> = Vec::new();
    let stages =
        [("at_risk", "firing info"), ("breached", "firing warning resolved info"), ("closed", "resolved warning")];
    for (stage, expected) in stages {
        alertmanager.send(&envelope(stage, "Can you confirm?"), Timestamp::now()).await.unwrap();
        for _ in 0..100 {
            heard = statuses(&told).await;
            if expected.split(' ').collect::<Vec<_>>().chunks(2).all(|pair| heard.contains(&pair.join(" "))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(heard.len(), 4, "{heard:?}");
    for expected in ["firing info", "firing warning", "resolved info", "resolved warning"] {
        assert!(heard.iter().any(|found| found == expected), "{expected}: {heard:?}");
    }
}

/// "firing warning": what Alertmanager told its receiver so far.
async fn statuses(told: &MockServer) -> Vec<String> {
    let mut found = Vec::new();
    for request in told.received_requests().await.unwrap() {
        let body: Value = request.body_json().unwrap();
        for alert in body["alerts"].as_array().unwrap() {
            let word = |pointer: &str| alert.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            found.push(format!("{} {}", word("/status"), word("/labels/severity")));
        }
    }
    found
}
