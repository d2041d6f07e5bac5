//! From the rows of a GGUF file to panels. Layouts of the source are ggml's (`ggml-common.h`, `block_q4_0` and so on);
//! those of the target are described in `format.rs`. No number is changed on the way.

use candle_core::quantized::GgmlDType;
use half::{bf16, f16};

use super::{
    Cpu,
    format::{GROUP, PANEL, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0, SUPER},
    matrix::Panels,
};

/// Bytes of a row of `k` weights.
///
/// # Errors
/// When the kernels do not read the format, or `k` is no multiple of its block.
pub(super) fn row_bytes(dtype: GgmlDType, k: usize) -> Result<usize, String> {
    use GgmlDType as D;
    match dtype {
        D::Q4_0 | D::Q4_1 | D::Q5_0 | D::Q5_1 | D::Q8_0 | D::Q4K | D::Q5K | D::Q6K | D::F32 | D::F16 | D::BF16 => {}
        other => {
            return Err(format!("weights in {other:?} are not supported; use Q4_0 to Q8_0, Q4_K to Q6_K, F16 or BF16"));
        }
    }
    let block = dtype.block_size();
    if k == 0 || !k.is_multiple_of(block) {
        return Err(format!("rows of {k} weights are no multiple of the format's {block}"));
    }
    Ok(k / block * dtype.type_size())
}

/// All panels of `n` rows. `row(r)` gives `row_bytes` bytes.
pub(super) fn panels<'a>(
    cpu: &Cpu,
    dtype: GgmlDType,
    n: usize,
    k: usize,
    row: &(dyn Fn(usize) -> &'a [u8] + Sync),
) -> Result<Panels, String> {
    use GgmlDType as D;
    if n == 0 {
        return Err("a matrix of no rows".to_owned());
    }
    let groups = k / GROUP;
    Ok(match dtype {
        D::Q4_0 => Panels::Q4_0(blocks(cpu, n, groups, row, Q4_0::ZERO, q4_0)),
        D::Q4_1 => Panels::Q4_1(blocks(cpu, n, groups, row, Q4_1::ZERO, q4_1)),
        D::Q5_0 => Panels::Q5_0(blocks(cpu, n, groups, row, Q5_0::ZERO, q5_0)),
        D::Q5_1 => Panels::Q5_1(blocks(cpu, n, groups, row, Q5_1::ZERO, q5_1)),
        D::Q8_0 => Panels::Q8_0(blocks(cpu, n, groups, row, Q8_0::ZERO, q8_0)),
        D::Q4K => Panels::Q4K(blocks(cpu, n, groups / SUPER, row, Q4K::ZERO, q4_k)),
        D::Q5K => Panels::Q5K(blocks(cpu, n, groups / SUPER, row, Q5K::ZERO, q5_k)),
        D::Q6K => Panels::Q6K(blocks(cpu, n, groups / SUPER, row, Q6K::ZERO, q6_k)),
        D::F32 => Panels::F32(floats(n, k, row, f32::from_le_bytes)),
        D::F16 => Panels::F16(floats(n, k, row, f16::from_le_bytes)),
        D::BF16 => Panels::Bf16(floats(n, k, row, bf16::from_le_bytes)),
        other => return Err(format!("weights in {other:?} are not supported")),
    })
}

/// `weights` rounded to Q8_0, rows of `k` padded with zeros to whole groups.
pub(super) fn q8_0_rows(k: usize, weights: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(weights.len() / GROUP * 34);
    for row in weights.chunks_exact(k) {
        for group in row.chunks(GROUP) {
            let most = group.iter().fold(0f32, |m, w| m.max(w.abs()));
            let scale = f16::from_f32(most / 127.0);
            let inverse = if scale > f16::ZERO { 1.0 / scale.to_f32() } else { 0.0 };
            bytes.extend(scale.to_le_bytes());
            let code = |w: &f32| (w * inverse).round_ties_even().clamp(-127.0, 127.0) as i8;
            bytes.extend(group.iter().map(|w| code(w) as u8));
            bytes.resize(bytes.len() + GROUP - group.len(), 0);
        }
    }
    bytes
}

/// One block a panel and place: `put(block, column, source)` writes one row's part of it.
fn blocks<'a, B: Copy + Send + Sync>(
    cpu: &Cpu,
    n: usize,
    places: usize,
    row: &(dyn Fn(usize) -> &'a [u8] + Sync),
    empty: B,
    put: impl Fn(&mut B, usize, &[u8]) + Sync,
) -> Vec<B> {
    let mut panels = vec![empty; n.div_ceil(PANEL) * places];
    cpu.each_chunk(&mut panels, places, &|panel, blocks| {
        for column in 0..PANEL.min(n - panel * PANEL) {
            let source = row(panel * PANEL + column);
            let size = source.len() / places;
            for (block, source) in blocks.iter_mut().zip(source.chunks_exact(size)) {
                put(block, column, source);
            }
        }
    });
    panels
}

fn floats<'a, T: Copy, const N: usize>(
    n: usize,
    k: usize,
    row: &(dyn Fn(usize) -> &'a [u8] + Sync),
    read: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let padded = k.next_multiple_of(GROUP);
    let mut panels = vec![read([0; N]); n.div_ceil(PANEL) * padded * PANEL];
    for (panel, weights) in panels.chunks_exact_mut(padded * PANEL).enumerate() {
        for column in 0..PANEL.min(n - panel * PANEL) {
            let (source, _) = row(panel * PANEL + column).as_chunks::<N>();
            for (i, &bytes) in source.iter().enumerate() {
                weights[i * PANEL + column] = read(bytes);
            }
        }
    }
    panels
}

fn half_at(source: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([source[at], source[at + 1]])
}

/// Where the four codes of `step` of a column lie among a group's: `[step][half][column of half][4]`.
fn place(step: usize, column: usize) -> usize {
    (step * 2 + column / 16) * 64 + column % 16 * 4
}

/// ggml's sixteen bytes of a group, whose low halves are its first sixteen codes.
fn put_nibbles(codes: &mut [u8; 512], column: usize, source: &[u8]) {
    for (step, four) in source.chunks_exact(4).enumerate() {
        codes[place(step, column)..][..4].copy_from_slice(four);
    }
}

/// Thirty-two codes of four bits, one a byte.
fn put_low_bits(codes: &mut [u8; 512], column: usize, source: &[u8; 32]) {
    let packed: [u8; 16] = std::array::from_fn(|i| source[i] & 15 | source[i + 16] << 4);
    put_nibbles(codes, column, &packed);
}

/// The fifth bits of thirty-two codes: bit `step` of the byte of the column's place in `k % 4`.
fn put_fifth_bits(plane: &mut [u8; 128], column: usize, bit: impl Fn(usize) -> bool) {
    for i in 0..GROUP {
        plane[column / 16 * 64 + column % 16 * 4 + i % 4] |= u8::from(bit(i)) << (i / 4);
    }
}

fn q4_0(block: &mut Q4_0, column: usize, source: &[u8]) {
    block.scale[column] = half_at(source, 0);
    put_nibbles(&mut block.codes, column, &source[2..]);
}

fn q4_1(block: &mut Q4_1, column: usize, source: &[u8]) {
    block.scale[column] = half_at(source, 0);
    block.min[column] = half_at(source, 2);
    put_nibbles(&mut block.codes, column, &source[4..]);
}

fn q5_0(block: &mut Q5_0, column: usize, source: &[u8]) {
    block.scale[column] = half_at(source, 0);
    put_fifth_bits(&mut block.high, column, |i| source[2 + i / 8] >> (i % 8) & 1 == 1);
    put_nibbles(&mut block.codes, column, &source[6..]);
}

fn q5_1(block: &mut Q5_1, column: usize, source: &[u8]) {
    block.scale[column] = half_at(source, 0);
    block.min[column] = half_at(source, 2);
    put_fifth_bits(&mut block.high, column, |i| source[4 + i / 8] >> (i % 8) & 1 == 1);
    put_nibbles(&mut block.codes, column, &source[8..]);
}

fn q8_0(block: &mut Q8_0, column: usize, source: &[u8]) {
    block.scale[column] = half_at(source, 0);
    for (step, four) in source[2..].chunks_exact(4).enumerate() {
        // Signed codes become unsigned ones around 128.
        let four: [u8; 4] = std::array::from_fn(|i| four[i] ^ 0x80);
        block.codes[place(step, column)..][..4].copy_from_slice(&four);
    }
}

/// The factor and offset of group `j`, from the twelve bytes that hold eight pairs of six bits.
fn six_bit_pair(packed: &[u8], j: usize) -> (u8, u8) {
    match j < 4 {
        true => (packed[j] & 63, packed[j + 4] & 63),
        false => (packed[j + 4] & 15 | packed[j - 4] >> 6 << 4, packed[j + 4] >> 4 | packed[j] >> 6 << 4),
    }
}

/// Group `j` of a K block's 128 bytes: pairs of groups share 32 bytes, the first in the low halves.
fn k_codes(source: &[u8], j: usize) -> [u8; 32] {
    std::array::from_fn(|i| source[j / 2 * 32 + i] >> (j % 2 * 4) & 15)
}

fn q4_k(block: &mut Q4K, column: usize, source: &[u8]) {
    block.scale[column] = half_at(source, 0);
    block.min[column] = half_at(source, 2);
    for j in 0..SUPER {
        (block.factor[j][column], block.offset[j][column]) = six_bit_pair(&source[4..16], j);
        put_low_bits(&mut block.codes[j], column, &k_codes(&source[16..], j));
    }
}

fn q5_k(block: &mut Q5K, column: usize, source: &[u8]) {
    block.scale[column] = half_at(source, 0);
    block.min[column] = half_at(source, 2);
    for j in 0..SUPER {
        (block.factor[j][column], block.offset[j][column]) = six_bit_pair(&source[4..16], j);
        put_fifth_bits(&mut block.high[j], column, |i| source[16 + i] >> j & 1 == 1);
        put_low_bits(&mut block.codes[j], column, &k_codes(&source[48..], j));
    }
}

fn q6_k(block: &mut Q6K, column: usize, source: &[u8]) {
    let (low, rest) = source.split_at(128);
    let (high, rest) = rest.split_at(64);
    block.scale[column] = half_at(rest, 16);
    for (i, &factor) in rest[..16].iter().enumerate() {
        block.factor[i][column] = factor as i8;
    }
    for j in 0..SUPER {
        // Each half of the block has 64 bytes of low bits and 32 of high bits for its four groups.
        let (half, quarter) = (j / 4, j % 4);
        let low = |i: usize| low[half * 64 + quarter % 2 * 32 + i] >> (quarter / 2 * 4) & 15;
        let two = |i: usize| high[half * 32 + i] >> (quarter * 2) & 3;
        put_low_bits(&mut block.codes[j], column, &std::array::from_fn(low));
        for i in 0..GROUP {
            let step = i / 4;
            let plane = (step % 2 * 2 + column / 16) * 64 + column % 16 * 4 + i % 4;
            block.high[j][plane] |= two(i) << (step / 2 * 2);
        }
    }
}
