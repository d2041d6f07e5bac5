//! Attention over a cache of keys and values, with an online softmax (Milakov and Gimelshein 2018; FlashAttention's
//! recurrence): blocks of 64 positions pass through registers, and no matrix of scores exists.
//!
//! Keys and values are integers of eight bits, queries and softmax weights of sixteen, with an f32 scale for each head of
//! each position (for weights: of each row and block). Dot products of 16-bit pairs are four times as fast as those of bf16
//! on Sapphire Rapids, as fast on Zen 4, and there on every x86-64 CPU; half the bytes of keys and values are a quarter more
//! tokens a second at 4096 positions. The longest sum of a block, 64 products or a head's width, fits in 32 bits for heads
//! up to 512 wide; wider ones get smaller queries. `cache.rs` says how they lie. Scores, sums and the softmax are f32. Scales of queries hold
//! `log2(e) / sqrt(width)`, so that the softmax is one of powers of two.
//!
//! Invariant: tasks are made by `Attention::run` alone, which checks lengths and makes room in every cache; items write
//! disjoint rows and heads of `out`.

use super::{
    Cpu,
    cache::{BLOCK, Heads, ITEM_ROWS, LayerCache, MOST_WEIGHT, Place, Placing, Turn},
    isa::Isa,
    rows::SMALLEST,
};

/// Multiplications from which on threads share the work.
const SHARED_FROM: usize = 2 << 20;
/// A score that no softmax sees.
const HIDDEN: f32 = -1e30;

/// Rows that belong to one sequence, at positions `first..first + rows`.
pub struct Span<'a> {
    pub cache: &'a mut LayerCache,
    pub first: usize,
    pub rows: usize,
}

/// What attention needs beside the numbers.
#[derive(Default)]
pub struct Attention {
    /// `[kv][rows][queries / kv][padded width]`
    queries: Vec<i16>,
    /// `[kv][rows][queries / kv]`
    scales: Vec<f32>,
}

/// Queries, keys and values of all rows as the products left them: `[rows][heads * width]` each.
#[derive(Clone, Copy)]
pub struct Projected<'a> {
    pub queries: &'a [f32],
    pub keys: &'a [f32],
    pub values: &'a [f32],
}

impl Attention {
    /// Turns queries and keys, remembers keys and values, and attends: each row of a span to all earlier positions of its
    /// sequence and its own (`causal`), or to every row of its span. `out`: `[rows][queries * width]`.
    ///
    /// # Panics
    /// When a length does not fit, or `rotary` is shorter than the last position.
    #[allow(clippy::too_many_arguments)] // All different, and a struct of them would be taken apart at once.
    pub fn run(
        &mut self,
        cpu: &Cpu,
        heads: Heads,
        turn: Turn<'_>,
        projected: Projected<'_>,
        spans: &mut [Span<'_>],
        causal: bool,
        out: &mut [f32],
    ) {
        let rows: usize = spans.iter().map(|s| s.rows).sum();
        let (q, kv) = (heads.queries * heads.width, heads.kv * heads.width);
        assert!(heads.kv > 0 && heads.queries.is_multiple_of(heads.kv) && heads.width.is_multiple_of(2), "{heads:?}");
        assert!(projected.queries.len() >= rows * q && out.len() >= rows * q, "{rows} rows of queries");
        assert!(projected.keys.len() >= rows * kv && projected.values.len() >= rows * kv, "{rows} rows of keys");
        let last = spans.iter().map(|s| s.first + s.rows).max().unwrap_or(0);
        if let Some(rotary) = turn.rotary {
            assert_eq!(rotary.rates.len(), heads.width / 2);
            assert!(rotary.cos.len() >= last * heads.width / 2, "rotary table up to {last}");
        }
        self.queries.resize(rows * heads.queries * heads.padded(), 0);
        self.scales.resize(rows * heads.queries, 0.0);
        let (mut places, mut from) = (Vec::with_capacity(spans.len()), 0);
        for span in spans.iter_mut() {
            span.cache.reserve(heads, span.first + span.rows);
            let cache = &mut *span.cache;
            places.push(Place {
                from,
                rows: span.rows,
                first: span.first,
                keys: cache.keys.as_mut_ptr(),
                values: cache.values.as_mut_ptr(),
                key_scales: cache.key_scales.as_mut_ptr(),
                value_scales: cache.value_scales.as_mut_ptr(),
            });
            from += span.rows;
        }
        let items = |size: usize| -> Vec<(usize, usize)> {
            let cut = |n: usize| (0..places[n].rows).step_by(size).map(move |row| (n, row));
            (0..places.len()).flat_map(cut).collect()
        };
        let (queries, scales) = (self.queries.as_mut_ptr(), self.scales.as_mut_ptr());
        let task = Placing { heads, turn, projected, places: &places, items: items(ITEM_ROWS), rows, queries, scales };
        let shared = rows >= 2 * ITEM_ROWS;
        // SAFETY: lengths and room were checked and made above.
        cpu.run(task.items.len(), shared, &|item| unsafe { (cpu.kernels().place)(&task, item) });
        let (items, out) = (task.items, out.as_mut_ptr());
        let task = Attending { heads, causal, places: &places, items, rows, queries, scales, out };
        let work: usize = places.iter().map(|p| p.rows * (p.first + p.rows) * q).sum();
        let items = task.items.len() * heads.kv;
        cpu.run(items, work >= SHARED_FROM, &|item| unsafe { (cpu.kernels().attend)(&task, item) });
    }
}

pub(super) struct Attending<'a> {
    heads: Heads,
    causal: bool,
    places: &'a [Place],
    items: Vec<(usize, usize)>,
    rows: usize,
    queries: *const i16,
    scales: *const f32,
    out: *mut f32,
}

// SAFETY: see the invariant at the head of this file.
unsafe impl Sync for Attending<'_> {}

/// One item: up to `ITEM_ROWS` rows of a span, for one key-value head, `TILE` queries at a time.
#[inline(always)]
pub(super) unsafe fn attend_to<S: Isa, const TILE: usize>(task: &Attending<'_>, item: usize) {
    let heads = task.heads;
    let (kv, (span, start)) = (item % heads.kv, task.items[task.items.len() - 1 - item / heads.kv]);
    let place = &task.places[span];
    let (group, padded) = (heads.group(), heads.padded());
    let rows = (place.rows - start).min(ITEM_ROWS);
    let queries = rows * group;
    let mut state = State {
        out: vec![0.0; queries * padded],
        most: vec![HIDDEN; queries],
        total: vec![0.0; queries * 16],
        weights: vec![0; TILE * BLOCK],
        sizes: vec![0.0; TILE],
    };
    // The last position that query `n` sees.
    let sees = |n: usize| if task.causal { place.first + start + n / group } else { place.first + place.rows - 1 };
    unsafe {
        let q = (kv * task.rows + place.from + start) * group;
        for block in 0..=sees(queries - 1) / BLOCK {
            let cell = (block * heads.kv + kv) * BLOCK;
            let part_of = |n: usize| Tile {
                queries: task.queries.add((q + n) * padded),
                scales: task.scales.add(q + n),
                keys: place.keys.add(cell * padded),
                values: place.values.add(cell * padded),
                key_scales: place.key_scales.add(cell),
                value_scales: place.value_scales.add(cell),
                padded,
                first: n,
            };
            if queries <= TILE && block < sees(queries - 1) / BLOCK {
                // One pass over a block is shorter than the way from memory, and its pages are too far apart for the CPU
                // to guess the next.
                let next = (heads.kv * BLOCK + cell) * padded;
                for line in (0..BLOCK * padded).step_by(64) {
                    S::prefetch(place.keys.wrapping_add(next + line).cast());
                    S::prefetch(place.values.wrapping_add(next + line).cast());
                }
            }
            let mut n = 0;
            while n < queries {
                let size = match queries - n {
                    left if left >= TILE => TILE,
                    left if left >= 3 && TILE > 3 => 3,
                    _ => 1,
                };
                if block * BLOCK <= sees(n + size - 1) {
                    // Positions of the block that each query sees, when any of them sees less than all.
                    let part = block * BLOCK + BLOCK - 1 > sees(n);
                    let last = |i: usize| sees(n + i) as i32 - (block * BLOCK) as i32;
                    let tile = part_of(n);
                    match size {
                        1 => pass::<S, 1>(&tile, &mut state, part.then(|| std::array::from_fn(last))),
                        3 => pass::<S, 3>(&tile, &mut state, part.then(|| std::array::from_fn(last))),
                        _ => pass::<S, TILE>(&tile, &mut state, part.then(|| std::array::from_fn(last))),
                    }
                }
                n += size;
            }
        }
        for n in 0..queries {
            let by = 1.0 / S::sum(S::load(state.total[n * 16..].as_ptr()));
            let (row, head) = (place.from + start + n / group, kv * group + n % group);
            let out = task.out.add((row * heads.queries + head) * heads.width);
            for (i, value) in state.out[n * padded..][..heads.width].iter().enumerate() {
                *out.add(i) = value * by;
            }
        }
    }
}

/// What a softmax knows so far, for each query of an item.
struct State {
    /// `[queries][padded width]`, not yet divided by the total.
    out: Vec<f32>,
    most: Vec<f32>,
    /// `[queries][16]`, to be summed at the end.
    total: Vec<f32>,
    /// The weights of a block times the scales of its values, `[tile][64]`, as integers, and what one stands for.
    weights: Vec<i16>,
    sizes: Vec<f32>,
}

/// A few queries and one block.
#[derive(Clone, Copy)]
struct Tile {
    queries: *const i16,
    scales: *const f32,
    keys: *const i8,
    values: *const i8,
    key_scales: *const f32,
    value_scales: *const f32,
    padded: usize,
    /// The first query's place in `State`.
    first: usize,
}

/// `N` queries over one block. `last`: for each the last position of the block that it sees.
#[inline(always)]
unsafe fn pass<S: Isa, const N: usize>(tile: &Tile, state: &mut State, last: Option<[i32; N]>) {
    unsafe {
        let padded = tile.padded;
        let mut scores = [[S::splat_i(0); 4]; N];
        for pair in 0..padded / 2 {
            let keys = tile.keys.add(pair * BLOCK * 2).cast::<u8>();
            let keys: [_; 4] = [S::widen(keys), S::widen(keys.add(32)), S::widen(keys.add(64)), S::widen(keys.add(96))];
            for (n, scores) in scores.iter_mut().enumerate() {
                let x = S::repeat(tile.queries.add(n * padded + pair * 2).cast());
                for j in 0..4 {
                    scores[j] = S::dot_i16(scores[j], keys[j], x);
                }
            }
        }
        let mut fade = [S::splat(0.0); N];
        for n in 0..N {
            let query = tile.first + n;
            let scale = S::splat(*tile.scales.add(n));
            let mut s = [scale; 4];
            for (j, s) in s.iter_mut().enumerate() {
                let scale = S::mul(scale, S::load(tile.key_scales.add(16 * j)));
                *s = S::mul(S::to_f(scores[n][j]), scale);
                if let Some(last) = last {
                    *s = S::hide_after(*s, 16 * j as i32, last[n], HIDDEN);
                }
            }
            let most = S::largest(S::max(S::max(s[0], s[1]), S::max(s[2], s[3]))).max(state.most[query]);
            fade[n] = S::exp2(S::splat(state.most[query] - most));
            state.most[query] = most;
            for (j, s) in s.iter_mut().enumerate() {
                *s = S::exp2(S::sub(*s, S::splat(most)));
                if let Some(last) = last {
                    *s = S::hide_after(*s, 16 * j as i32, last[n], 0.0);
                }
            }
            let total = state.total[query * 16..][..16].as_mut_ptr();
            let sum = S::add(S::add(s[0], s[1]), S::add(s[2], s[3]));
            S::store(total, S::fma(S::load(total), fade[n], sum));
            for (j, s) in s.iter_mut().enumerate() {
                *s = S::mul(*s, S::load(tile.value_scales.add(16 * j)));
                if let Some(last) = last {
                    // Positions that were forgotten may have left a scale that is no number.
                    *s = S::hide_after(*s, 16 * j as i32, last[n], 0.0);
                }
            }
            let largest = S::largest(S::max(S::max(s[0], s[1]), S::max(s[2], s[3])));
            let by = S::splat(if largest > SMALLEST { MOST_WEIGHT / largest } else { 0.0 });
            state.sizes[n] = largest / MOST_WEIGHT;
            let to = state.weights[n * BLOCK..][..BLOCK].as_mut_ptr();
            S::store_i16(to, S::mul(s[0], by), S::mul(s[1], by));
            S::store_i16(to.add(32), S::mul(s[2], by), S::mul(s[3], by));
        }
        let mut column = 0;
        while column + 64 <= padded {
            mix::<S, N, 4>(tile, state, &fade, column);
            column += 64;
        }
        if column < padded {
            mix::<S, N, 2>(tile, state, &fade, column);
        }
    }
}

/// Adds the block's values, weighted, to `16 * WIDE` numbers of each query from `column` on.
#[inline(always)]
unsafe fn mix<S: Isa, const N: usize, const WIDE: usize>(
    tile: &Tile,
    state: &mut State,
    fade: &[S::F; N],
    column: usize,
) {
    unsafe {
        let mut sums = [[S::splat_i(0); WIDE]; N];
        for pair in 0..BLOCK / 2 {
            let values = tile.values.add((pair * tile.padded + column) * 2).cast::<u8>();
            let mut v = [S::splat_i(0); WIDE];
            for (j, v) in v.iter_mut().enumerate() {
                *v = S::widen(values.add(j * 32));
            }
            for (n, sums) in sums.iter_mut().enumerate() {
                let x = S::repeat(state.weights.as_ptr().add(n * BLOCK + pair * 2).cast());
                for j in 0..WIDE {
                    sums[j] = S::dot_i16(sums[j], v[j], x);
                }
            }
        }
        let out = state.out.as_mut_ptr().add(tile.first * tile.padded + column);
        for (n, sums) in sums.into_iter().enumerate() {
            let size = S::splat(state.sizes[n]);
            for (j, sum) in sums.into_iter().enumerate() {
                let out = out.add(n * tile.padded + j * 16);
                S::store(out, S::fma(S::to_f(sum), size, S::mul(S::load(out), fade[n])));
            }
        }
    }
}
