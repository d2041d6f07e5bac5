//! Attacks that other local servers have met, by the names of their reports.

use super::{
    client::{Ask, raw},
    site::Site,
};

/// Words of threads: none may be in what is refused.
const WORDS: [&str; 3] = ["quagmire", "xylophone", "Lunch"];

#[track_caller]
fn refused(ask: Ask<'_>, code: &str) {
    let answer = ask.send();
    answer.is_problem(403, code);
    assert!(WORDS.iter().all(|word| !answer.text().contains(word)));
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

/// CVE-2024-28224: a page whose name is made to point here reads everything.
#[test]
fn rebind_ollama_28224() {
    let site = Site::new();
    let port = site.address.port();
    for host in
        ["evil.example", "evil.example:80", &format!("evil.example:{port}"), &format!("127.0.0.1.nip.io:{port}")]
    {
        for path in
            ["/", "/api/v1/threads", "/api/v1/search?q=quagmire", "/healthz", "/metrics", "/openapi.json", "/nothing"]
        {
            refused(site.get(path).header("host", host), "bad_host");
        }
        refused(site.post("/api/v1/ingest", "{}").header("host", host), "bad_host");
        refused(site.post("/api/v1/hooks/chat", "{}").header("host", host), "bad_host");
    }
    // A token does not make a foreign name right.
    let token = site.token("t", bluf::store::token::Scope::Admin, None);
    refused(site.get("/api/v1/threads").token(&token).header("host", "evil.example"), "bad_host");
}

/// Names that a suffix would let through: no suffix is trusted.
#[test]
fn rebind_dot_internal_17311() {
    let site = Site::new();
    let port = site.address.port();
    for name in ["x.local", "x.internal", "x.localhost", "localhost.evil.example", "bluf.example.org.evil.example"] {
        refused(site.get("/api/v1/threads").header("host", name), "bad_host");
        refused(site.get("/api/v1/threads").header("host", &format!("{name}:{port}")), "bad_host");
    }
    for name in ["localhost", "127.0.0.1", "LOCALHOST", "[::1]"] {
        assert_eq!(site.get("/api/v1/threads").header("host", &format!("{name}:{port}")).send().status, 200, "{name}");
    }
}

#[test]
fn empty_host() {
    let site = Site::new();
    let port = site.address.port();
    refused(site.get("/api/v1/threads").header("host", ""), "bad_host");
    let two = format!(
        "GET /api/v1/threads HTTP/1.1\r\nhost: localhost:{port}\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
    );
    for odd in [
        "GET /api/v1/threads HTTP/1.0\r\n\r\n",
        "GET /api/v1/threads HTTP/1.1\r\nconnection: close\r\n\r\n",
        &two,
        &format!(
            "GET http://evil.example/api/v1/threads HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n"
        ),
    ] {
        let answer = raw(&site, odd.as_bytes());
        assert!(matches!(answer.status, 400 | 403), "{odd:?}: {}", answer.status);
        assert!(!answer.text().contains("Nightly"), "{odd:?}");
    }
}

/// A page in a sandbox, or a file, has no origin.
#[test]
fn origin_null_caddy() {
    let site = Site::new();
    refused(site.get("/api/v1/threads").header("origin", "null"), "foreign_origin");
    refused(site.post("/api/v1/ingest", "{}").header("origin", "null"), "foreign_origin");
}

#[test]
fn a_foreign_origin_or_referer() {
    let site = Site::new();
    let own = format!("http://127.0.0.1:{}", site.address.port());
    for foreign in ["http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1", &format!("{own}.evil.example")] {
        refused(site.get("/api/v1/threads").header("origin", foreign), "foreign_origin");
        refused(site.get("/").header("referer", &format!("{foreign}/page")), "foreign_origin");
        refused(site.get("/api/v1/threads").unix().header("origin", foreign), "foreign_origin");
    }
    site.get("/api/v1/threads").header("origin", &own).header("referer", &format!("{own}/docs/")).send().ok();
}

/// What a page may send without asking first: it is sent, and refused.
#[test]
fn no_cors_caddy() {
    let site = Site::new();
    let before = site.get("/api/v1/threads").send().text();
    for fetch in [
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")],
    ] {
        let [a, b] = fetch;
        refused(site.post("/api/v1/ingest", "{}").header(a.0, a.1).header(b.0, b.1), "cross_site");
        refused(site.get("/api/v1/threads").header(a.0, a.1).header(b.0, b.1), "cross_site");
    }
    refused(site.post("/api/v1/ingest", "{}").header("sec-fetch-mode", "no-cors"), "cross_site");
    refused(site.get("/api/v1/events").header("upgrade", "websocket"), "no_upgrade");
    // An old browser says nothing of all this; then it is the type of the body.
    let plain = site.post("/api/v1/ingest", r#"{"id":"x","messages":[]}"#).header("content-type", "text/plain").send();
    plain.is_problem(415, "media_type");
    assert_eq!(site.get("/api/v1/threads").send().text(), before);
}

#[test]
fn path_traversal() {
    let site = Site::new();
    for path in [
        "/../bluf.db",
        "/docs/../../bluf.db",
        "/docs/..%2f..%2fCargo.toml",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/threads/..%2f..%2fetc%2fpasswd",
        "/threads/..%2f..",
        "/style.css/../../etc/passwd",
        "//etc/passwd",
        "/docs//etc/passwd",
        "/api/v1/threads/%00",
        "/docs/%00",
    ] {
        let answer = site.get(path).send();
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        assert!(!answer.text().contains("root:") && !answer.text().contains("[package]"), "{path}");
    }
    let answer = site.get("/api/v1/threads/%ff%fe").send();
    answer.is_problem(400, "bad_path");
}

/// A proxy on this machine speaks for others: without a token they may not even read.
#[test]
fn who_comes_through_a_proxy_is_not_on_this_machine() {
    let site = Site::new();
    for name in ["forwarded", "x-forwarded-for", "x-real-ip", "via"] {
        site.get("/api/v1/threads").header(name, "192.0.2.1").send().is_problem(401, "unauthorized");
        site.get("/api/v1/threads").unix().header(name, "192.0.2.1").send().is_problem(401, "unauthorized");
    }
    site.get("/api/v1/threads").header("host", "bluf.example.org").send().is_problem(401, "unauthorized");
    let token = site.token("t", bluf::store::token::Scope::Read, None);
    site.get("/api/v1/threads").header("host", "bluf.example.org").token(&token).send().ok();
}

#[test]
fn a_socket_asks_for_no_host_and_has_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    site.get("/api/v1/threads").unix().header("host", "anything").send().ok();
    let mode = std::fs::metadata(&site.socket).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
}

/// Every answer says what a browser may do with it.
#[test]
fn every_answer_is_dressed() {
    let site = Site::new();
    for path in ["/", "/api/v1/threads", "/nothing", "/style.css", "/docs/", "/healthz"] {
        let answer = site.get(path).send();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe-eval") && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(answer.header("x-request-id").len(), 16, "{path}");
        assert!(!answer.header("cache-control").contains("public"), "{path}");
    }
}
