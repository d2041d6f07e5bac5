//! The one HTTP client: it speaks to the hosts that it was built for and to no other, and waits and reads no more than set.

use std::{fmt, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
    redirect,
};
use rustls::{ClientConfig, crypto::ring, pki_types::CertificateDer, pki_types::pem::PemObject};
use rustls_platform_verifier::Verifier;
use serde::de::DeserializeOwned;

use super::{HeaderMap, NetError, json};
use crate::secret::Secret;

/// Redirects within one host that are followed.
const MOST_REDIRECTS: usize = 5;

/// How long and how much, at most.
#[derive(Clone, Debug)]
pub struct Options {
    pub connect_timeout: Duration,
    /// Between two pieces of an answer.
    pub read_timeout: Duration,
    /// For a request with its whole answer.
    pub total_timeout: Duration,
    /// Of an answer's body after decompression, bytes.
    pub most_body_bytes: usize,
    /// Certificates (PEM) that are trusted besides the system's: a company's own authority.
    pub extra_ca: Option<PathBuf>,
    /// Whether redirects within one host are followed. What brings something must not: a redirected POST can become a GET,
    /// whose answer says nothing of what was to be brought.
    pub redirects: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(120),
            most_body_bytes: 32 << 20,
            extra_ca: None,
            redirects: true,
        }
    }
}

/// A scheme, host and port: what a request may go to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host {
    scheme: String,
    name: String,
    port: u16,
}

impl Host {
    /// The host of an `http` or `https` address.
    ///
    /// # Errors
    /// `Permanent` where the address is of another kind or carries a password.
    pub fn of(address: &str) -> Result<Host, NetError> {
        let wrong = |what: &str| NetError::permanent(format!("{address:?} {what}"));
        let url = Url::parse(address).map_err(|error| wrong(&format!("is no address: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            // The address itself is not repeated: it holds a secret.
            return Err(NetError::permanent("an address holds a user or password; give the secret in its own setting"));
        }
        Host::of_url(&url).ok_or_else(|| wrong("is not an http or https address"))
    }

    fn of_url(url: &Url) -> Option<Host> {
        let known = matches!(url.scheme(), "http" | "https");
        let (name, port) = (url.host_str()?, url.port_or_known_default()?);
        known.then(|| Host { scheme: url.scheme().to_owned(), name: name.to_owned(), port })
    }

    /// Whether nothing sent there crosses a network.
    fn is_loopback(&self) -> bool {
        is_own_name(self.name.trim_matches(['[', ']']))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.name, self.port)
    }
}

/// Whether a host by that name is this machine and can be no other.
pub fn is_own_name(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// A request to be sent. Its `Debug` shows no header.
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    /// Whoever knows the path may use it: errors do not tell it.
    secret_path: bool,
}

impl Request {
    /// `GET address?query`; a query that the address already has is kept.
    ///
    /// # Errors
    /// `Permanent` where `address` is none.
    pub fn get(address: &str, query: &[(&str, &str)]) -> Result<Request, NetError> {
        let mut url =
            Url::parse(address).map_err(|error| NetError::permanent(format!("{address:?} is no address: {error}")))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Request { method: Method::GET, url, headers: HeaderMap::new(), body: None, secret_path: false })
    }

    /// `POST address` with a JSON body.
    ///
    /// # Errors
    /// `Permanent` where `address` is none.
    pub fn post(address: &str, body: &serde_json::Value) -> Result<Request, NetError> {
        let get = Request::get(address, &[])?;
        let body = Some(body.to_string().into_bytes());
        Request { method: Method::POST, body, ..get }.header("content-type", "application/json")
    }

    /// # Errors
    /// `Permanent` where a header cannot hold the value.
    pub fn header(mut self, name: &'static str, value: &str) -> Result<Request, NetError> {
        let value = HeaderValue::from_str(value)
            .map_err(|_| NetError::permanent(format!("the header {name} cannot hold the given value")))?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// `Authorization: Bearer …`.
    ///
    /// # Errors
    /// `Permanent` where the token holds what no header can.
    pub fn bearer(mut self, token: &Secret) -> Result<Request, NetError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal().trim()))
            .map_err(|_| NetError::permanent("the token holds a line break or another sign that no token has"))?;
        value.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, value);
        Ok(self)
    }

    /// `Authorization: Basic …` (RFC 7617).
    ///
    /// # Errors
    /// `Permanent` where no header can hold it.
    pub fn basic(mut self, user: &str, password: &Secret) -> Result<Request, NetError> {
        let pair = STANDARD.encode(format!("{user}:{}", password.reveal()));
        let mut value = HeaderValue::from_str(&format!("Basic {pair}"))
            .map_err(|_| NetError::permanent("no header can hold the user and password"))?;
        value.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, value);
        Ok(self)
    }

    /// Keeps the path of its address out of every error: for addresses that let in whoever knows them.
    pub fn with_secret_path(mut self) -> Request {
        self.secret_path = true;
        self
    }

    /// For errors and logs: without query, which may hold what is private.
    fn place(&self) -> String {
        let port = self.url.port().map_or(String::new(), |port| format!(":{port}"));
        let path = if self.secret_path { "/…" } else { self.url.path() };
        format!("{} {}{port}{path}", self.method, self.url.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

/// An answer, whole.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    /// Decompressed.
    pub body: Vec<u8>,
    /// Method, host and path, for errors.
    pub place: String,
}

impl Response {
    /// # Errors
    /// See [`json::read`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, NetError> {
        json::read(&self.body, &self.place)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Sends requests to `allowed` hosts.
pub struct Client {
    http: reqwest::Client,
    allowed: Vec<Host>,
    most_body_bytes: usize,
}

impl Client {
    /// # Errors
    /// `Permanent` where the extra certificates cannot be read.
    pub fn new(allowed: Vec<Host>, options: &Options) -> Result<Client, NetError> {
        let failed = |error: reqwest::Error| NetError::permanent(format!("HTTP cannot be set up: {error}"));
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(options)?)
            .user_agent(concat!("bluf/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(options.total_timeout)
            .redirect(if options.redirects {
                redirect::Policy::custom(within_one_host)
            } else {
                redirect::Policy::none()
            })
            .referer(false)
            // A proxy of the environment would be a host that nobody named.
            .no_proxy()
            .gzip(true)
            .build()
            .map_err(failed)?;
        Ok(Client { http, allowed, most_body_bytes: options.most_body_bytes })
    }

    /// Sends, and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `Transient` where no whole answer came in time; `Permanent` for a host that is not allowed, a certificate that is not
    /// trusted, a body that is too large, and a token that would cross a network in the clear.
    pub async fn send(&self, request: Request) -> Result<Response, NetError> {
        let place = request.place();
        self.admit(&request, &place)?;
        let mut builder = self.http.request(request.method, request.url).headers(request.headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let mut answer = builder.send().await.map_err(|error| trouble(&place, error))?;
        let (status, headers) = (answer.status().as_u16(), std::mem::take(answer.headers_mut()));
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| trouble(&place, error))? {
            if body.len() + piece.len() > self.most_body_bytes {
                let what = format!("{place}: the answer is larger than {} bytes", self.most_body_bytes);
                return Err(NetError::permanent(what));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Response { status, headers, body, place })
    }

    fn admit(&self, request: &Request, place: &str) -> Result<(), NetError> {
        let host = Host::of_url(&request.url).filter(|host| self.allowed.contains(host));
        let Some(host) = host else {
            return Err(NetError::permanent(format!("{place}: not asked, the configuration does not name this host")));
        };
        if host.scheme == "http" && !host.is_loopback() && request.headers.contains_key(AUTHORIZATION) {
            return Err(NetError::permanent(format!("{place}: a token is not sent over plain http; use https")));
        }
        Ok(())
    }
}

/// A redirect elsewhere is not followed: the answer is then the redirect itself. So no answer can lead to an address inside
/// the network that only this machine reaches.
fn within_one_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let first = attempt.previous().first().and_then(Host::of_url);
    if Host::of_url(attempt.url()) == first && attempt.previous().len() <= MOST_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn tls(options: &Options) -> Result<ClientConfig, NetError> {
    let failed = |error: rustls::Error| NetError::permanent(format!("TLS cannot be set up: {error}"));
    let provider = Arc::new(ring::default_provider());
    let extra = options.extra_ca.as_ref().map_or(Ok(Vec::new()), |path| {
        let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let wrong = |why: String| NetError::permanent(format!("{}: {why}; it should hold PEM", path.display()));
        certificates
            .map_err(|error| wrong(error.to_string()))
            .and_then(|found| if found.is_empty() { Err(wrong("holds no certificate".to_owned())) } else { Ok(found) })
    })?;
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(failed)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// A certificate that is not trusted will not be trusted in a minute either; everything else may pass.
fn trouble(place: &str, error: reqwest::Error) -> NetError {
    let timed_out = error.is_timeout();
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    let mut untrusted = false;
    while let Some(source) = innermost.source() {
        untrusted |= source.to_string().contains("certificate");
        innermost = source;
    }
    if untrusted {
        let what = format!("{place}: {innermost}; if it is your own authority's, name its file in extra_ca");
        return NetError::permanent(what);
    }
    let what = if timed_out { "no answer in time".to_owned() } else { innermost.to_string() };
    NetError::Transient(format!("{place}: {what}"))
}

#[cfg(test)]
#[path = "tests/client.rs"]
mod tests;
