//! Keys and values as attention reads them, and the way there: turned by their positions, rounded to eight bits.
//!
//! A block of keys is `[width / 2][64][2]`, a block of values `[32][width][2]`, in the order of dot products of pairs;
//! heads are padded with zeros to a multiple of 32. Each head of each position has a scale of its own. At a few thousand
//! positions the bytes of this cache are what a written token costs, so they are few.
//!
//! Invariant: tasks are made by `Attention::run` alone, which checks lengths and makes room in every cache; items write
//! disjoint rows of queries and disjoint positions.

use super::{attend::Projected, isa::Isa, rows::SMALLEST};

/// Positions of a block.
pub(super) const BLOCK: usize = 64;
/// Rows of one item: their sums stay in the first-level cache while blocks pass.
pub(super) const ITEM_ROWS: usize = 32;
/// The largest code of a key or a value.
const MOST_CODE: f32 = 127.0;
/// The largest code of a query or a softmax weight: 512 products with codes of keys or values stay within 31 bits.
pub(super) const MOST_WEIGHT: f32 = 32767.0;

/// How many heads there are and how wide each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    pub queries: usize,
    /// Key-value heads; each serves `queries / kv` query heads.
    pub kv: usize,
    pub width: usize,
}

/// The keys and values of one layer of one sequence.
#[derive(Clone, Default)]
pub struct LayerCache {
    /// `[blocks][kv][64 * padded width]`
    pub(super) keys: Vec<i8>,
    pub(super) values: Vec<i8>,
    /// `[blocks][kv][64]`
    pub(super) key_scales: Vec<f32>,
    pub(super) value_scales: Vec<f32>,
}

/// Factors that take large dimensions of keys down to the size of the others, and those of queries up as much, `[kv][width / 2]`
/// each: both dimensions of a pair share one, so it does not matter that the pair turns.
///
/// Some models, Qwen2 among them, learn biases of a hundred times the keys' own size in a few dimensions. The scale of
/// eight bits would follow those, and the rest would be lost: 2.4 % of perplexity (SmoothQuant, Xiao et al. 2023, has the idea).
pub struct Balance {
    up: Vec<f32>,
    down: Vec<f32>,
}

/// What turns queries and keys on their way to attention.
#[derive(Clone, Copy, Default)]
pub struct Turn<'a> {
    pub rotary: Option<&'a Rotary>,
    pub balance: Option<&'a Balance>,
}

/// Cosines and sines by position, `[positions][width / 2]`: dimension `i` turns with `i + width / 2` (Su et al. 2021).
pub struct Rotary {
    pub(super) rates: Vec<f32>,
    pub(super) cos: Vec<f32>,
    pub(super) sin: Vec<f32>,
}

impl Heads {
    pub(super) fn padded(&self) -> usize {
        self.width.next_multiple_of(32)
    }

    pub(super) fn group(&self) -> usize {
        self.queries / self.kv
    }

    /// The largest code of a query: times that of a key and the width it stays within 31 bits.
    pub(super) fn most_query(&self) -> f32 {
        ((i32::MAX as usize / (MOST_CODE as usize * self.padded())) as f32).min(MOST_WEIGHT)
    }
}

impl LayerCache {
    /// Room for `positions` positions; what is there stays.
    pub(super) fn reserve(&mut self, heads: Heads, positions: usize) {
        let scales = positions.div_ceil(BLOCK) * heads.kv * BLOCK;
        if self.key_scales.len() < scales {
            self.keys.resize(scales * heads.padded(), 0);
            self.values.resize(scales * heads.padded(), 0);
            self.key_scales.resize(scales, 0.0);
            self.value_scales.resize(scales, 0.0);
        }
    }

    /// A copy of the first `positions`.
    pub fn beginning(&self, heads: Heads, positions: usize) -> LayerCache {
        let scales = (positions.div_ceil(BLOCK) * heads.kv * BLOCK).min(self.key_scales.len());
        LayerCache {
            keys: self.keys[..scales * heads.padded()].to_vec(),
            values: self.values[..scales * heads.padded()].to_vec(),
            key_scales: self.key_scales[..scales].to_vec(),
            value_scales: self.value_scales[..scales].to_vec(),
        }
    }
}

impl Balance {
    /// Of the bias that keys have, `[kv][width]`. A dimension is large beside four times the median of its head; by what
    /// power the excess is shared was tried on Qwen2.5 (1.5B): within the error of f32 from 0.7 to 1.
    pub fn of_bias(heads: Heads, bias: &[f32]) -> Balance {
        const LARGE: f32 = 4.0;
        const POWER: f32 = 0.7;
        let half = heads.width / 2;
        let mut up = Vec::with_capacity(heads.kv * half);
        for head in bias.chunks_exact(heads.width) {
            let sizes: Vec<f32> = (0..half).map(|i| head[i].abs().max(head[i + half].abs())).collect();
            let mut sorted = sizes.clone();
            sorted.sort_by(f32::total_cmp);
            let large = (LARGE * sorted[half / 2]).max(f32::MIN_POSITIVE);
            up.extend(sizes.iter().map(|size| (1.0 + size / large).powf(POWER).min(1e6)));
        }
        let down = up.iter().map(|by| 1.0 / by).collect();
        Balance { up, down }
    }
}

impl Rotary {
    /// `rates`: the angle that each pair of dimensions turns by for each position.
    pub fn new(rates: Vec<f32>) -> Rotary {
        Rotary { rates, cos: Vec::new(), sin: Vec::new() }
    }

    /// Makes the table as long as `positions`.
    pub fn reserve(&mut self, positions: usize) {
        for position in self.cos.len() / self.rates.len().max(1)..positions {
            let angles = self.rates.iter().map(|rate| position as f32 * rate);
            self.cos.extend(angles.clone().map(f32::cos));
            self.sin.extend(angles.map(f32::sin));
        }
    }
}

/// Where the rows of a span lie.
pub(super) struct Place {
    /// Its first row among all.
    pub(super) from: usize,
    pub(super) rows: usize,
    /// The position of that row.
    pub(super) first: usize,
    pub(super) keys: *mut i8,
    pub(super) values: *mut i8,
    pub(super) key_scales: *mut f32,
    pub(super) value_scales: *mut f32,
}

pub(super) struct Placing<'a> {
    pub(super) heads: Heads,
    pub(super) turn: Turn<'a>,
    pub(super) projected: Projected<'a>,
    pub(super) places: &'a [Place],
    /// Span and first row within it.
    pub(super) items: Vec<(usize, usize)>,
    pub(super) rows: usize,
    pub(super) queries: *mut i16,
    pub(super) scales: *mut f32,
}

// SAFETY: see the invariant at the head of this file.
unsafe impl Sync for Placing<'_> {}

/// Turns the rows of an item and puts them where `attend_to` reads them.
#[inline(always)]
pub(super) unsafe fn place<S: Isa>(task: &Placing<'_>, item: usize) {
    let (heads, (span, start)) = (task.heads, task.items[item]);
    let place = &task.places[span];
    let (width, padded, half) = (heads.width, heads.padded(), heads.width / 2);
    let scale = std::f32::consts::LOG2_E / (width as f32).sqrt();
    let mut head = Head { turned: vec![0.0; padded + 32], pairs: vec![0; padded / 2 + 16] };
    for row in start..(start + ITEM_ROWS).min(place.rows) {
        let (at, position) = (place.from + row, place.first + row);
        let turn = task.turn.rotary.map(|r| (&r.cos[position * half..][..half], &r.sin[position * half..][..half]));
        let balance = |kv: usize| task.turn.balance.map(|b| (&b.up[kv * half..][..half], &b.down[kv * half..][..half]));
        let block = position / BLOCK * heads.kv;
        unsafe {
            for query in 0..heads.queries {
                let x = &task.projected.queries[(at * heads.queries + query) * width..][..width];
                let (kv, within) = (query / heads.group(), query % heads.group());
                let size = head.round::<S>(x, turn, balance(kv).map(|(up, _)| up), heads.most_query());
                let to = (kv * task.rows + at) * heads.group() + within;
                *task.scales.add(to) = size * scale;
                std::ptr::copy_nonoverlapping(head.pairs.as_ptr().cast(), task.queries.add(to * padded), padded);
            }
            for kv in 0..heads.kv {
                let (cell, within) = ((block + kv) * BLOCK, position % BLOCK);
                let x = &task.projected.keys[(at * heads.kv + kv) * width..][..width];
                *place.key_scales.add(cell + within) =
                    head.round::<S>(x, turn, balance(kv).map(|(_, down)| down), MOST_CODE);
                let keys = place.keys.add(cell * padded + within * 2);
                for (i, &pair) in head.pairs[..half].iter().enumerate() {
                    *keys.add(i * BLOCK * 2) = pair as i8;
                    *keys.add(i * BLOCK * 2 + 1) = (pair >> 16) as i8;
                }
                let x = &task.projected.values[(at * heads.kv + kv) * width..][..width];
                *place.value_scales.add(cell + within) = head.round::<S>(x, None, None, MOST_CODE);
                let values = place.values.add(cell * padded + within / 2 * padded * 2 + within % 2);
                for (i, &pair) in head.pairs[..half].iter().enumerate() {
                    *values.add(i * 2) = pair as i8;
                    *values.add((i + half) * 2) = (pair >> 16) as i8;
                }
            }
        }
    }
}

/// One head of one row on its way to integers.
struct Head {
    turned: Vec<f32>,
    /// Dimension `i` beside dimension `i + width / 2`, padded with zeros.
    pairs: Vec<i32>,
}

impl Head {
    /// `x`, turned by its position and times `by`, as integers up to `most`; returns what one of them stands for.
    #[inline(always)]
    unsafe fn round<S: Isa>(
        &mut self,
        x: &[f32],
        turn: Option<(&[f32], &[f32])>,
        by: Option<&[f32]>,
        most: f32,
    ) -> f32 {
        let half = x.len() / 2;
        let (low, high) = x.split_at(half);
        unsafe {
            let mut largest = S::splat(0.0);
            for i in (0..half).step_by(16) {
                let (mut a, mut b) = (sixteen::<S>(low, i), sixteen::<S>(high, i));
                if let Some((cos, sin)) = turn {
                    let (cos, sin) = (sixteen::<S>(cos, i), sixteen::<S>(sin, i));
                    let turned = S::sub(S::mul(a, cos), S::mul(b, sin));
                    b = S::fma(a, sin, S::mul(b, cos));
                    a = turned;
                }
                if let Some(by) = by {
                    let by = sixteen::<S>(by, i);
                    (a, b) = (S::mul(a, by), S::mul(b, by));
                }
                S::store(self.turned[2 * i..][..16].as_mut_ptr(), a);
                S::store(self.turned[2 * i + 16..][..16].as_mut_ptr(), b);
                largest = S::max(largest, S::max(S::abs(a), S::abs(b)));
            }
            let largest = S::largest(largest);
            let by = S::splat(if largest > SMALLEST { most / largest } else { 0.0 });
            for i in (0..half).step_by(16) {
                let a = S::mul(S::load(self.turned[2 * i..][..16].as_ptr()), by);
                let b = S::mul(S::load(self.turned[2 * i + 16..][..16].as_ptr()), by);
                S::store_i(self.pairs[i..i + 16].as_mut_ptr().cast(), S::pair_i16(a, b));
            }
            largest / most
        }
    }
}

/// Sixteen numbers from `i` on; zeros past the end.
#[inline(always)]
unsafe fn sixteen<S: Isa>(from: &[f32], i: usize) -> S::F {
    unsafe {
        match from.get(i..i + 16) {
            Some(whole) => S::load(whole.as_ptr()),
            None => {
                let mut lanes = [0f32; 16];
                lanes[..from.len() - i].copy_from_slice(&from[i..]);
                S::load(lanes.as_ptr())
            }
        }
    }
}
