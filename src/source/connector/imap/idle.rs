//! Word from the server that a mailbox changed (RFC 2177).

use std::time::Duration;

use async_imap::extensions::idle::IdleResponse;
use tokio::time::{sleep, timeout};

use super::{
    Imap, name,
    session::{Failure, Session},
    state::State,
};
use crate::{domain::Cursor, source::connector::SourceError};

/// A server may hang up on who has been idle for half an hour, so IDLE is said anew before.
const AT_MOST: Duration = Duration::from_secs(28 * 60);
/// After a failure it is not tried again sooner than this; the engine asks by itself meanwhile.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(60);

impl Imap {
    /// Returns when the first mailbox is not as `cursor` remembers it. The others are noticed when it is next asked: a
    /// connection watches one.
    pub(super) async fn wait(&self, cursor: Option<&Cursor>) {
        loop {
            let session = match self.take() {
                Some(session) => Ok(session),
                None => Session::open(&self.config).await,
            };
            let waited = match session {
                Ok(session) => self.idle(session, cursor).await,
                Err(error) => Err(error),
            };
            match waited {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(source = %self.name, "waiting for word of letters: {error}");
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Waits for as long as one IDLE lasts; whether something changed.
    async fn idle(&self, mut session: Session, cursor: Option<&Cursor>) -> Result<bool, SourceError> {
        let mailboxes = self.mailboxes(&mut session).await?;
        let Some(first) = mailboxes.first() else { return std::future::pending().await };
        let facts = match session.examine(first).await {
            Ok(facts) => facts,
            // Nothing to wait for as long as there is no such mailbox.
            Err(Failure::Refused(what)) => return Err(SourceError::Permanent(what)),
            Err(lost) => return Err(lost.into()),
        };
        let known = State::of(cursor).mailboxes.remove(first).unwrap_or_default();
        if !known.is_as_compared(&facts) {
            self.put(session);
            return Ok(true);
        }
        if !session.capabilities().await?.has_str("IDLE") {
            self.put(session);
            return std::future::pending().await;
        }
        let mut handle = session.talk.idle();
        let lost = |what: String| SourceError::Transient(format!("IDLE on {}: {what}", name::quoted(first)));
        let begun = timeout(ANSWER, handle.init()).await.map_err(|_| lost("no answer".to_owned()))?;
        begun.map_err(|error| lost(error.to_string()))?;
        let (word, _stop) = handle.wait_with_timeout(AT_MOST);
        let word = timeout(AT_MOST, word).await;
        let done = timeout(ANSWER, handle.done()).await.map_err(|_| lost("no end".to_owned()))?;
        self.put(Session { talk: done.map_err(|error| lost(error.to_string()))? });
        match word {
            Err(_) | Ok(Ok(IdleResponse::Timeout)) => Ok(false),
            Ok(Ok(IdleResponse::NewData(_))) => Ok(true),
            Ok(Ok(IdleResponse::ManualInterrupt)) => Err(lost("the connection was cut".to_owned())),
            Ok(Err(error)) => Err(lost(error.to_string())),
        }
    }
}
