//! GitHub's HTTP: its headers, its pages, its errors, and how much of the rate is left.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    net::{
        Client, NetError, Request, Response,
        page::{Guard, next_link},
        retry,
    },
    secret::Secret,
    time::Clock,
};

/// The version of the REST API that the wire structs are written after.
const VERSION: &str = "2022-11-28";
/// Requests that are left for the token's other users before a rate is used up.
const RESERVE: u64 = 10;
/// A list with more pages than this is not one that people wrote.
const MOST_PAGES: usize = 1000;

/// The rate that a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rate {
    Core,
    Graphql,
}

pub(super) struct Api {
    client: Client,
    /// Without a slash at its end.
    base: String,
    token: Option<Secret>,
    clock: Arc<dyn Clock>,
    /// Rates that are used up, and until when.
    used_up: Mutex<HashMap<Rate, Timestamp>>,
}

impl Api {
    pub(super) fn new(client: Client, base: &str, token: Option<Secret>, clock: Arc<dyn Clock>) -> Api {
        let base = base.trim_end_matches('/').to_owned();
        Api { client, base, token, clock, used_up: Mutex::default() }
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// `path` below the base address, or a link that an answer gave. A 304 comes back as it is.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
        etag: Option<&str>,
    ) -> Result<Response, NetError> {
        let address = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let mut request = self.dressed(Request::get(&address, query)?)?;
        if let Some(etag) = etag {
            request = request.header("if-none-match", etag)?;
        }
        self.send(request, Rate::Core).await
    }

    /// All pages of a list.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<Value>, NetError> {
        let mut response = self.get(path, &[("per_page", "100")], None).await?;
        let (mut guard, mut items) = (Guard::default(), Vec::new());
        for _ in 0..MOST_PAGES {
            items.append(&mut response.json()?);
            let Some(next) = guard.follow(next_link(&response.headers)) else { break };
            response = self.get(&next, &[], None).await?;
        }
        // A thread that is not whole would pass for one whose other messages were deleted.
        match next_link(&response.headers) {
            Some(_) => Err(NetError::permanent(format!("{}: its pages come to no end", response.place))),
            None => Ok(items),
        }
    }

    /// The `data` of a GraphQL query.
    pub(super) async fn graphql(&self, query: &str, operation: &str, variables: Value) -> Result<Value, NetError> {
        let body = json!({ "query": query, "operationName": operation, "variables": variables });
        let request = self.dressed(Request::post(&self.graphql_address(), &body)?)?;
        let response = self.send(request, Rate::Graphql).await?;
        let mut answer: Value = response.json()?;
        match answer.get("errors").and_then(Value::as_array).and_then(|errors| errors.first()) {
            Some(error) => Err(graphql_error(error, &response, self.clock.now())),
            None => Ok(answer.get_mut("data").map(Value::take).unwrap_or_default()),
        }
    }

    /// On GitHub Enterprise, GraphQL stands beside the REST API and not below it.
    fn graphql_address(&self) -> String {
        let root = self.base.strip_suffix("/v3").unwrap_or(&self.base);
        format!("{root}/graphql")
    }

    fn dressed(&self, request: Request) -> Result<Request, NetError> {
        let request =
            request.header("accept", "application/vnd.github+json")?.header("x-github-api-version", VERSION)?;
        match &self.token {
            Some(token) => request.bearer(token),
            None => Ok(request),
        }
    }

    async fn send(&self, request: Request, rate: Rate) -> Result<Response, NetError> {
        let now = self.clock.now();
        if let Some(until) = self.rates().get(&rate).filter(|until| **until > now) {
            let retry_after = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            return Err(NetError::RateLimited { retry_after: retry_after.max(Duration::from_secs(1)) });
        }
        let response = self.client.send(request).await?;
        let used_up = retry::budget(&response.headers, now).filter(|budget| budget.remaining < RESERVE);
        match used_up.and_then(|budget| now.checked_add(budget.resets_in).ok()) {
            Some(until) => self.rates().insert(rate, until),
            None => self.rates().remove(&rate),
        };
        retry::verdict(&response, now)?;
        Ok(response)
    }

    fn rates(&self) -> std::sync::MutexGuard<'_, HashMap<Rate, Timestamp>> {
        self.used_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// GraphQL's errors come with HTTP 200 and a `type`. Their messages can quote the query, which holds nothing private.
fn graphql_error(error: &Value, response: &Response, now: Timestamp) -> NetError {
    let word = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or("");
    let what = format!("{}: {} {}", response.place, word("type"), word("message"));
    match word("type") {
        "RATE_LIMITED" => {
            let told = retry::budget(&response.headers, now).map(|budget| budget.resets_in);
            NetError::RateLimited { retry_after: told.unwrap_or(Duration::from_secs(60)) }
        }
        "NOT_FOUND" => NetError::Permanent { status: Some(404), what },
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" => NetError::Permanent { status: Some(403), what },
        "" | "MAX_NODE_LIMIT_EXCEEDED" | "UNPROCESSABLE" => NetError::permanent(what),
        _ => NetError::Transient(what),
    }
}
