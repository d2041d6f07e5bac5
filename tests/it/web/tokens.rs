//! Who may come in, what they may do, and what a reader of one source sees of another: nothing.

use std::time::Duration;

use bluf::{
    store::{audit, token, token::Scope},
    time::Stopwatch,
};
use jiff::ToSpan;

use super::site::{Site, now};

#[test]
fn a_token_is_shown_once_and_kept_as_a_sum() {
    let site = Site::new();
    let words = site.token("ci", Scope::Read, None);
    assert!(words.starts_with("bluf_") && words.len() == 69, "{words}");
    assert!(
        site.store().create_token("ci", Scope::Read, None, None, now()).expect("asked").is_none(),
        "the name is taken"
    );
    for file in std::fs::read_dir(site.folder.path()).expect("a folder").flatten().filter(|f| f.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        assert!(!bytes.windows(words.len()).any(|w| w == words.as_bytes()), "{:?}", file.path());
    }
    assert_ne!(words, site.token("other", Scope::Read, None));
}

#[test]
fn without_a_token_nobody_comes_in_where_none_may() {
    let site = Site::with(|config| config.open_on_loopback = false);
    let answer = site.get("/api/v1/threads").send();
    answer.is_problem(401, "unauthorized");
    let asked: Vec<&str> =
        answer.headers.iter().filter(|(n, _)| n == "www-authenticate").map(|(_, v)| v.as_str()).collect();
    assert_eq!(asked, ["Bearer realm=\"bluf\"", "Basic realm=\"bluf\""]);
    site.get("/api/v1/threads").unix().send().is_problem(401, "unauthorized");
    for path in [
        "/openapi.json",
        "/docs/",
        "/metrics",
        "/api/v1/events",
        "/api/v1/feeds/digest.atom",
        "/nothing",
        "/api/v1/stats",
    ] {
        site.get(path).send().is_problem(401, "unauthorized");
    }
    for path in ["/healthz", "/readyz"] {
        site.get(path).send().ok();
    }
    let token = site.token("t", Scope::Read, None);
    site.get("/api/v1/threads").token(&token).send().ok();
    site.get("/api/v1/threads")
        .header("authorization", &format!("Basic {}", base64(&format!("me:{token}"))))
        .send()
        .ok();
    site.get(&format!("/api/v1/feeds/digest.atom?token={token}")).send().ok();
    site.get(&format!("/api/v1/threads?token={token}")).send().is_problem(401, "unauthorized");
}

#[test]
fn a_token_that_is_wrong_lets_nobody_in_even_here() {
    let site = Site::new();
    for wrong in ["bluf_", "", "x", &format!("bluf_{}", "0".repeat(64))] {
        site.get("/api/v1/threads").token(wrong).send().is_problem(401, "unauthorized");
    }
    site.get("/api/v1/threads").header("authorization", "Digest x").send().is_problem(401, "unauthorized");
}

#[test]
fn a_token_ends_when_it_expires_or_is_taken_back() {
    let site = Site::new();
    let expires = now().checked_add(1.hour()).expect("a time");
    let words =
        site.store().create_token("short", Scope::Read, None, Some(expires), now()).expect("made").expect("new");
    let at = |when| site.store().read(|on| token::find(on, words.reveal(), when)).expect("read").is_some();
    assert!(at(now()) && !at(expires));
    site.get("/api/v1/threads").token(words.reveal()).send().ok();
    assert!(site.store().revoke_token("short").expect("asked") && !site.store().revoke_token("short").expect("asked"));
    site.get("/api/v1/threads").token(words.reveal()).send().is_problem(401, "unauthorized");
}

#[test]
fn a_token_of_another_scope() {
    let site = Site::new();
    let read = site.token("r", Scope::Read, None);
    let key = site.key("export");
    let thread = r#"{"source":"team","id":"new","messages":[{"text":"hello"}]}"#;
    for path in
        ["/api/v1/ingest", "/api/v1/summarize", &format!("/api/v1/threads/{key}/summary"), "/api/v1/sources/team/sync"]
    {
        site.post(path, thread).token(&read).send().is_problem(403, "scope");
    }
    let act = site.token("a", Scope::Act, None);
    site.post("/api/v1/ingest", thread).token(&act).send().ok();
    assert_eq!(site.post(&format!("/api/v1/threads/{key}/summary"), "").token(&act).send().status, 202);
}

/// Every route, with words of the other source looked for in all that it answers.
#[test]
fn a_reader_of_one_source_sees_nothing_of_another() {
    let site = Site::new();
    site.plain.embeds.store(true, std::sync::atomic::Ordering::Relaxed);
    // The vectors are read beside the first search.
    let everything = site.token("all", Scope::Read, None);
    let begun = Stopwatch::start();
    while !site
        .get("/api/v1/search?q=printers+form")
        .token(&everything)
        .send()
        .ok()
        .text()
        .contains("\"by_meaning\":true")
    {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    let token = site.token("team-only", Scope::Act, Some(&["team"]));
    let theirs = site.key("p1@h");
    for path in [
        "/",
        "/search?q=xylophone",
        "/search?q=printers",
        "/api/v1/threads",
        "/api/v1/threads?sort=added",
        "/api/v1/threads?source=mail",
        "/api/v1/search?q=xylophone",
        "/api/v1/search?q=return+printers&source=mail",
        "/api/v1/decisions",
        "/api/v1/decisions?source=mail",
        "/api/v1/digest?since=30d",
        "/api/v1/catchup?since=30d",
        "/api/v1/catchup?since=30d&source=mail",
        "/api/v1/stats",
        "/api/v1/sources",
        "/api/v1/feeds/digest.atom",
        "/metrics",
    ] {
        let text = site.get(path).token(&token).send().ok().text();
        // A page shows again what was looked for.
        let text = text.replace("value=\"xylophone\"", "").replace("value=\"printers\"", "").replace("Search: ", "");
        let text = text.replace("xylophone · bluf", "").replace("printers · bluf", "");
        for word in ["xylophone", "rinters", "p1@h", "mail", "Eve Holt", theirs.as_str()] {
            assert!(!text.contains(word), "{word} in {path}: {text}");
        }
        let all = site.get(path).token(&everything).send().ok().text();
        assert!(["rinters", "mail"].iter().any(|w| all.contains(w)), "{path} shows nothing to anybody: {all}");
    }
    for path in [format!("/api/v1/threads/{theirs}"), format!("/threads/{theirs}")] {
        site.get(&path).token(&token).send().is_problem(404, "no_thread");
    }
    for part in ["summary", "messages"] {
        site.get(&format!("/api/v1/threads/{theirs}/{part}")).token(&token).send().is_problem(404, "no_thread");
    }
    site.post(&format!("/api/v1/threads/{theirs}/summary"), "").token(&token).send().is_problem(404, "no_thread");
    site.post("/api/v1/sources/mail/sync", "").token(&token).send().is_problem(404, "no_source");
    let both = "{\"source\":\"team\",\"id\":\"n\",\"messages\":[{\"text\":\"x\"}]}\n{\"source\":\"mail\",\"id\":\"n\",\"messages\":[{\"text\":\"x\"}]}";
    site.post("/api/v1/ingest", both).token(&token).send().is_problem(403, "source");
    let all = site.get("/api/v1/threads").send().ok().text();
    assert!(!all.contains("\"external_id\":\"n\""), "nothing was taken: {all}");
}

#[test]
fn who_reads_is_written_down_and_what_they_read_is_not() {
    let mut site = Site::new();
    let token = site.token("auditor", Scope::Act, None);
    let key = site.key("export");
    for path in [
        format!("/api/v1/threads/{key}"),
        format!("/api/v1/threads/{key}/summary"),
        format!("/api/v1/threads/{key}/messages"),
        format!("/threads/{key}"),
    ] {
        site.get(&path).token(&token).send().ok();
    }
    site.get("/api/v1/search?q=quagmire").token(&token).send().ok();
    site.post(&format!("/api/v1/threads/{key}/summary"), "").send();
    let answer = site.get("/api/v1/decisions").send().ok();
    let id = answer.header("x-request-id").to_owned();
    // The end writes down what was still to be written.
    site.close();
    let entries = site.store().read(|on| audit::newest(on, 100)).expect("read");
    let did: Vec<(&str, &str, Option<&str>)> =
        entries.iter().rev().map(|e| (e.who.as_str(), e.what.as_str(), e.subject.as_deref())).collect();
    let key = Some(key.as_str());
    assert_eq!(
        did,
        [
            ("auditor", "thread", key),
            ("auditor", "summary", key),
            ("auditor", "messages", key),
            ("auditor", "page", key),
            ("auditor", "search", None),
            ("loopback", "refresh", key),
            ("loopback", "decisions", None),
        ]
    );
    assert_eq!(entries[0].request_id.as_deref(), Some(id.as_str()));
    assert!(entries.iter().all(|e| !format!("{e:?}").contains("quagmire")));
    let used = site.store().read(token::all).expect("read").remove(0).used_ms;
    assert_eq!(used, Some(now().as_millisecond()));
}

/// RFC 4648, for Basic.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text.as_bytes()
        .chunks(3)
        .map(|three| {
            let bits = three.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - three.len()));
            let letters = (0..4).map(|at| char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]));
            letters.enumerate().map(|(at, c)| if at > three.len() { '=' } else { c }).collect::<String>()
        })
        .collect()
}
