//! Something that happened to a thread and is not a message: assigned, closed, labelled.

use super::moment::Moment;

/// The kind of an event by which a reader says that a talk went on outside of its thread: in the channel's next piece.
pub const WENT_ON: &str = "went_on";

/// One entry of a thread's history beside its messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: Option<Moment>,
    /// The source's own word, lower case: `assigned`, `closed`, `review_requested`, …
    pub kind: String,
    pub actor: Option<String>,
    pub subject: Option<String>,
}
