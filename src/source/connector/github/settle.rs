//! What becomes of one thread that was fetched or could not be: one that fails must never hold up the rest.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Site, thread::Fetched};
use crate::{
    domain::{Fault, Item, Page, Place, Poisoned},
    net::NetError,
    source::connector::SourceError,
};

/// A thread that failed this often with a passing trouble is set aside as unreadable.
const MOST_TRIES: u8 = 5;
/// Threads that fail one after another: then it is the server, and no thread is to blame.
const MOST_IN_A_ROW: u8 = 3;

/// A thread as a list last showed it: when it was updated, and its number of comments. A comment that is deleted changes
/// the second alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen(pub Timestamp, pub u64);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    Gone,
    /// To be tried again in another pull.
    Later,
}

/// Counts failures within one step.
#[derive(Default)]
pub(super) struct Patience {
    in_a_row: u8,
}

impl Patience {
    /// Puts what was fetched on `page`. `tries` is how often the thread failed before.
    ///
    /// # Errors
    /// What concerns the source and not this thread.
    pub(super) fn settle(
        &mut self,
        site: &Site<'_>,
        number: u64,
        tries: u8,
        fetched: Result<Fetched, NetError>,
        page: &mut Page,
    ) -> Result<Settled, SourceError> {
        let id = site.thread_id(number);
        let passing = matches!(fetched, Err(NetError::Transient(_)));
        self.in_a_row = if passing { self.in_a_row + 1 } else { 0 };
        match fetched {
            Ok(Fetched::Thread(thread)) => page.items.push(Item::Whole { thread: *thread, origin: None }),
            Ok(Fetched::Gone) => {
                page.items.push(Item::ThreadGone { thread: id });
                return Ok(Settled::Gone);
            }
            Ok(Fetched::Broken(fault)) => page.poisoned.push(Poisoned { id, fault }),
            Err(NetError::Transient(what)) if self.in_a_row >= MOST_IN_A_ROW => {
                return Err(SourceError::Transient(what));
            }
            Err(NetError::Transient(_)) if tries + 1 < MOST_TRIES => return Ok(Settled::Later),
            Err(error @ (NetError::RateLimited { .. } | NetError::Permanent { status: Some(401 | 403), .. })) => {
                return Err(error.into());
            }
            Err(error) => {
                page.poisoned.push(Poisoned { id, fault: Fault::new(Place::default(), error.to_string()) });
            }
        }
        Ok(Settled::Done)
    }
}
