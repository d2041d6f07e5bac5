//! Stretches of time between two instants, and lists of them put together and taken apart.

use jiff::{SignedDuration, Timestamp};

/// From an instant up to, and without, another. Whole seconds; never empty where a function of this file made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Interval {
    /// `None` where nothing lies between the two.
    pub fn new(from: Timestamp, to: Timestamp) -> Option<Interval> {
        let (from, to) = (whole_second(from), whole_second(to));
        (from < to).then_some(Interval { from, to })
    }

    /// Length in seconds.
    pub fn secs(self) -> i64 {
        self.to.as_second() - self.from.as_second()
    }

    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    pub fn intersection(self, other: Interval) -> Option<Interval> {
        Interval::new(self.from.max(other.from), self.to.min(other.to))
    }

    /// What is left of it when `holes` are cut out; they are in order and do not overlap.
    pub fn without(self, holes: &[Interval]) -> Vec<Interval> {
        let mut left = Vec::with_capacity(1);
        let mut from = self.from;
        let first = holes.partition_point(|hole| hole.to <= self.from);
        for hole in holes[first..].iter().take_while(|hole| hole.from < self.to) {
            left.extend(Interval::new(from, hole.from));
            from = from.max(hole.to);
        }
        left.extend(Interval::new(from, self.to));
        left
    }
}

/// The same stretches in order, those that overlap or touch made one.
pub fn merged(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|i| i.from < i.to);
    intervals.sort_unstable();
    let mut whole: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals {
        match whole.last_mut() {
            Some(last) if next.from <= last.to => last.to = last.to.max(next.to),
            _ => whole.push(next),
        }
    }
    whole
}

/// What two lists share; each is in order and without overlap, as `merged` leaves it.
pub fn common(one: &[Interval], other: &[Interval]) -> Vec<Interval> {
    let mut shared = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < one.len() && j < other.len() {
        shared.extend(one[i].intersection(other[j]));
        if one[i].to <= other[j].to {
            i += 1;
        } else {
            j += 1;
        }
    }
    shared
}

/// The clock of this room has no fractions of a second.
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    Timestamp::from_second(second).unwrap_or(at)
}

/// `at` and `secs` more (or fewer, below zero); the end of time where there is nothing beyond.
pub(crate) fn shifted(at: Timestamp, secs: i64) -> Timestamp {
    let end = if secs < 0 { Timestamp::MIN } else { Timestamp::MAX };
    at.checked_add(SignedDuration::from_secs(secs)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Interval, common, merged};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn list(pairs: &[(i64, i64)]) -> Vec<Interval> {
        pairs.iter().map(|&(from, to)| Interval { from: at(from), to: at(to) }).collect()
    }

    #[test]
    fn holes_are_cut_out_wherever_they_lie() {
        let whole = list(&[(10, 20)])[0];
        assert_eq!(whole.without(&[]), list(&[(10, 20)]));
        assert_eq!(whole.without(&list(&[(0, 10), (20, 30)])), list(&[(10, 20)]));
        assert_eq!(whole.without(&list(&[(5, 12), (14, 15), (19, 25)])), list(&[(12, 14), (15, 19)]));
        assert_eq!(whole.without(&list(&[(0, 30)])), []);
    }

    #[test]
    fn lists_are_merged_and_shared() {
        assert_eq!(merged(list(&[(5, 9), (1, 3), (3, 4), (6, 7), (8, 8)])), list(&[(1, 4), (5, 9)]));
        assert_eq!(common(&list(&[(0, 5), (8, 12)]), &list(&[(3, 9), (11, 20)])), list(&[(3, 5), (8, 9), (11, 12)]));
        assert_eq!(common(&list(&[(0, 5)]), &list(&[(5, 9)])), []);
    }

    #[test]
    fn fractions_of_a_second_are_dropped_downwards() {
        let (late, early) = (Timestamp::new(7, 900_000_000), Timestamp::new(-7, -900_000_000));
        let made = Interval::new(early.expect("in range"), late.expect("in range")).expect("not empty");
        assert_eq!((made.from, made.to), (at(-8), at(7)));
    }
}
