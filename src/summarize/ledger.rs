//! The coverage ledger: every message is read, or named with the reason why not.

use crate::domain::{
    Thread, ThreadActs,
    summary::{Coverage, Skipped},
};

/// What was read of `thread`. `messages == read + skipped`, whatever the classifier reports.
pub fn coverage(thread: &Thread, acts: &ThreadActs) -> Coverage {
    let mut skipped: Vec<(usize, &str)> =
        acts.skipped.iter().filter(|(m, _)| *m < thread.messages.len()).copied().collect();
    skipped.sort_unstable();
    skipped.dedup_by_key(|(message, _)| *message);
    let named = |&(message, reason): &(usize, &str)| Skipped {
        message_id: thread.messages[message].id.clone(),
        reason: reason.to_owned(),
    };
    Coverage {
        messages: thread.messages.len(),
        read: thread.messages.len() - skipped.len(),
        skipped: skipped.iter().map(named).collect(),
    }
}
