//! What a million open obligations cost: start-up, one more event, lateness under a steady due rate, and memory.
//!
//! Usage: `watch [OBLIGATIONS [SECONDS]]` (1,000,000 and 60). Makes a database in a temporary folder, once with 1,000 and once
//! with that many open obligations of 100 a thread; starts the engine on it with a sink that only notes when it is told; prints
//! the time from start to the first alert, what keeping a thread's obligations costs beside each size, how late notices come
//! while 1,000 obligations a minute come due, and the resident memory.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bluf::{
    alert::{AlertConfig, Routes},
    classify::Classifier,
    docket::Rules,
    domain::{
        Cursor, Envelope, Evidence, Item, Kind, Message, Metric, Moment, Obligation, ObligationKind, Page, Thread,
    },
    engine::{Engine, Law, Parts, Settings, reader::Reader},
    sink::{Sink, SinkError},
    store::{Store, obligation::Reckoned, thread},
    summarize::{Options, Summarizer},
    time::{Calendar, Clock, Stopwatch, SystemClock},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// Obligations of a thread.
const EACH: usize = 100;
/// Obligations that come due in a minute while lateness is measured.
const A_MINUTE: usize = 1000;
/// Obligations of the thread in which something happens.
const OF_ONE: usize = 5;
/// Rounds of keeping one thread's obligations, of which the median counts.
const ROUNDS: usize = 21;
const ASKED: &str = "Tom, could you weigh the crate?";

/// Notes how late it is told.
struct Ear(Arc<Mutex<Vec<(Timestamp, SignedDuration)>>>);

#[async_trait]
impl Sink for Ear {
    fn name(&self) -> &str {
        "ear"
    }

    async fn send(&self, envelope: &Envelope, _now: Timestamp) -> Result<(), SinkError> {
        let now = SystemClock.now();
        let late = envelope.told.iter().filter_map(|told| Some((now, now.duration_since(told.due_at?))));
        self.0.lock().expect("nobody panicked").extend(late);
        Ok(())
    }

    async fn check(&self) -> Result<String, SinkError> {
        Ok("it hears".to_owned())
    }
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let many: usize = args.first().map_or(Ok(1_000_000), |n| n.parse())?;
    let seconds: u64 = args.get(1).map_or(Ok(60), |n| n.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut costs = Vec::new();
    for size in [1000, many] {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("bluf.db");
        let watch = Stopwatch::start();
        let first_due =
            SystemClock.now() + SignedDuration::from_secs(20) + SignedDuration::from_micros(size as i64 * 150);
        fill(&path, size, first_due, seconds)?;
        println!(
            "{size} open obligations: made in {:.1} s, {} MiB",
            watch.elapsed_ms() as f64 / 1e3,
            bytes(&path) >> 20
        );
        costs.push(one_event(&path)?);
        println!("  one thread's obligations kept anew: {:.2} ms (median of {ROUNDS})", costs[costs.len() - 1]);
        if size == many {
            runtime.block_on(watched(&path, seconds))?;
        }
    }
    println!("one event costs {:.2} times as much beside {many} as beside 1,000", costs[1] / costs[0]);
    Ok(())
}

/// Threads with open obligations: the first come due one after another from `first_due` on, `A_MINUTE` of them; one is late
/// already; all others are due in a year.
fn fill(path: &Path, size: usize, first_due: Timestamp, seconds: u64) -> anyhow::Result<()> {
    let store = Store::open(path)?;
    store.reckon_by(Rules::shipped(TimeZone::UTC).fingerprint())?;
    let soon = (A_MINUTE * usize::try_from(seconds)? / 60).min(size / 2);
    let apart = SignedDuration::from_millis(60_000 / A_MINUTE as i64);
    let mut n = 0;
    for batch in 0..size.div_ceil(EACH * 100) {
        let threads: Vec<usize> = (batch * 100..((batch + 1) * 100).min(size / EACH)).collect();
        let items = threads.iter().map(|t| Item::Whole { thread: talk(*t), origin: None }).collect();
        store.take("yard", &Page { items, next: Cursor("x".into()), ..Page::default() }, SystemClock.now())?;
    }
    let rows: Vec<i64> =
        store.read(|on| on.prepare("SELECT id FROM thread ORDER BY id")?.query_map((), |row| row.get(0))?.collect())?;
    for (t, row) in rows.iter().enumerate() {
        let (thread, messages, version) = store.read(|on| thread::load(on, *row))?.expect("it is there");
        let ids: HashMap<String, i64> = thread.messages.iter().map(|m| m.id.clone()).zip(messages).collect();
        let owed: Vec<Reckoned> = (0..EACH)
            .map(|i| {
                // Spread over the threads, so that every notice is of another one.
                let place = i * rows.len() + t;
                let due = match place {
                    0 => SystemClock.now() - SignedDuration::from_secs(1),
                    p if p <= soon => first_due + apart * i32::try_from(p).unwrap_or(i32::MAX),
                    _ => first_due + SignedDuration::from_hours(24 * 365),
                };
                n += 1;
                owed(&format!("{n:016x}"), due)
            })
            .collect();
        store.write(|on| on.execute("UPDATE thread SET read_version = version WHERE id = ?1", [row]).map(drop))?;
        assert!(store.keep_docket(*row, version, &ids, &owed, "[]", SystemClock.now())?);
    }
    // Each was looked at when it was kept; what is left is to look when it comes due. Nothing was read that they could be
    // worked out from again.
    store.write(|on| on.execute("UPDATE obligation SET next_ms = due_ms", ()).map(drop))?;
    store.write(|on| on.execute("UPDATE thread SET docket_ms = 9000000000000000", ()).map(drop))?;
    store.checkpoint()?;
    Ok(())
}

fn talk(n: usize) -> Thread {
    let sent_at = Some(Moment::utc(SystemClock.now()));
    let said =
        Message { id: "0".into(), author: Some("Ana".into()), sent_at, text: ASKED.into(), ..Message::default() };
    Thread {
        source: "yard".into(),
        kind: Kind::Chat,
        id: format!("crate-{n}"),
        title: format!("Crate {n}"),
        url: None,
        channel: None,
        participants: vec!["Ana".into(), "Tom".into()],
        messages: vec![said],
        events: Vec::new(),
        as_of: None,
    }
}

fn owed(id: &str, due: Timestamp) -> Reckoned {
    Reckoned {
        obligation: Obligation {
            id: id.to_owned(),
            thread: String::new(),
            kind: ObligationKind::Reply,
            metric: Metric::FirstResponse,
            owed_by: vec!["Tom".into()],
            owed_to: vec!["Ana".into()],
            opened_at: SystemClock.now(),
            opened_by: Evidence::Words { message: "0".into(), start: 0, end: ASKED.len(), quote: ASKED.into() },
            first_opened_at: None,
            stated_due: None,
            closed: None,
        },
        policy: Some("yard".into()),
        zone: "UTC".into(),
        warn_at: None,
        due_at: Some(due),
        paused: None,
        round_the_clock: true,
    }
}

/// Milliseconds that keeping the obligations of one thread anew takes.
fn one_event(path: &Path) -> anyhow::Result<f64> {
    let store = Store::open(path)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let row: i64 = store.read(|on| on.query_row("SELECT max(id) FROM thread", (), |row| row.get(0)))?;
        let (thread, messages, version) = store.read(|on| thread::load(on, row))?.expect("it is there");
        let ids: HashMap<String, i64> = thread.messages.iter().map(|m| m.id.clone()).zip(messages).collect();
        let due = SystemClock.now() + SignedDuration::from_hours(24 * 365);
        let owed: Vec<Reckoned> = (0..OF_ONE).map(|i| owed(&format!("event-{i}"), due)).collect();
        let watch = Stopwatch::start();
        store.keep_docket(row, version, &ids, &owed, "[]", SystemClock.now())?;
        rounds.push(watch.elapsed().as_secs_f64() * 1e3);
    }
    store.write(|on| on.execute("UPDATE obligation SET next_ms = due_ms WHERE id LIKE 'event-%'", ()).map(drop))?;
    rounds.sort_by(f64::total_cmp);
    Ok(rounds[ROUNDS / 2])
}

async fn watched(path: &Path, seconds: u64) -> anyhow::Result<()> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let watch = Stopwatch::start();
    let config: AlertConfig = toml::from_str("routes = [{ to = ['ear'] }]")?;
    let routes = Routes::new(config, Calendar::office(TimeZone::UTC), &["ear"])
        .map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let reader = Reader::new(Classifier::embedded()?, Summarizer::new(Options::default())?, None, Arc::clone(&clock));
    let engine = Engine::start(Parts {
        store: Arc::new(Store::open(path)?),
        reader,
        sources: Vec::new(),
        sinks: vec![Arc::new(Ear(Arc::clone(&told)))],
        law: Law { rules: Rules::shipped(TimeZone::UTC), routes, pages: None },
        clock,
        settings: Settings {
            quiet: Duration::ZERO,
            model_idle: Duration::from_secs(600),
            keep_days: Default::default(),
        },
    });
    while told.lock().expect("nobody panicked").is_empty() {
        anyhow::ensure!(watch.elapsed() < Duration::from_secs(120), "nobody was told within two minutes");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("  start-up to the first alert: {:.2} s", watch.elapsed().as_secs_f64());
    let patience = Duration::from_secs(seconds + 600);
    let expected = A_MINUTE * usize::try_from(seconds)? / 60;
    while told.lock().expect("nobody panicked").len() < expected && watch.elapsed() < patience {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    engine.stop().await;
    let mut late: Vec<f64> =
        told.lock().expect("nobody panicked").iter().skip(1).map(|(_, late)| late.as_secs_f64()).collect();
    late.sort_by(f64::total_cmp);
    let at = |share: f64| late[((late.len() - 1) as f64 * share) as usize];
    println!(
        "  {} notices at 1,000 a minute: late by {:.3} s (median), {:.3} s (p99), {:.3} s (most)",
        late.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!("  resident memory: {} MiB", resident_mib()?);
    Ok(())
}

/// Linux alone says so.
fn resident_mib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 =
        line.and_then(|line| line.split_whitespace().next()).ok_or_else(|| anyhow::anyhow!("no VmRSS"))?.parse()?;
    Ok(kib / 1024)
}

fn bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}
