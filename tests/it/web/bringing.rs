//! What is brought in: threads pushed whole or in parts, once or again; webhooks; and threads that nobody keeps.

use bluf::store::token::Scope;

use super::site::Site;

const ONE: &str = r#"{"source":"team","kind":"chat","id":"x1","title":"Pens","messages":[
    {"id":"1","author":"Ana","ts":"2026-11-12T09:00:00Z","text":"We decided to order blue pens."}]}"#;

fn line(id: &str, text: &str) -> String {
    format!(r#"{{"source":"team","kind":"chat","id":"{id}","messages":[{{"id":"1","author":"Ana","text":"{text}"}}]}}"#)
}

#[test]
fn threads_come_as_one_as_a_list_or_by_lines() {
    let site = Site::new();
    let taken = site.post("/api/v1/ingest", ONE).send().ok().json();
    assert_eq!((&taken["threads"], &taken["added"], &taken["faults"]), (&1.into(), &1.into(), &serde_json::json!([])));
    assert_eq!(site.post("/api/v1/ingest", ONE).send().ok().json()["threads"], 0, "the same again changes nothing");
    let lines = format!("{}\nthis is no thread\n{}\n", line("x2", "two"), line("x3", "three"));
    let answer = site.post("/api/v1/ingest", lines).header("content-type", "application/x-ndjson").send().ok().json();
    assert_eq!((&answer["threads"], &answer["faults"][0]["line"]), (&2.into(), &2.into()), "{answer}");
    let list = format!("[{},{}]", line("x4", "four"), line("x5", "five"));
    assert_eq!(site.post("/api/v1/ingest?source=other", list).send().ok().json()["threads"], 2);
    assert_eq!(
        site.get("/api/v1/threads?source=other").send().ok().json()["threads"].as_array().map(Vec::len),
        Some(2)
    );
    for nothing in ["", "[]", "no", "{}", "[1,2]"] {
        site.post("/api/v1/ingest", nothing).send().is_problem(422, "no_thread_in_it");
    }
    site.post("/api/v1/ingest?source=pulled", ONE).send().is_problem(404, "no_source");
    site.post("/api/v1/ingest", ONE).header("content-type", "text/html").send().is_problem(415, "media_type");
}

#[test]
fn a_part_adds_and_a_whole_replaces() {
    let site = Site::with(|_| {});
    let with = |ids: &[&str], whole: bool| {
        let messages: Vec<String> =
            ids.iter().map(|id| format!(r#"{{"id":"{id}","author":"Ana","text":"text {id}"}}"#)).collect();
        format!(r#"{{"source":"team","id":"t","whole":{whole},"messages":[{}]}}"#, messages.join(","))
    };
    let send = |ids: &[&str], whole| site.post("/api/v1/ingest", with(ids, whole)).send().ok().json();
    send(&["1", "2"], true);
    assert_eq!(send(&["3"], false)["added"], 1);
    let ids = || {
        let page = site.get(&format!("/api/v1/threads/{}/messages", site.key("t"))).send().ok().json();
        let messages = page["messages"].as_array().expect("a list").iter();
        messages.map(|m| m["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids().len(), 3);
    assert_eq!(send(&["1"], true)["gone"], 2);
    assert_eq!(ids(), ["1"]);
}

#[test]
fn a_key_makes_a_request_once() {
    let site = Site::with(|_| {});
    let send = |key: &str, body: &str| site.post("/api/v1/ingest", body).header("idempotency-key", key).send();
    let first = send("k1", ONE).ok();
    assert_eq!((first.header("idempotency-replayed"), &first.json()["added"]), ("", &1.into()));
    let again = send("k1", ONE).ok();
    assert_eq!((again.header("idempotency-replayed"), again.text()), ("true", first.text()));
    assert_eq!(send("k2", ONE).ok().json()["added"], 0);
    send("k1", &line("x9", "other")).is_problem(422, "key_reused");
    send(&"k".repeat(300), ONE).is_problem(400, "bad_key");
    // Keys are everybody's own.
    let token = site.token("t", Scope::Act, None);
    let other =
        site.post("/api/v1/ingest", line("x9", "other")).header("idempotency-key", "k1").token(&token).send().ok();
    assert_eq!(other.header("idempotency-replayed"), "");
    // What failed is not remembered.
    send("k3", "no").is_problem(422, "no_thread_in_it");
    send("k3", ONE).ok();
}

#[test]
fn an_answer_is_kept_a_day() {
    use bluf::store::idempotency::{Asked, asked};
    use jiff::ToSpan;
    let site = Site::with(|_| {});
    let now = super::site::now();
    site.store().keep_answer("k", "who", b"sum", 200, "{}", now).expect("kept");
    let known = |hours: i64| {
        let at = now.checked_add(hours.hours()).expect("a time");
        site.store().read(|on| asked(on, "k", "who", b"sum", at)).expect("read")
    };
    assert_eq!(known(23), Asked::Before { status: 200, answer: "{}".into() });
    assert_eq!(known(24), Asked::Never);
}

#[test]
fn a_webhook_is_signed_and_needs_no_token() {
    let site = Site::with(|config| config.open_on_loopback = false);
    let send = |source: &str, signature: &str, body: &str| {
        site.post(&format!("/api/v1/hooks/{source}"), body)
            .header("x-signature", signature)
            .header("host", "bluf.example.org")
            .send()
    };
    assert_eq!(send("chat", "right", "{}").status, 202);
    let answer = send("chat", "right", "challenge").ok();
    assert_eq!((answer.text().as_str(), answer.header("content-type")), ("accepted", "text/plain; charset=utf-8"));
    send("chat", "wrong", "{}").is_problem(403, "bad_signature");
    send("nowhere", "right", "{}").is_problem(404, "no_source");
}

#[test]
fn a_thread_is_summarised_and_not_kept() {
    let site = Site::new();
    let before = site.get("/api/v1/threads").send().ok().text();
    let summary = site.post("/api/v1/summarize", ONE).send().ok().json();
    assert_eq!((&summary["schema"], &summary["thread"]["id"]), (&"bluf.summary/1".into(), &"x1".into()));
    assert!(summary["decisions"][0]["text"].as_str().is_some_and(|t| t.contains("blue pens")), "{summary}");
    let plain = site.post("/api/v1/summarize", ONE).header("accept", "text/plain").send().ok().text();
    assert!(plain.starts_with("Pens\n"));
    site.post("/api/v1/summarize", format!("{}\n{}", line("a", "x"), line("b", "y")))
        .send()
        .is_problem(422, "bad_thread");
    site.post("/api/v1/summarize", "no").send().is_problem(422, "bad_thread");
    assert_eq!(site.get("/api/v1/threads").send().ok().text(), before);
}
