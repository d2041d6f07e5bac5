//! What follows a product, done before anything is stored: the bias, the activation, the residual.
//!
//! Invariant: `finish` is called by `tile.rs` alone, for rows and panels of a checked `Product`.

use super::{format::PANEL, isa::Isa, tile::Product};

/// What happens to a product before it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// `out = product`
    Store,
    /// `out += product`
    Add,
    /// Halves of a panel are gate and up: `out = silu(gate) * up`, half as wide.
    GatedSilu,
    /// `out = gelu(product)`, the exact one with erf.
    Gelu,
}

/// Adds the bias, applies what follows and stores the columns of `panel` that the matrix has.
#[inline(always)]
pub(super) unsafe fn finish<S: Isa>(p: &Product<'_>, panel: usize, row: usize, sums: [S::F; 2]) {
    unsafe {
        let mut sums = sums;
        if let Some(bias) = p.bias {
            for (half, sum) in sums.iter_mut().enumerate() {
                *sum = S::add(*sum, S::load(bias.as_ptr().add(panel * PANEL + half * 16)));
            }
        }
        let out = p.out.add(row * p.stride);
        if p.finish == Finish::GatedSilu {
            return store::<S>(out, panel * 16, p.columns / 2, S::mul(silu::<S>(sums[0]), sums[1]));
        }
        for (half, sum) in sums.into_iter().enumerate() {
            let column = panel * PANEL + half * 16;
            let value = match p.finish {
                Finish::Gelu => gelu::<S>(sum),
                Finish::Add => S::add(sum, partial_load::<S>(out, column, p.columns)),
                Finish::Store | Finish::GatedSilu => sum,
            };
            store::<S>(out, column, p.columns, value);
        }
    }
}

/// Sixteen numbers of a row from `column` on; 0 for those past its `columns`.
#[inline(always)]
unsafe fn partial_load<S: Isa>(row: *const f32, column: usize, columns: usize) -> S::F {
    unsafe {
        if column + 16 <= columns {
            return S::load(row.add(column));
        }
        let mut lanes = [0f32; 16];
        for (lane, c) in lanes.iter_mut().zip(column..columns) {
            *lane = *row.add(c);
        }
        S::load(lanes.as_ptr())
    }
}

#[inline(always)]
unsafe fn store<S: Isa>(row: *mut f32, column: usize, columns: usize, value: S::F) {
    unsafe {
        if column + 16 <= columns {
            return S::store(row.add(column), value);
        }
        let mut lanes = [0f32; 16];
        S::store(lanes.as_mut_ptr(), value);
        for (lane, c) in lanes.iter().zip(column..columns) {
            *row.add(c) = *lane;
        }
    }
}

/// `x / (1 + e^-x)`
#[inline(always)]
unsafe fn silu<S: Isa>(x: S::F) -> S::F {
    unsafe {
        // Below -87 the quotient is 0 anyway, and two to a power above 126 has no exponent left.
        let power = S::mul(S::max(x, S::splat(-87.0)), S::splat(-std::f32::consts::LOG2_E));
        S::div(x, S::add(S::exp2(power), S::splat(1.0)))
    }
}

/// `x / 2 * (1 + erf(x / sqrt 2))`; erf by Abramowitz and Stegun 7.1.26, off by at most 1.5e-7.
#[inline(always)]
unsafe fn gelu<S: Isa>(x: S::F) -> S::F {
    unsafe {
        let size = S::abs(x);
        let z = S::mul(size, S::splat(std::f32::consts::FRAC_1_SQRT_2));
        let t = S::div(S::splat(1.0), S::fma(z, S::splat(0.327_591_1), S::splat(1.0)));
        let mut p = S::splat(1.061_405_4);
        for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
            p = S::fma(p, t, S::splat(c));
        }
        let power = S::mul(S::mul(z, z), S::splat(-std::f32::consts::LOG2_E));
        let erf = S::sub(S::splat(1.0), S::mul(S::mul(p, t), S::exp2(power)));
        S::mul(S::splat(0.5), S::fma(size, erf, x))
    }
}
