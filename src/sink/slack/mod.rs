//! Slack: a message in a channel, by a bot's token or by an incoming webhook, in Block Kit with a text for whoever hears it.
//!
//! Tested against Slack's published description, not against the live service. Slack has no key by which a message sent
//! twice is known as one: the notice's id stands in its footer, and with a token in the message's metadata.

mod blocks;

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sink, SinkError, address, options, permanent};
use crate::{
    alert::render,
    domain::{notice::Envelope, plain},
    net::{Client, Host, NetError, Request, Response, credential, retry},
    secret::Secret,
};

/// What Slack answers where trying again may help.
const PASSING: [&str; 6] =
    ["internal_error", "fatal_error", "service_unavailable", "request_timeout", "rollup_error", "team_added_to_org"];
/// The wait where Slack says that there was too much and not for how long. Seconds.
const UNSAID_SECS: u64 = 60;
/// Longer words are no errors of Slack's. Bytes.
const ERROR_BYTES: usize = 60;

/// `type = "slack"`: a token and a channel, or an incoming webhook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "public_address")]
    pub base_url: String,
    /// The bot token (`xoxb-…`) of an app with `chat:write`, invited to the channel.
    pub token: Option<Secret>,
    pub token_file: Option<PathBuf>,
    /// `C…`, or `#name`.
    pub channel: Option<String>,
    /// An incoming webhook, which belongs to one channel.
    pub webhook_url: Option<Secret>,
    pub webhook_url_file: Option<PathBuf>,
    /// Certificates (PEM) of a company's own authority.
    pub extra_ca: Option<PathBuf>,
}

fn public_address() -> String {
    "https://slack.com/api".to_owned()
}

pub struct Slack {
    name: String,
    client: Client,
    way: Way,
}

enum Way {
    Bot {
        /// Without a slash at its end.
        base: String,
        token: Secret,
        channel: String,
    },
    Hook(Secret),
}

impl Config {
    /// # Errors
    /// `Permanent` where a setting cannot be, or a secret cannot be read.
    pub fn build(self, name: &str) -> Result<Slack, SinkError> {
        let token = credential::secret("token", self.token.clone(), self.token_file.as_deref())?;
        let host = self.host()?;
        let way = match (token, self.webhook()?, self.channel) {
            (Some(token), None, Some(channel)) => {
                Way::Bot { base: self.base_url.trim_end_matches('/').to_owned(), token, channel }
            }
            (Some(_), None, None) => return Err(permanent(format!("sink {name}: set the channel to write to"))),
            (None, Some((url, _)), None) => Way::Hook(url),
            _ => {
                let wanted = "give either token_file and channel, or webhook_url_file alone";
                return Err(permanent(format!("sink {name}: {wanted}")));
            }
        };
        Ok(Slack { name: name.to_owned(), client: Client::new(vec![host], &options(self.extra_ca))?, way })
    }

    /// The one host it talks to.
    ///
    /// # Errors
    /// `Permanent` where the address is none or cannot be read.
    pub fn host(&self) -> Result<Host, SinkError> {
        match self.webhook()? {
            Some((_, host)) => Ok(host),
            None => Ok(Host::of(&self.base_url)?),
        }
    }

    fn webhook(&self) -> Result<Option<(Secret, Host)>, SinkError> {
        address("webhook_url", self.webhook_url.as_ref(), self.webhook_url_file.as_deref())
    }
}

#[async_trait]
impl Sink for Slack {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, envelope: &Envelope, now: Timestamp) -> Result<(), SinkError> {
        let mut message = blocks::message(&render::notice(envelope));
        match &self.way {
            Way::Bot { base, token, channel } => {
                message["channel"] = json!(channel);
                let payload = json!({ "id": envelope.id, "topic": envelope.topic });
                message["metadata"] = json!({ "event_type": "bluf_notice", "event_payload": payload });
                let request = Request::post(&format!("{base}/chat.postMessage"), &message)?.bearer(token)?;
                answer(&self.client.send(request).await?, now).map(drop)
            }
            Way::Hook(url) => {
                let response = self.client.send(Request::post(url.reveal(), &message)?.with_secret_path()).await?;
                taken(&response, now)
            }
        }
    }

    async fn check(&self) -> Result<String, SinkError> {
        match &self.way {
            Way::Bot { base, token, channel } => {
                let request = Request::get(&format!("{base}/auth.test"), &[])?.bearer(token)?;
                let response = self.client.send(request).await?;
                let own = answer(&response, Timestamp::UNIX_EPOCH)?;
                let scopes = response.header("x-oauth-scopes");
                if scopes.is_some_and(|scopes| !scopes.split(',').any(|scope| scope.trim() == "chat:write")) {
                    return Err(permanent(advice("missing_scope")));
                }
                let word = |key: &str| plain::line(own.get(key).and_then(Value::as_str).unwrap_or("?"));
                Ok(format!("{} in {}, writes to {channel}", word("user"), word("team")))
            }
            Way::Hook(url) => {
                // A message without text is refused by a webhook that lives, and writes nothing.
                let request = Request::post(url.reveal(), &json!({}))?.with_secret_path();
                let response = self.client.send(request).await?;
                match (response.status, word(&response.body)) {
                    (400, Some("no_text" | "invalid_payload")) => Ok(format!("{}: there", response.place)),
                    _ => taken(&response, Timestamp::UNIX_EPOCH).map(|()| format!("{}: there", response.place)),
                }
            }
        }
    }
}

/// What the Web API says: HTTP 200, and `ok` tells whether it is one.
fn answer(response: &Response, now: Timestamp) -> Result<Value, SinkError> {
    retry::verdict(response, now)?;
    let answer: Value = response.json()?;
    if answer.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(answer);
    }
    let error = answer.get("error").and_then(Value::as_str).unwrap_or_default();
    Err(said(word(error.as_bytes()).unwrap_or("no reason given")))
}

/// What an incoming webhook says: a status, and one word.
fn taken(response: &Response, now: Timestamp) -> Result<(), SinkError> {
    match (retry::verdict(response, now), word(&response.body)) {
        (Ok(()), _) => Ok(()),
        (Err(NetError::Permanent { .. }), Some(word)) => Err(said(word)),
        (Err(error), _) => Err(error.into()),
    }
}

fn said(word: &str) -> SinkError {
    match word {
        "ratelimited" | "rate_limited" => {
            SinkError::RateLimited { retry_after: std::time::Duration::from_secs(UNSAID_SECS) }
        }
        word if PASSING.contains(&word) => SinkError::Transient(format!("Slack: {word}")),
        word => permanent(advice(word)),
    }
}

/// Slack's word for what is wrong, and what to do about it.
fn advice(word: &str) -> String {
    let do_this = match word {
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => "; renew the token",
        "not_in_channel" => "; invite the app to the channel",
        "channel_not_found" => "; check channel, and invite the app where it is private",
        "missing_scope" => "; give the app the scope chat:write and install it again",
        "is_archived" | "channel_is_archived" => "; name a channel that is not archived",
        "no_service" | "invalid_token" | "no_active_hooks" => "; the webhook is gone: make a new one",
        "restricted_action" | "action_prohibited" => "; an administrator does not let the app write there",
        _ => "",
    };
    format!("Slack: {word}{do_this}")
}

/// The body where it is one of Slack's words, which are written like `not_in_channel`.
fn word(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let is_word = !text.is_empty() && text.len() <= ERROR_BYTES;
    (is_word && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')).then_some(text)
}
