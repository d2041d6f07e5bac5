//! After a message is gone at its source its words are in no answer.

use bluf::domain::Item;

use super::{client::Answer, site::Site};

/// Every answer there is about a thread.
fn answers(site: &Site, key: &str, tag: &str) -> Vec<(String, Answer)> {
    let paths = [
        "/".to_owned(),
        "/search?q=depot".to_owned(),
        format!("/threads/{key}"),
        "/api/v1/threads".to_owned(),
        format!("/api/v1/threads/{key}"),
        format!("/api/v1/threads/{key}/messages"),
        format!("/api/v1/threads/{key}/summary"),
        "/api/v1/decisions".to_owned(),
        "/api/v1/digest?since=30d".to_owned(),
        "/api/v1/catchup?since=30d".to_owned(),
        "/api/v1/search?q=old+entry".to_owned(),
        "/api/v1/search?q=quagmire".to_owned(),
        "/api/v1/search?q=quagmir*".to_owned(),
        "/api/v1/search?q=%22old+quagmire+entry%22".to_owned(),
        "/api/v1/feeds/digest.atom".to_owned(),
        "/api/v1/stats".to_owned(),
        "/metrics".to_owned(),
    ];
    let mut all: Vec<_> =
        paths.into_iter().map(|path| (path.clone(), site.get(&path).header("if-none-match", tag).send())).collect();
    for form in ["text/markdown", "text/plain"] {
        let path = format!("/api/v1/threads/{key}/summary");
        all.push((format!("{path} {form}"), site.get(&path).header("accept", form).send()));
    }
    all
}

#[test]
fn the_words_of_a_message_that_is_gone_are_in_no_answer() {
    let site = Site::new();
    let key = site.key("export");
    let holds = |answer: &Answer| answer.text().contains("quagmire entry") || answer.text().contains("one more week");
    assert!(answers(&site, &key, "").iter().filter(|(_, a)| holds(a)).count() > 8, "they were there");
    let tag = site.get(&format!("/api/v1/threads/{key}/summary")).send().ok().header("etag").to_owned();
    site.take("team", vec![Item::Gone { message: "c".into() }]);
    // At once, and after it was read again.
    for _ in 0..2 {
        for (path, answer) in answers(&site, &key, &tag) {
            assert!(matches!(answer.status, 200 | 202), "{path}: {}", answer.status);
            assert!(!holds(&answer), "{path}: {}", answer.text());
        }
        site.read_all();
    }
    let summary = site.get(&format!("/api/v1/threads/{key}/summary")).header("if-none-match", &tag).send().ok();
    assert_ne!(summary.header("etag"), tag);
    for file in std::fs::read_dir(site.folder.path()).expect("a folder").flatten().filter(|f| f.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        assert!(!bytes.windows(14).any(|w| w == b"quagmire entry"), "{:?}", file.path());
    }
}
