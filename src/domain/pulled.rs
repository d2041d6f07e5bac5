//! What a source brings: threads whole or in parts, and word of what is gone.

use serde::{Deserialize, Serialize};

use super::{fault::Fault, thread::Thread};

/// How far a source has been pulled: its own words, which nobody else reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// One step of pulling. Pages are upserts: taking one twice changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub items: Vec<Item>,
    /// Where the next pull begins, kept together with the items.
    pub next: Cursor,
    /// Whether there is more to be had at once.
    pub more: bool,
    /// Items that could not be read: set aside, the rest goes on.
    pub poisoned: Vec<Poisoned>,
}

/// One thing that a source says.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// All of a thread as it stands: a message of it that is not here is gone.
    Whole {
        thread: Thread,
        /// What it was read from (a file's path), where one origin holds several threads.
        origin: Option<String>,
    },
    /// Messages and events of a thread: the others stay.
    Part {
        thread: Thread,
        /// Other messages or threads, by id, that these belong together with (a letter's references): whatever is known of
        /// them, now or later, is one thread with this.
        joins: Vec<String>,
    },
    /// A message, by its id, that its source no longer has.
    Gone { message: String },
    /// A thread, by its id, that its source no longer has.
    ThreadGone { thread: String },
    /// An origin now holds these threads, by id, and no other. Empty: the origin is gone.
    Origin { origin: String, threads: Vec<String> },
}

/// An item that could not be read, by the source's id for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Poisoned {
    pub id: String,
    pub fault: Fault,
}
