//! Single rows of a matrix, as the product reads them: embeddings are looked up so.
//!
//! Invariant: `matrix.rs` has checked that the row exists and that the length fits.

use super::{
    format::{Format, GROUP, PANEL, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0},
    isa::Portable,
    matrix::Panels,
};

/// Writes the first `out.len()` weights of row `row` of a matrix of `columns` rows.
pub(super) unsafe fn unpack_row(panels: &Panels, columns: usize, k: usize, row: usize, out: &mut [f32]) {
    let (count, zero) = (columns.div_ceil(PANEL), panels.zero().map_or(0, |bits| 1 << bits));
    unsafe {
        match panels {
            Panels::Q4_0(b) => unpack_quantized::<Q4_0>(b, count, zero, row, out),
            Panels::Q4_1(b) => unpack_quantized::<Q4_1>(b, count, zero, row, out),
            Panels::Q5_0(b) => unpack_quantized::<Q5_0>(b, count, zero, row, out),
            Panels::Q5_1(b) => unpack_quantized::<Q5_1>(b, count, zero, row, out),
            Panels::Q8_0(b) => unpack_quantized::<Q8_0>(b, count, zero, row, out),
            Panels::Q4K(b) => unpack_quantized::<Q4K>(b, count, zero, row, out),
            Panels::Q5K(b) => unpack_quantized::<Q5K>(b, count, zero, row, out),
            Panels::Q6K(b) => unpack_quantized::<Q6K>(b, count, zero, row, out),
            Panels::F32(w) => unpack_floats(w, k, row, out, |w| w),
            Panels::F16(w) => unpack_floats(w, k, row, out, half::f16::to_f32),
            Panels::Bf16(w) => unpack_floats(w, k, row, out, half::bf16::to_f32),
        }
    }
}

unsafe fn unpack_quantized<F: Format>(blocks: &[F::Block], panels: usize, zero: i32, row: usize, out: &mut [f32]) {
    let panel = blocks[row / PANEL * (blocks.len() / panels)..].as_ptr();
    let (half, lane) = (row % PANEL / 16, row % 16);
    for (group, out) in out.chunks_mut(GROUP).enumerate() {
        unsafe {
            let min = F::min::<Portable>(panel, group, half)[lane];
            macro_rules! steps {
                ($($step:literal)*) => {$(
                    let scale = F::scale::<Portable>(panel, group, $step * F::PARTS / 8, half)[lane];
                    let codes = F::codes::<Portable, $step>(panel, group, half)[lane].to_le_bytes();
                    for (out, code) in out.iter_mut().skip($step * 4).zip(codes) {
                        *out = scale * (i32::from(code) - zero) as f32 + min;
                    }
                )*};
            }
            steps!(0 1 2 3 4 5 6 7);
        }
    }
}

fn unpack_floats<W: Copy>(weights: &[W], k: usize, row: usize, out: &mut [f32], read: impl Fn(W) -> f32) {
    let panel = &weights[row / PANEL * k * PANEL..];
    for (i, out) in out.iter_mut().enumerate() {
        *out = read(panel[i * PANEL + row % PANEL]);
    }
}
