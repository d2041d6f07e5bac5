//! What an account's cursor remembers: of each mailbox how far it was read, and which letter each UID is.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::session::Facts;
use crate::domain::Cursor;

/// Letters of one mailbox whose deletion is noticed, the newest: each costs some 70 bytes of the cursor, which is rewritten
/// with every page. An older one that is deleted stays.
pub(super) const MOST_WATCHED: usize = 50_000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub mailboxes: BTreeMap<String, Mailbox>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mailbox {
    /// UIDs mean something only as long as the server says this.
    pub validity: u32,
    /// Every UID up to here was looked at.
    pub last: u32,
    /// The first day of arrival that is read, as it was when the mailbox was first read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// UIDs up to here are not watched: from before the account was first read, or too long ago.
    pub floor: u32,
    /// How the mailbox was when its letters were last compared: a letter that came moves the first, one that went the other.
    pub compared: Option<(u32, u32)>,
    /// UID to message id; empty for a letter that could not be read.
    pub letters: BTreeMap<u32, String>,
    /// Letters of UIDs that mean nothing any more, until it is known whether they are still there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
}

/// Where a letter stands: the mailbox by its place in the order of reading, and the UID.
pub(super) type Place = (usize, u32);

impl State {
    /// One that cannot be read remembers nothing: everything is read anew, which changes nothing.
    pub(super) fn of(cursor: Option<&Cursor>) -> State {
        let Some(cursor) = cursor else { return State::default() };
        serde_json::from_str(&cursor.0).unwrap_or_else(|_| {
            tracing::warn!("an account's cursor cannot be read; its mailboxes are read from the beginning");
            State::default()
        })
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// The copy of each letter that stands: the first in the order of mailboxes and of arrival. A later letter of the same
    /// id is somebody else's, or an edit that counts once the first is gone; so a sender cannot replace what was said.
    pub(super) fn standing(&self, mailboxes: &[String]) -> HashMap<String, Place> {
        let mut standing = HashMap::new();
        for (order, name) in mailboxes.iter().enumerate() {
            for (uid, id) in self.mailboxes.get(name).into_iter().flat_map(|mailbox| &mailbox.letters) {
                if !id.is_empty() {
                    standing.entry(id.clone()).or_insert((order, *uid));
                }
            }
        }
        standing
    }
}

impl Mailbox {
    /// Takes note of what the server says. Where its UIDs are new ones, every letter is read again, and those that are not
    /// found again are gone.
    pub(super) fn meet(&mut self, facts: &Facts) {
        if self.validity != facts.validity {
            let letters = std::mem::take(&mut self.letters);
            self.before.extend(letters.into_values().filter(|id| !id.is_empty()));
            (self.last, self.floor, self.compared) = (0, 0, None);
            self.validity = facts.validity;
        }
    }

    pub(super) fn insert(&mut self, uid: u32, id: String) {
        self.letters.insert(uid, id);
        while self.letters.len() > MOST_WATCHED {
            if let Some((oldest, _)) = self.letters.pop_first() {
                self.floor = self.floor.max(oldest);
            }
        }
    }

    /// Whether nothing came or went since the letters were last compared.
    pub(super) fn is_as_compared(&self, facts: &Facts) -> bool {
        self.validity == facts.validity && self.compared == Some((facts.next, facts.exists))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(letters: &[(u32, &str)]) -> Mailbox {
        let letters = letters.iter().map(|(uid, id)| (*uid, (*id).to_owned())).collect();
        Mailbox { validity: 1, last: 9, letters, ..Mailbox::default() }
    }

    #[test]
    fn the_first_copy_stands() {
        let mailboxes =
            [("Sent".to_owned(), mailbox(&[(4, "a")])), ("INBOX".to_owned(), mailbox(&[(2, "b"), (3, "a"), (7, "b")]))];
        let state = State { mailboxes: mailboxes.into() };
        let standing = state.standing(&["INBOX".to_owned(), "Sent".to_owned()]);
        assert_eq!((standing["a"], standing["b"]), ((0, 3), (0, 2)));
        assert_eq!(State::of(Some(&state.cursor())), state);
        assert_eq!(State::of(Some(&Cursor("?".to_owned()))), State::default());
    }

    #[test]
    fn new_uids_put_every_letter_in_doubt() {
        let mut mailbox = mailbox(&[(2, "b"), (3, "")]);
        mailbox.meet(&Facts { validity: 1, ..Facts::default() });
        assert_eq!(mailbox.last, 9);
        mailbox.meet(&Facts { validity: 2, ..Facts::default() });
        assert_eq!((mailbox.last, mailbox.letters.len(), mailbox.before.clone()), (0, 0, vec!["b".to_owned()]));
    }
}
