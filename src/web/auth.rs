//! Who asks, and what they may see and do.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::Response,
};

use super::{App, error::ApiError, guard::Peer};
use crate::store::{
    thread::{Filter, Listed},
    token::{self, Scope, Token},
};

/// Requests that one with a wrong token counts for.
const WRONG_TOKEN_COSTS: f64 = 10.0;

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    /// What the audit calls them: a token's name, or where they are.
    pub who: String,
    pub scope: Scope,
    /// The only sources that they may see; `None`: all.
    pub sources: Option<Vec<String>>,
    /// The row of their token.
    pub token: Option<i64>,
}

impl Reader {
    pub fn sees(&self, source: &str) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.iter().any(|s| s == source))
    }

    /// What a list shows them.
    pub fn filter(&self) -> Filter {
        Filter { visible: self.sources.clone(), ..Filter::default() }
    }

    pub fn must(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scope >= scope {
            return Ok(());
        }
        let (theirs, needed) = (self.scope.as_str(), scope.as_str());
        Err(ApiError::forbidden("scope", format!("This needs a token with scope {needed}; yours has {theirs}.")))
    }

    /// The thread, if they may see it. One that they may not see is not there.
    pub fn may_see(&self, thread: Option<Listed>) -> Result<Listed, ApiError> {
        thread.filter(|thread| self.sees(&thread.source)).ok_or_else(ApiError::no_thread)
    }

    fn of(token: Token) -> Reader {
        let Token { id, name, scope, sources, .. } = token;
        Reader { who: name, scope, sources, token: Some(id) }
    }
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Reader, ApiError> {
        // The middleware below let them in.
        parts.extensions.get().cloned().ok_or_else(|| ApiError::internal(&"a route without anybody at its door"))
    }
}

/// Lets in who has a token, and programs on this machine where the configuration says so.
pub(crate) async fn enter(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let peer = *request.extensions().get::<Peer>().ok_or_else(|| ApiError::internal(&"a request from nowhere"))?;
    let words = words(request.headers()).or_else(|| feed_words(&request));
    let reader = match words {
        Some(words) => known(&app, &peer, words).await?,
        None if app.config.open_on_loopback && peer.is_local(request.headers()) => local(&peer),
        None => {
            app.counters.unauthorized();
            return Err(unauthorized("This needs a token: send it as Authorization: Bearer bluf_…"));
        }
    };
    if let Some(token) = reader.token {
        app.buckets.take(&format!("token {token}"), 1.0).inspect_err(|_| app.counters.limited())?;
        app.auditor.used(token, app.desk.now());
    }
    request.extensions_mut().insert(reader);
    Ok(next.run(request).await)
}

async fn known(app: &App, peer: &Peer, words: String) -> Result<Reader, ApiError> {
    let now = app.desk.now();
    if let Some(token) = app.read(move |on| token::find(on, &words, now)).await? {
        return Ok(Reader::of(token));
    }
    app.counters.unauthorized();
    // Only who guesses is slowed down: behind a proxy everybody has the same address.
    let bucket = match peer {
        Peer::Unix => "socket".to_owned(),
        Peer::Tcp { from, .. } => format!("from {}", from.ip()),
    };
    app.buckets.take(&bucket, WRONG_TOKEN_COSTS).inspect_err(|_| app.counters.limited())?;
    Err(unauthorized("This token is not known, or has expired."))
}

/// Who stands on this machine. A socket's file mode says who may do everything.
fn local(peer: &Peer) -> Reader {
    let (who, scope) = match peer {
        Peer::Unix => ("socket", Scope::Admin),
        Peer::Tcp { .. } => ("loopback", Scope::Act),
    };
    Reader { who: who.to_owned(), scope, sources: None, token: None }
}

/// A token as a bearer's, or as the password that a browser asks for.
fn words(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?;
    // What cannot be read is no token, and yet not nothing.
    let unreadable = || Some(String::new());
    let Some((scheme, rest)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return unreadable() };
    match scheme {
        s if s.eq_ignore_ascii_case("bearer") => Some(rest.trim().to_owned()),
        s if s.eq_ignore_ascii_case("basic") => match base64(rest.trim()) {
            Some(pair) => pair.split_once(':').map(|(_, password)| password.to_owned()).or_else(unreadable),
            None => unreadable(),
        },
        _ => unreadable(),
    }
}

/// Feed readers send no headers: the address has the token.
fn feed_words(request: &Request) -> Option<String> {
    if !request.uri().path().starts_with("/api/v1/feeds/") {
        return None;
    }
    let mut pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == "token").map(|(_, words)| words.to_owned())
}

/// RFC 4648 base64 of text.
fn base64(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

fn unauthorized(detail: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

#[cfg(test)]
mod tests {
    use super::{base64, words};

    #[test]
    fn a_token_comes_as_a_bearers_or_as_a_password() {
        let with =
            |value: &str| words(&[(super::AUTHORIZATION, value.parse().expect("a value"))].into_iter().collect());
        assert_eq!(with("Bearer bluf_1").as_deref(), Some("bluf_1"));
        assert_eq!(with("basic dXNlcjpibHVmXzE=").as_deref(), Some("bluf_1"));
        for odd in ["Bearer", "Digest x", "Basic !!", "Basic dXNlcg=="] {
            assert_eq!(with(odd).as_deref(), Some(""), "{odd}");
        }
        assert_eq!(base64("w6k=").as_deref(), Some("é"));
    }
}
