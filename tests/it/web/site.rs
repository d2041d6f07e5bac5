//! A server of our own with a few threads in it: a real store, summaries without models, a clock that stands still.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use bluf::{
    classify::Classifier,
    docket::{self, Matters, Rules},
    domain::{Cursor, Item, Kind, Message, Moment, Page, Thread, ThreadActs, summary::Summary},
    engine::reckoned,
    model::{Embedder, scripted::HashEmbedder},
    sla::{Explanation, explain_case},
    store::{Store, Taken, hold::Act, thread, token::Scope, work},
    summarize::{Models, Options, Summarizer},
    time::{Calendar, Span, Stopwatch, WorkClock},
    web::{self, Config, Delivery, Desk, DeskError, Health, Listener},
};
use jiff::{Timestamp, tz::TimeZone};
use tokio_util::sync::CancellationToken;

use super::client::Ask;

/// The daemon behind the server under test.
pub struct Plain {
    pub store: Arc<Store>,
    pub health: Mutex<Health>,
    /// Whether its queue is full.
    pub busy: AtomicBool,
    /// Whether it has an encoder.
    pub embeds: AtomicBool,
    summarizer: Summarizer,
}

impl Plain {
    fn read(&self, thread: &Thread) -> (ThreadActs, Summary) {
        let acts = Classifier::without_heads().classify(thread, None, &|| false).expect("cues need no model");
        let made = self.summarizer.summarize(thread, acts.clone(), Models::default(), now(), &|| false);
        (acts, made.expect("quotes need no model"))
    }

    /// Reads a thread as it stands.
    fn read_row(&self, row: i64) {
        let (thread, rows, version) = self.store.read(|on| thread::load(on, row)).expect("read").expect("there");
        let (acts, summary) = self.read(&thread);
        self.store.keep_summary(row, version, &rows, &acts, &summary, now()).expect("kept");
        let docket = docket::docket(&thread, &acts, &Rules::shipped(TimeZone::UTC), now());
        let rows = thread.messages.iter().map(|message| message.id.clone()).zip(rows).collect();
        let owed: Vec<_> = docket.entries.into_iter().map(reckoned).collect();
        let flags = serde_json::to_string(&docket.flags).expect("JSON");
        assert!(self.store.keep_docket(row, version, &rows, &owed, &flags, now()).expect("kept"));
    }
}

#[async_trait]
impl Desk for Plain {
    fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn now(&self) -> Timestamp {
        now()
    }

    async fn summarize(&self, thread: Thread) -> Result<Summary, DeskError> {
        if self.busy.load(Relaxed) {
            return Err(DeskError::Busy { retry_after: Duration::from_secs(7) });
        }
        assert_ne!(thread.title, "please panic");
        Ok(self.read(&thread).1)
    }

    async fn embed(&self, words: &str) -> Option<Vec<f32>> {
        self.embeds.load(Relaxed).then(|| vector(words))
    }

    fn embeds(&self) -> bool {
        self.embeds.load(Relaxed)
    }

    async fn refresh(&self, row: i64) -> Result<(), DeskError> {
        self.read_row(row);
        Ok(())
    }

    async fn take(&self, source: &str, page: Page) -> Result<Taken, DeskError> {
        if source == "pulled" {
            return Err(DeskError::NoSource(source.to_owned()));
        }
        Ok(self.store.take(source, &page, now())?)
    }

    async fn hook(&self, source: &str, delivery: Delivery) -> Result<Option<String>, DeskError> {
        match (source, delivery.headers.get("x-signature").map(|v| v.as_bytes())) {
            ("chat", Some(b"right")) if delivery.body.starts_with(b"challenge") => Ok(Some("accepted".to_owned())),
            ("chat", Some(b"right")) => Ok(None),
            ("chat", _) => Err(DeskError::Signature),
            _ => Err(DeskError::NoSource(source.to_owned())),
        }
    }

    async fn act(&self, obligation: &str, act: Act, who: &str) -> Result<bool, DeskError> {
        Ok(self.store.act(obligation, &act, who, now())?)
    }

    async fn end_silence(&self, id: i64, who: &str) -> Result<bool, DeskError> {
        Ok(self.store.end_silence(id, who, now())?)
    }

    fn later(&self, from: Timestamp, span: Span) -> Option<Timestamp> {
        WorkClock::of(span, Some(&Calendar::office(TimeZone::UTC)), Vec::new()).due(from, span)
    }

    async fn explain(&self, row: i64, obligation: &str) -> Result<Option<Explanation>, DeskError> {
        let Some((thread, ..)) = self.store.read(|on| thread::load(on, row))? else { return Ok(None) };
        let (acts, rules) = (self.read(&thread).0, Rules::shipped(TimeZone::UTC));
        let matters = Matters::of(&thread, &acts, &rules, now());
        let case = matters.cases().into_iter().find(|case| case.obligation.id == obligation);
        Ok(case.and_then(|case| explain_case(&case, now())))
    }

    fn ring(&self, source: &str) -> bool {
        source != "pulled"
    }

    fn health(&self) -> Health {
        self.health.lock().expect("nobody panicked").clone()
    }

    fn metrics(&self) -> String {
        "# TYPE bluf_of_the_daemon gauge\nbluf_of_the_daemon 1\n".to_owned()
    }
}

/// What a test talks to. Ends with it.
pub struct Site {
    pub plain: Arc<Plain>,
    pub folder: tempfile::TempDir,
    pub address: SocketAddr,
    pub socket: PathBuf,
    closing: CancellationToken,
    serving: Option<tokio::task::JoinHandle<()>>,
    runtime: tokio::runtime::Runtime,
}

impl Site {
    /// With the threads of two sources, read.
    pub fn new() -> Site {
        let site = Site::with(|_| {});
        site.bring("team", vec![export(), lunch()]);
        site.bring("mail", vec![printers()]);
        site.read_all();
        site
    }

    /// Empty, with other settings than the usual.
    pub fn with(change: impl FnOnce(&mut Config)) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::open(&folder.path().join("bluf.db")).expect("it opens"));
        let plain = Arc::new(Plain {
            store,
            health: Mutex::default(),
            busy: AtomicBool::new(false),
            embeds: AtomicBool::new(false),
            summarizer: Summarizer::new(Options::default()).expect("the weights fit the program"),
        });
        let socket = folder.path().join("bluf.sock");
        let mut config = Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            socket: Some(socket.clone()),
            hosts: vec!["bluf.example.org".to_owned()],
            ..Config::default()
        };
        change(&mut config);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let listeners = {
            let _inside = runtime.enter();
            web::bind(&config).expect("it listens")
        };
        let tcp = listeners.iter().find_map(|listener| match listener {
            Listener::Tcp(listener) => Some(listener.local_addr().expect("an address")),
            Listener::Unix(_) => None,
        });
        let closing = CancellationToken::new();
        let desk: Arc<dyn Desk> = plain.clone();
        let serving = runtime.spawn(web::serve(listeners, desk, config, closing.clone()));
        let address = tcp.expect("a TCP listener");
        Site { plain, folder, address, socket, closing, serving: Some(serving), runtime }
    }

    pub fn store(&self) -> &Store {
        &self.plain.store
    }

    pub fn bring(&self, source: &str, threads: Vec<Thread>) -> Taken {
        let items = threads.into_iter().map(|thread| Item::Whole { thread, origin: None }).collect();
        self.take(source, items)
    }

    pub fn take(&self, source: &str, items: Vec<Item>) -> Taken {
        let page = Page { items, next: Cursor("next".into()), ..Page::default() };
        self.store().take(source, &page, now()).expect("taken")
    }

    /// Reads what is unread, and keeps what the encoder makes of it.
    pub fn read_all(&self) {
        let unread = self.store().read(|on| work::unread(on, now(), 0, 1000)).expect("read");
        for thread in unread {
            let (whole, ..) = self.store().read(|on| thread::load(on, thread.id)).expect("read").expect("there");
            let vectors = whole.messages.iter().enumerate().map(|(at, m)| ([at as u8; 32], vector(&m.text))).collect();
            let used = (0..whole.messages.len()).map(|at| [at as u8; 32]).collect();
            self.store().keep_vectors(thread.id, &vectors, &used).expect("kept");
            self.plain.read_row(thread.id);
        }
    }

    /// The key of the thread that its source calls `id`.
    pub fn key(&self, id: &str) -> String {
        let all = self.store().read(|on| thread::page(on, &thread::Filter::default(), None, 1000)).expect("read");
        all.into_iter().find(|t| t.external_id == id).expect("there").key
    }

    pub fn token(&self, name: &str, scope: Scope, sources: Option<&[&str]>) -> String {
        let sources: Option<Vec<String>> = sources.map(|s| s.iter().map(|s| (*s).to_owned()).collect());
        let made = self.store().create_token(name, scope, sources.as_deref(), None, now());
        made.expect("made").expect("a new name").reveal().to_owned()
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        Ask::new(self, "GET", path)
    }

    pub fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Ask<'_> {
        Ask::new(self, "POST", path).header("content-type", "application/json").body(body)
    }

    /// Ends the server in order; how long that took.
    pub fn close(&mut self) -> Duration {
        let begun = Stopwatch::start();
        self.closing.cancel();
        if let Some(serving) = self.serving.take() {
            let ended = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), serving).await });
            assert!(
                std::thread::panicking() || ended.is_ok_and(|joined| joined.is_ok()),
                "the server did not end in order"
            );
        }
        begun.elapsed()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.close();
    }
}

pub fn now() -> Timestamp {
    "2026-11-12T12:00:00Z".parse().expect("a time")
}

/// A vector that is nearer the more words two texts share.
pub fn vector(text: &str) -> Vec<f32> {
    HashEmbedder.embed(&[text]).expect("it hashes").remove(0)
}

pub fn said(id: &str, author: &str, at: &str, text: &str) -> Message {
    let sent_at = Moment::parse(at);
    Message { id: id.into(), author: Some(author.into()), sent_at, text: text.into(), ..Message::default() }
}

pub fn of(id: &str, kind: Kind, title: &str, messages: Vec<Message>) -> Thread {
    let mut participants: Vec<String> = Vec::new();
    for author in messages.iter().filter_map(|m| m.author.clone()) {
        if !participants.contains(&author) {
            participants.push(author);
        }
    }
    Thread {
        source: "jsonl".into(),
        kind,
        id: id.into(),
        title: title.into(),
        url: None,
        channel: (kind == Kind::Chat).then(|| "#ops".to_owned()),
        participants,
        messages,
        events: Vec::new(),
        as_of: None,
    }
}

/// A chat with a decision, an ask and a question that nobody answered.
pub fn export() -> Thread {
    let messages = vec![
        said(
            "a",
            "Ana Lima",
            "2026-11-11T09:00:00Z",
            "The nightly export failed again because the pool has only ten connections. Raj, could you raise the limit by Friday?",
        ),
        said(
            "b",
            "Raj Patel",
            "2026-11-11T09:05:00Z",
            "I will raise the limit to 40 connections tomorrow. Does anybody know who owns the depot scanner?",
        ),
        said("c", "Ana Lima", "2026-11-11T10:00:00Z", "We decided to keep the old quagmire entry for one more week."),
    ];
    of("export", Kind::Chat, "Nightly export", messages)
}

pub fn lunch() -> Thread {
    let messages =
        vec![said("d", "Mia Sand", "2026-11-10T11:00:00Z", "Lunch is at noon on Friday, in the small kitchen.")];
    of("lunch", Kind::Chat, "Lunch", messages)
}

/// A mail thread with text that would be something else than text, were it let.
pub fn printers() -> Thread {
    let hostile = "We agreed to return the xylophone printers. <script>alert(1)</script> [click](https://evil.example) \
                   <img src=x onerror=alert(1)> {{ 7 * 7 }} \u{202e}reversed";
    let messages = vec![
        said("p1@h", "Tom <b>Bold</b>", "2026-11-09T08:00:00+01:00", hostile),
        said("p2@h", "Eve Holt", "2026-11-09T08:30:00+01:00", "Could you send the form to the supplier by Monday?"),
    ];
    of("p1@h", Kind::Email, "Printers <i>again</i>", messages)
}
