//! A service on loopback that a test can change, script and break.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use bluf::{
    source::connector::{Source, registry::SourceConfig},
    time::FixedClock,
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

use crate::support::root;

/// An answer that can still be changed.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Answer {
        Answer { status, headers: Vec::new(), body }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}

/// A vendor's service, as far as a connector asks it.
pub trait Service: Send + 'static {
    /// Its `type`, and its folder of fixtures.
    const NAME: &'static str;
    fn new(world: Value) -> Self;
    fn answer(&mut self, request: &Request) -> Answer;
    /// Makes an answer lead to itself.
    fn circle(answer: &mut Answer, request: &Request);
}

/// How the whole service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Well,
    /// 429, and when to come back.
    Limited,
    /// 500.
    Down,
    /// Every body breaks off in the middle.
    CutShort,
    /// Every page leads to itself.
    Circling,
}

pub struct State<S> {
    pub service: S,
    pub health: Health,
    /// What paths that contain the words are answered, and how often.
    scripts: Vec<(String, Answer, usize)>,
    pub requests: usize,
}

pub struct World<S> {
    pub server: MockServer,
    state: Arc<Mutex<State<S>>>,
    /// When the source believes it is.
    pub now: &'static str,
}

struct Responder<S>(Arc<Mutex<State<S>>>);

impl<S: Service> World<S> {
    pub async fn start() -> World<S> {
        let world = std::fs::read_to_string(fixtures::<S>().join("world.json")).expect("a world");
        let service = S::new(serde_json::from_str(&world).expect("a world is JSON"));
        let state = State { service, health: Health::Well, scripts: Vec::new(), requests: 0 };
        let state = Arc::new(Mutex::new(state));
        let server = MockServer::start().await;
        Mock::given(matchers::any()).respond_with(Responder(Arc::clone(&state))).mount(&server).await;
        World { server, state, now: "2026-03-20T12:00:00Z" }
    }

    /// The source of the fixture's configuration, as new from a start.
    pub fn source(&self) -> Box<dyn Source> {
        self.source_with("")
    }

    /// The same with more settings.
    pub fn source_with(&self, settings: &str) -> Box<dyn Source> {
        let clock = Arc::new(FixedClock(self.now.parse().expect("a time")));
        self.config(settings).build("team", clock).expect("the fixture's configuration is good")
    }

    pub fn config(&self, settings: &str) -> SourceConfig {
        let text = std::fs::read_to_string(fixtures::<S>().join("config.toml")).expect("a configuration");
        let mut table: toml::Table = text.replace("BASE", &self.server.uri()).parse().expect("TOML");
        table.extend(settings.parse::<toml::Table>().expect("TOML"));
        table.try_into().expect("a configuration")
    }

    pub fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().expect("no test panicked with it")
    }

    pub fn set(&self, health: Health) {
        self.state().health = health;
    }

    /// Answers the next `times` requests whose path and query contain `words`.
    pub fn script(&self, words: &str, times: usize, answer: Answer) {
        self.state().scripts.push((words.to_owned(), answer, times));
    }

    pub fn requests(&self) -> usize {
        self.state().requests
    }
}

impl<S: Service> Respond for Responder<S> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().expect("no test panicked with it");
        state.requests += 1;
        let asked = format!("{}?{}", request.url.path(), request.url.query().unwrap_or_default());
        let scripted = state.scripts.iter_mut().find(|(words, _, times)| *times > 0 && asked.contains(words.as_str()));
        let mut answer = match scripted {
            Some((_, answer, times)) => {
                *times -= 1;
                answer.clone()
            }
            None => state.service.answer(request),
        };
        match state.health {
            Health::Limited => answer = Answer::new(429, json!({ "ok": false })).header("retry-after", "17"),
            Health::Down => answer = Answer::new(500, json!({ "message": "Server Error" })),
            Health::Circling => S::circle(&mut answer, request),
            Health::Well | Health::CutShort => {}
        }
        let mut body = answer.body.to_string();
        if state.health == Health::CutShort {
            body.truncate(body.len() - 1);
        }
        let mut template = ResponseTemplate::new(answer.status);
        for (name, value) in answer.headers {
            template = template.insert_header(name, value.as_str());
        }
        if answer.status == 304 { template } else { template.set_body_raw(body, "application/json") }
    }
}

/// A value of the request's query.
pub fn asked(request: &Request, name: &str) -> Option<String> {
    request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The address that was asked, as its sender wrote it.
pub fn address(request: &Request) -> String {
    let host = request.headers.get("host").and_then(|host| host.to_str().ok()).expect("HTTP/1.1 names the host");
    format!("http://{host}{}", request.url.path())
}

pub fn fixtures<S: Service>() -> PathBuf {
    root().join("tests/fixtures/connector").join(S::NAME)
}
