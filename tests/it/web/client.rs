//! A client that sends to the letter what it is told, also what no decent client would.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    time::Duration,
};

use super::site::Site;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request to be sent.
pub struct Ask<'s> {
    site: &'s Site,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    unix: bool,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl<'s> Ask<'s> {
    pub fn new(site: &'s Site, method: &str, path: &str) -> Ask<'s> {
        let host = ("host".to_owned(), format!("127.0.0.1:{}", site.address.port()));
        Ask { site, method: method.into(), path: path.into(), headers: vec![host], body: Vec::new(), unix: false }
    }

    /// Sets a header, in place of what it was; two of a kind are for `raw`.
    pub fn header(mut self, name: &str, value: &str) -> Ask<'s> {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn token(self, token: &str) -> Ask<'s> {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Ask<'s> {
        self.body = body.into();
        self
    }

    pub fn unix(mut self) -> Ask<'s> {
        self.unix = true;
        self
    }

    pub fn send(self) -> Answer {
        let mut request = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method == "POST" {
            request.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        request.push_str("\r\n");
        let bytes = [request.as_bytes(), &self.body].concat();
        if self.unix {
            let mut stream = UnixStream::connect(&self.site.socket).expect("it connects");
            stream.set_read_timeout(Some(PATIENCE)).expect("set");
            exchange(&mut stream, &bytes)
        } else {
            raw(self.site, &bytes)
        }
    }
}

/// Sends bytes and reads until the server closes.
pub fn raw(site: &Site, bytes: &[u8]) -> Answer {
    let mut stream = connect(site);
    exchange(&mut stream, bytes)
}

pub fn connect(site: &Site) -> TcpStream {
    let stream = TcpStream::connect(site.address).expect("it connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

fn exchange(stream: &mut (impl Read + Write), bytes: &[u8]) -> Answer {
    // A server that refuses a large body need not read it to its end.
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    Answer::parse(&all)
}

impl Answer {
    pub fn parse(all: &[u8]) -> Answer {
        let end = all.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer in {:?}", String::from_utf8_lossy(all)));
        let head = String::from_utf8(all[..end].to_vec()).expect("heads are ASCII");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).expect("a status");
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let chunked = headers.iter().any(|(n, v)| n == "transfer-encoding" && v == "chunked");
        let body = if chunked { unchunked(&all[end + 4..]) } else { all[end + 4..].to_vec() };
        Answer { status, headers, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("answers are UTF-8")
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {:?}", self.status, self.text()))
    }

    /// That it is a problem with this status and code, as RFC 9457 has them, and says nothing of what is inside.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(
            (problem["status"].as_u64(), problem["code"].as_str()),
            (Some(status.into()), Some(code)),
            "{problem}"
        );
        assert_eq!(problem["type"], "about:blank");
        assert!(problem["title"].is_string() && problem["detail"].as_str().is_some_and(|d| !d.is_empty()), "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for inside in ["sqlite", "SELECT", "panicked", "src/", "/tmp"] {
            assert!(!self.text().contains(inside), "{inside}: {problem}");
        }
    }

    #[track_caller]
    pub fn ok(self) -> Answer {
        assert_eq!(self.status, 200, "{}", self.text());
        self
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let length =
            std::str::from_utf8(&rest[..end]).ok().and_then(|l| usize::from_str_radix(l, 16).ok()).expect("a length");
        let Some(chunk) = rest.get(end + 2..end + 2 + length) else { break };
        if length == 0 {
            break;
        }
        body.extend_from_slice(chunk);
        rest = &rest[end + 4 + length..];
    }
    body
}
