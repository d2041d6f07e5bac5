//! GitHub as far as the connector asks it: lists with `since`, pages, tags; GraphQL by operation. Pages are small.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};
use wiremock::Request;

use super::fake::{Answer, Service, address, asked};

/// No page is longer, whatever is asked for.
const PAGE: usize = 2;

pub struct FakeGitHub {
    pub repo: Value,
    name: String,
}

impl FakeGitHub {
    /// The issue or discussion `number`, to change.
    pub fn thread(&mut self, list: &str, number: u64) -> &mut Value {
        let threads = self.repo[list].as_array_mut().expect("a list");
        threads.iter_mut().find(|thread| thread["number"] == number).expect("it is there")
    }

    pub fn remove(&mut self, list: &str, number: u64) {
        self.repo[list].as_array_mut().expect("a list").retain(|thread| thread["number"] != number);
    }

    fn issues(&self, request: &Request) -> Answer {
        let since = asked(request, "since").unwrap_or_default();
        let word = |issue: &Value| issue["updated_at"].as_str().unwrap_or_default().to_owned();
        let mut issues: Vec<Value> = self.repo["issues"].as_array().expect("a list").clone();
        issues.retain(|issue| word(issue) >= since);
        issues.sort_by_key(word);
        let answer = paged(issues, request);
        let mut hasher = DefaultHasher::new();
        answer.body.to_string().hash(&mut hasher);
        let tag = format!("\"{:x}\"", hasher.finish());
        match request.headers.get("if-none-match") {
            Some(known) if known.to_str().is_ok_and(|known| known == tag) => Answer::new(304, Value::Null),
            _ => answer.header("etag", tag),
        }
    }

    fn rest(&self, request: &Request, parts: &[&str]) -> Answer {
        let list = |key: &str, number: &str| self.repo[key][number].as_array().cloned().unwrap_or_default();
        let there = |number: &str| {
            self.repo["issues"]
                .as_array()
                .expect("a list")
                .iter()
                .find(|issue| issue["number"].as_u64() == number.parse().ok())
        };
        match parts {
            ["issues"] => self.issues(request),
            [_, number, ..] if there(number).is_none() => Answer::new(404, json!({ "message": "Not Found" })),
            ["issues", number] => Answer::new(200, there(number).cloned().unwrap_or_default()),
            ["issues", number, "timeline"] => paged(list("timeline", number), request),
            ["issues", number, "comments"] => paged(list("comments", number), request),
            ["pulls", number] => Answer::new(200, self.repo["pulls"][*number].clone()),
            ["pulls", number, "reviews"] => paged(list("reviews", number), request),
            ["pulls", number, "comments"] => paged(list("review_comments", number), request),
            other => panic!("nothing is known of {other:?}"),
        }
    }

    fn graphql(&self, request: &Request) -> Value {
        let body: Value = request.body_json().expect("GraphQL is sent as JSON");
        let variables = &body["variables"];
        match body["operationName"].as_str() {
            Some("Listing") => {
                let mut found: Vec<Value> = self.repo["discussions"].as_array().expect("a list").clone();
                found.sort_by_key(|d| std::cmp::Reverse(d["updatedAt"].as_str().unwrap_or_default().to_owned()));
                let listed = found.into_iter().map(|mut discussion| {
                    let count = discussion["comments"].as_array().map_or(0, Vec::len);
                    discussion["comments"] = json!({ "totalCount": count });
                    discussion
                });
                json!({ "repository": { "discussions": connection(&listed.collect::<Vec<_>>(), variables) } })
            }
            Some("Whole") => {
                let found = self.repo["discussions"].as_array().expect("a list").iter();
                let Some(discussion) = found.clone().find(|d| d["number"] == variables["number"]) else {
                    return json!({ "repository": { "discussion": null } });
                };
                let mut discussion = discussion.clone();
                let comments = discussion["comments"].as_array().cloned().unwrap_or_default();
                let nested = comments.into_iter().map(|mut comment| {
                    comment["replies"] = connection(comment["replies"].as_array().expect("a list"), &json!({}));
                    comment
                });
                discussion["comments"] = connection(&nested.collect::<Vec<_>>(), variables);
                json!({ "repository": { "discussion": discussion } })
            }
            Some("Replies") => {
                let found = self.repo["discussions"].as_array().expect("a list").iter();
                let mut comments = found.flat_map(|d| d["comments"].as_array().expect("a list"));
                let comment = comments.find(|comment| comment["id"] == variables["comment"]).expect("it is there");
                json!({ "node": { "replies": connection(comment["replies"].as_array().expect("a list"), variables) } })
            }
            other => panic!("no such operation: {other:?}"),
        }
    }
}

impl Service for FakeGitHub {
    const NAME: &'static str = "github";

    fn new(world: Value) -> FakeGitHub {
        let (name, repo) = world.as_object().and_then(|repos| repos.iter().next()).expect("a repository");
        FakeGitHub { repo: repo.clone(), name: name.clone() }
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        assert_eq!(authorization, Some("Bearer t0k3n"));
        let path = request.url.path();
        match path.strip_prefix(&format!("/repos/{}/", self.name)) {
            Some(rest) => self.rest(request, &rest.split('/').collect::<Vec<_>>()),
            None if path == "/graphql" => Answer::new(200, json!({ "data": self.graphql(request) })),
            None if path == "/user" => Answer::new(200, json!({ "login": "bluf-reader" })),
            None if path == "/rate_limit" => {
                Answer::new(200, json!({ "resources": { "core": { "remaining": 4990 } } }))
                    .header("x-oauth-scopes", "repo")
            }
            None => Answer::new(404, json!({ "message": "Not Found" })),
        }
    }

    fn circle(answer: &mut Answer, request: &Request) {
        answer.headers.push(("link", format!("<{}?page=1>; rel=\"next\"", address(request))));
        for list in ["/data/repository/discussions", "/data/repository/discussion/comments", "/data/node/replies"] {
            if let Some(list) = answer.body.pointer_mut(list) {
                list["pageInfo"] = json!({ "hasNextPage": true, "endCursor": "1" });
            }
        }
    }
}

fn paged(items: Vec<Value>, request: &Request) -> Answer {
    let page: usize = asked(request, "page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let size = asked(request, "per_page").and_then(|size| size.parse().ok()).unwrap_or(30).min(PAGE);
    let more = items.len() > page * size;
    let items: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
    let answer = Answer::new(200, Value::Array(items));
    if !more {
        return answer;
    }
    let kept: String = request
        .url
        .query_pairs()
        .filter(|(key, _)| key != "page")
        .map(|(key, value)| format!("{key}={value}&"))
        .collect();
    let next = format!("{}?{kept}page={}", address(request), page + 1);
    answer.header("link", format!("<{next}>; rel=\"next\", <{next}>; rel=\"last\""))
}

fn connection(items: &[Value], variables: &Value) -> Value {
    let from: usize = variables["after"].as_str().and_then(|after| after.parse().ok()).unwrap_or(0);
    let size = variables["first"].as_u64().map_or(PAGE, |first| PAGE.min(first as usize));
    let end = (from + size).min(items.len());
    json!({
        "pageInfo": { "hasNextPage": end < items.len(), "endCursor": end.to_string() },
        "nodes": items.get(from..end).unwrap_or_default(),
    })
}
