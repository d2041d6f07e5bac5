//! Products against scalar ones of the same weights and the same rounded activations.

use candle_core::quantized::GgmlDType;
use proptest::prelude::*;

use super::{
    super::{Cpu, Finish, Matrix},
    FORMATS, Random, Weights, block, check_close, dot, eight_bits, levels, plain_rows,
};

/// Error of a product over the sum of its terms' sizes. A minimum is added apart from the codes, which cancel in part.
const TOLERANCE: f64 = 2e-5;

/// What lies in `out` before a product is stored there, and must remain between rows.
const BEFORE: f32 = 0.75;

/// A case: weights, activations, a bias, and where the product goes.
struct Case {
    weights: Weights,
    bias: Option<Vec<f32>>,
    x: Vec<f32>,
    rows: usize,
    /// Numbers between rows of the product.
    gap: usize,
}

impl Case {
    fn random(dtype: GgmlDType, [n, k, rows, gap]: [usize; 4], biased: bool, random: &mut Random) -> Case {
        let weights = Weights::random(dtype, n, k, random);
        let bias = biased.then(|| random.floats(n));
        Case { weights, bias, x: random.floats(rows * k), rows, gap }
    }

    fn matrix(&self, cpu: &Cpu) -> Matrix {
        let matrix = self.weights.matrix(cpu);
        match &self.bias {
            Some(bias) => matrix.with_bias(bias),
            None => matrix,
        }
    }

    /// The product without what follows it, with the error that is allowed.
    fn want(&self) -> Vec<[f64; 2]> {
        let k = self.weights.k;
        let one = |x: &[f32], row: usize| {
            let (sum, sizes) = dot(self.weights.row(row), x);
            let bias = self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[row]));
            [sum + bias, (sizes + bias.abs()) * TOLERANCE]
        };
        let seen = |x: &[f32]| if self.weights.rounds() { eight_bits(x) } else { x.to_vec() };
        let rows = self.x.chunks_exact(k).map(seen);
        rows.flat_map(|x| (0..self.weights.n).map(|row| one(&x, row)).collect::<Vec<_>>()).collect()
    }

    /// Compares what `matrix` stores after `finish` with `want`, rows of `width`, and looks at what lies between rows.
    #[track_caller]
    fn check(&self, cpu: &Cpu, matrix: &Matrix, finish: Finish, want: &[[f64; 2]], width: usize) {
        let stride = width + self.gap;
        let mut out = vec![BEFORE; self.rows * stride];
        matrix.multiply(cpu, &plain_rows(cpu, &self.x, self.weights.k), finish, &mut out, stride);
        for (row, (got, want)) in out.chunks_exact(stride).zip(want.chunks_exact(width)).enumerate() {
            for (column, (&got, &[want, tolerance])) in got.iter().zip(want).enumerate() {
                let (level, dtype) = (cpu.dispatch().name(), self.weights.dtype);
                check_close(
                    got,
                    want,
                    tolerance,
                    &format_args!("{level} {dtype:?} {finish:?} row {row} column {column}"),
                );
            }
            assert!(got[width..].iter().all(|&x| x == BEFORE), "{finish:?} wrote past row {row}");
        }
    }
}

/// Two over the root of pi times the integral of e^-t² up to `z`, by a series without cancellation
/// (Abramowitz and Stegun 7.1.6).
fn erf(z: f64) -> f64 {
    if z.abs() > 6.0 {
        return z.signum();
    }
    let (mut term, mut sum) = (z, z);
    for n in 1..200 {
        term *= 2.0 * z * z / f64::from(2 * n + 1);
        sum += term;
    }
    (std::f64::consts::FRAC_2_SQRT_PI * (-z * z).exp() * sum).clamp(-1.0, 1.0)
}

fn gelu([x, error]: [f64; 2]) -> [f64; 2] {
    // Its slope is 1.13 at most; the polynomial for erf is off by 1.5e-7, of which the rest cancels in f32.
    [x / 2.0 * (1.0 + erf(x / std::f64::consts::SQRT_2)), error * 1.2 + 5e-7 * x.abs() + 1e-30]
}

/// `silu(gate) * up`
fn gated([gate, gate_error]: [f64; 2], [up, up_error]: [f64; 2]) -> [f64; 2] {
    let silu = gate / (1.0 + (-gate).exp());
    // A power is off by what rounding takes from its exponent.
    let rounding = (2e-6 + 2e-7 * gate.abs()) * (silu * up).abs();
    let error = gate_error * 1.1 * (up.abs() + up_error) + up_error * silu.abs() + rounding;
    [silu * up, error + 1e-30]
}

proptest! {
    #![proptest_config(super::cases(120))]

    #[test]
    fn a_product_is_the_scalar_one_whatever_follows_it(
        seed: u64, format in 0usize..11, n in 1usize..100, blocks in 1usize..8, rows in 1usize..41, gap in 0usize..4,
        biased: bool,
    ) {
        let dtype = FORMATS[format];
        let k = if block(dtype) == 256 { blocks.div_ceil(3) * 256 } else { blocks * 32 };
        let case = Case::random(dtype, [n, k, rows, gap], biased, &mut Random(seed));
        let want = case.want();
        let added = want.iter().map(|&[x, error]| [x + f64::from(BEFORE), error + 1e-6 * x.abs()]);
        let (added, curved) = (added.collect::<Vec<_>>(), want.iter().map(|&x| gelu(x)).collect::<Vec<_>>());
        for cpu in levels() {
            let matrix = case.matrix(&cpu);
            case.check(&cpu, &matrix, Finish::Store, &want, n);
            case.check(&cpu, &matrix, Finish::Add, &added, n);
            case.check(&cpu, &matrix, Finish::Gelu, &curved, n);
        }
    }

    #[test]
    fn floats_multiply_rows_of_any_length(seed: u64, format in 8usize..11, n in 1usize..50, k in 1usize..100, rows in 1usize..9) {
        let case = Case::random(FORMATS[format], [n, k, rows, 1], false, &mut Random(seed));
        let want = case.want();
        for cpu in levels() {
            case.check(&cpu, &case.matrix(&cpu), Finish::Store, &want, n);
        }
    }

    #[test]
    fn a_gate_opens_for_its_own_up(seed: u64, format in 0usize..11, sixteens in 1usize..5, rows in 1usize..20, gap in 0usize..3) {
        let (random, dtype, n) = (&mut Random(seed), FORMATS[format], sixteens * 16);
        let k = block(dtype).max(64);
        let gate = Case::random(dtype, [n, k, rows, gap], false, random);
        let up = Case { x: gate.x.clone(), ..Case::random(dtype, [n, k, rows, gap], false, random) };
        let want: Vec<_> = gate.want().into_iter().zip(up.want()).map(|(gate, up)| gated(gate, up)).collect();
        for cpu in levels() {
            let matrix = Matrix::gate_and_up(&cpu, dtype, n, k, [&gate.weights.bytes, &up.weights.bytes]);
            gate.check(&cpu, &matrix.expect("a known format"), Finish::GatedSilu, &want, n);
        }
    }
}

/// `curve` of `x`, by a matrix that passes numbers on unchanged.
fn through(cpu: &Cpu, finish: Finish, x: &[f32]) -> Vec<f32> {
    let n = x.len().next_multiple_of(16);
    let mut unit = vec![0f32; n * n];
    (0..x.len()).for_each(|i| unit[i * n + i] = 1.0);
    let bytes: Vec<u8> = unit.iter().flat_map(|w| w.to_le_bytes()).collect();
    let mut values = x.to_vec();
    values.resize(n, 0.0);
    let rows = plain_rows(cpu, &values, n);
    let matrix = match finish {
        // The up is 1 for every gate, from a row of its own.
        Finish::GatedSilu => Matrix::gate_and_up(cpu, GgmlDType::F32, n, n, [&bytes, &vec![0; bytes.len()]])
            .map(|m| m.with_bias(&(0..2 * n).map(|i| if i % 32 < 16 { 0.0 } else { 1.0 }).collect::<Vec<_>>())),
        _ => Matrix::from_gguf(cpu, GgmlDType::F32, n, n, &bytes),
    };
    let mut out = vec![0.0; n];
    matrix.expect("f32 is read").multiply(cpu, &rows, finish, &mut out, n);
    out.truncate(x.len());
    out
}

#[test]
fn curves_are_right_from_end_to_end() {
    let x: Vec<f32> = (-120..=120).map(|i| i as f32 / 1.3).chain([0.0, -0.0, 1e-20, -1e-20, 1e4, -1e4, 1e30]).collect();
    for cpu in levels() {
        for (x, got) in x.iter().zip(through(&cpu, Finish::Gelu, &x)) {
            let [want, tolerance] = gelu([f64::from(*x), 0.0]);
            check_close(got, want, tolerance, &format_args!("gelu of {x}"));
        }
        for (x, got) in x.iter().zip(through(&cpu, Finish::GatedSilu, &x)) {
            let [want, tolerance] = gated([f64::from(*x), 0.0], [1.0, 0.0]);
            check_close(got, want, tolerance + 1e-33, &format_args!("silu of {x}"));
        }
    }
}

#[test]
fn rows_of_zeros_give_zeros_and_huge_ones_stay_finite() {
    let random = &mut Random(3);
    for cpu in levels() {
        for dtype in FORMATS {
            let weights = Weights::random(dtype, 33, block(dtype).max(32), random);
            let mut x = vec![0f32; 3 * weights.k];
            x[weights.k..2 * weights.k].fill_with(|| random.float() * 1e30);
            x[2 * weights.k] = f32::MAX / 1e4;
            let mut out = vec![f32::NAN; 3 * 33];
            let rows = plain_rows(&cpu, &x, weights.k);
            weights.matrix(&cpu).multiply(&cpu, &rows, Finish::Store, &mut out, 33);
            assert!(out[..33].iter().all(|&x| x == 0.0), "{dtype:?}");
            assert!(out.iter().all(|x| x.is_finite()), "{dtype:?}");
        }
    }
}

#[test]
fn numbers_whose_inverse_is_infinite_count_as_next_to_nothing() {
    let random = &mut Random(4);
    for cpu in levels() {
        for dtype in FORMATS {
            let weights = Weights::random(dtype, 20, block(dtype).max(32), random);
            let x: Vec<f32> = (0..weights.k).map(|i| if i % 3 == 0 { 0.0 } else { 1e-38 * random.float() }).collect();
            let mut out = vec![f32::NAN; 20];
            weights.matrix(&cpu).multiply(&cpu, &plain_rows(&cpu, &x, weights.k), Finish::Store, &mut out, 20);
            assert!(out.iter().all(|x| x.abs() < 1e-34), "{} {dtype:?} {out:?}", cpu.dispatch().name());
        }
    }
}

#[test]
#[should_panic(expected = "no room")]
fn a_product_without_room_is_a_mistake_of_the_caller() {
    let cpu = levels().next().expect("one level is always here");
    let weights = Weights::random(GgmlDType::F32, 8, 32, &mut Random(5));
    let rows = plain_rows(&cpu, &[1.0; 64], 32);
    weights.matrix(&cpu).multiply(&cpu, &rows, Finish::Store, &mut [0.0; 15], 8);
}

#[test]
#[should_panic(expected = "another length")]
fn rows_of_another_length_are_a_mistake_of_the_caller() {
    let cpu = levels().next().expect("one level is always here");
    let weights = Weights::random(GgmlDType::F32, 8, 32, &mut Random(6));
    weights.matrix(&cpu).multiply(&cpu, &plain_rows(&cpu, &[1.0; 64], 64), Finish::Store, &mut [0.0; 8], 8);
}
