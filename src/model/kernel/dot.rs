//! The dot product of two rows of floats.

use std::sync::LazyLock;

use super::dispatch::{Dispatch, Kernels};

/// Sums that run beside each other: the same ones whatever a register holds, so that a product is the same everywhere.
const LANES: usize = 16;

static BEST: LazyLock<&'static Kernels> = LazyLock::new(Dispatch::best);

/// The inner product of two vectors; what the longer has more counts nothing.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    // SAFETY: these kernels are handed out only where the CPU has their instructions.
    unsafe { (BEST.dot)(a, b) }
}

#[inline(always)]
pub(super) fn in_lanes(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}
