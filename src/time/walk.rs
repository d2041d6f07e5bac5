//! Counting along stretches of open time, forwards and backwards.

use jiff::Timestamp;

use super::{
    interval::{Interval, shifted, whole_second},
    work_time::WorkTime,
};

/// The length of all of them together.
pub(crate) fn total(stretches: impl Iterator<Item = Interval>) -> WorkTime {
    WorkTime::from_secs(stretches.map(Interval::secs).sum())
}

/// The earliest instant by which `work` has passed along `stretches`, which begin at `from`.
pub(crate) fn forward(stretches: impl Iterator<Item = Interval>, from: Timestamp, work: WorkTime) -> Option<Timestamp> {
    let mut left = work.secs();
    if left == 0 {
        return Some(whole_second(from));
    }
    for stretch in stretches {
        if left <= stretch.secs() {
            return Some(shifted(stretch.from, left));
        }
        left -= stretch.secs();
    }
    None
}

/// The latest instant from which `work` is left along `stretches`, which come last first and end at `to`.
pub(crate) fn backward(stretches: impl Iterator<Item = Interval>, to: Timestamp, work: WorkTime) -> Option<Timestamp> {
    let mut left = work.secs();
    if left == 0 {
        return Some(whole_second(to));
    }
    for stretch in stretches {
        if left <= stretch.secs() {
            return Some(shifted(stretch.to, -left));
        }
        left -= stretch.secs();
    }
    None
}
