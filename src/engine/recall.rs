//! What was found when threads were read before, of the few that are being talked in, so that one more message costs one more
//! message. It is in memory alone, bounded, and put away with the models.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{classify, domain::Thread, summarize};

/// Memory for it, in bytes: a thread of 5,000 messages takes about half.
const MOST_BYTES: usize = 64 << 20;

/// What the reading of one thread leaves to the next.
#[derive(Default)]
pub struct Memos {
    pub sentences: classify::Memo,
    pub units: summarize::Memo,
}

/// The memos of threads that were read lately.
pub struct Recall {
    most_bytes: usize,
    /// The latest last.
    held: Mutex<Vec<Held>>,
}

struct Held {
    /// The source of a thread and its id there, and the encoder that read it.
    of: [String; 3],
    memos: Memos,
    bytes: usize,
}

impl Default for Recall {
    fn default() -> Recall {
        Recall { most_bytes: MOST_BYTES, held: Mutex::default() }
    }
}

impl Recall {
    /// Takes out what is known of `thread`, as `encoder` read it: nothing where somebody else has it out.
    pub fn take(&self, thread: &Thread, encoder: &str) -> Memos {
        let of = key(thread, encoder);
        let mut held = self.held();
        let found = held.iter().position(|held| held.of == of);
        found.map_or_else(Memos::default, |at| held.remove(at).memos)
    }

    /// Keeps what is known by now, and lets go of what was not of use for longest where there is no room.
    pub fn keep(&self, thread: &Thread, encoder: &str, memos: Memos) {
        let (of, bytes) = (key(thread, encoder), memos.sentences.bytes() + memos.units.bytes());
        let mut held = self.held();
        held.retain(|held| held.of != of);
        held.push(Held { of, memos, bytes });
        while held.iter().map(|held| held.bytes).sum::<usize>() > self.most_bytes {
            held.remove(0);
        }
    }

    /// Lets go of everything.
    pub fn rest(&self) {
        *self.held() = Vec::new();
    }

    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(thread: &Thread, encoder: &str) -> [String; 3] {
    [thread.source.clone(), thread.id.clone(), encoder.to_owned()]
}
