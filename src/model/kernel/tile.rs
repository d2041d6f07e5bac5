//! The matrix product: rows of activations times panels of weights, with what follows it done before anything is stored.
//!
//! Few rows (decoding) read the weights as they lie, once. Many rows (reading a prompt) have a panel's codes taken apart
//! into scratch that stays in the cache while all rows pass over it. A row's result is the same, bit for bit, whatever
//! other rows are with it and however they are cut: each accumulates its groups in order, alone.
//!
//! Invariant: a `Product` is made by `matrix.rs` alone, which checks every length; items write disjoint columns or rows.

use super::{
    finish::{Finish, finish},
    format::{Float, Format, GROUP, PANEL, Unpack},
    isa::Isa,
    matrix::Panels,
};

/// One group of a quantized row of activations.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct GroupScale {
    pub scale: f32,
    /// The sum of the activations that the codes stand for.
    pub sum: f32,
    /// Minus the sum of the codes: of all, of the first sixteen, of the others.
    pub negative: [i32; 3],
}

/// One product: what every item of it shares.
pub(super) struct Product<'a> {
    pub panels: &'a Panels,
    /// log2 of the code that stands for zero; of no meaning for affine formats.
    pub zero: u32,
    pub columns: usize,
    /// Length of a padded row; for quantized weights a multiple of the group.
    pub k: usize,
    pub bias: Option<&'a [f32]>,
    pub values: *const f32,
    pub codes: *const i8,
    pub scales: *const GroupScale,
    pub rows: usize,
    pub out: *mut f32,
    /// Numbers from one row of `out` to the next.
    pub stride: usize,
    pub finish: Finish,
    pub rows_an_item: usize,
    pub panels_an_item: usize,
}

// SAFETY: the pointers are into slices that outlive the product, and items write disjoint parts of `out`.
unsafe impl Sync for Product<'_> {}

impl Product<'_> {
    pub fn items(&self) -> usize {
        self.panel_items() * self.rows.div_ceil(self.rows_an_item)
    }

    fn panel_items(&self) -> usize {
        self.columns.div_ceil(PANEL).div_ceil(self.panels_an_item)
    }

    /// The rows and panels of an item.
    fn part(&self, item: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let (row, panel) =
            (item / self.panel_items() * self.rows_an_item, item % self.panel_items() * self.panels_an_item);
        let rows = row..(row + self.rows_an_item).min(self.rows);
        (rows, panel..(panel + self.panels_an_item).min(self.columns.div_ceil(PANEL)))
    }
}

/// Bytes that memory brings at once.
const LINE: usize = 64;
/// The most rows that read packed codes.
const PACKED_ROWS: usize = 12;

/// Calls one of two functions of its own for the format of `$product`'s panels. A macro, because each level of instructions
/// has such functions compiled for itself, and one function that held all formats would take minutes to compile.
macro_rules! by_format {
    ($product:expr, $item:expr, $quantized:ident, $floats:ident) => {
        match $product.panels {
            Panels::Q4_0(b) => $quantized::<Q4_0, Unpacked<1, false, false>>($product, b, $item),
            Panels::Q4_1(b) => $quantized::<Q4_1, Unpacked<1, true, false>>($product, b, $item),
            Panels::Q5_0(b) => $quantized::<Q5_0, Unpacked<1, false, false>>($product, b, $item),
            Panels::Q5_1(b) => $quantized::<Q5_1, Unpacked<1, true, false>>($product, b, $item),
            Panels::Q8_0(b) => $quantized::<Q8_0, Unpacked<1, false, true>>($product, b, $item),
            Panels::Q4K(b) => $quantized::<Q4K, Unpacked<1, true, false>>($product, b, $item),
            Panels::Q5K(b) => $quantized::<Q5K, Unpacked<1, true, false>>($product, b, $item),
            Panels::Q6K(b) => $quantized::<Q6K, Unpacked<2, false, false>>($product, b, $item),
            Panels::F32(w) => $floats::<f32>($product, w, $item),
            Panels::F16(w) => $floats::<half::f16>($product, w, $item),
            Panels::Bf16(w) => $floats::<half::bf16>($product, w, $item),
        }
    };
}
pub(super) use by_format;

/// More rows than this, and taking a panel apart first is cheaper than reading its packed codes for each tile.
pub(super) fn is_packed(p: &Product<'_>, item: usize) -> bool {
    p.part(item).0.len() <= PACKED_ROWS
}

/// Item `item` on the packed codes, with tiles of at most `TILE` rows and `HALVES` halves of a panel at a time.
#[inline(always)]
pub(super) unsafe fn packed<S: Isa, F: Format, const TILE: usize, const HALVES: usize>(
    p: &Product<'_>,
    blocks: &[F::Block],
    item: usize,
) {
    unsafe {
        let (rows, panels) = p.part(item);
        let blocks_a_panel = blocks.len() / p.columns.div_ceil(PANEL);
        let bytes = blocks_a_panel * size_of::<F::Block>();
        let first = blocks.as_ptr().add(panels.start * blocks_a_panel).cast::<u8>();
        for line in (0..bytes).step_by(LINE) {
            S::prefetch(first.wrapping_add(line));
        }
        let panels_end = panels.end;
        for panel in panels {
            // After the last panel comes nothing that anybody asked for.
            let ahead = if panel + 1 < panels_end { Ahead::first_of(rows.len().div_ceil(TILE)) } else { Ahead::NONE };
            let from = blocks.as_ptr().add(panel * blocks_a_panel);
            tiles::<S, F, TILE, HALVES>(p, from, panel, rows.clone(), ahead);
        }
    }
}

/// The same with each panel taken apart before the rows pass over it.
#[inline(always)]
pub(super) unsafe fn unpacked<S: Isa, F: Format, U: Unpack<F>, const TILE: usize, const HALVES: usize>(
    p: &Product<'_>,
    blocks: &[F::Block],
    item: usize,
) {
    unsafe {
        let (rows, panels) = p.part(item);
        let groups = p.k / GROUP;
        let blocks_a_panel = blocks.len() / p.columns.div_ceil(PANEL);
        let mut scratch: Vec<U> = Vec::with_capacity(groups);
        for panel in panels {
            U::fill::<S>(blocks.as_ptr().add(panel * blocks_a_panel), groups, scratch.as_mut_ptr());
            tiles::<S, U, TILE, HALVES>(p, scratch.as_ptr(), panel, rows.clone(), Ahead::NONE);
        }
    }
}

/// All `rows` over one panel: tiles of `TILE` rows, then of 4, 2 and 1; eight are twice four, which read the panel as
/// often as six and two do and keep more sums going.
#[inline(always)]
unsafe fn tiles<S: Isa, F: Format, const TILE: usize, const HALVES: usize>(
    p: &Product<'_>,
    from: *const F::Block,
    panel: usize,
    rows: std::ops::Range<usize>,
    ahead: Ahead,
) {
    let mut row = rows.start;
    let mut ahead = ahead;
    unsafe {
        while rows.end - row >= TILE && !(TILE == 6 && rows.end - row == 8) {
            tile::<S, F, TILE, HALVES>(p, from, panel, row, ahead.pass_on());
            row += TILE;
        }
        while TILE > 4 && rows.end - row >= 4 {
            tile::<S, F, 4, HALVES>(p, from, panel, row, ahead.pass_on());
            row += 4;
        }
        while TILE > 2 && rows.end - row >= 2 {
            tile::<S, F, 2, HALVES>(p, from, panel, row, ahead.pass_on());
            row += 2;
        }
        while rows.end - row >= 1 {
            tile::<S, F, 1, HALVES>(p, from, panel, row, ahead.pass_on());
            row += 1;
        }
    }
}

/// Which groups of the next panel a tile asks memory for while it works on the same groups of this one. Weights pass once,
/// faster than the CPU would ask for them by itself; each tile over a panel takes its share.
#[derive(Clone, Copy)]
struct Ahead {
    turn: usize,
    /// One less than the tiles that share: a power of two less one.
    mask: usize,
}

impl Ahead {
    const NONE: Ahead = Ahead { turn: usize::MAX, mask: 0 };

    fn first_of(tiles: usize) -> Ahead {
        Ahead { turn: 0, mask: tiles.next_power_of_two() - 1 }
    }

    /// This one, leaving the next tile's.
    #[inline(always)]
    fn pass_on(&mut self) -> Ahead {
        let this = *self;
        self.turn = self.turn.saturating_add(1);
        this
    }

    #[inline(always)]
    fn takes(self, group: usize) -> bool {
        group & self.mask == self.turn
    }
}

/// `ROWS` rows from `row` on times the panel at `from`, `HALVES` halves of it at a time.
#[inline(always)]
unsafe fn tile<S: Isa, F: Format, const ROWS: usize, const HALVES: usize>(
    p: &Product<'_>,
    from: *const F::Block,
    panel: usize,
    row: usize,
    ahead: Ahead,
) {
    unsafe {
        let groups = p.k / GROUP;
        let (codes, scales) = (p.codes.add(row * p.k).cast::<u8>(), p.scales.add(row * groups));
        let mut sums = [[S::splat(0.0); 2]; ROWS];
        for first in (0..2).step_by(HALVES) {
            let mut acc = [[S::splat(0.0); HALVES]; ROWS];
            for group in 0..groups {
                if F::FROM_MEMORY && ahead.takes(group) {
                    let next = from.cast::<u8>().wrapping_add((groups + group) * F::GROUP_BYTES);
                    for line in (0..F::GROUP_BYTES).step_by(LINE) {
                        S::prefetch(next.wrapping_add(line));
                    }
                }
                let mut whole = begin::<S, F, ROWS, HALVES>(p, scales, group, 0);
                macro_rules! steps {
                    ($($step:literal)*) => {$({
                        let mut weights = [S::splat_i(0); HALVES];
                        for (half, weights) in weights.iter_mut().enumerate() {
                            *weights = F::codes::<S, $step>(from, group, first + half);
                        }
                        for (r, whole) in whole.iter_mut().enumerate() {
                            let x = S::repeat(codes.add(r * p.k + group * GROUP + $step * 4));
                            for half in 0..HALVES {
                                whole[half] = if F::WIDE { S::dot::<true>(whole[half], weights[half], x) }
                                              else { S::dot::<false>(whole[half], weights[half], x) };
                            }
                        }
                    })*};
                }
                macro_rules! scaled {
                    ($part:literal) => {
                        for half in 0..HALVES {
                            let scale = F::scale::<S>(from, group, $part, first + half);
                            for r in 0..ROWS {
                                let scale = S::mul(scale, S::splat((*scales.add(r * groups + group)).scale));
                                acc[r][half] = S::fma(S::to_f(whole[r][half]), scale, acc[r][half]);
                            }
                        }
                    };
                }
                steps!(0 1 2 3);
                if F::PARTS == 2 {
                    scaled!(0);
                    whole = begin::<S, F, ROWS, HALVES>(p, scales, group, 1);
                }
                steps!(4 5 6 7);
                if F::PARTS == 2 {
                    scaled!(1);
                } else {
                    scaled!(0);
                }
                if F::AFFINE {
                    for half in 0..HALVES {
                        let min = F::min::<S>(from, group, first + half);
                        for r in 0..ROWS {
                            let sum = S::splat((*scales.add(r * groups + group)).sum);
                            acc[r][half] = S::fma(min, sum, acc[r][half]);
                        }
                    }
                }
            }
            for r in 0..ROWS {
                for half in 0..HALVES {
                    sums[r][first + half] = acc[r][half];
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            finish::<S>(p, panel, row + r, sums);
        }
    }
}

/// What the integer sums of a part of a group begin at: nothing, or what takes the code for zero back out of every code.
#[inline(always)]
unsafe fn begin<S: Isa, F: Format, const ROWS: usize, const HALVES: usize>(
    p: &Product<'_>,
    scales: *const GroupScale,
    group: usize,
    part: usize,
) -> [[S::I; HALVES]; ROWS] {
    unsafe {
        let mut whole = [[S::splat_i(0); HALVES]; ROWS];
        if !F::AFFINE {
            for (r, whole) in whole.iter_mut().enumerate() {
                let negative = (*scales.add(r * (p.k / GROUP) + group)).negative;
                let codes = S::splat_i(negative[if F::PARTS == 2 { part + 1 } else { 0 }]);
                *whole = [S::shift_left(codes, p.zero); HALVES];
            }
        }
        whole
    }
}

#[inline(always)]
pub(super) unsafe fn floats<S: Isa, W: Float, const TILE: usize, const HALVES: usize>(
    p: &Product<'_>,
    weights: &[W],
    item: usize,
) {
    unsafe {
        let (rows, panels) = p.part(item);
        for panel in panels {
            let from = weights.as_ptr().add(panel * p.k * PANEL);
            let mut row = rows.start;
            while rows.end - row >= TILE {
                float_tile::<S, W, TILE, HALVES>(p, from, panel, row);
                row += TILE;
            }
            while rows.end - row >= 1 {
                float_tile::<S, W, 1, HALVES>(p, from, panel, row);
                row += 1;
            }
        }
    }
}

/// `ROWS` rows from `row` on times the panel at `from`, in f32.
#[inline(always)]
unsafe fn float_tile<S: Isa, W: Float, const ROWS: usize, const HALVES: usize>(
    p: &Product<'_>,
    from: *const W,
    panel: usize,
    row: usize,
) {
    unsafe {
        let values = p.values.add(row * p.k);
        let mut sums = [[S::splat(0.0); 2]; ROWS];
        for first in (0..2).step_by(HALVES) {
            let mut acc = [[S::splat(0.0); HALVES]; ROWS];
            for k in 0..p.k {
                for half in 0..HALVES {
                    let weights = W::load::<S>(from.add(k * PANEL + (first + half) * 16));
                    for (r, acc) in acc.iter_mut().enumerate() {
                        acc[half] = S::fma(weights, S::splat(*values.add(r * p.k + k)), acc[half]);
                    }
                }
            }
            for r in 0..ROWS {
                for half in 0..HALVES {
                    sums[r][first + half] = acc[r][half];
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            finish::<S>(p, panel, row + r, sums);
        }
    }
}
