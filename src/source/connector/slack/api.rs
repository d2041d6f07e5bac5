//! Slack's Web API: every answer is HTTP 200, and `ok` says whether it is one.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::Mutex;

use crate::{
    net::{Client, NetError, Request, Response, page::Guard, retry},
    secret::Secret,
    source::connector::SourceError,
    time::{Clock, Stopwatch},
};

/// A list with more pages than this is not one that people wrote.
const MOST_PAGES: usize = 2000;

/// What Slack grants: apps that a company made for itself may ask 50 times a minute and for many messages at once; apps
/// that are sold outside Slack's marketplace once, and for 15 (Slack's changelog of 2025-05-29).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateProfile {
    #[default]
    Internal,
    Limited,
}

impl RateProfile {
    /// Messages asked for at once.
    fn limit(self) -> &'static str {
        match self {
            RateProfile::Internal => "999",
            RateProfile::Limited => "15",
        }
    }

    /// Between two requests for messages.
    fn pace(self) -> Duration {
        match self {
            RateProfile::Internal => Duration::ZERO,
            RateProfile::Limited => Duration::from_secs(61),
        }
    }
}

/// Why Slack gave no answer, by how far it reaches.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The source as a whole.
    Source(SourceError),
    /// This channel or thread alone, by Slack's word for it.
    Here(String),
}

pub(super) struct Api {
    client: Client,
    /// Without a slash at its end.
    base: String,
    token: Secret,
    profile: RateProfile,
    clock: Arc<dyn Clock>,
    /// Since messages were last asked for.
    last: Mutex<Option<Stopwatch>>,
}

impl Api {
    pub(super) fn new(client: Client, base: &str, token: Secret, profile: RateProfile, clock: Arc<dyn Clock>) -> Api {
        Api { client, base: base.trim_end_matches('/').to_owned(), token, profile, clock, last: Mutex::default() }
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// One answer of `method`.
    pub(super) async fn call(&self, method: &str, query: &[(&str, &str)]) -> Result<Value, Trouble> {
        Ok(self.answer(method, query).await?.0)
    }

    /// One answer, and the scopes that the token has.
    pub(super) async fn answer(
        &self,
        method: &str,
        query: &[(&str, &str)],
    ) -> Result<(Value, Option<String>), Trouble> {
        let request = Request::get(&format!("{}/{method}", self.base), query)?.bearer(&self.token)?;
        let response = self.client.send(request).await?;
        retry::verdict(&response, self.clock.now())?;
        let value = read(method, &response)?;
        Ok((value, response.header("x-oauth-scopes").map(str::to_owned)))
    }

    /// The members of `key` of every page.
    pub(super) async fn list(&self, method: &str, key: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Trouble> {
        Ok(self.pages(method, key, query, false).await?.0)
    }

    /// Messages, in whatever order, no faster than the profile allows; and whether these are all: a server that repeats a
    /// cursor for ever has more.
    pub(super) async fn messages(&self, method: &str, query: &[(&str, &str)]) -> Result<(Vec<Value>, bool), Trouble> {
        let query = [query, &[("limit", self.profile.limit())]].concat();
        self.pages(method, "messages", &query, true).await
    }

    async fn pages(
        &self,
        method: &str,
        key: &str,
        query: &[(&str, &str)],
        paced: bool,
    ) -> Result<(Vec<Value>, bool), Trouble> {
        let (mut guard, mut items, mut cursor) = (Guard::default(), Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            if paced {
                self.wait().await;
            }
            let mut query = query.to_vec();
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut answer = self.call(method, &query).await?;
            if let Some(Value::Array(more)) = answer.get_mut(key) {
                items.append(more);
            }
            let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str);
            cursor = guard.follow(next.map(str::to_owned));
            if cursor.is_none() {
                return Ok((items, !guard.circled()));
            }
        }
        Err(Trouble::Here(format!("{method}: more than {MOST_PAGES} pages")))
    }

    async fn wait(&self) {
        let mut last = self.last.lock().await;
        let passed = last.as_ref().map_or(Duration::MAX, Stopwatch::elapsed);
        if let Some(left) = self.profile.pace().checked_sub(passed).filter(|left| !left.is_zero()) {
            tokio::time::sleep(left).await;
        }
        *last = Some(Stopwatch::start());
    }
}

fn read(method: &str, response: &Response) -> Result<Value, Trouble> {
    let value: Value = response.json()?;
    if value.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(value);
    }
    let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or("");
    Err(trouble(method, word("error"), word("needed")))
}

/// Slack's errors by what to do about them.
fn trouble(method: &str, error: &str, needed: &str) -> Trouble {
    let permanent = |what: String| Trouble::Source(SourceError::Permanent(what));
    match error {
        "ratelimited" | "rate_limited" => {
            Trouble::Source(SourceError::RateLimited { retry_after: Duration::from_secs(60) })
        }
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" | "team_added_to_org" => {
            Trouble::Source(SourceError::Transient(format!("{method}: {error}")))
        }
        "missing_scope" => permanent(format!(
            "{method}: the app lacks the scope {needed}; add it (config/slack-app-manifest.yaml has them all) and install the app again"
        )),
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "no_permission"
        | "not_allowed_token_type"
        | "ekm_access_denied"
        | "org_login_required"
        | "access_denied" => {
            permanent(format!("{method}: {error}; put a token of the installed app into token or token_file"))
        }
        "invalid_arguments" | "invalid_arg_name" | "unknown_method" | "invalid_cursor" | "" => {
            permanent(format!("{method}: refused ({error})"))
        }
        other => Trouble::Here(other.to_owned()),
    }
}

impl From<NetError> for Trouble {
    fn from(error: NetError) -> Trouble {
        match error {
            // An answer that cannot be read says nothing about the next.
            NetError::Permanent { status: None, what } => Trouble::Here(what),
            other => Trouble::Source(other.into()),
        }
    }
}

impl From<Trouble> for SourceError {
    fn from(trouble: Trouble) -> SourceError {
        match trouble {
            Trouble::Source(error) => error,
            Trouble::Here(word) => SourceError::Permanent(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whom_it_concerns_and_what_to_do() {
        let kind = |error| match trouble("m", error, "channels:history") {
            Trouble::Source(SourceError::Permanent(what)) if what.contains("channels:history") => "scope",
            Trouble::Source(SourceError::Permanent(_)) => "permanent",
            Trouble::Source(SourceError::Transient(_)) => "transient",
            Trouble::Source(SourceError::RateLimited { .. }) => "limited",
            Trouble::Here(_) => "here",
        };
        assert_eq!(kind("missing_scope"), "scope");
        assert_eq!(kind("invalid_auth"), "permanent");
        assert_eq!(kind(""), "permanent");
        assert_eq!(kind("ratelimited"), "limited");
        assert_eq!(kind("internal_error"), "transient");
        assert_eq!(kind("thread_not_found"), "here");
        assert_eq!(kind("not_in_channel"), "here");
    }

    #[test]
    fn the_limited_profile_asks_once_a_minute_for_fifteen() {
        assert_eq!(RateProfile::Limited.limit(), "15");
        assert!(RateProfile::Limited.pace() > Duration::from_secs(60));
        assert!(RateProfile::Internal.pace().is_zero());
    }
}
