//! The API's own description: it is whole, it is true, and its page loads nothing from elsewhere.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

use super::{client::Ask, site::Site};
use crate::support::say;

fn document(site: &Site) -> Value {
    site.get("/openapi.json").send().ok().json()
}

#[test]
fn the_description_has_every_route_and_resolves() {
    let site = Site::with(|_| {});
    let api = document(&site);
    assert!(api["openapi"].as_str().is_some_and(|v| v.starts_with("3.1")), "{}", api["openapi"]);
    let paths: BTreeSet<&str> = api["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    for path in [
        "/api/v1/threads",
        "/api/v1/threads/{id}",
        "/api/v1/threads/{id}/messages",
        "/api/v1/threads/{id}/summary",
        "/api/v1/summarize",
        "/api/v1/decisions",
        "/api/v1/search",
        "/api/v1/digest",
        "/api/v1/catchup",
        "/api/v1/stats",
        "/api/v1/sources",
        "/api/v1/sources/{name}/sync",
        "/api/v1/ingest",
        "/api/v1/hooks/{source}",
        "/api/v1/events",
        "/api/v1/feeds/digest.atom",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        assert!(paths.contains(path), "{path} is not in {paths:?}");
    }
    let text = api.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(api.pointer(reference).is_some(), "{reference} leads nowhere");
    }
    let ids: Vec<&str> = text.split("\"operationId\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    assert_eq!(api["paths"]["/api/v1/hooks/{source}"]["post"]["security"], serde_json::json!([{}]));
    assert_eq!(api["paths"]["/api/v1/threads"]["get"]["security"][0]["token"], serde_json::json!([]));
}

#[test]
fn every_route_answers_only_what_it_says() {
    let site = Site::new();
    let api = document(&site);
    let key = site.key("export");
    let bodies = [
        &br#"{"source":"team","id":"x","messages":[{"text":"We decided."}]}"#[..],
        b"",
        b"[]",
        b"\xff\xfe",
        b"{\"a\":",
    ];
    let mut asked = 0;
    for (path, item) in api["paths"].as_object().expect("paths") {
        // The stream has no end.
        if path == "/api/v1/events" {
            continue;
        }
        for (method, operation) in item.as_object().expect("operations") {
            for (at, body) in bodies.iter().enumerate() {
                let id = if at % 2 == 0 { key.as_str() } else { "nothing" };
                let source = if at % 2 == 0 { "chat" } else { "pulled" };
                let mut real = path.replace("{id}", id).replace("{name}", source).replace("{source}", source);
                real.push_str(["?since=7d&q=x", "?since=7d", "?q=export", "?limit=900", ""][at]);
                let ask = Ask::new(&site, &method.to_uppercase(), &real).body(*body);
                let ask = if at == 4 { ask } else { ask.header("content-type", "application/json") };
                let ask = if at == 3 { ask.header("accept", "text/html") } else { ask };
                let answer = ask.send();
                asked += 1;
                let described = &operation["responses"][answer.status.to_string()];
                assert!(described.is_object(), "{method} {real} answered {}: {}", answer.status, answer.text());
                let sent = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
                if let Some(content) = described["content"].as_object() {
                    assert!(content.contains_key(&sent), "{method} {real}: {sent} is not among {:?}", content.keys());
                }
            }
        }
    }
    assert!(asked > 80, "{asked}");
}

#[test]
fn the_page_of_the_description_loads_nothing_from_elsewhere() {
    let site = Site::with(|_| {});
    assert_eq!(site.get("/docs").send().header("location"), "/docs/");
    let html = site.get("/docs/").send().ok();
    let text = html.text();
    let loaded = ["src=\"", "href=\""]
        .into_iter()
        .flat_map(|name| text.split(name).skip(1))
        .filter_map(|rest| rest.split('"').next());
    let mut files = 0;
    for file in loaded {
        assert!(!file.contains("//"), "{file}");
        site.get(&format!("/docs/{}", file.trim_start_matches("./"))).send().ok();
        files += 1;
    }
    assert!(files >= 3, "{text}");
    assert!(!text.contains("<script>") && !text.contains("<style>"), "{text}");
    let start = site.get("/docs/swagger-initializer.js").send().ok().text();
    assert!(start.contains("/openapi.json") && !start.contains("petstore"), "{start}");
}

/// Schemathesis over the whole API, where it is installed: no 5xx, and nothing that is not described.
#[test]
fn schemathesis_finds_nothing() {
    let program = std::env::var("BLUF_SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    if Command::new(&program).arg("--version").output().is_err() {
        assert!(std::env::var_os("BLUF_NEED_SERVERS").is_none(), "schemathesis is not installed");
        say("NOT RUN: schemathesis is not installed (name it by BLUF_SCHEMATHESIS)");
        return;
    }
    let site = Site::new();
    let examples = std::env::var("BLUF_SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| "10".to_owned());
    let address = format!("http://127.0.0.1:{}", site.address.port());
    let ran = Command::new(&program)
        .args([
            "run",
            &format!("{address}/openapi.json"),
            "--exclude-path",
            "/api/v1/events",
            "--max-examples",
            &examples,
        ])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .args(["--request-timeout", "20", "--no-color"])
        .current_dir(site.folder.path())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let end: Vec<&str> = said.lines().rev().take(60).collect();
    let end: Vec<&str> = end.into_iter().rev().collect();
    assert!(ran.status.success(), "{}\n{}", end.join("\n"), String::from_utf8_lossy(&ran.stderr));
    say(&end.join("\n"));
}
