//! Whose browser a request comes from: pages of other sites may neither read nor move anything here.
//!
//! Against DNS rebinding the Host must be, to the letter, one that bluf was told to serve or a literal name of loopback
//! with the port that was connected to; no suffix is trusted. Against requests that other sites' pages send, any Origin,
//! Referer or Fetch Metadata (W3C) that is not this server's own is refused.

use std::net::SocketAddr;

use axum::http::{
    HeaderMap, Method, Uri,
    header::{HOST, HeaderName, ORIGIN, REFERER, UPGRADE},
};

use super::error::ApiError;

/// How a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Through a socket whose file mode says who may.
    Unix,
    Tcp {
        from: SocketAddr,
        to: SocketAddr,
    },
}

/// What a proxy adds: who comes through one is not on this machine.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

impl Peer {
    /// Whether it is a program on this machine, and nobody that one speaks for.
    pub fn is_local(&self, headers: &HeaderMap) -> bool {
        if FORWARDED.iter().any(|name| headers.contains_key(*name)) {
            return false;
        }
        match self {
            Peer::Unix => true,
            // A name that bluf was told to serve is one that others call it by.
            Peer::Tcp { from, to } => {
                from.ip().to_canonical().is_loopback() && host(headers).is_some_and(|host| is_loopback(host, to.port()))
            }
        }
    }
}

/// Refuses what a foreign page may have sent. `hosts`: the names that bluf was told to serve.
pub(crate) fn check(
    peer: &Peer,
    hosts: &[String],
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let refused = |code, what: &str| Err(ApiError::forbidden(code, what.to_owned()));
    if !is_served(peer, hosts, uri, headers) {
        return refused("bad_host", "The Host is not one that this server answers to; name it under [web] hosts.");
    }
    if headers.contains_key(UPGRADE) {
        return refused("no_upgrade", "There is nothing to upgrade to.");
    }
    let own = match peer {
        Peer::Unix => None,
        Peer::Tcp { .. } => host(headers),
    };
    for name in [ORIGIN, REFERER] {
        if headers.get_all(&name).iter().any(|value| !value.to_str().is_ok_and(|value| is_own(value, own))) {
            return refused("foreign_origin", "Pages of other sites may not ask here.");
        }
    }
    if is_cross_site(method, uri, headers) {
        return refused("cross_site", "Pages of other sites may not ask here.");
    }
    Ok(())
}

fn is_served(peer: &Peer, hosts: &[String], uri: &Uri, headers: &HeaderMap) -> bool {
    let Peer::Tcp { from, to } = peer else { return true };
    let Some(host) = host(headers) else { return false };
    // Who names a host in the request line means that one.
    if uri.authority().is_some_and(|named| !named.as_str().eq_ignore_ascii_case(host)) {
        return false;
    }
    let named = hosts.iter().any(|name| name.eq_ignore_ascii_case(host));
    named || (from.ip().to_canonical().is_loopback() && is_loopback(host, to.port()))
}

/// The Host header, where there is exactly one and it is not empty.
pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(HOST).iter();
    match (all.next(), all.next()) {
        (Some(host), None) => host.to_str().ok().filter(|host| !host.is_empty()),
        _ => None,
    }
}

/// Whether `host` is a literal name of loopback with this port, which only 80 may leave out.
fn is_loopback(host: &str, port: u16) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        host.len() >= name.len()
            && host.is_char_boundary(name.len())
            && host[..name.len()].eq_ignore_ascii_case(name)
            && match &host[name.len()..] {
                "" => port == 80,
                rest => rest.strip_prefix(':') == Some(port.to_string().as_str()),
            }
    })
}

/// Whether an Origin or a Referer is this server's. `null` is nobody's.
fn is_own(value: &str, host: Option<&str>) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    matches!(scheme, "http" | "https") && host.is_some_and(|host| authority.eq_ignore_ascii_case(host))
}

fn is_cross_site(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let fetch = |name: &'static str| headers.get(HeaderName::from_static(name)).map(|v| v.to_str().unwrap_or("?"));
    let (site, mode, dest) = (fetch("sec-fetch-site"), fetch("sec-fetch-mode"), fetch("sec-fetch-dest"));
    match (site, mode) {
        (_, Some("websocket")) => true,
        (Some("same-origin" | "none"), _) => false,
        (None, mode) => mode == Some("no-cors"),
        // Somebody follows a link to a page.
        (Some(_), Some("navigate")) => {
            method != Method::GET || dest != Some("document") || uri.path().starts_with("/api/")
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: u16 = 7878;

    fn peer() -> Peer {
        Peer::Tcp { from: ([127, 0, 0, 1], 50_000).into(), to: ([127, 0, 0, 1], PORT).into() }
    }

    fn passes(peer: Peer, method: &str, path: &str, sent: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().expect("a value"));
        }
        let hosts = ["bluf.example.org".to_owned(), "desk.local:8443".to_owned()];
        let method = method.parse().expect("a method");
        check(&peer, &hosts, &method, &path.parse().expect("a path"), &headers).is_ok()
    }

    #[test]
    fn a_host_is_served_to_the_letter_or_not_at_all() {
        for host in
            ["localhost:7878", "LOCALHOST:7878", "127.0.0.1:7878", "[::1]:7878", "bluf.example.org", "desk.local:8443"]
        {
            assert!(passes(peer(), "GET", "/", &[("host", host)]), "{host}");
        }
        for host in [
            "",
            "localhost",
            "localhost:7879",
            "localhost:07878",
            "localhost.:7878",
            "evil.example",
            "evil.example:7878",
            "x.local",
            "x.local:7878",
            "desk.local",
            "x.internal:7878",
            "x.localhost:7878",
            "127.0.0.1.nip.io:7878",
            "127.0.0.2:7878",
            "127.1:7878",
            "2130706433:7878",
            "[::ffff:127.0.0.1]:7878",
            "bluf.example.org.evil.example",
            "evil.bluf.example.org",
            "bluf.example.org:7878",
            "localhost:7878@evil.example",
        ] {
            assert!(!passes(peer(), "GET", "/", &[("host", host)]), "{host}");
        }
        assert!(!passes(peer(), "GET", "/", &[]));
        assert!(!passes(peer(), "GET", "/", &[("host", "localhost:7878"), ("host", "localhost:7878")]));
        assert!(!passes(peer(), "GET", "http://evil.example/", &[("host", "localhost:7878")]));
    }

    #[test]
    fn a_name_of_loopback_is_only_loopbacks() {
        let other = Peer::Tcp { from: ([192, 0, 2, 7], 50_000).into(), to: ([192, 0, 2, 1], PORT).into() };
        assert!(!passes(other, "GET", "/", &[("host", "localhost:7878")]));
        assert!(passes(other, "GET", "/", &[("host", "bluf.example.org")]));
        let local = |sent: &[(&'static str, &'static str)]| {
            let headers = sent.iter().map(|(n, v)| (HeaderName::from_static(n), v.parse().expect("a value"))).collect();
            peer().is_local(&headers)
        };
        assert!(local(&[("host", "localhost:7878")]));
        assert!(!local(&[("host", "bluf.example.org")]));
        assert!(!local(&[("host", "localhost:7878"), ("x-forwarded-for", "192.0.2.7")]));
    }

    #[test]
    fn an_origin_is_ours_or_none() {
        let with = |name, value| passes(peer(), "POST", "/api/v1/ingest", &[("host", "localhost:7878"), (name, value)]);
        assert!(with("origin", "http://localhost:7878") && with("referer", "http://localhost:7878/threads?x=1"));
        for value in
            ["null", "", "http://evil.example", "http://localhost:7878.evil.example", "http://localhost", "file://"]
        {
            assert!(!with("origin", value), "{value}");
        }
        assert!(!with("origin", "http://127.0.0.1:7878"), "another name of ours is another site");
        assert!(!with("referer", "https://evil.example/?http://localhost:7878"));
        let unix = |sent: &[(&'static str, &str)]| passes(Peer::Unix, "GET", "/", sent);
        assert!(unix(&[]) && unix(&[("host", "whatever")]));
        assert!(!unix(&[("host", "evil.example"), ("origin", "http://evil.example")]));
    }

    #[test]
    fn other_sites_may_link_to_pages_and_nothing_else() {
        let sent = |method: &str, path: &str, site: &str, mode: &str, dest: &str| {
            let headers = [
                ("host", "localhost:7878"),
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ];
            passes(peer(), method, path, &headers)
        };
        assert!(sent("GET", "/threads/1", "cross-site", "navigate", "document"));
        assert!(sent("GET", "/style.css", "same-origin", "no-cors", "style"));
        assert!(sent("GET", "/", "none", "navigate", "document"));
        assert!(!sent("GET", "/api/v1/threads", "cross-site", "navigate", "document"));
        assert!(!sent("GET", "/threads/1", "cross-site", "navigate", "iframe"));
        assert!(!sent("POST", "/threads/1", "cross-site", "navigate", "document"));
        for site in ["cross-site", "same-site"] {
            for mode in ["no-cors", "cors", "websocket", ""] {
                assert!(!sent("GET", "/", site, mode, "empty"), "{site} {mode}");
            }
        }
        assert!(!passes(peer(), "GET", "/", &[("host", "localhost:7878"), ("sec-fetch-mode", "no-cors")]));
        assert!(!passes(peer(), "GET", "/", &[("host", "localhost:7878"), ("upgrade", "websocket")]));
    }
}
