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
        if bytes > self.most_bytes {
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::{Memos, Recall};
    use crate::{
        classify::Classifier,
        domain::{Kind, Message, Thread},
    };

    fn thread(id: usize, words: usize) -> Thread {
        let text = (0..words).map(|word| format!("Crate {id} {word} is here. ")).collect();
        Thread {
            source: "test".into(),
            kind: Kind::Chat,
            id: id.to_string(),
            title: String::new(),
            url: None,
            channel: None,
            participants: Vec::new(),
            messages: vec![Message { text, ..Message::default() }],
            events: Vec::new(),
            as_of: None,
        }
    }

    fn read(thread: &Thread) -> Memos {
        let mut memos = Memos::default();
        let reading = Classifier::without_heads().classify_again(thread, None, &mut memos.sentences, &|| false);
        assert!(!reading.expect("no encoder can fail").sentences.is_empty());
        memos
    }

    #[test]
    fn memory_has_a_bound_and_the_latest_stay() {
        let one = read(&thread(0, 50)).sentences.bytes();
        let recall = Recall { most_bytes: 3 * one + one / 2, ..Recall::default() };
        let kept = |id: usize| {
            let memos = recall.take(&thread(id, 50), "encoder");
            let is_kept = memos.sentences.texts().next().is_some();
            if is_kept {
                recall.keep(&thread(id, 50), "encoder", memos);
            }
            is_kept
        };
        for id in 0..5 {
            recall.keep(&thread(id, 50), "encoder", read(&thread(id, 50)));
        }
        assert_eq!([0, 1, 2, 3, 4].map(kept), [false, false, true, true, true]);
        assert!(recall.take(&thread(3, 50), "another").sentences.texts().next().is_none());
        // What is too large by itself drives nothing out.
        recall.keep(&thread(9, 5_000), "encoder", read(&thread(9, 5_000)));
        assert_eq!([2, 3, 4, 9].map(kept), [true, true, true, false]);
        recall.rest();
        assert!(!kept(4));
    }
}
