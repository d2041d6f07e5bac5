//! The kernels against a plain reading of what they compute, on ragged shapes and on every level that this CPU has.

mod alone;
mod attention;
mod products;
mod rows;
mod sharing;
mod weights;

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QTensor},
};
use proptest::prelude::ProptestConfig;

use super::{Cpu, Dispatch, Matrix, Norm, Rows};

/// Every format that the kernels read.
const FORMATS: [GgmlDType; 11] = [
    GgmlDType::Q4_0,
    GgmlDType::Q4_1,
    GgmlDType::Q5_0,
    GgmlDType::Q5_1,
    GgmlDType::Q8_0,
    GgmlDType::Q4K,
    GgmlDType::Q5K,
    GgmlDType::Q6K,
    GgmlDType::F32,
    GgmlDType::F16,
    GgmlDType::BF16,
];

/// Activations that share a scale.
const GROUP: usize = 32;

/// Cases of a property; each is tried on every level.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One CPU on one thread for each level that is here.
fn levels() -> impl Iterator<Item = Cpu> {
    Dispatch::here().into_iter().map(|level| cpu(level, 1))
}

fn cpu(level: Dispatch, threads: usize) -> Cpu {
    Cpu::with(level, threads).expect("the level is among those that are here")
}

/// Numbers that a seed stands for (Steele, Lea and Flood 2014: SplitMix).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From -1 to 1.
    fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Mostly small ones with a few that stand out, as activations have them.
    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float().powi(3) * if self.next().is_multiple_of(50) { 10.0 } else { 1.0 }).collect()
    }
}

/// Random weights in a format: the file's bytes, and what they stand for by candle's reading.
struct Weights {
    dtype: GgmlDType,
    n: usize,
    k: usize,
    bytes: Vec<u8>,
    plain: Vec<f32>,
}

impl Weights {
    fn random(dtype: GgmlDType, n: usize, k: usize, random: &mut Random) -> Weights {
        // Not around zero, so that a minimum that is lost is seen.
        let values: Vec<f32> = random.floats(n * k).into_iter().map(|x| x + 0.1).collect();
        let tensor = Tensor::from_vec(values, (n, k), &Device::Cpu).expect("as many numbers as the shape has");
        let quantized = QTensor::quantize(&tensor, dtype).expect("rows are whole blocks");
        let bytes = quantized.data().expect("the tensor is in memory").into_owned();
        let plain = quantized.dequantize(&Device::Cpu).and_then(|w| w.flatten_all()?.to_vec1());
        Weights { dtype, n, k, bytes, plain: plain.expect("what was quantized can be read back") }
    }

    fn matrix(&self, cpu: &Cpu) -> Matrix {
        Matrix::from_gguf(cpu, self.dtype, self.n, self.k, &self.bytes).expect("a format that is read")
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.plain[row * self.k..(row + 1) * self.k]
    }

    /// Whether activations are rounded to eight bits before they meet these weights.
    fn rounds(&self) -> bool {
        !matches!(self.dtype, GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16)
    }
}

/// The smallest length of rows that a format has.
fn block(dtype: GgmlDType) -> usize {
    dtype.block_size()
}

/// `x` as rows of `width`, as they are.
fn plain_rows(cpu: &Cpu, x: &[f32], width: usize) -> Rows {
    let mut rows = Rows::default();
    rows.fill(cpu, x, width, Norm::None);
    rows
}

/// What the eight-bit codes of a row stand for: for each 32, whole numbers of the largest size among them over 127.
fn eight_bits(row: &[f32]) -> Vec<f32> {
    let group = |group: &[f32]| -> Vec<f32> {
        let most = group.iter().fold(0f32, |most, x| most.max(x.abs()));
        let by = if most > 0.0 { 127.0 / most } else { 0.0 };
        group.iter().map(|x| (x * by).round_ties_even() * (most / 127.0)).collect()
    };
    row.chunks(GROUP).flat_map(group).collect()
}

/// A product, and the sum of the sizes of its terms, to which its error is proportional.
fn dot(a: &[f32], b: &[f32]) -> (f64, f64) {
    assert_eq!(a.len(), b.len());
    let terms = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    terms.fold((0.0, 0.0), |(sum, sizes), term| (sum + term, sizes + term.abs()))
}

#[track_caller]
fn check_close(got: f32, want: f64, tolerance: f64, what: &dyn std::fmt::Display) {
    assert!((f64::from(got) - want).abs() <= tolerance, "{what}: {got} is not {want} to {tolerance:.1e}");
}

#[track_caller]
fn check_same_bits(got: &[f32], want: &[f32], what: &dyn std::fmt::Display) {
    assert_eq!(got.len(), want.len(), "{what}");
    // Zeros of either sign are one number to all that follows.
    let bits = |x: f32| (x + 0.0).to_bits();
    let differs = (0..got.len()).find(|&i| bits(got[i]) != bits(want[i]));
    assert_eq!(differs.map(|i| (i, got[i], want[i])), None, "{what}");
}
