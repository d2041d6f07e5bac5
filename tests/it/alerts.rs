//! Whoever is to be told is told, once, through a daemon that is killed and a receiver that fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bluf::time::{Clock, SystemClock};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::daemon::{Home, fractions, is_whole, wait_until, wait_until_or};

/// Kills of one run of the test, around the instants at which something comes due.
const KILLS: usize = 500;
const THREADS: usize = 240;
/// How long a daemon lives, times 0.3 to 1.3: this, or on a slow machine half as long again as it takes to get to work.
const LIFE: Duration = Duration::from_millis(168);
/// What a question has until it is late.
const GOAL: Duration = Duration::from_secs(12);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver of webhooks that does not always behave.
struct Receiver {
    address: String,
    /// What came, whole: the id, and the body.
    came: Arc<Mutex<Vec<(String, Value)>>>,
    behaves: Arc<AtomicBool>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (came, behaves) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, calm, calls) = (Arc::clone(&came), Arc::clone(&behaves), Arc::new(AtomicUsize::new(0)));
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, calm) = (Arc::clone(&kept), calm.load(Relaxed));
                let call = calls.fetch_add(1, Relaxed);
                std::thread::spawn(move || answer(stream, call, calm, &kept));
            }
        });
        Receiver { address, came, behaves }
    }

    fn came(&self) -> Vec<(String, Value)> {
        self.came.lock().expect("nobody panicked").clone()
    }
}

/// Reads a request and answers it, as the `call`th: well, late, badly, or not at all.
fn answer(mut stream: TcpStream, call: usize, behaves: bool, came: &Mutex<Vec<(String, Value)>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut id, mut length, mut line) = (String::new(), 0, String::new());
    while reader.read_line(&mut line).ok()? > 2 {
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "webhook-id" => id = value.trim().to_owned(),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let say = |stream: &mut TcpStream, words: &str| {
        write!(stream, "HTTP/1.1 {words}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()
    };
    match call % 7 {
        _ if behaves => {}
        // Nothing of these was taken.
        1 => return say(&mut stream, "503 Service Unavailable"),
        3 => return say(&mut stream, "429 Too Many Requests\r\nRetry-After: 1"),
        _ => {}
    }
    came.lock().expect("nobody panicked").push((id, serde_json::from_slice(&body).ok()?));
    match call % 7 {
        _ if behaves => {}
        // These were taken, and whoever sent them does not hear of it.
        2 => return None,
        5 => std::thread::sleep(Duration::from_millis(700)),
        _ => {}
    }
    say(&mut stream, "204 No Content")
}

fn thread(n: usize, asked: jiff::Timestamp) -> String {
    let said = json!({ "id": "0", "author": "Ana", "ts": asked.to_string(), "text": format!("Tom, could you weigh crate {n}?") });
    let also = json!({ "id": "1", "author": "Tom", "ts": (asked - SignedDuration::from_secs(9)).to_string(), "text": "Good morning." });
    json!({ "source": "orders", "kind": "chat", "id": format!("crate-{n}"), "title": format!("Crate {n}"), "messages": [also, said] })
        .to_string()
}

/// How long it takes a daemon that nobody kills to have read something.
fn time_to_work() -> Duration {
    let calm = Home::new();
    fs::write(calm.path("threads/all.jsonl"), thread(0, SystemClock.now())).expect("written");
    let from = Instant::now();
    let mut daemon = calm.serve();
    wait_until("the calm daemon to read", || calm.count("SELECT count(*) FROM summary") > 0);
    let time = from.elapsed();
    assert!(daemon.stop().0);
    time
}

#[test]
fn killed_around_deadlines_it_tells_everybody_once() {
    let life = LIFE.max(time_to_work().mul_f64(1.5));
    let span = life * u32::try_from(KILLS).expect("few");
    // From one thread's question to the next one's.
    let apart = (span - GOAL) / u32::try_from(THREADS).expect("few");
    let receiver = Receiver::start();
    let home = Home::new();
    home.configure(&format!(
        "[sink.hook]\ntype = \"webhook\"\nurl = \"http://{}/in\"\nsecret = \"{SECRET}\"\n\
         [policy.fast]\nfirst_response = \"12s\"\nnext_response = \"12s\"\n[alert]\nroutes = [{{ to = [\"hook\"] }}]\n",
        receiver.address
    ));
    // The first comes due when the first kills fall, the others one after another.
    let first = SystemClock.now() - SignedDuration::from_secs(7);
    let at = |n: usize| first + SignedDuration::try_from(apart * u32::try_from(n).expect("few")).expect("short");
    let lines: Vec<String> = (0..THREADS).map(|n| thread(n, at(n))).collect();
    fs::write(home.path("threads/all.jsonl"), lines.join("\n")).expect("written");
    let from = Instant::now();
    let mut between = 0;
    for fraction in fractions().take(KILLS) {
        let daemon = home.serve();
        std::thread::sleep(life.mul_f64(0.3 + fraction));
        daemon.kill();
        assert!(!home.path("bluf.db").exists() || is_whole(&home.path("bluf.db")));
        between += usize::from(home.count("SELECT count(*) FROM envelope WHERE sent_ms IS NULL") > 0);
    }
    assert!(between > KILLS / 20, "only {between} kills left something unsent: the test has lost its point");
    receiver.behaves.store(true, Relaxed);
    let mut daemon = home.serve();
    wait_until("it to serve", || std::os::unix::net::UnixStream::connect(home.path("bluf.sock")).is_ok());
    let late = "SELECT count(DISTINCT obligation_id) FROM notice WHERE stage = 'breached'";
    wait_until("every breach to be noted", || home.count(late) == THREADS as i64);
    let unsent = "SELECT count(*) FROM envelope WHERE next_try_ms IS NOT NULL";
    wait_until_or("the outbox to be empty", || home.count(unsent) == 0, || home.unsent());
    assert!(daemon.stop().0);
    eprintln!("{KILLS} kills in {:?}, {between} of them with something unsent", from.elapsed());

    let mut ids: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (id, body) in receiver.came() {
        for owed in body["data"]["obligations"].as_array().expect("a list") {
            let key = (owed["id"].to_string(), owed["stage"].as_str().expect("a stage").to_owned());
            ids.entry(key).or_default().insert(id.clone());
        }
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "something came under two ids: {ids:?}");
    assert_eq!(ids.keys().filter(|(_, stage)| stage == "breached").count(), THREADS);
    let warned = ids.keys().filter(|(_, stage)| stage == "at_risk").count();
    assert!(warned > THREADS / 2, "only {warned} were warned of");
    let rows = home.count("SELECT count(*) FROM notice");
    assert_eq!(rows, home.count("SELECT count(*) FROM (SELECT DISTINCT obligation_id, stage, sink FROM notice)"));
    assert_eq!(rows, home.count("SELECT count(*) FROM notice JOIN envelope ON envelope.id = envelope_id WHERE sent_ms IS NOT NULL OR ended IS NOT NULL"));
}

#[test]
fn an_answer_in_time_leaves_nobody_told_and_a_late_one_ends_it() {
    let receiver = Receiver::start();
    receiver.behaves.store(true, Relaxed);
    let home = Home::new();
    home.configure(&format!(
        "[sink.hook]\ntype = \"webhook\"\nurl = \"http://{}/in\"\nsecret = \"{SECRET}\"\n\
         [policy.fast]\nfirst_response = \"6s\"\nnext_response = \"6s\"\n[alert]\nroutes = [{{ to = [\"hook\"] }}]\n",
        receiver.address
    ));
    let asked = SystemClock.now();
    let answered = |n: usize, after: i64| {
        let mut thread: Value = serde_json::from_str(&thread(n, asked)).expect("JSON");
        let ts = (asked + SignedDuration::from_secs(after)).to_string();
        let said = json!({ "id": "2", "author": "Tom", "ts": ts, "text": "It weighs forty kilograms." });
        thread["messages"].as_array_mut().expect("a list").push(said);
        thread.to_string()
    };
    fs::write(home.path("threads/all.jsonl"), [answered(1, 1), thread(2, asked)].join("\n")).expect("written");
    let mut daemon = home.serve();
    let stages = |n: usize| -> Vec<String> {
        let title = format!("Crate {n}");
        let came = receiver.came();
        let owed = came.iter().flat_map(|(_, body)| body["data"]["obligations"].as_array().expect("a list").clone());
        owed.filter(|owed| owed["thread"]["title"] == title.as_str())
            .map(|owed| owed["stage"].as_str().expect("a stage").to_owned())
            .collect()
    };
    wait_until("the second to be late", || stages(2) == ["at_risk", "breached"]);
    let breached = receiver.came().iter().filter(|(_, body)| body["type"] == "obligation.breached").count();
    assert_eq!(breached, 1);
    let shown = home.run(&["obligations", "--json"]);
    assert_eq!(shown.status.code(), Some(3), "something is late");
    let owed: Value = serde_json::from_slice(&shown.stdout).expect("one object");
    assert_eq!(owed["cites"][0]["quote"], "Tom, could you weigh crate 2?");
    assert_eq!((&owed["health"], &owed["thread"]["title"]), (&json!("breached"), &json!("Crate 2")));
    fs::write(home.path("threads/all.jsonl"), [answered(1, 1), answered(2, 8)].join("\n")).expect("written");
    wait_until("the second to end", || stages(2) == ["at_risk", "breached", "closed"]);
    assert!(stages(1).is_empty(), "nobody was late there: {:?}", stages(1));
    assert!(daemon.stop().0);
}
