//! Webhooks as Standard Webhooks has them: signed, with an id by which a second delivery is known.
//!
//! A receiver accepts by any 2xx; a redirect is a failure, and 410 says that it wants no more.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Sink, SinkError, address, body::Body, options, permanent};
use crate::{
    domain::notice::Envelope,
    net::{Client, Host, NetError, Request, credential, retry, sign},
    secret::Secret,
};

/// `type = "webhook"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub url: Option<Secret>,
    pub url_file: Option<PathBuf>,
    /// `whsec_` and base64. Several, parted by spaces or lines, while one is replaced: each signs.
    pub secret: Option<Secret>,
    pub secret_file: Option<PathBuf>,
    /// Certificates (PEM) of a company's own authority.
    pub extra_ca: Option<PathBuf>,
}

pub struct Webhook {
    name: String,
    client: Client,
    url: Secret,
    secrets: Vec<Secret>,
}

impl Config {
    /// # Errors
    /// `Permanent` where a setting cannot be, or a secret cannot be read.
    pub fn build(self, name: &str) -> Result<Webhook, SinkError> {
        let (url, host) = self.address()?;
        let written = credential::secret("secret", self.secret, self.secret_file.as_deref())?;
        let missing = || permanent(format!("sink {name}: no secret to sign with; set secret or secret_file"));
        let secrets: Vec<Secret> = written.ok_or_else(missing)?.reveal().split_whitespace().map(Secret::new).collect();
        // What cannot sign is told now and not with the first notice.
        sign::standard("", Timestamp::UNIX_EPOCH, b"", &secrets).map_err(|error| permanent(error.to_string()))?;
        Ok(Webhook { name: name.to_owned(), client: Client::new(vec![host], &options(self.extra_ca))?, url, secrets })
    }

    /// The one host it talks to.
    ///
    /// # Errors
    /// `Permanent` where the address is none or cannot be read.
    pub fn host(&self) -> Result<Host, SinkError> {
        self.address().map(|(_, host)| host)
    }

    fn address(&self) -> Result<(Secret, Host), SinkError> {
        let found = address("url", self.url.as_ref(), self.url_file.as_deref())?;
        found.ok_or_else(|| permanent("no address; set url or url_file"))
    }
}

#[async_trait]
impl Sink for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, envelope: &Envelope, now: Timestamp) -> Result<(), SinkError> {
        let body = serde_json::to_value(Body::of(envelope)).map_err(|error| permanent(error.to_string()))?;
        let signed = sign::standard(&envelope.id, now, body.to_string().as_bytes(), &self.secrets)
            .map_err(|error| permanent(error.to_string()))?;
        let mut request = Request::post(self.url.reveal(), &body)?.with_secret_path();
        for (header, value) in &signed {
            request = request.header(header, value)?;
        }
        let response = self.client.send(request).await?;
        retry::verdict(&response, now).map_err(|error| refused(&response.place, error))
    }

    async fn check(&self) -> Result<String, SinkError> {
        // Nothing is told by a GET; whatever the answer, somebody gave one.
        let request = Request::get(self.url.reveal(), &[])?.with_secret_path();
        let response = self.client.send(request).await?;
        let secrets = self.secrets.len();
        Ok(format!("{}: answers with HTTP {}; notices get {secrets} signature(s)", response.place, response.status))
    }
}

/// What a receiver of webhooks means by its refusal.
fn refused(place: &str, error: NetError) -> SinkError {
    match error {
        NetError::Permanent { status: Some(status @ (401 | 403)), .. } => permanent(format!(
            "{place}: HTTP {status}, the receiver does not accept the signature; check that it has the same secret"
        )),
        NetError::Permanent { status: Some(410), .. } => permanent(format!(
            "{place}: HTTP 410, the receiver wants no more notices; remove the sink or set a new url"
        )),
        NetError::Permanent { status: Some(404), .. } => {
            permanent(format!("{place}: HTTP 404, there is no receiver at this address; check url"))
        }
        other => other.into(),
    }
}
