//! Rows of activations, as f32 and as the eight-bit groups that quantized weights are multiplied with.
//!
//! A group of 32 is rounded to -127..=127 times a scale of its own, the largest size among them over 127; that is
//! ggml's Q8_1.

use super::{Cpu, format::GROUP, isa::Isa, tile::GroupScale};

/// What a row goes through before it is multiplied.
#[derive(Clone, Copy)]
pub enum Norm<'a> {
    None,
    /// Zhang and Sennrich 2019: over the root of the mean square.
    Rms {
        weight: &'a [f32],
        epsilon: f32,
    },
    /// Ba, Kiros and Hinton 2016: mean 0 and variance 1.
    Layer {
        weight: &'a [f32],
        bias: &'a [f32],
        epsilon: f32,
    },
}

/// Rows of one length, padded with zeros to a multiple of 32. The buffers are kept from one use to the next.
#[derive(Default)]
pub struct Rows {
    values: Vec<f32>,
    codes: Vec<i8>,
    scales: Vec<GroupScale>,
    len: usize,
    width: usize,
}

/// Rows of one item of work.
const ITEM_ROWS: usize = 32;
/// Groups of which no number is larger become zeros: a scale's inverse would be infinite.
pub(super) const SMALLEST: f32 = 1e-34;
/// Numbers from which on threads share the work.
const SHARED_FROM: usize = 64 << 10;

impl Rows {
    /// Takes `x`, rows of `width` numbers, each through `norm`.
    ///
    /// # Panics
    /// When `x` is no whole number of rows, or a weight of `norm` has another length.
    pub fn fill(&mut self, cpu: &Cpu, x: &[f32], width: usize, norm: Norm<'_>) {
        assert!(width > 0 && x.len().is_multiple_of(width), "{} numbers are no rows of {width}", x.len());
        match norm {
            Norm::None => {}
            Norm::Rms { weight, .. } => assert_eq!(weight.len(), width),
            Norm::Layer { weight, bias, .. } => assert_eq!((weight.len(), bias.len()), (width, width)),
        }
        (self.len, self.width) = (x.len() / width, width);
        let padded = self.padded();
        // Padding is written by `prepare`, so what the buffers held before does not matter.
        self.values.resize(self.len * padded, 0.0);
        self.codes.resize(self.len * padded, 0);
        self.scales.resize(self.len * padded / GROUP, GroupScale::default());
        let task = Prepare {
            x: x.as_ptr(),
            width,
            padded,
            norm,
            values: self.values.as_mut_ptr(),
            codes: self.codes.as_mut_ptr(),
            scales: self.scales.as_mut_ptr(),
            len: self.len,
        };
        let shared = x.len() >= SHARED_FROM;
        // SAFETY: the buffers were given their lengths above, and items are disjoint rows.
        cpu.run(self.len.div_ceil(ITEM_ROWS), shared, &|item| unsafe { (cpu.kernels().prepare)(&task, item) });
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Numbers in a row with its padding.
    pub fn padded(&self) -> usize {
        self.width.next_multiple_of(GROUP)
    }

    /// `[rows, padded]`
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    pub(super) fn codes(&self) -> &[i8] {
        &self.codes
    }

    pub(super) fn scales(&self) -> &[GroupScale] {
        &self.scales
    }
}

/// Rows to be normalised and rounded: what the items share.
pub(super) struct Prepare<'a> {
    x: *const f32,
    width: usize,
    padded: usize,
    norm: Norm<'a>,
    values: *mut f32,
    codes: *mut i8,
    scales: *mut GroupScale,
    len: usize,
}

// SAFETY: the pointers are into buffers that outlive the task, and items are disjoint rows.
unsafe impl Sync for Prepare<'_> {}

#[inline(always)]
pub(super) unsafe fn prepare<S: Isa>(task: &Prepare<'_>, item: usize) {
    for row in item * ITEM_ROWS..((item + 1) * ITEM_ROWS).min(task.len) {
        unsafe {
            let x = std::slice::from_raw_parts(task.x.add(row * task.width), task.width);
            let values = std::slice::from_raw_parts_mut(task.values.add(row * task.padded), task.padded);
            normalise::<S>(x, task.norm, values);
            let groups = task.padded / GROUP;
            quantize::<S>(values, task.codes.add(row * task.padded), task.scales.add(row * groups));
        }
    }
}

/// `x` through `norm` to `values`, which may be longer; zeros go there.
#[inline(always)]
unsafe fn normalise<S: Isa>(x: &[f32], norm: Norm<'_>, values: &mut [f32]) {
    unsafe {
        let n = x.len() as f32;
        match norm {
            Norm::None => values[..x.len()].copy_from_slice(x),
            Norm::Rms { weight, epsilon } => {
                let squares = sum::<S>(x, |x| S::mul(x, x), |x| x * x);
                let by = 1.0 / (squares / n + epsilon).sqrt();
                let vector = |x, w, _| S::mul(S::mul(x, S::splat(by)), w);
                each::<S>(x, weight, weight, values, vector, |x, w, _| x * by * w);
            }
            Norm::Layer { weight, bias, epsilon } => {
                let mean = sum::<S>(x, |x| x, |x| x) / n;
                let off = |x| S::sub(x, S::splat(mean));
                let squares = sum::<S>(x, |x| S::mul(off(x), off(x)), |x| (x - mean) * (x - mean));
                let by = 1.0 / (squares / n + epsilon).sqrt();
                let vector = |x, w, b| S::fma(S::mul(S::sub(x, S::splat(mean)), S::splat(by)), w, b);
                each::<S>(x, weight, bias, values, vector, |x, w, b| (x - mean) * by * w + b);
            }
        }
        values[x.len()..].fill(0.0);
    }
}

/// The sum of `vector` over sixteen at a time and of `one` over the rest.
#[inline(always)]
unsafe fn sum<S: Isa>(x: &[f32], vector: impl Fn(S::F) -> S::F, one: impl Fn(f32) -> f32) -> f32 {
    unsafe {
        let (whole, rest) = x.as_chunks::<16>();
        let mut total = S::splat(0.0);
        for chunk in whole {
            total = S::add(total, vector(S::load(chunk.as_ptr())));
        }
        S::sum(total) + rest.iter().map(|&x| one(x)).sum::<f32>()
    }
}

/// `out = f(x, w, b)`, sixteen at a time and the rest singly.
#[inline(always)]
unsafe fn each<S: Isa>(
    x: &[f32],
    w: &[f32],
    b: &[f32],
    out: &mut [f32],
    vector: impl Fn(S::F, S::F, S::F) -> S::F,
    one: impl Fn(f32, f32, f32) -> f32,
) {
    unsafe {
        let whole = x.len() / 16 * 16;
        for i in (0..whole).step_by(16) {
            let (x, w, b) = (S::load(x[i..].as_ptr()), S::load(w[i..].as_ptr()), S::load(b[i..].as_ptr()));
            S::store(out[i..].as_mut_ptr(), vector(x, w, b));
        }
        for i in whole..x.len() {
            out[i] = one(x[i], w[i], b[i]);
        }
    }
}

#[inline(always)]
unsafe fn quantize<S: Isa>(values: &[f32], codes: *mut i8, scales: *mut GroupScale) {
    unsafe {
        for group in 0..values.len() / GROUP {
            let from = values.as_ptr().add(group * GROUP);
            let (low, high) = (S::load(from), S::load(from.add(16)));
            let most = S::largest(S::max(S::abs(low), S::abs(high)));
            let scale = most / 127.0;
            let by = S::splat(if most > SMALLEST { 127.0 / most } else { 0.0 });
            let to = codes.add(group * GROUP);
            let (first, second) = (S::store_i8(to, S::mul(low, by)), S::store_i8(to.add(16), S::mul(high, by)));
            let sum = scale * (first + second) as f32;
            *scales.add(group) = GroupScale { scale, sum, negative: [-(first + second), -first, -second] };
        }
    }
}
