//! Mail: a text and an HTML part, one thread of mails for each matter, over TLS unless the server is this machine.

use std::{fmt::Write, path::PathBuf, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Sink, SinkError, TOTAL_SECS, permanent};
use crate::{
    alert::render,
    domain::notice::Envelope,
    net::{self, credential},
    secret::Secret,
};

/// An encoded word has at most 75 characters (RFC 2047, section 2); so many bytes are 60 of base64.
const ENCODED_BYTES: usize = 45;

/// `type = "smtp"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub host: String,
    /// 465 where TLS is there from the first byte on, 25 without any, else 587.
    pub port: Option<u16>,
    #[serde(default)]
    pub tls: Protection,
    /// Certificates, in PEM, to be trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
    /// `name@example.org` or `bluf <name@example.org>`.
    pub from: String,
    pub to: Vec<String>,
    /// Where to ask for no more of these mails: `mailto:` or `https:`.
    pub unsubscribe: Option<String>,
}

/// How the line is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// Begun in the clear and turned to TLS before anything is said; without it nothing is sent.
    #[default]
    StartTls,
    /// TLS from the first byte on.
    Implicit,
    /// For a server on this machine alone.
    None,
}

pub struct Smtp {
    name: String,
    /// For errors: `smtp://host:port`.
    place: String,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    unsubscribe: Option<String>,
}

impl Config {
    /// # Errors
    /// `Permanent` where a setting cannot be, or a secret cannot be read.
    pub fn build(self, name: &str) -> Result<Smtp, SinkError> {
        let place = self.host();
        let password = credential::secret("password", self.password.clone(), self.password_file.as_deref())?;
        let credentials = match (&self.user, password) {
            (Some(user), Some(password)) => Some(Credentials::new(user.clone(), password.reveal().to_owned())),
            (None, None) => None,
            _ => return Err(permanent("give both user and password (or password_file), or neither")),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port())
            .timeout(Some(Duration::from_secs(TOTAL_SECS)))
            .tls(self.protection()?);
        if let Some(credentials) = credentials {
            builder = builder.credentials(credentials);
        }
        let mailbox = |key: &str, text: &str| {
            text.parse::<Mailbox>().map_err(|error| permanent(format!("{key}: {text:?} is no mail address: {error}")))
        };
        let from = mailbox("from", &self.from)?;
        let to: Vec<Mailbox> = self.to.iter().map(|text| mailbox("to", text)).collect::<Result<_, _>>()?;
        if to.is_empty() {
            return Err(permanent("to must name at least one address"));
        }
        if let Some(address) = &self.unsubscribe {
            let known = address.starts_with("mailto:") || address.starts_with("https://");
            if !known || !address.chars().all(|c| c.is_ascii_graphic() && !"<>,\"".contains(c)) {
                return Err(permanent("unsubscribe is one mailto: or https: address"));
            }
        }
        let (name, transport) = (name.to_owned(), builder.build());
        Ok(Smtp { name, place, transport, from, to, unsubscribe: self.unsubscribe })
    }

    /// The one host it talks to.
    pub fn host(&self) -> String {
        let scheme = if self.tls == Protection::Implicit { "smtps" } else { "smtp" };
        format!("{scheme}://{}:{}", self.host, self.port())
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Protection::StartTls => 587,
            Protection::Implicit => 465,
            Protection::None => 25,
        })
    }

    fn protection(&self) -> Result<Tls, SinkError> {
        if self.tls == Protection::None {
            return if net::is_own_name(&self.host) {
                Ok(Tls::None)
            } else {
                Err(permanent(
                    "tls = \"none\" is for localhost alone; use \"starttls\" (port 587) or \"implicit\" (port 465)",
                ))
            };
        }
        let mut parameters = TlsParameters::builder(self.host.clone());
        if let Some(path) = &self.ca_file {
            let wrong = |why: String| permanent(format!("ca_file {}: {why}; it should hold PEM", path.display()));
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            parameters = parameters
                .add_root_certificate(Certificate::from_pem(&pem).map_err(|_| wrong("no certificate".to_owned()))?);
        }
        let parameters =
            parameters.build_rustls().map_err(|error| permanent(format!("TLS cannot be set up: {error}")))?;
        Ok(if self.tls == Protection::Implicit { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
    }
}

#[async_trait]
impl Sink for Smtp {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, envelope: &Envelope, _now: Timestamp) -> Result<(), SinkError> {
        let letter = self.letter(envelope)?;
        let sent = tokio::time::timeout(Duration::from_secs(2 * TOTAL_SECS), self.transport.send(letter)).await;
        let sent = sent.map_err(|_| SinkError::Transient(format!("{}: no answer in time", self.place)))?;
        sent.map(drop).map_err(|error| trouble(&self.place, &error))
    }

    async fn check(&self) -> Result<String, SinkError> {
        match self.transport.test_connection().await.map_err(|error| trouble(&self.place, &error))? {
            true => Ok(format!("{}: lets bluf in; {} address(es) are written to", self.place, self.to.len())),
            false => Err(SinkError::Transient(format!("{}: does not answer", self.place))),
        }
    }
}

impl Smtp {
    /// The same envelope gives the same ids and the same words.
    fn letter(&self, envelope: &Envelope) -> Result<Message, SinkError> {
        let rendered = render::render(envelope);
        let domain = self.from.email.domain();
        // Nobody wrote the mail that a matter's mails answer: it is only there to hold them together.
        let matter = format!("<matter.{}@{domain}>", digest(&envelope.group));
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(rendered.subject.clone())
            .date(envelope.made_at.into())
            .message_id(Some(format!("<notice.{}@{domain}>", digest(&envelope.id))))
            .in_reply_to(matter.clone())
            .references(matter);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        if rendered.subject.contains("=?") {
            builder = builder.raw_header(encoded("Subject", &rendered.subject));
        }
        // RFC 3834: nobody's out-of-office answers a notice.
        builder = builder.raw_header(header("Auto-Submitted", "auto-generated"));
        builder = builder.raw_header(header("X-Bluf-Notice", &digest(&envelope.id)));
        if let Some(address) = &self.unsubscribe {
            builder = builder.raw_header(header("List-Unsubscribe", &format!("<{address}>")));
        }
        let parts = MultiPart::alternative_plain_html(rendered.text, rendered.html);
        builder.multipart(parts).map_err(|error| permanent(format!("the mail cannot be written: {error}")))
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A header whose words look encoded (RFC 2047) as people wrote them: encoded itself, so that no reader decodes those.
fn encoded(name: &'static str, text: &str) -> HeaderValue {
    let mut words = vec![String::new()];
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= ENCODED_BYTES => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?b?{}?=", STANDARD.encode(word))).collect();
    let name = HeaderName::new_from_ascii_str(name);
    // Base64 has nothing in it that ends a line or a header.
    HeaderValue::dangerous_new_pre_encoded(name, text.to_owned(), words.join("\r\n "))
}

/// An id of any form as one that a header can hold: 20 hexadecimal digits of its SHA-256.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(10).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes what is written");
        hex
    })
}

/// Only the code of an answer is told: its text often repeats the address.
fn trouble(place: &str, error: &smtp::Error) -> SinkError {
    if let Some(code) = error.status() {
        let code = code.to_string();
        let advice = match code.as_str() {
            "530" | "534" | "535" => "; check user and password",
            "550" | "551" | "553" | "554" => {
                "; the server takes no mail from this sender or for one of these addresses"
            }
            "552" => "; the mail or the mailbox is too large for the server",
            _ => "",
        };
        let what = format!("{place}: answers with {code}{advice}");
        return if error.is_permanent() { SinkError::Permanent(what) } else { SinkError::Transient(what) };
    }
    let mut innermost: &dyn std::error::Error = error;
    let mut untrusted = false;
    while let Some(source) = innermost.source() {
        untrusted |= source.to_string().contains("certificate");
        innermost = source;
    }
    if untrusted {
        permanent(format!("{place}: {innermost}; if it is your own authority's, name its file in ca_file"))
    } else if error.is_client() {
        permanent(format!("{place}: {innermost}; check tls and what the server offers"))
    } else {
        SinkError::Transient(format!("{place}: {innermost}"))
    }
}
