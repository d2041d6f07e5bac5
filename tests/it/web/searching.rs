//! Search: words as people type them, where they stand, and what is near in meaning.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use bluf::{
    domain::Kind,
    store::{
        search::{self, Centroids, Query, Words},
        thread::Filter,
    },
    time::Stopwatch,
};

use super::site::{Site, of, said, vector};
use crate::support::say;

fn hits(site: &Site, query: &str) -> Vec<String> {
    let found = site.get(&format!("/api/v1/search?q={query}")).send().ok().json();
    let hits = found["hits"].as_array().expect("a list").iter();
    hits.map(|h| h["thread"]["external_id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn words_phrases_negations_and_beginnings() {
    let site = Site::new();
    assert_eq!(hits(&site, "quagmire"), ["export"]);
    assert_eq!(hits(&site, "QUAGMIRE+week"), ["export"]);
    assert_eq!(hits(&site, "quagmir*"), ["export"]);
    assert_eq!(hits(&site, "%22nightly+export%22"), ["export"]);
    assert_eq!(hits(&site, "%22export+nightly%22"), Vec::<String>::new());
    assert_eq!(hits(&site, "friday+-kitchen"), ["export"]);
    assert_eq!(hits(&site, "friday").len(), 2);
    assert_eq!(hits(&site, "friday&kind=email"), Vec::<String>::new());
    assert_eq!(hits(&site, "friday&since=30h"), ["export"]);
    // No message has both; any is better than nothing, and is said.
    let any = site.get("/api/v1/search?q=quagmire+kitchen").send().ok().json();
    assert_eq!((any["any"].as_bool(), any["hits"].as_array().map(Vec::len)), (Some(true), Some(2)));
}

#[test]
fn nothing_that_is_typed_is_an_error() {
    let site = Site::new();
    for odd in [
        "",
        "%22",
        "%22%22",
        "-",
        "--",
        "-quagmire",
        "*",
        "**",
        "a*b",
        "(",
        ")",
        "NEAR(a+b)",
        "AND",
        "OR+OR",
        "NOT",
        "text:quagmire",
        "^a",
        "{a}:b",
        "a%00b",
        "%27%3B+DROP+TABLE+message--",
        "%E2%80%AE",
        "%F0%9F%91%A9",
        "+++",
        "%CC%81",
        "-%22",
        "%22-%22",
        "a+-",
    ] {
        let answer = site.get(&format!("/api/v1/search?q={odd}")).send();
        assert_eq!(answer.status, 200, "{odd}: {}", answer.text());
        assert_eq!(site.get(&format!("/search?q={odd}")).send().status, 200, "{odd}");
    }
    let long = "x".repeat(5000);
    site.get(&format!("/api/v1/search?q={long}")).send().ok();
}

#[test]
fn a_snippet_is_bytes_of_its_message() {
    let site = Site::with(|_| {});
    let text = format!(
        "{} Der Dépôt öffnet — das dépôt! {}",
        "Früher war es größer. ".repeat(30),
        "Später wird es schöner. ".repeat(30)
    );
    site.bring("team", vec![of("d", Kind::Chat, "D", vec![said("m", "Ana", "2026-11-10T10:00:00Z", &text)])]);
    let found = site.get("/api/v1/search?q=depot").send().ok().json();
    let snippet = &found["hits"][0]["messages"][0];
    let at = |value: &serde_json::Value| value.as_u64().map(|n| n as usize).expect("a number");
    assert_eq!(text.get(at(&snippet["start"])..at(&snippet["end"])), snippet["text"].as_str());
    let marks: Vec<&str> = snippet["marks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|m| text.get(at(&m["start"])..at(&m["end"])).expect("letters"))
        .collect();
    assert_eq!(marks, ["Dépôt", "dépôt"]);
    assert!(snippet["text"].as_str().is_some_and(|t| t.len() <= 240));
}

#[test]
fn what_is_near_in_meaning_is_found_and_what_is_gone_is_not() {
    let site = Site::new();
    site.plain.embeds.store(true, Relaxed);
    // Not all of the words are in any thread: by words alone nothing is near the supplier's form but one message.
    let begun = Stopwatch::start();
    let near = loop {
        let found = site.get("/api/v1/search?q=small+kitchen+on+noon+friday+zebra").send().ok().json();
        assert_eq!(found["by_meaning"], true);
        let first = found["hits"][0]["thread"]["external_id"].as_str().map(str::to_owned);
        let scores: Vec<f64> =
            found["hits"].as_array().expect("a list").iter().filter_map(|h| h["score"].as_f64()).collect();
        // Found by both ways, which is more than either alone can give.
        if scores.first().is_some_and(|s| *s > 1.5 / 60.0) || begun.elapsed() > Duration::from_secs(10) {
            break first;
        }
    };
    assert_eq!(near.as_deref(), Some("lunch"));
    site.take("team", vec![bluf::domain::Item::ThreadGone { thread: "lunch".into() }]);
    assert!(!hits(&site, "small+kitchen+on+noon+friday+zebra").contains(&"lunch".to_owned()));
}

#[test]
fn the_vectors_in_memory_follow_the_store() {
    let site = Site::new();
    let centroids = Centroids::default();
    let find = |text: &str, filter: Filter| {
        let query = Query { words: Words::default(), vector: Some(vector(text)), filter, most: 10 };
        let found = site.store().read(|on| search::search(on, &centroids, &query)).expect("read");
        found.hits.into_iter().map(|h| h.thread.external_id).collect::<Vec<_>>()
    };
    assert!(find("Lunch is at noon", Filter::default()).is_empty(), "nothing was read yet");
    centroids.catch_up(site.store()).expect("read");
    assert_eq!(
        find("Lunch is at noon on Friday, in the small kitchen.", Filter::default()).first().map(String::as_str),
        Some("lunch")
    );
    let only_mail = Filter { visible: Some(vec!["mail".into()]), ..Filter::default() };
    assert!(find("Lunch is at noon on Friday", only_mail).iter().all(|id| id == "p1@h"));
    site.bring(
        "team",
        vec![of(
            "tea",
            Kind::Chat,
            "Tea",
            vec![said("t", "Mia", "2026-11-10T10:00:00Z", "Oolong kettle steeping saucer")],
        )],
    );
    site.read_all();
    centroids.catch_up(site.store()).expect("read");
    assert_eq!(find("Oolong kettle steeping saucer", Filter::default()).first().map(String::as_str), Some("tea"));
    site.take("team", vec![bluf::domain::Item::ThreadGone { thread: "tea".into() }]);
    centroids.catch_up(site.store()).expect("read");
    assert!(!find("Oolong kettle steeping saucer", Filter::default()).contains(&"tea".to_owned()));
}

/// How long searches take; `BLUF_SEARCH_MESSAGES=100000` for the size that is promised, on a machine with nothing else to do.
#[test]
fn a_search_takes_milliseconds_however_common_the_word() {
    let wanted: usize = std::env::var("BLUF_SEARCH_MESSAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000);
    let site = Site::with(|_| {});
    let mut seed = 1_u64;
    let mut word = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Few words are in nearly all messages, most in few.
        let uniform = (seed >> 33) as f64 / f64::from(1_u32 << 31);
        format!("w{}", (20_000_f64.powf(uniform)) as u32)
    };
    let mut made = 0;
    while made < wanted {
        let threads = (0..50).map(|n| {
            let mut text = |_| (0..40).map(|_| word()).collect::<Vec<_>>().join(" ");
            let messages = (0..20).map(|m| said(&m.to_string(), "Ana", "2026-11-10T10:00:00Z", &text(m))).collect();
            of(&format!("t{}", made / 20 + n), Kind::Chat, "T", messages)
        });
        site.bring(if made % 2_000 == 0 { "a" } else { "b" }, threads.collect());
        made += 1_000;
    }
    site.bring(
        "small",
        vec![of("s", Kind::Chat, "S", vec![said("0", "Ana", "2026-11-10T10:00:00Z", "w1 and no more")])],
    );
    let centroids = Centroids::default();
    for (text, visible) in [
        ("w1", None),
        ("w1 w2", None),
        ("w1 w3 w10", Some("b")),
        ("w9000", None),
        ("\"w1 w2\"", None),
        ("w700*", Some("a")),
        ("w1", Some("small")),
    ] {
        let visible = visible.map(|name: &str| vec![name.to_owned()]);
        let query = Query {
            words: Words::parse(text),
            vector: None,
            filter: Filter { visible, ..Filter::default() },
            most: 20,
        };
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let begun = Stopwatch::start();
                site.store().read(|on| search::search(on, &centroids, &query)).expect("read");
                begun.elapsed()
            })
            .collect();
        times.sort();
        say(&format!("{made} messages, {text:?}: {:?} at the middle, {:?} at most", times[4], times[8]));
        assert!(times[4] < Duration::from_millis(500), "{text}: {times:?}");
    }
}
