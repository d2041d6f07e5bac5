//! Slack as far as the connector asks it: history without replies, replies, cursors. Pages are small, newest first.

use serde_json::{Value, json};
use wiremock::Request;

use super::fake::{Answer, Service, asked};

/// No page is longer, whatever is asked for.
const PAGE: usize = 3;

pub struct FakeSlack {
    pub world: Value,
}

impl FakeSlack {
    pub fn messages(&mut self, channel: &str) -> &mut Vec<Value> {
        self.world["messages"][channel].as_array_mut().expect("a channel")
    }

    pub fn say(&mut self, channel: &str, message: Value) {
        self.messages(channel).push(message);
    }

    pub fn delete(&mut self, channel: &str, ts: &str) {
        self.messages(channel).retain(|message| message["ts"] != ts);
    }

    pub fn edit(&mut self, channel: &str, ts: &str, text: &str) {
        let message = self.messages(channel).iter_mut().find(|message| message["ts"] == ts).expect("it is there");
        message["text"] = json!(text);
        message["edited"] = json!({ "user": "U1", "ts": "1774000000.000000" });
    }

    /// As an answer shows it: a message that somebody answered knows of its replies.
    fn shown(&self, channel: &str) -> Vec<Value> {
        let all = self.world["messages"][channel].as_array().cloned().unwrap_or_default();
        let with_replies = |mut message: Value| {
            let ts = message["ts"].clone();
            let mut replies: Vec<&str> = all
                .iter()
                .filter(|reply| reply["thread_ts"] == ts && reply["ts"] != ts)
                .filter_map(|reply| reply["ts"].as_str())
                .collect();
            replies.sort_unstable();
            if let Some(latest) = replies.last() {
                message["thread_ts"] = ts.clone();
                message["reply_count"] = json!(replies.len());
                message["latest_reply"] = json!(latest);
            } else if message["thread_ts"] == ts {
                message.as_object_mut().expect("a message").remove("thread_ts");
            }
            message
        };
        all.iter().cloned().map(with_replies).collect()
    }

    fn history(&self, request: &Request) -> Answer {
        let word = |message: &Value, key: &str| message[key].as_str().unwrap_or_default().to_owned();
        let mut found = self.shown(&asked(request, "channel").unwrap_or_default());
        found.retain(|m| {
            let root = word(m, "thread_ts");
            root.is_empty() || root == word(m, "ts") || word(m, "subtype") == "thread_broadcast"
        });
        let oldest = asked(request, "oldest").unwrap_or_default();
        let latest = asked(request, "latest").unwrap_or_else(|| "9".to_owned());
        found.retain(|m| word(m, "ts") >= oldest && (word(m, "ts") <= latest || word(m, "ts").starts_with("not")));
        found.sort_by_key(|m| std::cmp::Reverse(word(m, "ts")));
        paged("messages", found, request)
    }

    fn replies(&self, request: &Request) -> Answer {
        let ts = asked(request, "ts").map(Value::String).unwrap_or_default();
        let mut found = self.shown(&asked(request, "channel").unwrap_or_default());
        found.retain(|message| message["thread_ts"] == ts || message["ts"] == ts);
        if found.is_empty() { refused("thread_not_found") } else { paged("messages", found, request) }
    }
}

impl Service for FakeSlack {
    const NAME: &'static str = "slack";

    fn new(world: Value) -> FakeSlack {
        FakeSlack { world }
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        assert_eq!(authorization, Some("Bearer xoxb-t0k3n"));
        let list = |key: &str| self.world[key].as_array().cloned().unwrap_or_default();
        match request.url.path() {
            "/auth.test" => {
                let own = json!({ "ok": true, "url": "https://team.slack.example/", "team": "Team", "user": "bluf" });
                Answer::new(200, own).header("x-oauth-scopes", "channels:history,channels:read")
            }
            "/users.list" => paged("members", list("users"), request),
            "/conversations.list" => paged("channels", list("channels"), request),
            "/conversations.history" => self.history(request),
            "/conversations.replies" => self.replies(request),
            _ => refused("unknown_method"),
        }
    }

    fn circle(answer: &mut Answer, _request: &Request) {
        answer.body["response_metadata"] = json!({ "next_cursor": "again" });
    }
}

/// What Slack says instead of an HTTP status.
pub fn refused(error: &str) -> Answer {
    Answer::new(200, json!({ "ok": false, "error": error }))
}

fn paged(key: &str, items: Vec<Value>, request: &Request) -> Answer {
    let from: usize = asked(request, "cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let size = asked(request, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).min(PAGE);
    let end = (from + size).min(items.len());
    let next = if end < items.len() { end.to_string() } else { String::new() };
    let page = items.get(from..end).unwrap_or_default();
    let mut body = json!({ "ok": true, "has_more": !next.is_empty(), "response_metadata": { "next_cursor": next } });
    body[key] = json!(page);
    Answer::new(200, body)
}
