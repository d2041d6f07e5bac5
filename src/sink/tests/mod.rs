//! Each sink against a receiver of its own on this machine.

mod desktop;
mod http;
mod mail;
mod smtp_server;

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{Sink, SinkError, registry::SinkConfig, stdout::Out};
use crate::{
    alert::render::sample,
    domain::{Stage, Topic},
};

/// The sink that a section sets up.
fn built(section: &str) -> Box<dyn Sink> {
    let config: SinkConfig = toml::from_str(section).expect("a section");
    config.build("here", &(Arc::new(|_: &str| Ok(())) as Out)).expect("a sink")
}

#[track_caller]
fn is_transient(found: &Result<(), SinkError>) {
    assert!(matches!(found, Err(SinkError::Transient(_))), "{found:?}");
}

/// Permanent, and says so in these words.
#[track_caller]
fn is_permanent(found: &Result<(), SinkError>, word: &str) {
    assert!(matches!(found, Err(SinkError::Permanent(what)) if what.contains(word)), "{word}: {found:?}");
}

#[tokio::test]
async fn standard_output_gets_one_object_a_line() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let out: Out = Arc::new(move |line: &str| {
        kept.lock().unwrap().push(line.to_owned());
        Ok(())
    });
    let config: SinkConfig = toml::from_str("type = \"stdout\"").unwrap();
    let sink = config.build("lines", &out).unwrap();
    let now = sample::at("2026-11-16T16:00:00Z");
    for envelope in [sample::envelope(Stage::Closed), sample::outage(), sample::digest()] {
        sink.send(&envelope, now).await.unwrap();
    }
    let lines = lines.lock().unwrap();
    let found: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    let types: Vec<&str> = found.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, [Topic::Closed, Topic::SourceDown, Topic::Digest].map(Topic::as_str));
    insta::assert_snapshot!("closed", serde_json::to_string_pretty(&found[0]).unwrap());
    assert_eq!(found[1]["data"]["source"]["name"], "team-chat");
    assert_eq!(found[2]["data"]["obligations"][2]["event"]["kind"], "assigned");
}

#[tokio::test]
async fn a_reader_that_went_away_may_come_back() {
    let out: Out = Arc::new(|_: &str| Err(std::io::ErrorKind::BrokenPipe.into()));
    let sink = toml::from_str::<SinkConfig>("type = \"stdout\"").unwrap().build("lines", &out).unwrap();
    is_transient(&sink.send(&sample::outage(), sample::at("2026-11-16T16:00:00Z")).await);
}
