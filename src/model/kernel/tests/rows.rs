//! Rows of activations: norms, padding and rounding.

use proptest::prelude::*;

use super::{
    super::{Norm, Rows},
    GROUP, Random, check_close, check_same_bits, cpu, eight_bits, levels,
};
use crate::model::kernel::Dispatch;

/// `x` through `norm`, each number with the error that is allowed.
fn through(norm: Norm<'_>, x: &[f32]) -> Vec<[f64; 2]> {
    let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let average = |of: &dyn Fn(f64) -> f64| wide.iter().map(|&x| of(x)).sum::<f64>() / x.len() as f64;
    let most = wide.iter().fold(0f64, |most, x| most.max(x.abs()));
    let zeros = vec![0.0; x.len()];
    let (weight, bias, epsilon, mean) = match norm {
        Norm::Rms { weight, epsilon } => (weight, &zeros[..], epsilon, 0.0),
        Norm::Layer { weight, bias, epsilon } => (weight, bias, epsilon, average(&|x| x)),
        Norm::None => return wide.into_iter().map(|x| [x, 0.0]).collect(),
    };
    let by = 1.0 / (average(&|x| (x - mean).powi(2)) + f64::from(epsilon)).sqrt();
    let one = |((&x, &w), &b): ((&f64, &f32), &f32)| {
        let (scaled, bias) = ((x - mean) * by * f64::from(w), f64::from(b));
        // A row whose numbers hardly differ has its mean taken away in f32, and what is left made large.
        [scaled + bias, 2e-6 * (scaled.abs() + most * by * f64::from(w.abs()) + bias.abs())]
    };
    wide.iter().zip(weight).zip(bias).map(one).collect()
}

proptest! {
    #![proptest_config(super::cases(40))]

    #[test]
    fn norms_are_the_scalar_ones_and_padding_is_zero(seed: u64, rows in 1usize..70, width in 1usize..200, offset in -3i8..4) {
        let random = &mut Random(seed);
        let x: Vec<f32> = random.floats(rows * width).into_iter().map(|x| x + f32::from(offset)).collect();
        let (weight, bias) = (random.floats(width), random.floats(width));
        for cpu in levels() {
            let mut filled = Rows::default();
            // The buffers hold something else before, longer than what follows.
            filled.fill(&cpu, &vec![9.0; (rows + 1) * (width + 40)], width + 40, Norm::None);
            for norm in [
                Norm::Rms { weight: &weight, epsilon: 1e-5 },
                Norm::Layer { weight: &weight, bias: &bias, epsilon: 1e-12 },
                Norm::None,
            ] {
                filled.fill(&cpu, &x, width, norm);
                prop_assert_eq!((filled.len(), filled.padded()), (rows, width.next_multiple_of(GROUP)));
                for (x, got) in x.chunks_exact(width).zip(filled.values().chunks_exact(filled.padded())) {
                    for (i, (&got, [want, tolerance])) in got.iter().zip(through(norm, x)).enumerate() {
                        check_close(got, want, tolerance, &format_args!("number {i} of {width}"));
                    }
                    prop_assert!(got[width..].iter().all(|&x| x == 0.0));
                }
            }
        }
    }

    #[test]
    fn codes_are_the_nearest_whole_numbers_and_their_sums(seed: u64, rows in 1usize..5, width in 1usize..100) {
        let x = Random(seed).floats(rows * width);
        for cpu in levels() {
            let filled = super::plain_rows(&cpu, &x, width);
            for (row, x) in x.chunks_exact(width).enumerate() {
                let groups = filled.padded() / GROUP;
                let mut want = eight_bits(x);
                want.resize(filled.padded(), 0.0);
                for (group, want) in want.chunks_exact(GROUP).enumerate() {
                    let codes = &filled.codes()[row * filled.padded() + group * GROUP..][..GROUP];
                    let scale = filled.scales()[row * groups + group];
                    let got: Vec<f32> = codes.iter().map(|&code| f32::from(code) * scale.scale).collect();
                    check_same_bits(&got, want, &format_args!("row {row} group {group}"));
                    let sum = |codes: &[i8]| -> i32 { codes.iter().map(|&code| i32::from(code)).sum() };
                    let sums = [sum(codes), sum(&codes[..16]), sum(&codes[16..])];
                    prop_assert_eq!(scale.negative, sums.map(|sum| -sum));
                    prop_assert_eq!(scale.sum, sums[0] as f32 * scale.scale);
                }
            }
        }
    }
}

#[test]
fn no_rows_are_no_rows_and_need_no_room() {
    for cpu in levels() {
        let filled = super::plain_rows(&cpu, &[], 40);
        assert_eq!((filled.len(), filled.padded(), filled.values().len()), (0, 64, 0));
        let weights = super::Weights::random(candle_core::quantized::GgmlDType::Q4_1, 4, 64, &mut Random(1));
        weights.matrix(&cpu).multiply(&cpu, &filled, crate::model::kernel::Finish::Add, &mut [], 4);
    }
}

#[test]
fn a_row_of_zeros_stays_zero_and_a_huge_one_finite() {
    for cpu in levels() {
        let (ones, zeros) = ([1.0; 50], [0.0; 50]);
        for norm in
            [Norm::Rms { weight: &ones, epsilon: 1e-5 }, Norm::Layer { weight: &ones, bias: &zeros, epsilon: 1e-5 }]
        {
            let mut x = vec![0.0; 150];
            x[50..100].fill(1e15);
            x[120] = 3e18;
            let mut filled = Rows::default();
            filled.fill(&cpu, &x, 50, norm);
            assert!(filled.values()[..64].iter().all(|&x| x == 0.0));
            assert!(filled.values().iter().all(|x| x.is_finite()));
            assert!(filled.scales().iter().all(|s| s.scale.is_finite() && s.sum.is_finite()));
        }
    }
}

#[test]
fn a_row_is_the_same_among_others_and_on_any_number_of_threads() {
    let (random, width) = (&mut Random(2), 300);
    let (x, weight) = (random.floats(250 * width), random.floats(width));
    let norm = Norm::Rms { weight: &weight, epsilon: 1e-6 };
    for level in Dispatch::here() {
        let filled = |threads: usize, x: &[f32]| {
            let mut filled = Rows::default();
            filled.fill(&cpu(level, threads), x, width, norm);
            filled
        };
        let together = filled(1, &x);
        for threads in [2, 3] {
            check_same_bits(filled(threads, &x).values(), together.values(), &format_args!("{threads} threads"));
        }
        for row in [0, 31, 32, 249] {
            let alone = filled(1, &x[row * width..(row + 1) * width]);
            check_same_bits(alone.values(), &together.values()[row * 320..(row + 1) * 320], &format_args!("row {row}"));
            assert_eq!(alone.codes(), &together.codes()[row * 320..(row + 1) * 320]);
        }
    }
}
