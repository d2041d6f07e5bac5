//! What is owed, over HTTP and on the pages: seen by who may, and acted on by who may.

use bluf::store::token::Scope;
use serde_json::json;

use super::{client::Ask, site::Site};

fn post<'s>(site: &'s Site, path: &str) -> Ask<'s> {
    Ask::new(site, "POST", path)
}

/// What Eve asked Tom, as the list has it.
fn asked(site: &Site) -> serde_json::Value {
    let all = site.get("/api/v1/obligations?source=mail&kind=reply").send().ok().json();
    all["obligations"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["owed_by"] == json!(["Tom <b>Bold</b>"]))
        .expect("asked")
        .clone()
}

#[test]
fn obligations_say_who_owes_whom_what_by_when_with_the_words() {
    let site = Site::new();
    let owed = asked(&site);
    assert_eq!(
        (&owed["kind"], &owed["owed_to"], &owed["policy"]),
        (&json!("reply"), &json!(["Eve Holt"]), &json!("email"))
    );
    assert_eq!(owed["cites"][0]["quote"], "Could you send the form to the supplier by Monday?");
    assert_eq!((&owed["cites"][0]["message_id"], &owed["cites"][0]["author"]), (&json!("p2@h"), &json!("Eve Holt")));
    assert_eq!(owed["thread"]["title"], "Printers <i>again</i>");
    assert!(owed["due_at"].as_str().is_some_and(|due| due.starts_with("2026-11-16")), "by Monday: {owed}");
    let id = owed["id"].as_str().expect("an id");
    let explained = site.get(&format!("/api/v1/sla/{id}/explain")).send().ok().json();
    assert_eq!(explained["due_at"].as_str().map(|at| &at[..16]), owed["due_at"].as_str().map(|at| &at[..16]));
    assert!(explained["segments"].as_array().is_some_and(|segments| !segments.is_empty()), "{explained}");
    site.get("/api/v1/sla/none/explain").send().is_problem(404, "no_obligation");
    site.get("/api/v1/obligations?kind=money").send().is_problem(400, "bad_kind");
}

#[test]
fn pages_of_obligations_bring_each_once() {
    let site = Site::new();
    let whole = site.get("/api/v1/obligations?limit=200").send().ok().json();
    let whole: Vec<_> = whole["obligations"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
    assert!(whole.len() >= 2, "{whole:?}");
    let (mut found, mut next) = (Vec::new(), String::new());
    for _ in 0..whole.len() {
        let page = site.get(&format!("/api/v1/obligations?limit=1{next}")).send().ok().json();
        found.extend(page["obligations"].as_array().expect("a list").iter().map(|one| one["id"].clone()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, whole);
}

#[test]
fn what_people_do_about_it_is_kept_with_their_name() {
    let site = Site::new();
    let id = asked(&site)["id"].as_str().expect("an id").to_owned();
    let path = |what: &str| format!("/api/v1/obligations/{id}/{what}");
    let token = site.token("ana", Scope::Act, None);
    let acked = post(&site, &path("ack")).token(&token).send().ok().json();
    assert_eq!(acked["acknowledged"]["by"], "ana");
    let put_off = post(&site, &path("snooze"))
        .token(&token)
        .header("content-type", "application/json")
        .body(json!({ "until": "1bd" }).to_string())
        .send()
        .ok()
        .json();
    assert!(put_off["snoozed"]["until"].as_str().is_some_and(|until| until > "2026-11"), "{put_off}");
    for until in ["", "yesterday", "2020-01-01T00:00:00Z", "0h"] {
        post(&site, &path("snooze"))
            .header("content-type", "application/json")
            .body(json!({ "until": until }).to_string())
            .send()
            .is_problem(400, "bad_until");
    }
    post(&site, &path("waive"))
        .header("content-type", "application/json")
        .body(json!({ "reason": " " }).to_string())
        .send()
        .is_problem(400, "bad_reason");
    post(&site, &path("waive"))
        .header("content-type", "application/json")
        .body(json!({ "why": "x" }).to_string())
        .send()
        .is_problem(400, "bad_body");
    let waived = post(&site, &path("waive"))
        .token(&token)
        .header("content-type", "application/json")
        .body(json!({ "reason": "it was done by hand" }).to_string())
        .send()
        .ok()
        .json();
    assert_eq!((&waived["health"], &waived["waived"]["reason"]), (&json!("lifted"), &json!("it was done by hand")));
    let left = site.get("/api/v1/obligations?limit=200").send().ok().json();
    assert!(left["obligations"].as_array().expect("a list").iter().all(|one| one["id"] != id.as_str()));
    post(&site, "/api/v1/obligations/none/ack").send().is_problem(404, "no_obligation");
}

#[test]
fn who_may_only_read_does_nothing_and_who_sees_one_source_sees_no_other() {
    let site = Site::new();
    let id = asked(&site)["id"].as_str().expect("an id").to_owned();
    let reader = site.token("reader", Scope::Read, None);
    post(&site, &format!("/api/v1/obligations/{id}/ack")).token(&reader).send().is_problem(403, "scope");
    let body = json!({ "match": { "source": "*" }, "until": "4h", "reason": "x" });
    post(&site, "/api/v1/silences")
        .token(&reader)
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .is_problem(403, "scope");
    let team = site.token("team", Scope::Act, Some(&["team"]));
    post(&site, &format!("/api/v1/obligations/{id}/ack")).token(&team).send().is_problem(404, "no_obligation");
    site.get(&format!("/api/v1/sla/{id}/explain")).token(&team).send().is_problem(404, "no_obligation");
    post(&site, "/api/v1/silences")
        .token(&team)
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .is_problem(403, "sources");
    for path in ["/api/v1/obligations?closed=true", "/api/v1/feeds/due.ics", "/waiting", "/api/v1/alerts"] {
        let seen = site.get(path).token(&team).send().ok().text();
        assert!(!seen.contains("Tom") && !seen.contains("Printers"), "{path}: {seen}");
    }
}

#[test]
fn a_silence_is_begun_seen_and_ended() {
    let site = Site::new();
    let body = json!({ "match": { "source": ["team", "mail"] }, "until": "4bh", "reason": "we move house" });
    let made = post(&site, "/api/v1/silences")
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .ok()
        .json();
    assert_eq!(made["match"], json!({ "source": ["team", "mail"] }));
    let listed = site.get("/api/v1/silences").send().ok().json();
    assert_eq!(listed["silences"][0]["reason"], "we move house");
    let path = format!("/api/v1/silences/{}", made["id"]);
    assert_eq!(Ask::new(&site, "DELETE", &path).send().status, 204);
    Ask::new(&site, "DELETE", &path).send().is_problem(404, "no_silence");
    for wrong in [json!({}), json!({ "sauce": "x" }), json!([])] {
        let body = json!({ "match": wrong, "until": "4h", "reason": "x" });
        post(&site, "/api/v1/silences")
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .is_problem(400, "bad_match");
    }
}

#[test]
fn deadlines_are_a_calendar() {
    let site = Site::new();
    let token = site.token("feed", Scope::Read, None);
    let text = site.get(&format!("/api/v1/feeds/due.ics?token={token}")).send().ok().text();
    assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert!(text.contains("SUMMARY:promise: Nightly export (Raj Patel)"), "{text}");
    assert_eq!(text.matches("BEGIN:VEVENT").count(), text.matches("END:VEVENT").count());
    assert!(text.lines().all(|line| line.len() <= 75), "{text}");
}

#[test]
fn the_pages_show_it_and_let_people_act() {
    let site = Site::new();
    let id = asked(&site)["id"].as_str().expect("an id").to_owned();
    let page = site.get("/waiting").send().ok().text();
    assert!(page.contains("Eve Holt has been waiting for an answer from Tom &lt;b&gt;Bold&lt;&#x2f;b&gt;"), "{page}");
    assert!(!page.contains("<script>alert"), "{page}");
    let key = site.key("p1@h");
    assert!(site.get(&format!("/threads/{key}")).send().ok().text().contains("What waits"));
    let path = format!("/obligations/{id}");
    let answer = post(&site, &path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("do=snooze&until=1bd&back=/waiting")
        .send();
    assert_eq!((answer.status, answer.header("location")), (303, "/waiting"));
    assert!(site.get("/waiting").send().ok().text().contains("put off until"));
    let away = post(&site, &path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("do=ack&back=//evil.example")
        .send();
    assert_eq!(away.header("location"), "/waiting");
    post(&site, &path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("do=explode")
        .send()
        .is_problem(400, "bad_form");
    // Another site's page may not do it in somebody's name.
    let foreign = post(&site, &path)
        .header("origin", "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("do=ack")
        .send();
    assert_eq!(foreign.status, 403);
}

#[test]
fn flags_come_with_the_summary_and_go_with_the_words() {
    let site = Site::new();
    let key = site.key("export");
    let summary = site.get(&format!("/api/v1/threads/{key}/summary")).send().ok().json();
    assert!(summary["flags"].is_array(), "{summary}");
}
