//! Letters as a server gets them, and what its answers mean.

use mail_parser::MessageParser;
use proptest::prelude::*;

use super::{
    SinkError, built, is_permanent, is_transient,
    smtp_server::{Heard, Server},
};
use crate::{
    alert::render::sample,
    domain::{Envelope, Stage},
};

const USUAL: &str = "user = 'bluf'\npassword = 'pw'\nunsubscribe = 'mailto:it@a.example'";

async fn sent(server: &Server, more: &str, envelope: &Envelope) -> Result<(), SinkError> {
    let sink = built(&format!(
        "type = 'smtp'\nhost = '127.0.0.1'\nport = {}\nfrom = 'bluf <bluf@a.example>'\nto = ['ana@a.example', 'Lead <lead@a.example>']\n{more}",
        server.port
    ));
    sink.send(envelope, sample::at("2026-11-16T16:00:00Z")).await
}

async fn letter_of(envelope: &Envelope) -> (String, Heard) {
    let server = Server::start(&[]);
    sent(&server, &format!("tls = 'none'\n{USUAL}"), envelope).await.unwrap();
    let heard = server.heard();
    (heard.letters[0].clone(), heard)
}

fn names(letter: &str) -> Vec<String> {
    let headers = letter.split("\r\n\r\n").next().unwrap_or_default();
    let begins = |line: &&str| !line.starts_with([' ', '\t']);
    headers.split("\r\n").filter(begins).map(|line| line.split(':').next().unwrap_or(line).to_owned()).collect()
}

#[tokio::test]
async fn a_letter_has_two_parts_and_says_what_it_is() {
    let envelope = sample::envelope(Stage::Breached);
    let (letter, heard) = letter_of(&envelope).await;
    let parsed = MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    let rendered = crate::alert::render::render(&envelope);
    assert_eq!(parsed.subject(), Some(rendered.subject.as_str()));
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n").trim(), rendered.text.trim());
    assert_eq!(parsed.body_html(0).unwrap().replace("\r\n", "\n").trim(), rendered.html.trim());
    assert_eq!(parsed.date().unwrap().to_rfc3339(), "2026-11-16T14:00:30Z");
    for (name, value) in [("Auto-Submitted", "auto-generated"), ("List-Unsubscribe", "<mailto:it@a.example>")] {
        assert_eq!(parsed.header_raw(name).map(str::trim), Some(value));
    }
    assert!(heard.commands.iter().any(|line| line.starts_with("AUTH PLAIN")), "{heard:?}");
    let to: Vec<&String> = heard.commands.iter().filter(|line| line.starts_with("RCPT")).collect();
    assert_eq!(to, ["RCPT TO:<ana@a.example>", "RCPT TO:<lead@a.example>"]);
}

#[tokio::test]
async fn letters_of_one_matter_hang_together_and_an_attempt_keeps_its_id() {
    let ids = async |envelope: Envelope| {
        let (letter, _) = letter_of(&envelope).await;
        let parsed = MessageParser::default().parse(letter.as_bytes()).expect("a letter").into_owned();
        let id = parsed.message_id().unwrap().to_owned();
        assert_eq!(parsed.references(), parsed.in_reply_to());
        (id, parsed.references().as_text().unwrap().to_owned())
    };
    let first = ids(sample::envelope(Stage::AtRisk)).await;
    assert_eq!(ids(sample::envelope(Stage::AtRisk)).await, first);
    let second = ids(sample::envelope(Stage::Breached)).await;
    assert!(second.0 != first.0 && second.1 == first.1, "{first:?} {second:?}");
    assert_ne!(ids(sample::digest()).await.1, first.1);
}

#[tokio::test]
async fn what_a_server_answers_says_what_to_do_and_tells_no_address() {
    let answered = async |refusals: &'static [(&'static str, &'static str)]| {
        let server = Server::start(refusals);
        let found = sent(&server, &format!("tls = 'none'\n{USUAL}"), &sample::outage()).await;
        assert!(!format!("{found:?}").contains("@a.example"), "{found:?}");
        found
    };
    is_permanent(&answered(&[("RCPT", "550 5.1.1 <ana@a.example> unknown")]).await, "550; the server takes no mail");
    is_permanent(&answered(&[("AUTH", "535 5.7.8 no")]).await, "check user and password");
    is_transient(&answered(&[("RCPT", "451 4.7.1 come back later")]).await);
    is_transient(&answered(&[("MAIL", "421 4.3.2 shutting down")]).await);
    let closed =
        built("type = 'smtp'\nhost = '127.0.0.1'\nport = 1\ntls = 'none'\nfrom = 'b@a.example'\nto = ['c@a.example']");
    is_transient(&closed.send(&sample::outage(), sample::at("2026-11-16T16:00:00Z")).await);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let section = format!(
        "type = 'smtp'\nhost = '127.0.0.1'\nport = {port}\ntls = 'none'\nfrom = 'b@a.example'\nto = ['c@a.example']"
    );
    is_transient(&built(&section).send(&sample::outage(), sample::at("2026-11-16T16:00:00Z")).await);
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_to_a_server_without_tls() {
    let server = Server::start(&[]);
    let found = sent(&server, USUAL, &sample::envelope(Stage::AtRisk)).await;
    is_permanent(&found, "STARTTLS");
    let heard = server.heard();
    assert!(heard.letters.is_empty() && heard.commands.iter().all(|line| !line.starts_with("AUTH")), "{heard:?}");
}

#[tokio::test]
async fn a_check_logs_in_and_sends_nothing() {
    let server = Server::start(&[]);
    let section = format!(
        "type = 'smtp'\nhost = 'localhost'\nport = {}\ntls = 'none'\nfrom = 'b@a.example'\nto = ['c@a.example']\n{USUAL}",
        server.port
    );
    assert!(built(&section).check().await.unwrap().contains("1 address"));
    let heard = server.heard();
    assert!(heard.letters.is_empty() && heard.commands.iter().any(|line| line.starts_with("AUTH")), "{heard:?}");
}

/// Some readers decode what looks encoded even inside a word, and a line break with it.
#[tokio::test]
async fn words_that_look_encoded_stay_as_they_were_written() {
    for words in
        ["x=?utf-8?q?=0AX:_y?=y", "a =?utf-8?b?WA==?= b, and é so long that it takes more than one encoded word"]
    {
        let envelope = sample::saying(words);
        let letter = letter_of(&envelope).await.0;
        let subject = crate::alert::render::render(&envelope).subject;
        assert_eq!(MessageParser::default().parse(letter.as_bytes()).unwrap().subject(), Some(subject.as_str()));
        assert!(letter.lines().all(|line| line.len() <= 998), "{letter}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn words_never_become_headers_or_receivers(words in sample::hostile()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut envelope = sample::saying(&words);
        (envelope.id, envelope.group) = (words.clone(), words);
        let (calm, _) = runtime.block_on(letter_of(&sample::saying("x calm y")));
        let (letter, heard) = runtime.block_on(letter_of(&envelope));
        prop_assert_eq!(names(&letter), names(&calm), "{}", letter);
        prop_assert_eq!(heard.commands.iter().filter(|line| line.starts_with("RCPT")).count(), 2);
        let parsed = MessageParser::default().parse(letter.as_bytes()).unwrap();
        prop_assert_eq!(parsed.parts.len(), 3);
        let subject = crate::alert::render::render(&envelope).subject;
        prop_assert_eq!(parsed.subject(), Some(subject.as_str()));
    }
}
