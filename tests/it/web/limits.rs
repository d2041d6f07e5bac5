//! Too much, too slow, too often, and what breaks inside.

use std::{
    io::{Read, Write},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use bluf::{
    store::token::Scope,
    time::Stopwatch,
    web::{Health, ModelState, StoreState},
};

use super::{
    client::{Answer, connect, raw},
    site::Site,
};

#[test]
fn an_oversized_body() {
    let site = Site::with(|config| config.most_ingest_bytes = 10_000);
    let port = site.address.port();
    let large = "x".repeat(10_001);
    site.post("/api/v1/ingest", large.clone()).send().is_problem(413, "large_body");
    site.post("/api/v1/summarize", large.clone()).send().is_problem(413, "large_body");
    site.post("/api/v1/hooks/chat", large.clone()).send().is_problem(413, "large_body");
    // Of unknown length, and a length that lies.
    let head = format!(
        "POST /api/v1/ingest HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-type: application/json\r\nconnection: close\r\n"
    );
    let chunks = format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    raw(&site, chunks.as_bytes()).is_problem(413, "large_body");
    let claims = format!("{head}content-length: 99999999999\r\n\r\n{large}");
    raw(&site, claims.as_bytes()).is_problem(413, "large_body");
}

#[test]
fn a_slow_body() {
    let site = Site::with(|config| config.patience = Duration::from_millis(400));
    let mut stream = connect(&site);
    let port = site.address.port();
    write!(stream, "POST /api/v1/ingest HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n").expect("sent");
    // A byte now and then keeps no request alive.
    let begun = Stopwatch::start();
    let mut writer = stream.try_clone().expect("cloned");
    let drip = std::thread::spawn(move || {
        for _ in 0..60 {
            if writer.write_all(b" ").is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    Answer::parse(&all).is_problem(408, "slow_body");
    assert!(begun.elapsed() < Duration::from_secs(10));
    drop(stream);
    drip.join().expect("it ends");
}

#[test]
fn a_slow_head() {
    let site = Site::with(|config| config.patience = Duration::from_millis(400));
    let mut stream = connect(&site);
    stream.write_all(b"GET / HTTP/1.1\r\nx-").expect("sent");
    let begun = Stopwatch::start();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    assert!(begun.elapsed() < Duration::from_secs(10), "the connection was kept");
}

#[test]
fn more_connections_than_are_taken_wait_until_one_is_done() {
    let site = Site::with(|config| (config.connections, config.patience) = (2, Duration::from_millis(500)));
    let _idle: Vec<_> = (0..5).map(|_| connect(&site)).collect();
    // Who says nothing is sent away after a while.
    for _ in 0..3 {
        site.get("/healthz").send().ok();
    }
}

#[test]
fn too_often() {
    let site = Site::with(|config| (config.requests_per_second, config.burst) = (0.1, 5.0));
    let (token, other) = (site.token("a", Scope::Read, None), site.token("b", Scope::Read, None));
    for _ in 0..5 {
        site.get("/api/v1/threads").token(&token).send().ok();
    }
    let answer = site.get("/api/v1/threads").token(&token).send();
    answer.is_problem(429, "rate");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|s| s >= 1));
    site.get("/api/v1/threads").token(&other).send().ok();
    // Who guesses is slowed down, and nobody else with that address.
    site.get("/api/v1/threads").token("bluf_wrong").send().is_problem(401, "unauthorized");
    site.get("/api/v1/threads").token("bluf_wronger").send().is_problem(429, "rate");
    site.get("/api/v1/threads").token(&other).send().ok();
    // Programs on this machine that need no token are not counted.
    for _ in 0..10 {
        site.get("/api/v1/threads").send().ok();
    }
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let site = Site::new();
    site.plain.busy.store(true, Relaxed);
    let answer = site.post("/api/v1/summarize", r#"{"id":"x","messages":[{"text":"hello"}]}"#).send();
    answer.is_problem(429, "busy");
    assert_eq!(answer.header("retry-after"), "7");
}

#[test]
fn what_breaks_inside_stays_inside() {
    let site = Site::new();
    let ask =
        || site.post("/api/v1/summarize", r#"{"id":"x","title":"please panic","messages":[{"text":"hello"}]}"#).send();
    ask().is_problem(500, "internal");
    site.get("/api/v1/threads").send().ok();
}

#[test]
fn everything_that_fails_is_a_problem() {
    let site = Site::new();
    for (path, status, code) in [
        ("/api/v1/nothing", 404, "no_page"),
        ("/nothing", 404, "no_page"),
        ("/api/v1/threads/0000000000000000", 404, "no_thread"),
        ("/api/v1/threads/0000000000000000/summary", 404, "no_thread"),
        ("/api/v1/threads/0000000000000000/messages", 404, "no_thread"),
        ("/threads/0000000000000000", 404, "no_thread"),
        ("/api/v1/threads?limit=0", 400, "bad_limit"),
        ("/api/v1/threads?limit=x", 400, "bad_query"),
        ("/api/v1/threads?unknown=1", 400, "bad_query"),
        ("/api/v1/threads?cursor=zz", 400, "bad_cursor"),
        ("/api/v1/threads?kind=novel", 400, "bad_kind"),
        ("/api/v1/threads?sort=fame", 400, "bad_sort"),
        ("/api/v1/threads?since=yesterday", 400, "bad_since"),
        ("/api/v1/search", 400, "bad_query"),
        ("/api/v1/digest", 400, "bad_query"),
        ("/docs/nothing.js", 404, "no_page"),
    ] {
        site.get(path).send().is_problem(status, code);
    }
    let answer = super::client::Ask::new(&site, "DELETE", "/api/v1/threads").send();
    answer.is_problem(405, "method");
    assert!(answer.header("allow").contains("GET"));
    super::client::Ask::new(&site, "DELETE", "/healthz").send().is_problem(405, "method");
}

#[test]
fn readiness_says_what_is_in_the_way_and_recovers() {
    let site = Site::new();
    let ready = |health: Health| {
        *site.plain.health.lock().expect("whole") = health;
        let answer = site.get("/readyz").header("x-forwarded-for", "192.0.2.1").send();
        (answer.status, answer.json()["state"].as_str().map(str::to_owned).unwrap_or_default())
    };
    assert_eq!(ready(Health::default()), (200, "ready".into()));
    assert_eq!(ready(Health { store: StoreState::Full, ..Health::default() }), (503, "not_ready".into()));
    assert_eq!(ready(Health { store: StoreState::ReadOnly, ..Health::default() }), (503, "not_ready".into()));
    assert_eq!(ready(Health { model: ModelState::Loading, ..Health::default() }), (503, "not_ready".into()));
    let down = Health { sources_down: vec!["secret-source".into()], ..Health::default() };
    assert_eq!(ready(down), (200, "degraded".into()));
    assert!(!site.get("/readyz").send().text().contains("secret-source"), "nobody need be anybody to ask this");
    let unheard = Health { sinks_down: vec!["secret-sink".into()], notices_waiting: 3, ..Health::default() };
    assert_eq!(ready(unheard), (200, "degraded".into()));
    let says = site.get("/readyz").send().json();
    assert_eq!((&says["sinks_down"], &says["notices_waiting"]), (&1.into(), &3.into()));
    assert!(!says.to_string().contains("secret-sink"));
    assert_eq!(ready(Health { model: ModelState::Ready, ..Health::default() }), (200, "ready".into()));
    assert_eq!(site.get("/healthz").send().ok().text(), "ok\n");
}

#[test]
fn large_answers_are_compressed_for_who_can_read_them() {
    use flate2::read::GzDecoder;
    let site = Site::new();
    let plain = site.get("/api/v1/threads").send().ok();
    let packed = site.get("/api/v1/threads").header("accept-encoding", "gzip").send().ok();
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut text = String::new();
    GzDecoder::new(&packed.body[..]).read_to_string(&mut text).expect("it unpacks");
    assert_eq!(text, plain.text());
}

#[test]
fn figures_are_for_those_who_may_read() {
    let site = Site::new();
    site.get("/api/v1/threads").send().ok();
    let figures = site.get("/metrics").send().ok().text();
    for line in ["bluf_threads 3", "bluf_messages 6", "bluf_source_up{source=\"mail\"} 1", "bluf_of_the_daemon 1"] {
        assert!(figures.lines().any(|l| l == line), "{line} in\n{figures}");
    }
    assert!(!figures.contains("Ana") && !figures.contains("Raj"));
    site.get("/metrics").header("via", "x").send().is_problem(401, "unauthorized");
    let one = site.token("one", Scope::Read, Some(&["team"]));
    let theirs = site.get("/metrics").token(&one).send().ok().text();
    assert!(theirs.contains("bluf_threads 2") && !theirs.contains("mail"), "{theirs}");
}
