//! Weights keep their values on the way into panels, and files that are none are refused.

use candle_core::quantized::GgmlDType;
use proptest::prelude::*;

use super::{super::Matrix, FORMATS, Random, Weights, block, levels};

/// Every row of `matrix` must be that of `weights`, bit for bit.
#[track_caller]
fn check_rows(matrix: &Matrix, weights: &Weights, row_of: impl Fn(usize) -> usize) {
    for row in 0..matrix.columns() {
        let mut got = vec![f32::NAN; weights.k];
        matrix.row(row, &mut got);
        super::check_same_bits(&got, weights.row(row_of(row)), &format!("{:?} row {row}", weights.dtype));
    }
}

proptest! {
    #![proptest_config(super::cases(110))]

    #[test]
    fn a_row_is_what_candle_reads_in_the_file(seed: u64, format in 0usize..11, n in 1usize..100, blocks in 1usize..8) {
        let (random, dtype) = (&mut Random(seed), FORMATS[format]);
        let k = if block(dtype) == 256 { blocks.div_ceil(3) * 256 } else { blocks * 32 };
        let weights = Weights::random(dtype, n, k, random);
        let cpu = levels().next().expect("one level is always here");
        check_rows(&weights.matrix(&cpu), &weights, |row| row);
    }

    #[test]
    fn floats_may_have_rows_of_any_length(seed: u64, format in 8usize..11, n in 1usize..50, k in 1usize..100) {
        let weights = Weights::random(FORMATS[format], n, k, &mut Random(seed));
        let cpu = levels().next().expect("one level is always here");
        check_rows(&weights.matrix(&cpu), &weights, |row| row);
    }

    #[test]
    fn rows_stand_in_the_order_that_was_asked_for(seed: u64, n in 1usize..70) {
        let (weights, cpu) = (Weights::random(GgmlDType::Q4_1, n, 64, &mut Random(seed)), levels().next());
        let (cpu, order) = (cpu.expect("one level is always here"), |row: usize| n - 1 - row);
        let matrix = Matrix::reordered(&cpu, weights.dtype, n, 64, &weights.bytes, &order).expect("a known format");
        check_rows(&matrix, &weights, order);
    }
}

#[test]
fn every_code_of_a_byte_is_read_whatever_quantized_it() {
    // Random bytes reach codes and factors that a quantizer never writes, for one the code -128 of Q8_0.
    let (random, cpu) = (&mut Random(1), levels().next().expect("one level is always here"));
    for dtype in &FORMATS[..8] {
        let (n, size) = (37, dtype.type_size());
        let mut weights = Weights::random(*dtype, n, block(*dtype), random);
        for block in weights.bytes.chunks_exact_mut(size) {
            block.fill_with(|| random.next() as u8);
            // Scales become small numbers: a random one may be infinite. The K formats have theirs at either end.
            let scales = match dtype {
                GgmlDType::Q6K => size - 2..size,
                GgmlDType::Q4_0 | GgmlDType::Q5_0 | GgmlDType::Q8_0 => 0..2,
                _ => 0..4,
            };
            for scale in block[scales].chunks_exact_mut(2) {
                scale.copy_from_slice(&half::f16::from_f32(random.float()).to_le_bytes());
            }
        }
        weights.plain = read_by_candle(&weights);
        check_rows(&weights.matrix(&cpu), &weights, |row| row);
    }
}

fn read_by_candle(weights: &Weights) -> Vec<f32> {
    use candle_core::{
        Device,
        quantized::{QStorage, QTensor},
    };
    let storage = QStorage::from_data(weights.bytes.clone().into(), &Device::Cpu, weights.dtype);
    let tensor =
        QTensor::new(storage.expect("whole blocks"), (weights.n, weights.k)).expect("as many as the shape has");
    let values = tensor.dequantize(&Device::Cpu).and_then(|w| w.flatten_all()?.to_vec1());
    values.expect("whole blocks can be read")
}

#[test]
fn weights_that_are_rounded_here_are_off_by_half_a_step_at_most() {
    let (random, cpu) = (&mut Random(2), levels().next().expect("one level is always here"));
    for k in [1, 31, 32, 33, 100] {
        let weights = random.floats(5 * k);
        let matrix = Matrix::eight_bits(&cpu, 5, k, &weights);
        for row in 0..5 {
            let mut got = vec![0.0; k];
            matrix.row(row, &mut got);
            for (got, want) in got.chunks(32).zip(weights[row * k..][..k].chunks(32)) {
                let step = want.iter().fold(0f32, |most, w| most.max(w.abs())) / 127.0;
                let off = got.iter().zip(want).fold(0f32, |most, (got, want)| most.max((got - want).abs()));
                assert!(off <= step * 0.57, "rows of {k}: {off} for steps of {step}");
            }
        }
    }
}

/// `weights` must be refused with a message that holds every word of `words`.
#[track_caller]
fn refused(weights: Result<Matrix, String>, words: &[&str]) {
    let why = weights.err().expect("the weights should be refused");
    assert!(words.iter().all(|word| why.contains(word)), "'{why}' lacks one of {words:?}");
}

#[test]
fn what_is_no_matrix_is_refused_with_the_reason() {
    let cpu = &levels().next().expect("one level is always here");
    let make = |dtype, rows, k, bytes: usize| Matrix::from_gguf(cpu, dtype, rows, k, &vec![0; bytes]);
    refused(make(GgmlDType::Q4_0, 3, 64, 3 * 36 - 1), &["107 bytes", "3 rows of 36"]);
    refused(make(GgmlDType::Q4_0, 3, 64, 4 * 36), &["144 bytes"]);
    refused(make(GgmlDType::F32, 2, 5, 4), &["4 bytes", "2 rows of 20"]);
    refused(make(GgmlDType::Q8_0, 1, 33, 34), &["33", "32"]);
    refused(make(GgmlDType::Q6K, 1, 32, 210), &["32", "256"]);
    refused(make(GgmlDType::Q4_1, 1, 0, 0), &["0 weights"]);
    refused(make(GgmlDType::Q4_1, 0, 32, 0), &["no rows"]);
    refused(make(GgmlDType::Q2K, 1, 256, 84), &["Q2K", "not supported", "Q4_K"]);
    refused(make(GgmlDType::Q8_1, 1, 32, 36), &["Q8_1", "not supported"]);
}

#[test]
fn gates_that_do_not_fit_their_ups_are_refused() {
    let cpu = &levels().next().expect("one level is always here");
    let make = |rows, gate: usize, up: usize| {
        Matrix::gate_and_up(cpu, GgmlDType::Q8_0, rows, 32, [&vec![0; gate], &vec![0; up]])
    };
    assert!(make(16, 16 * 34, 16 * 34).is_ok());
    refused(make(16, 16 * 34, 15 * 34), &["544", "510", "16 rows"]);
    refused(make(32, 16 * 34, 16 * 34), &["32 rows"]);
    refused(make(8, 8 * 34, 8 * 34), &["8 rows"]);
    refused(make(0, 0, 0), &["no rows"]);
}
