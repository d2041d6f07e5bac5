//! What is read: threads, messages, summaries and reports, each in the shape that was promised.

use std::collections::HashSet;

use bluf::{
    domain::{Item, Kind, summary::Summary},
    store::token::Scope,
};

use super::site::{Site, export, of, said};

#[test]
fn threads_come_most_recent_first_and_by_what_is_asked() {
    let site = Site::new();
    let titles = |query: &str| -> Vec<String> {
        let list = site.get(&format!("/api/v1/threads{query}")).send().ok().json();
        list["threads"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|t| t["title"].as_str().expect("a title").to_owned())
            .collect()
    };
    let (export, lunch, printers) = ("Nightly export", "Lunch", "Printers <i>again</i>");
    assert_eq!(titles(""), [export, lunch, printers]);
    assert_eq!(titles("?sort=added"), [export, lunch, printers]);
    assert_eq!(titles("?source=mail"), [printers]);
    assert_eq!(titles("?kind=chat&limit=1"), [export]);
    assert_eq!(titles("?channel=%23ops"), [export, lunch]);
    assert_eq!(titles("?since=30h"), [export]);
    assert_eq!(titles("?since=2026-11-10"), [export, lunch]);
    assert_eq!(titles("?source=nowhere"), Vec::<String>::new());
    let one = site.get(&format!("/api/v1/threads/{}", site.key("export"))).send().ok().json();
    assert_eq!(one["external_id"], "export");
    assert_eq!(one["participants"], serde_json::json!(["Ana Lima", "Raj Patel"]));
    assert_eq!((&one["messages"], &one["state"], &one["kind"]), (&3.into(), &"read".into(), &"chat".into()));
    assert_eq!(one["last_activity_at"], "2026-11-11T10:00:00+00:00");
    assert!(one["bottom_line"].as_str().is_some_and(|l| !l.is_empty()));
}

/// Pages of `sort=added` have each thread exactly once, whatever happens meanwhile; those by activity never have one twice.
#[test]
fn pages_have_neither_gaps_nor_doubles_while_threads_change() {
    for sort in ["added", "activity"] {
        let site = Site::with(|_| {});
        let thread = |n: usize, minute: usize, text: &str| {
            of(
                &format!("t{n}"),
                Kind::Chat,
                &format!("T{n}"),
                vec![said("0", "Ana", &format!("2026-11-10T10:{minute:02}:00Z"), text)],
            )
        };
        site.bring("team", (0..30).map(|n| thread(n, n, "one")).collect());
        let (mut seen, mut cursor, mut moved) = (Vec::new(), String::new(), HashSet::new());
        for round in 0..20 {
            let page = site.get(&format!("/api/v1/threads?sort={sort}&limit=4{cursor}")).send().ok().json();
            let ids = page["threads"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|t| t["external_id"].as_str().expect("an id").to_owned());
            seen.extend(ids);
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
            // One thread, seen or not, becomes the most recent; another is edited where it stands; one comes new.
            let n = (round * 7) % 30;
            moved.insert(format!("t{n}"));
            site.bring(
                "team",
                vec![thread(n, 40 + round, "two"), thread((round * 11) % 30, (round * 11) % 30, "three")],
            );
        }
        let unique: HashSet<&String> = seen.iter().collect();
        assert_eq!(unique.len(), seen.len(), "{sort}: {seen:?}");
        for n in 0..30 {
            let id = format!("t{n}");
            assert!(unique.contains(&id) || (sort == "activity" && moved.contains(&id)), "{sort}: {id} is missing");
        }
    }
}

#[test]
fn messages_come_in_order_also_while_earlier_ones_arrive_late() {
    let site = Site::with(|_| {});
    let part = |n: usize, minute: usize| Item::Part {
        thread: of(
            "t",
            Kind::Email,
            "T",
            vec![said(&format!("m{n}"), "Ana", &format!("2026-11-10T10:{minute:02}:00Z"), &format!("text {n}"))],
        ),
        joins: Vec::new(),
    };
    site.take("mail", (10..30).map(|n| part(n, n)).collect());
    let key = site.key("t");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for round in 0..20 {
        let page = site.get(&format!("/api/v1/threads/{key}/messages?limit=3{cursor}")).send().ok().json();
        seen.extend(
            page["messages"].as_array().expect("a list").iter().map(|m| m["id"].as_str().expect("an id").to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
        // A letter that is older than all that were seen.
        site.take("mail", vec![part(100 + round, round % 10)]);
    }
    assert_eq!(seen, (10..30).map(|n| format!("m{n}")).collect::<Vec<_>>());
    // What the next page begins after is gone.
    let page = site.get(&format!("/api/v1/threads/{key}/messages?limit=1")).send().ok().json();
    let gone = page["messages"][0]["id"].as_str().expect("an id").to_owned();
    site.take("mail", vec![Item::Gone { message: gone }]);
    let next = page["next"].as_str().expect("more");
    site.get(&format!("/api/v1/threads/{key}/messages?cursor={next}")).send().is_problem(410, "cursor_gone");
}

#[test]
fn a_summary_comes_as_what_is_asked_for_and_once() {
    let site = Site::new();
    let path = format!("/api/v1/threads/{}/summary", site.key("export"));
    let json = site.get(&path).send().ok();
    assert_eq!(json.header("content-type"), "application/json");
    let summary: Summary = serde_json::from_slice(&json.body).expect("bluf.summary/1");
    assert_eq!(
        (summary.schema, summary.thread.id.as_str(), summary.thread.source.as_str()),
        ("bluf.summary/1", "export", "team")
    );
    let texts: Vec<String> = export().messages.into_iter().map(|m| m.text).collect();
    let cites = summary.bottom_line.cites.iter().chain(summary.decisions.iter().flat_map(|d| &d.cites));
    for cite in cites {
        assert!(texts.iter().any(|text| text.get(cite.start..cite.end) == Some(cite.quote.as_str())), "{cite:?}");
    }
    let markdown = site.get(&path).header("accept", "text/markdown").send().ok();
    assert!(
        markdown.header("content-type").starts_with("text/markdown")
            && markdown.text().starts_with("## Nightly export")
    );
    let plain = site.get(&path).header("accept", "text/plain").send().ok();
    assert!(plain.text().starts_with("Nightly export\n") && !plain.text().contains('\u{1b}'));
    site.get(&path).header("accept", "image/png").send().is_problem(406, "not_acceptable");

    let tags: HashSet<&str> = [&json, &markdown, &plain].map(|a| a.header("etag")).into();
    assert_eq!(tags.len(), 3, "each form has a tag of its own");
    for tag in [
        json.header("etag").to_owned(),
        format!("W/{}", json.header("etag")),
        format!("\"x\", {}", json.header("etag")),
        "*".into(),
    ] {
        let same = site.get(&path).header("if-none-match", &tag).send();
        assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, json.header("etag")), "{tag}");
    }
    site.get(&path).header("if-none-match", markdown.header("etag")).send().ok();
    // Made anew, it is another, though it says the same.
    assert_eq!(site.post(&path, "").send().status, 202);
    let anew = site.get(&path).header("if-none-match", json.header("etag")).send().ok();
    assert_ne!(anew.header("etag"), json.header("etag"));
    assert_eq!(anew.header("cache-control"), "private, no-cache");
}

#[test]
fn a_summary_that_is_not_there_yet_is_on_its_way() {
    let site = Site::with(|_| {});
    site.bring("team", vec![export()]);
    let key = site.key("export");
    let path = format!("/api/v1/threads/{key}/summary");
    let answer = site.get(&path).send();
    assert_eq!((answer.status, answer.header("retry-after"), &answer.json()["state"]), (202, "5", &"waiting".into()));
    let unread =
        site.store().read(|on| bluf::store::work::unread(on, super::site::now(), 0, 1)).expect("read").remove(0);
    for _ in 0..5 {
        site.store()
            .reading_failed(unread.id, unread.version, "src/secret: too odd", super::site::now())
            .expect("noted");
    }
    site.get(&path).send().is_problem(409, "unreadable");
    assert_eq!(site.get(&format!("/api/v1/threads/{key}")).send().ok().json()["state"], "failed");
    site.bring(
        "team",
        vec![of("export", Kind::Chat, "Other", vec![said("a", "Ana Lima", "2026-11-11T09:00:00Z", "Hello.")])],
    );
    site.read_all();
    site.get(&path).send().ok();
}

#[test]
fn decisions_are_a_log() {
    let site = Site::new();
    let all = site.get("/api/v1/decisions").send().ok().json();
    let decisions = all["decisions"].as_array().expect("a list").clone();
    assert!(decisions.len() >= 2, "{all}");
    let quagmire =
        decisions.iter().find(|d| d["text"].as_str().is_some_and(|t| t.contains("quagmire"))).expect("decided");
    assert_eq!((&quagmire["decided_by"], &quagmire["message_id"]), (&"Ana Lima".into(), &"c".into()));
    assert_eq!(quagmire["thread"], site.key("export").as_str());
    assert!(quagmire["quote"].as_str().is_some_and(|q| q.contains("quagmire")));
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let page = site.get(&format!("/api/v1/decisions?limit=1{cursor}")).send().ok().json();
        paged.extend(page["decisions"].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, decisions);
}

#[test]
fn a_digest_is_by_time_and_a_catch_up_by_weight_and_both_say_what_they_leave_out() {
    let site = Site::new();
    site.bring(
        "team",
        vec![of(
            "chatter",
            Kind::Chat,
            "Chatter",
            vec![said("z", "Mia Sand", "2026-11-12T11:00:00Z", "Good morning to all of you.")],
        )],
    );
    let of_thread = |report: &serde_json::Value| -> Vec<String> {
        report["threads"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|s| s["thread"]["external_id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let digest = site.get("/api/v1/digest?since=7d").send().ok().json();
    assert_eq!(of_thread(&digest), ["chatter", "export", "lunch", "p1@h"]);
    assert_eq!(digest["left_out"]["threads"], 0);
    assert_eq!(digest["left_out"]["waiting"], 1, "the newest is still to be read");
    assert_eq!(digest["since"], "2026-11-05T12:00:00Z");
    let catchup = site.get("/api/v1/catchup?since=7d&limit=2").send().ok().json();
    let first = of_thread(&catchup);
    assert!(first.contains(&"export".to_owned()) && !first.contains(&"chatter".to_owned()), "{first:?}");
    assert_eq!(catchup["left_out"]["threads"], 2);
    assert!(catchup["left_out"]["note"].as_str().is_some_and(|n| n.starts_with("2 of 4 threads")), "{catchup}");
    let export = catchup["threads"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|s| s["thread"]["external_id"] == "export")
        .expect("there");
    assert!(export["why"].as_array().is_some_and(|w| w.contains(&"3 new messages".into())), "{export}");
    assert_eq!(
        of_thread(&site.get("/api/v1/digest?since=2026-11-12T00:00:00%2B00:00").send().ok().json()),
        ["chatter"]
    );
}

#[test]
fn counts_are_of_channels_and_never_of_persons() {
    let site = Site::new();
    let stats = site.get("/api/v1/stats").send().ok();
    for name in ["Ana", "Raj", "Mia", "Tom", "Eve"] {
        assert!(!stats.text().contains(name), "{}", stats.text());
    }
    let channels = stats.json()["channels"].clone();
    assert_eq!(channels.as_array().map(Vec::len), Some(2));
    let (mail, team) = (&channels[0], &channels[1]);
    assert_eq!(
        (&mail["source"], &mail["channel"], &mail["threads"]),
        (&"mail".into(), &serde_json::Value::Null, &1.into())
    );
    assert_eq!((&team["channel"], &team["threads"], &team["messages"]), (&"#ops".into(), &2.into(), &4.into()));
    assert_eq!((&team["active_last_7_days"], &team["waiting"]), (&2.into(), &0.into()));
    assert!(
        team["decisions"].as_u64().is_some_and(|n| n >= 1) && team["open_asks"].as_u64().is_some_and(|n| n >= 1),
        "{team}"
    );
}

#[test]
fn sources_say_how_they_are_and_why_only_to_admins() {
    let site = Site::new();
    site.store().pull_failed("mail", "no route to mail.internal.example", None, super::site::now()).expect("noted");
    let text = site.get("/api/v1/sources").send().ok().text();
    assert!(text.contains("\"state\":\"down\"") && !text.contains("no route"), "{text}");
    let admin = site.get("/api/v1/sources").unix().send().ok().text();
    assert!(admin.contains("no route"), "{admin}");
    assert_eq!(site.post("/api/v1/sources/team/sync", "").send().status, 202);
    site.post("/api/v1/sources/pulled/sync", "").send().is_problem(404, "no_source");
}

#[test]
fn a_feed_has_the_newest_bottom_lines() {
    let site = Site::new();
    let feed = site.get("/api/v1/feeds/digest.atom").send().ok();
    assert!(feed.header("content-type").starts_with("application/atom+xml"));
    let text = feed.text();
    assert_eq!(text.matches("<entry>").count(), 3);
    assert!(text.contains(&format!("href=\"/threads/{}\"", site.key("export"))));
    assert!(
        text.contains("Printers &lt;i&gt;again&lt;") && !text.contains("<script>") && !text.contains('\u{202e}'),
        "{text}"
    );
}

/// Lists and searches are kept until something changes: that must not show.
#[test]
fn an_answer_that_was_given_before_is_as_new_as_the_store_and_nobody_elses() {
    let site = Site::new();
    let only_mail = site.token("mail", Scope::Read, Some(&["mail"]));
    let paths = ["/api/v1/threads", "/api/v1/threads?sort=added", "/api/v1/search?q=friday"];
    for path in paths {
        let first = site.get(path).send().ok().text();
        assert!(first.contains("lunch"), "{first}");
        assert_eq!(site.get(path).send().ok().text(), first);
        let less = site.get(path).token(&only_mail).send().ok().text();
        assert!(!less.contains("lunch"), "{path}: {less}");
        assert_eq!(site.get(path).send().ok().text(), first, "after somebody who may see less");
    }
    site.take("team", vec![Item::ThreadGone { thread: "lunch".into() }]);
    for path in paths {
        assert!(!site.get(path).send().ok().text().contains("lunch"), "{path}");
    }
    let late = said("f", "Mia Sand", "2026-11-11T11:00:00Z", "Breakfast is on Friday as well.");
    site.bring("team", vec![of("breakfast", Kind::Chat, "Breakfast", vec![late])]);
    for path in paths {
        let unread = site.get(path).send().ok().text();
        assert!(
            unread.contains("breakfast") && !unread.contains("\"bottom_line\":\"Mia Sand: Breakfast"),
            "{path}: {unread}"
        );
    }
    site.read_all();
    for path in paths {
        assert!(site.get(path).send().ok().text().contains("\"bottom_line\":\"Mia Sand: Breakfast"), "{path}");
    }
}
