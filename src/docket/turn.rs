//! Turns that were the asker's: whoever is owed was asked something back by whoever owes, and had not answered.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::{Obligation, ObligationKind};

/// A stretch in which it was somebody else's turn; without an end it lasts.
pub(super) type Turn = (Timestamp, Option<Timestamp>);

/// The replies that a thread waited for, by who owes them and to whom.
pub(super) struct Turns<'o> {
    all: &'o [Obligation],
    /// When each was opened, and its place among all, in that order.
    by_owner: HashMap<&'o str, Vec<(Timestamp, usize)>>,
    by_pair: HashMap<(&'o str, &'o str), Vec<(Timestamp, usize)>>,
}

impl<'o> Turns<'o> {
    pub(super) fn of(all: &'o [Obligation]) -> Turns<'o> {
        let mut turns = Turns { all, by_owner: HashMap::new(), by_pair: HashMap::new() };
        let mut order: Vec<usize> = (0..all.len()).filter(|at| all[*at].kind == ObligationKind::Reply).collect();
        order.sort_by_key(|at| all[*at].opened_at);
        for at in order {
            let reply = (all[at].opened_at, at);
            for owner in &all[at].owed_by {
                turns.by_owner.entry(owner).or_default().push(reply);
                for to in &all[at].owed_to {
                    turns.by_pair.entry((owner, to)).or_default().push(reply);
                }
            }
        }
        turns
    }

    /// Those of whoever asked for `obligation`, as far as they began while it was open.
    pub(super) fn of_asker(&self, obligation: &Obligation) -> Vec<Turn> {
        let askers = obligation.owed_to.iter().map(String::as_str);
        let lists: Vec<&Vec<(Timestamp, usize)>> = match obligation.owed_by.is_empty() {
            true => askers.filter_map(|asker| self.by_owner.get(asker)).collect(),
            false => {
                let pairs =
                    askers.flat_map(|asker| obligation.owed_by.iter().map(move |owner| (asker, owner.as_str())));
                pairs.filter_map(|pair| self.by_pair.get(&pair)).collect()
            }
        };
        let mut found: Vec<usize> = Vec::new();
        for list in lists {
            let first = list.partition_point(|(at, _)| *at <= obligation.opened_at);
            let ended = obligation.closed.as_ref().map(|closed| closed.at);
            let open = |(at, _): &&(Timestamp, usize)| ended.is_none_or(|ended| *at < ended);
            found.extend(list[first..].iter().take_while(open).map(|(_, at)| *at));
        }
        found.sort_unstable();
        found.dedup();
        let others = found.into_iter().map(|at| &self.all[at]).filter(|other| other.id != obligation.id);
        others.map(|other| (other.opened_at, other.closed.as_ref().map(|closed| closed.at))).collect()
    }
}
