//! The event stream: in order, from where a reader left off, and of their own sources alone.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use bluf::{store::token::Scope, time::Stopwatch};

use super::{
    client::connect,
    site::{Site, export, lunch, printers},
};

/// An open stream.
struct Stream {
    reader: BufReader<TcpStream>,
}

/// One event: its name, its number, its data.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    name: String,
    id: i64,
    data: serde_json::Value,
}

impl Stream {
    fn open(site: &Site, headers: &str) -> Stream {
        let mut stream = connect(site);
        let port = site.address.port();
        write!(stream, "GET /api/v1/events HTTP/1.1\r\nhost: localhost:{port}\r\n{headers}\r\n").expect("sent");
        let mut stream = Stream { reader: BufReader::new(stream) };
        let status = stream.line();
        assert!(status.contains(" 200 "), "{status}");
        while !stream.line().is_empty() {}
        stream
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    /// The next event; signs of life and the lengths of chunks are passed over. `None` at the end.
    fn next(&mut self) -> Option<Event> {
        let (mut name, mut id, mut data) = (String::new(), None, None);
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("event", value)) => name = value.to_owned(),
                Some(("id", value)) => id = value.parse().ok(),
                Some(("data", value)) => data = serde_json::from_str(value).ok(),
                _ => {}
            }
            if let (false, Some(id), Some(data)) = (name.is_empty(), id, data.clone()) {
                return Some(Event { name, id, data });
            }
        }
    }

    fn take(&mut self, n: usize) -> Vec<Event> {
        (0..n).map(|_| self.next().expect("an event")).collect()
    }
}

#[test]
fn what_happens_is_told_in_order_and_resumed_without_gap_or_double() {
    let site = Site::with(|_| {});
    let mut live = Stream::open(&site, "");
    // Until it has begun to look, what happens is before its time.
    std::thread::sleep(Duration::from_millis(100));
    site.bring("team", vec![export(), lunch()]);
    site.read_all();
    let told = live.take(4);
    let names: Vec<&str> = told.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["thread.changed", "thread.changed", "summary.made", "summary.made"]);
    assert!(told.windows(2).all(|two| two[0].id < two[1].id));
    assert_eq!(told[0].data["thread"], site.key("export").as_str());
    assert_eq!((&told[0].data["source"], told[0].data["seq"].as_i64()), (&"team".into(), Some(told[0].id)));
    drop(live);
    for at in 0..4 {
        let mut resumed = Stream::open(&site, &format!("last-event-id: {}\r\n", told[at].id));
        assert_eq!(resumed.take(3 - at), told[at + 1..]);
    }
    assert_eq!(Stream::open(&site, "last-event-id: 0\r\n").take(4), told);
}

#[test]
fn a_reader_that_resumes_anothers_stream_gets_their_own() {
    let site = Site::new();
    let everything = Stream::open(&site, "last-event-id: 0\r\n").take(6);
    let middle = everything[1].id;
    let token = site.token("team-only", Scope::Read, Some(&["team"]));
    let mut theirs = Stream::open(&site, &format!("authorization: Bearer {token}\r\nlast-event-id: {middle}\r\n"));
    site.bring(
        "mail",
        vec![{
            let mut more = printers();
            more.title = "Other".into();
            more
        }],
    );
    site.bring(
        "team",
        vec![{
            let mut more = lunch();
            more.title = "Dinner".into();
            more
        }],
    );
    let own: Vec<_> = everything.iter().filter(|e| e.id > middle && e.data["source"] == "team").cloned().collect();
    let told = theirs.take(own.len() + 1);
    assert_eq!(told[..own.len()], own);
    assert_eq!(told[own.len()].data["thread"], site.key("lunch").as_str(), "what came of mail was passed over");
}

#[test]
fn who_missed_what_is_no_longer_kept_is_told_to_begin_anew() {
    let site = Site::new();
    site.store().write(|on| on.execute("DELETE FROM change WHERE seq < 5", ())).expect("pruned");
    let told = Stream::open(&site, "last-event-id: 2\r\n").take(3);
    assert!(told.iter().any(|e| e.name == "reset"), "{told:?}");
    // A number that was never given out here: another database, most likely.
    let told = Stream::open(&site, "last-event-id: 999999\r\n").take(1);
    assert_eq!(told[0].name, "reset");
    site.get("/api/v1/events").header("last-event-id", "x").send().is_problem(400, "bad_event_id");
}

#[test]
fn a_quiet_stream_shows_signs_of_life_and_ends_with_its_token() {
    let site = Site::with(|config| config.heartbeat = Duration::from_millis(100));
    let token = site.token("short", Scope::Read, None);
    let mut stream = Stream::open(&site, &format!("authorization: Bearer {token}\r\n"));
    let begun = Stopwatch::start();
    while stream.line() != ": alive" {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    site.store().revoke_token("short").expect("asked");
    site.bring("team", vec![lunch()]);
    assert_eq!(stream.next(), None);
}

#[test]
fn the_server_ends_though_somebody_listens() {
    let mut site = Site::new();
    let mut stream = Stream::open(&site, "");
    let _idle = connect(&site);
    let took = site.close();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(stream.next(), None);
}
