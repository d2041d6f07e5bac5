//! `[web]`: where to listen, who may come in without a token, and how much is taken at once.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The settings of the HTTP face.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Addresses to listen on. One that is not loopback needs `hosts`.
    pub listen: Vec<SocketAddr>,
    /// A Unix socket to listen on.
    pub socket: Option<PathBuf>,
    /// Its permissions.
    pub socket_mode: u32,
    /// Names that bluf answers to besides loopback's own, as the Host header has them, each with its port unless that is
    /// the usual one.
    pub hosts: Vec<String>,
    /// Whether programs on this machine may read and act without a token. Never who comes through a proxy.
    pub open_on_loopback: bool,
    /// For everybody but programs on this machine that need no token: requests a second, and how many at once.
    pub requests_per_second: f64,
    pub burst: f64,
    /// Bytes of an ordinary body, and of one that brings threads.
    pub most_body_bytes: usize,
    pub most_ingest_bytes: usize,
    /// How long a request's head, and then its body, may take to arrive.
    pub patience: Duration,
    /// How long a summary that somebody waits for may take.
    pub summarize_patience: Duration,
    /// Between signs of life on an event stream.
    pub heartbeat: Duration,
    /// Connections at one time.
    pub connections: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 7710))],
            socket: None,
            socket_mode: 0o660,
            hosts: Vec::new(),
            open_on_loopback: true,
            requests_per_second: 50.0,
            burst: 200.0,
            most_body_bytes: 1 << 20,
            most_ingest_bytes: 32 << 20,
            patience: Duration::from_secs(20),
            summarize_patience: Duration::from_secs(120),
            heartbeat: Duration::from_secs(15),
            connections: 512,
        }
    }
}
