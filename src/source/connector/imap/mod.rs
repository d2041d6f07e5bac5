//! Mailboxes of an IMAP account (RFC 3501): letters that come, are edited, moved and deleted, and word of them by IDLE.
//!
//! A letter is known by its `Message-ID`, whatever mailbox and UID it has, so that moving it or renumbering the mailbox
//! changes nothing. Flags are not read: letters never change, so UIDVALIDITY, UIDNEXT and the number of letters say all
//! that can have happened, and a server needs no CONDSTORE for it.

mod idle;
mod name;
mod pull;
mod session;
mod state;

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use serde::Deserialize;

use self::{
    pull::Step,
    session::{Failure, Session},
    state::State,
};
use super::{Source, SourceError, Whoami};
use crate::{
    domain::{Cursor, Item, Page},
    net::{self, credential},
    secret::Secret,
};

/// An account to read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub host: String,
    /// 993 where TLS is there from the first byte on, else 143.
    pub port: Option<u16>,
    #[serde(default)]
    pub tls: Tls,
    /// Certificates, in PEM, to be trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    pub user: String,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
    /// An OAuth 2 access token, for servers that take XOAUTH2.
    pub token: Option<Secret>,
    pub token_file: Option<PathBuf>,
    /// Mailboxes in the order of reading. `*` stands for any name and `%` for any within one level; by pattern, mailboxes for
    /// drafts, junk, trash and "all mail" are passed over.
    #[serde(default = "inbox")]
    pub mailboxes: Vec<String>,
    /// Letters that came more than so many days before an account is first read are left where they are; all are read
    /// where it is not set.
    pub since_days: Option<u32>,
    /// A larger letter is set aside. Bytes, attachments and all.
    #[serde(default = "max_message_bytes")]
    pub max_message_bytes: u64,
}

/// How the connection is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// From the first byte on.
    #[default]
    Implicit,
    /// After a greeting in the clear.
    Starttls,
    /// Not at all: for this machine alone.
    None,
}

fn inbox() -> Vec<String> {
    vec!["INBOX".to_owned()]
}

fn max_message_bytes() -> u64 {
    50 << 20
}

impl Config {
    /// The one host that it talks to, with its port.
    pub fn host(&self) -> String {
        format!("{}:{}", self.host, self.port())
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls == Tls::Implicit { 993 } else { 143 })
    }
}

/// A running source over an account.
pub struct Imap {
    name: String,
    config: Config,
    /// The connection between pulls. Whoever needs it takes it, and puts it back when it is still good.
    session: Mutex<Option<Session>>,
}

impl Imap {
    /// # Errors
    /// What in the configuration cannot be meant.
    pub fn new(name: impl Into<String>, mut config: Config) -> Result<Imap, SourceError> {
        config.password = credential::secret("password", config.password.take(), config.password_file.as_deref())?;
        config.token = credential::secret("token", config.token.take(), config.token_file.as_deref())?;
        let wrong = |what: &str| Err(SourceError::Permanent(what.to_owned()));
        if config.password.is_some() == config.token.is_some() {
            return wrong("give either a password (or password_file) or a token (or token_file)");
        }
        if config.tls == Tls::None && !net::is_own_name(&config.host) {
            return wrong("tls = \"none\" is for localhost alone; use \"implicit\" (port 993) or \"starttls\"");
        }
        if config.mailboxes.is_empty() || config.mailboxes.iter().any(|m| m.is_empty() || m.contains(char::is_control))
        {
            return wrong("mailboxes must name at least one, for example [\"INBOX\"]");
        }
        if config.max_message_bytes == 0 {
            return wrong("max_message_bytes = 0 would leave out every letter");
        }
        Ok(Imap { name: name.into(), config, session: Mutex::new(None) })
    }

    fn take(&self) -> Option<Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, session: Session) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// One page over `session`.
    async fn page(&self, session: &mut Session, cursor: Option<&Cursor>) -> Result<Page, Failure> {
        let mut state = State::of(cursor);
        let mailboxes = self.mailboxes(session).await?;
        let dropped = self.dropped(session, &mut state, &mailboxes).await?;
        let mut page = Step::new(session, &self.config, &mailboxes, &mut state).run().await?;
        page.items.extend(dropped.into_iter().map(|message| Item::Gone { message }));
        Ok(page)
    }

    /// The mailboxes to read, by their names on the wire.
    async fn mailboxes(&self, session: &mut Session) -> Result<Vec<String>, Failure> {
        let mut names: Vec<String> = Vec::new();
        for wanted in &self.config.mailboxes {
            let wire = name::encoded(wanted);
            let found = if wanted.contains(['*', '%']) { session.list(&wire).await? } else { vec![wire] };
            for name in found {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// Forgets mailboxes that are not read any more. What was in one that the server does not have any more is gone, unless
    /// it lies in another; what is in one that the configuration does not name any more stays as it was.
    async fn dropped(
        &self,
        session: &mut Session,
        state: &mut State,
        names: &[String],
    ) -> Result<Vec<String>, Failure> {
        let left: Vec<String> = state.mailboxes.keys().filter(|name| !names.contains(name)).cloned().collect();
        let mut ids = Vec::new();
        for name in left {
            let is_there = !session.list(&name).await?.is_empty();
            let mailbox = state.mailboxes.remove(&name).unwrap_or_default();
            if !is_there {
                ids.extend(mailbox.letters.into_values().chain(mailbox.before));
            }
        }
        let standing = state.standing(names);
        ids.retain(|id| !id.is_empty() && !standing.contains_key(id));
        Ok(ids)
    }
}

#[async_trait]
impl Source for Imap {
    fn name(&self) -> &str {
        &self.name
    }

    async fn pull(&self, cursor: Option<&Cursor>) -> Result<Page, SourceError> {
        // A connection that was kept may have been cut long ago; that is no reason to wait.
        if let Some(mut session) = self.take()
            && let Ok(page) = self.page(&mut session, cursor).await
        {
            self.put(session);
            return Ok(page);
        }
        let mut session = Session::open(&self.config).await?;
        let page = self.page(&mut session, cursor).await?;
        self.put(session);
        Ok(page)
    }

    async fn check(&self) -> Result<Whoami, SourceError> {
        let mut session = Session::open(&self.config).await?;
        let can = session.capabilities().await?;
        let told = ["IDLE", "UIDPLUS", "MOVE"].into_iter().filter(|word| can.has_str(*word)).collect::<Vec<_>>();
        let mut facts = vec![format!(
            "{}: {}",
            self.config.host,
            if told.is_empty() { "IMAP".to_owned() } else { told.join(", ") }
        )];
        if !can.has_str("IDLE") {
            facts.push("no IDLE: letters are noticed when it is next asked".to_owned());
        }
        let mailboxes = self.mailboxes(&mut session).await?;
        if mailboxes.is_empty() {
            let what = format!("no mailbox is called like {}", self.config.mailboxes.join(" or "));
            return Err(SourceError::Permanent(what));
        }
        for name in mailboxes {
            match session.examine(&name).await {
                Ok(found) => facts.push(format!("{name}: {} letters", found.exists)),
                Err(Failure::Refused(what)) => {
                    let what = format!("mailbox {name:?} cannot be opened: {what}; correct mailboxes or its rights");
                    return Err(SourceError::Permanent(what));
                }
                Err(lost) => return Err(lost.into()),
            }
        }
        Ok(Whoami { account: self.config.user.clone(), facts })
    }

    async fn changed(&self, cursor: Option<&Cursor>) {
        self.wait(cursor).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, word: &str) {
        let said = match toml::from_str::<Config>(text) {
            Err(error) => error.to_string(),
            Ok(config) => Imap::new("mail", config).err().expect("a fault").to_string(),
        };
        assert!(said.contains(word), "{said}");
    }

    #[test]
    fn a_configuration_that_cannot_be_meant_says_what_to_do() {
        let good = "host = 'mail.example.org'\nuser = 'ana'\npassword = 'x'\n";
        assert_eq!(toml::from_str::<Config>(good).unwrap().port(), 993);
        check(&format!("{good}token = 'y'"), "either");
        check(&format!("{good}tls = 'none'"), "localhost");
        check(&format!("{good}tls = 'ssl3'"), "starttls");
        check(&format!("{good}mailboxes = []"), "INBOX");
        check(&format!("{good}colour = 1"), "colour");
        check(&format!("{good}max_message_bytes = 0"), "max_message_bytes");
    }
}
