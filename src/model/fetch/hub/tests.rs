//! A hub on loopback that answers like the real one: tags and commits on the first answer, then a redirect to where
//! the bytes are.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::super::tests::{Bench, CONFIG, WEIGHTS, sum};
use super::*;

const SOURCE: &str = "[[sources]]\nkind = \"hub\"\nrepo = \"someone/tiny\"\nrevision = \"refs/pr/1\"\n";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How a hub misbehaves.
#[derive(Clone, Default)]
struct Mood {
    /// Answers every request so.
    status: Option<u16>,
    /// The weights it has, and the tag it gives them.
    weights: Vec<u8>,
    tag: String,
    /// Cuts the connection after so many bytes of the weights, so many times.
    cut_after: usize,
    cuts: Arc<Mutex<usize>>,
    /// Sends the whole file whatever range is asked for.
    no_ranges: bool,
    /// Keeps the connection open and says nothing more after `cut_after` bytes.
    hangs: bool,
}

struct LoopbackHub {
    endpoint: String,
    /// Request line and range of each request, as `GET /path bytes=0-`.
    asked: Arc<Mutex<Vec<String>>>,
    /// The bearer token of the last request to the endpoint proper.
    token: Arc<Mutex<Option<String>>>,
}

impl LoopbackHub {
    fn start(mood: Mood) -> LoopbackHub {
        let (front, store) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let endpoint = format!("http://{}", front.local_addr().unwrap());
        let elsewhere = format!("http://{}", store.local_addr().unwrap());
        let hub = LoopbackHub { endpoint, asked: Arc::default(), token: Arc::default() };
        for listener in [front, store] {
            let (mood, elsewhere) = (mood.clone(), elsewhere.clone());
            let (asked, token) = (Arc::clone(&hub.asked), Arc::clone(&hub.token));
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (mood, elsewhere) = (mood.clone(), elsewhere.clone());
                    let (asked, token) = (Arc::clone(&asked), Arc::clone(&token));
                    thread::spawn(move || answer(&stream, &mood, &elsewhere, &asked, &token));
                }
            });
        }
        hub
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// One request and one answer; the connection closes.
fn answer(
    mut stream: &TcpStream,
    mood: &Mood,
    elsewhere: &str,
    asked: &Mutex<Vec<String>>,
    token: &Mutex<Option<String>>,
) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let request = lines.next()?;
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ").map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned()))).collect();
    let header = |name: &str| headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
    let (path, range) = (request.split(' ').nth(1)?.to_owned(), header("range").unwrap_or_default());
    asked.lock().unwrap().push(format!("{path} {range}"));
    let (bytes, tag) = match path.rsplit('/').next()? {
        "weights.bin" => (mood.weights.as_slice(), mood.tag.clone()),
        _ => (CONFIG, "c0ffee".to_owned()),
    };
    if path.starts_with("/someone") {
        *token.lock().unwrap() = header("authorization");
    }
    if let Some(status) = mood.status {
        write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
        return None;
    }
    let names = format!("X-Repo-Commit: {COMMIT}\r\nETag: \"{tag}\"\r\nConnection: close\r\n");
    if path.starts_with("/someone") && path.ends_with("weights.bin") {
        let linked = format!("X-Linked-Etag: \"{tag}\"\r\nX-Linked-Size: {}\r\n", bytes.len());
        let to = format!("Location: {elsewhere}/store/weights.bin\r\nContent-Length: 0\r\n");
        write!(stream, "HTTP/1.1 302 Found\r\n{names}{linked}{to}\r\n").ok()?;
        return None;
    }
    let (from, to) = range.strip_prefix("bytes=").and_then(|r| r.split_once('-'))?;
    let from: usize = from.parse().ok()?;
    let to: usize = to.parse().map_or(bytes.len(), |last: usize| last + 1).min(bytes.len());
    let probe = to == from + 1;
    let (status, from) = if mood.no_ranges && !probe { ("200 OK", 0) } else { ("206 Partial Content", from) };
    if from >= bytes.len() {
        write!(stream, "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
        return None;
    }
    let range = format!("Content-Range: bytes {from}-{}/{}\r\n", to - 1, bytes.len());
    write!(stream, "HTTP/1.1 {status}\r\n{names}{range}Content-Length: {}\r\n\r\n", to - from).ok()?;
    let mut cuts = mood.cuts.lock().unwrap();
    if *cuts > 0 && path.starts_with("/store") && !probe {
        *cuts -= 1;
        stream.write_all(&bytes[from..to.min(from + mood.cut_after)]).ok()?;
        if mood.hangs {
            drop(cuts);
            thread::sleep(Duration::from_millis(900));
        }
        return None;
    }
    stream.write_all(&bytes[from..to]).ok()
}

fn good() -> Mood {
    Mood { weights: WEIGHTS.to_vec(), tag: sum(WEIGHTS).to_string(), ..Mood::default() }
}

fn bench(mood: Mood) -> (Bench, LoopbackHub) {
    // Long enough for a busy machine, but where the hub is to be given up.
    let stall = Duration::from_millis(if mood.hangs { 400 } else { 20_000 });
    let hub = LoopbackHub::start(mood);
    let mut bench = Bench::new(SOURCE);
    bench.options.hub = HubAccess {
        endpoint: Some(format!("{}/", hub.endpoint)),
        token: Some("open-sesame".to_owned()),
        cache: None,
        stall,
        retry_wait: Duration::from_millis(5),
    };
    (bench, hub)
}

#[test]
fn files_come_by_redirect_and_the_token_is_shown_to_the_hub() {
    let (bench, hub) = bench(good());
    assert_eq!(bench.pull().unwrap().fetched.len(), 2);
    bench.assert_whole();
    assert!(hub.asked()[0].starts_with("/someone/tiny/resolve/refs%2Fpr%2F1/config.json"), "{:?}", hub.asked());
    assert!(hub.asked().contains(&"/store/weights.bin bytes=0-".to_owned()), "{:?}", hub.asked());
    assert_eq!(hub.token.lock().unwrap().as_deref(), Some("Bearer open-sesame"));
    assert!(bench.heard.bytes.get() >= 2 * (CONFIG.len() + WEIGHTS.len()) as u64, "downloads and checks are told");
}

#[test]
fn a_cut_connection_is_taken_up_where_it_broke() {
    let (bench, hub) = bench(Mood { cut_after: 16, cuts: Arc::new(Mutex::new(2)), ..good() });
    bench.pull().unwrap();
    bench.assert_whole();
    for range in ["bytes=0-", "bytes=16-", "bytes=32-"] {
        assert!(hub.asked().contains(&format!("/store/weights.bin {range}")), "{range}: {:?}", hub.asked());
    }
}

#[test]
fn a_hub_that_brings_nothing_is_given_up_and_what_came_is_kept() {
    let (bench, hub) = bench(Mood { cut_after: 10, cuts: Arc::new(Mutex::new(1)), hangs: true, ..good() });
    let message = bench.pull().unwrap_err().to_string();
    assert!(message.contains("nothing came for"), "{message}");
    // The abandoned download still holds the client's lock until its connection ends.
    thread::sleep(Duration::from_millis(1000));
    bench.pull().unwrap();
    bench.assert_whole();
    assert!(hub.asked().contains(&"/store/weights.bin bytes=10-".to_owned()), "{:?}", hub.asked());
}

#[test]
fn a_stop_leaves_a_part_that_the_next_pull_takes_up() {
    let (bench, hub) = bench(Mood { cut_after: 10, cuts: Arc::new(Mutex::new(1)), ..good() });
    bench.heard.stop_after.set(Some(2 * CONFIG.len() as u64 + 10));
    assert!(matches!(bench.pull(), Err(FetchError::Cancelled { .. })));
    bench.heard.stop_after.set(None);
    bench.pull().unwrap();
    bench.assert_whole();
    assert!(hub.asked().contains(&"/store/weights.bin bytes=10-".to_owned()), "{:?}", hub.asked());
}

#[test]
fn parts_that_do_not_fit_are_started_over() {
    let blobs = "shelf/tiny/.hub/models--someone--tiny/blobs";
    for left in [&b"another"[..], &[b'x'; 42], &[b'x'; 99]] {
        let (bench, _hub) = bench(good());
        bench.put(&format!("{blobs}/{}.part", sum(WEIGHTS)), left);
        bench.pull().unwrap();
        bench.assert_whole();
    }
    let (bench, _hub) = bench(Mood { no_ranges: true, ..good() });
    bench.put(&format!("{blobs}/{}.part", sum(WEIGHTS)), &WEIGHTS[..20]);
    bench.pull().unwrap();
    bench.assert_whole();
}

#[track_caller]
fn check_refused(mood: Mood, asked_at_most: usize, parts: &[&str]) {
    let (bench, hub) = bench(mood);
    let message = bench.pull().unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(hub.asked().len() <= asked_at_most, "{:?}", hub.asked());
    assert!(!bench.target("inner/weights.bin").exists() && !bench.target("inner/weights.bin.part").exists());
}

#[test]
fn refusals_are_told_and_not_repeated() {
    check_refused(Mood { status: Some(401), ..good() }, 1, &["wants a token", "gated"]);
    check_refused(Mood { status: Some(404), ..good() }, 1, &["it has no config.json"]);
    check_refused(Mood { status: Some(503), ..good() }, 3, &["HTTP 503"]);
}

#[test]
fn wrong_bytes_are_refused_where_the_tag_tells_before_the_download() {
    let wrong = vec![b'x'; WEIGHTS.len()];
    let mood = Mood { weights: wrong.clone(), tag: sum(&wrong).to_string(), ..Mood::default() };
    check_refused(mood, 5, &[&sum(WEIGHTS).to_string(), &sum(&wrong).to_string()]);
    let mood = Mood { weights: wrong.clone(), tag: "0a".to_owned(), ..Mood::default() };
    check_refused(mood, 9, &[&sum(WEIGHTS).to_string(), &sum(&wrong).to_string()]);
    let mood = Mood { weights: wrong[1..].to_vec(), tag: "0a".to_owned(), ..Mood::default() };
    check_refused(mood, 5, &["42 bytes", "41 bytes"]);
    check_refused(Mood { tag: "../../../escape".to_owned(), ..good() }, 5, &["cannot be a file's"]);
}

#[test]
fn a_hub_out_of_reach_is_passed_over_at_once() {
    let (mut bench, _hub) = bench(good());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench.options.hub.endpoint = Some(format!("http://{nobody}"));
    let message = bench.pull().unwrap_err().to_string();
    assert!(message.contains("cannot be reached") && message.contains("--from FOLDER"), "{message}");
    assert!(bench.heard.notes.borrow().iter().all(|note| !note.contains("trying again")));
}

#[test]
fn a_shared_cache_is_read_first_and_keeps_what_is_fetched() {
    let (mut bench, hub) = bench(good());
    bench.options.hub.cache = Some(bench.room.path().join("cache"));
    bench.pull().unwrap();
    bench.assert_whole();
    let asked = hub.asked().len();
    bench.shelf.remove(&bench.manifest, &bench.heard).unwrap();
    bench.pull().unwrap();
    bench.assert_whole();
    assert_eq!(hub.asked().len(), asked, "the cache had everything");
}
