//! Units in the order of a number: all of them, or only as many as are asked for.

/// Each value's place among all, 0 to 1.
pub fn ranks(values: &[f32]) -> Vec<f32> {
    let mut ranks = vec![0.0; values.len()];
    let mut order: Vec<u64> =
        values.iter().enumerate().map(|(n, value)| u64::from(key(*value)) << 32 | n as u64).collect();
    order.sort_unstable();
    for (place, n) in order.into_iter().enumerate() {
        ranks[n as u32 as usize] = place as f32 / values.len() as f32;
    }
    ranks
}

/// The numbers of `values` from the highest value to the lowest, of equal ones the first first. Only as many are put in order
/// as are asked for.
pub fn falling(values: impl Iterator<Item = (usize, f32)>) -> impl Iterator<Item = usize> {
    /// So many are put in order at a time.
    const AT_ONCE: usize = 512;
    let mut rest: Vec<u64> = values.map(|(n, value)| u64::from(!key(value)) << 32 | n as u64).collect();
    let mut next: Vec<u64> = Vec::new();
    std::iter::from_fn(move || {
        if next.is_empty() {
            if rest.len() > AT_ONCE {
                // The lowest keys to the end of what is left, to be cut off there.
                let from = rest.len() - AT_ONCE;
                rest.select_nth_unstable_by(from, |a, b| b.cmp(a));
                next = rest.split_off(from);
            } else {
                next = std::mem::take(&mut rest);
            }
            next.sort_unstable_by(|a, b| b.cmp(a));
        }
        next.pop().map(|n| n as u32 as usize)
    })
}

/// A number that is in the order of `f32::total_cmp`.
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

#[cfg(test)]
mod tests {
    use super::{falling, ranks};

    #[test]
    fn as_a_stable_sort_puts_them() {
        let values: Vec<f32> = (0..2_000u32).map(|n| (n.wrapping_mul(2_654_435_761) % 97) as f32 - 48.0).collect();
        let values = [values, vec![0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE]].concat();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        assert_eq!(falling(values.iter().copied().enumerate()).collect::<Vec<_>>(), order);
        order.sort_unstable();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let places = ranks(&values);
        assert!(order.iter().enumerate().all(|(place, n)| places[*n] == place as f32 / values.len() as f32));
    }
}
