//! A connection to the server: secured, logged in, and one command at a time.
//!
//! Answers are read here and not by the library's own commands, since those take a refusal or a cut line in the middle of
//! an answer for its end; half a list of letters would look like the other half deleted.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_imap::{
    Authenticator, Client, Session as Talk,
    error::Error as Said,
    imap_proto::{MailboxDatum, NameAttribute, Outcome, Response, ResponseCode, Status},
};
use rustls_platform_verifier::Verifier;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::{Config, Tls, name};
use crate::{secret::Secret, source::connector::SourceError};

/// A server that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(30);

/// What lies beneath: TCP, or TLS over it.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + Sync + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync + std::fmt::Debug> Wire for T {}

/// A connection that is logged in.
pub(super) struct Session {
    pub talk: Talk<Box<dyn Wire>>,
}

/// What the server says of a mailbox when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub validity: u32,
    pub next: u32,
    pub exists: u32,
}

/// Why a command brought nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The line is cut, or silent, or speaks no IMAP: what can be done is to connect again.
    Lost(String),
    /// The server said no.
    Refused(String),
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> SourceError {
        match failure {
            Failure::Lost(what) | Failure::Refused(what) => SourceError::Transient(what),
        }
    }
}

impl Session {
    /// # Errors
    /// Which step failed, and what to do where trying again is of no use.
    pub(super) async fn open(config: &Config) -> Result<Session, SourceError> {
        let mut client = greeted(secured(config).await?, true).await?;
        if config.tls == Tls::Starttls {
            let upgrade = timeout(SILENCE, client.run_command_and_check_ok("STARTTLS", None)).await;
            upgrade.map_err(|_| silent())?.map_err(|error| {
                SourceError::Permanent(format!("the server does not take STARTTLS: {error}; set tls = \"implicit\""))
            })?;
            client = greeted(tls(config, client.into_inner()).await?, false).await?;
        }
        // One of the two is given, see `Imap::new`.
        let password = config.password.as_ref().map_or("", Secret::reveal);
        let login = async {
            match &config.token {
                Some(token) => client.authenticate("XOAUTH2", Xoauth2::new(&config.user, token)).await,
                None => client.login(&config.user, password).await,
            }
        };
        let talk = timeout(SILENCE, login).await.map_err(|_| silent())?.map_err(|(error, _)| refused(error))?;
        Ok(Session { talk })
    }

    /// Sends a command and hands over every answer before the last.
    pub(super) async fn ask(&mut self, command: &str, mut hand: impl FnMut(&Response<'_>)) -> Result<(), Failure> {
        let verb = command.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let lost = |what: String| Failure::Lost(format!("{verb}: {what}"));
        let sent = timeout(SILENCE, self.talk.run_command(command)).await;
        let tag =
            sent.map_err(|_| lost("the server is silent".to_owned()))?.map_err(|error| lost(error.to_string()))?;
        loop {
            let answer = timeout(SILENCE, self.talk.read_response()).await;
            let answer = answer.map_err(|_| lost("the server is silent".to_owned()))?;
            let Some(answer) = answer.map_err(|error| lost(error.to_string()))? else {
                return Err(lost("the connection was cut".to_owned()));
            };
            match answer.parsed() {
                Response::Done { tag: done, status, outcome } if *done == tag => {
                    let said = outcome.information.as_deref().unwrap_or_default();
                    return match status {
                        Status::Ok => Ok(()),
                        _ => Err(Failure::Refused(format!("{verb}: the server said {said:?}"))),
                    };
                }
                Response::Data { status: Status::Bye, .. } => return Err(lost("the server hung up".to_owned())),
                other => hand(other),
            }
        }
    }

    /// Opens a mailbox to read; nothing in it changes by that, not even what is new.
    pub(super) async fn examine(&mut self, mailbox: &str) -> Result<Facts, Failure> {
        let mut facts = Facts::default();
        self.ask(&format!("EXAMINE {}", name::quoted(mailbox)), |answer| match answer {
            Response::MailboxData(MailboxDatum::Exists(n)) => facts.exists = *n,
            Response::Data { outcome: Outcome { code: Some(ResponseCode::UidValidity(n)), .. }, .. } => {
                facts.validity = *n
            }
            Response::Data { outcome: Outcome { code: Some(ResponseCode::UidNext(n)), .. }, .. } => facts.next = *n,
            _ => {}
        })
        .await?;
        if facts.next == 0 {
            // An old server does not say what comes next; it is one more than what there is.
            facts.next = self.search("ALL").await?.last().map_or(1, |last| last.saturating_add(1));
        }
        Ok(facts)
    }

    /// The UIDs that meet `criteria`, ascending.
    pub(super) async fn search(&mut self, criteria: &str) -> Result<Vec<u32>, Failure> {
        let mut found = Vec::new();
        self.ask(&format!("UID SEARCH {criteria}"), |answer| {
            if let Response::MailboxData(MailboxDatum::Search(uids)) = answer {
                found.extend_from_slice(uids);
            }
        })
        .await?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The mailboxes that a pattern names, by their names on the wire; without those that hold no letters, or only such as
    /// lie elsewhere or are nobody's talk.
    pub(super) async fn list(&mut self, pattern: &str) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        self.ask(&format!("LIST \"\" {}", name::quoted(pattern)), |answer| {
            if let Response::MailboxData(MailboxDatum::List(list)) = answer
                && !list.name_attributes.iter().any(is_passed_over)
            {
                names.push(list.name.to_string());
            }
        })
        .await?;
        names.sort();
        Ok(names)
    }

    /// What the server can do, in its own words.
    pub(super) async fn capabilities(&mut self) -> Result<async_imap::types::Capabilities, Failure> {
        let asked = timeout(SILENCE, self.talk.capabilities()).await;
        asked
            .map_err(|_| Failure::Lost("CAPABILITY: the server is silent".to_owned()))?
            .map_err(|error| Failure::Lost(format!("CAPABILITY: {error}")))
    }
}

fn is_passed_over(attribute: &NameAttribute<'_>) -> bool {
    use NameAttribute::{All, Drafts, Flagged, Junk, NoSelect, Trash};
    matches!(attribute, All | Drafts | Flagged | Junk | NoSelect | Trash)
}

/// TCP, and TLS where it is there from the first byte on.
async fn secured(config: &Config) -> Result<Box<dyn Wire>, SourceError> {
    let address = (config.host.as_str(), config.port());
    let unreachable = |what: String| SourceError::Transient(format!("{}:{}: {what}", address.0, address.1));
    let connected = timeout(CONNECT, TcpStream::connect(address)).await;
    let stream = connected.map_err(|_| unreachable("no answer".to_owned()))?.map_err(|e| unreachable(e.to_string()))?;
    let peer = stream.peer_addr().map_err(|error| unreachable(error.to_string()))?;
    if config.tls == Tls::None && !is_own(peer) {
        let what =
            format!("{} is another machine, and tls = \"none\" would send the password in the clear", config.host);
        return Err(SourceError::Permanent(what));
    }
    match config.tls {
        Tls::Implicit => tls(config, Box::new(stream)).await,
        Tls::Starttls | Tls::None => Ok(Box::new(stream)),
    }
}

fn is_own(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

async fn tls(config: &Config, stream: Box<dyn Wire>) -> Result<Box<dyn Wire>, SourceError> {
    let wrong = |what: String| SourceError::Permanent(format!("TLS with {}: {what}", config.host));
    let mut roots = Vec::new();
    if let Some(path) = &config.ca_file {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        roots = read.map_err(|error| wrong(format!("{}: {error}", path.display())))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(|e| wrong(e.to_string()))?;
    let settings = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let host = ServerName::try_from(config.host.clone()).map_err(|error| wrong(error.to_string()))?;
    let shaken = timeout(CONNECT, TlsConnector::from(Arc::new(settings)).connect(host, stream)).await;
    match shaken.map_err(|_| silent())? {
        Ok(stream) => Ok(Box::new(stream)),
        // A certificate that is not good today is not good tomorrow; a cut line may be.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(wrong(error.to_string())),
        Err(error) => Err(SourceError::Transient(format!("TLS with {}: {error}", config.host))),
    }
}

async fn greeted(stream: Box<dyn Wire>, greets: bool) -> Result<Client<Box<dyn Wire>>, SourceError> {
    let mut client = Client::new(stream);
    if greets {
        let greeting = timeout(SILENCE, client.read_response()).await.map_err(|_| silent())?;
        let greeting = greeting.map_err(|error| SourceError::Transient(format!("no greeting: {error}")))?;
        if greeting.is_none() {
            return Err(SourceError::Transient("the server hung up before its greeting".to_owned()));
        }
    }
    Ok(client)
}

fn refused(error: Said) -> SourceError {
    match error {
        Said::No(said) | Said::Bad(said) => {
            let busy = ["UNAVAILABLE", "INUSE", "LIMIT", "temporar", "Too many"];
            if busy.iter().any(|word| said.contains(word)) {
                return SourceError::Transient(format!("the server does not let us in now: {said}"));
            }
            SourceError::Permanent(format!("the server does not let us in: {said}; check user, password or token"))
        }
        other => SourceError::Transient(format!("login: {other}")),
    }
}

fn silent() -> SourceError {
    SourceError::Transient("the server is silent".to_owned())
}

/// The one answer of XOAUTH2; asked again, the server has refused and waits for an empty line.
struct Xoauth2 {
    answer: Option<String>,
}

impl Xoauth2 {
    fn new(user: &str, token: &Secret) -> Xoauth2 {
        Xoauth2 { answer: Some(format!("user={user}\x01auth=Bearer {}\x01\x01", token.reveal())) }
    }
}

impl Authenticator for Xoauth2 {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        self.answer.take().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_once() {
        let mut login = Xoauth2::new("ana@example.org", &Secret::new("t0ken"));
        assert_eq!(login.process(b""), "user=ana@example.org\x01auth=Bearer t0ken\x01\x01");
        assert_eq!(login.process(b"{\"status\":\"401\"}"), "");
    }

    #[test]
    fn only_this_machine_may_be_spoken_to_in_the_clear() {
        for (address, own) in
            [("127.0.0.1:1", true), ("[::1]:1", true), ("[::ffff:127.0.0.1]:1", true), ("10.0.0.1:1", false)]
        {
            assert_eq!(is_own(address.parse().unwrap()), own, "{address}");
        }
    }
}
