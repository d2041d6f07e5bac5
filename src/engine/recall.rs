//! What was found when threads were read before, of the few that are being talked in, so that one more message costs one more
//! message. It is in memory alone, bounded, and put away with the models.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{classify, domain::Thread, store::thread::Whole, summarize};

/// Memory for it, in bytes: a thread of 5,000 messages takes about half.
const MOST_BYTES: usize = 64 << 20;
/// Memory for the threads themselves.
const MOST_THREAD_BYTES: usize = 16 << 20;

/// What the reading of one thread leaves to the next.
#[derive(Default)]
pub struct Memos {
    pub sentences: classify::Memo,
    pub units: summarize::Memo,
}

/// The memos of threads that were read lately, and the threads.
pub struct Recall {
    /// By the source of a thread and its id there, and the encoder that read it.
    memos: Shelf<[String; 3], Memos>,
    /// By row.
    threads: Shelf<i64, Whole>,
}

/// Things that were of use lately, the latest last, in so many bytes at most.
struct Shelf<K, V> {
    most_bytes: usize,
    held: Mutex<Vec<Held<K, V>>>,
}

struct Held<K, V> {
    of: K,
    what: V,
    bytes: usize,
}

impl<K: PartialEq, V> Shelf<K, V> {
    fn of(most_bytes: usize) -> Shelf<K, V> {
        Shelf { most_bytes, held: Mutex::default() }
    }

    fn take(&self, of: &K) -> Option<V> {
        let mut held = self.held();
        let at = held.iter().position(|held| held.of == *of)?;
        Some(held.remove(at).what)
    }

    fn keep(&self, of: K, what: V, bytes: usize) {
        let mut held = self.held();
        held.retain(|held| held.of != of);
        if bytes > self.most_bytes {
            return;
        }
        held.push(Held { of, what, bytes });
        while held.iter().map(|held| held.bytes).sum::<usize>() > self.most_bytes {
            held.remove(0);
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<Held<K, V>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Recall {
    fn default() -> Recall {
        Recall { memos: Shelf::of(MOST_BYTES), threads: Shelf::of(MOST_THREAD_BYTES) }
    }
}

impl Recall {
    /// Takes out what is known of `thread`, as `encoder` read it: nothing where somebody else has it out.
    pub fn take(&self, thread: &Thread, encoder: &str) -> Memos {
        self.memos.take(&key(thread, encoder)).unwrap_or_default()
    }

    /// Keeps what is known by now, and lets go of what was not of use for longest where there is no room.
    pub fn keep(&self, thread: &Thread, encoder: &str, memos: Memos) {
        let bytes = memos.sentences.bytes() + memos.units.bytes();
        self.memos.keep(key(thread, encoder), memos, bytes);
    }

    /// Takes out the thread in row `id`, as it was last read.
    pub fn thread(&self, id: i64) -> Option<Whole> {
        self.threads.take(&id)
    }

    /// Keeps the thread in row `id` as it was read.
    pub fn keep_thread(&self, id: i64, whole: Whole) {
        let bytes = whole.bytes();
        self.threads.keep(id, whole, bytes);
    }

    /// Lets go of everything.
    pub fn rest(&self) {
        *self.memos.held() = Vec::new();
        *self.threads.held() = Vec::new();
    }
}

fn key(thread: &Thread, encoder: &str) -> [String; 3] {
    [thread.source.clone(), thread.id.clone(), encoder.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::{Memos, Recall, Shelf};
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
        let recall = Recall { memos: Shelf::of(3 * one + one / 2), ..Recall::default() };
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
