//! A weight matrix in panels, and the product with it.

use candle_core::quantized::GgmlDType;
use half::{bf16, f16};

use super::{
    Cpu,
    finish::Finish,
    format::{GROUP, PANEL, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0},
    pack,
    rows::Rows,
    tile::Product,
    unpack::unpack_row,
};

/// Panels by format.
pub(super) enum Panels {
    Q4_0(Vec<Q4_0>),
    Q4_1(Vec<Q4_1>),
    Q5_0(Vec<Q5_0>),
    Q5_1(Vec<Q5_1>),
    Q8_0(Vec<Q8_0>),
    Q4K(Vec<Q4K>),
    Q5K(Vec<Q5K>),
    Q6K(Vec<Q6K>),
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
}

impl Panels {
    /// log2 of the code that stands for zero, where that is a constant of the format.
    pub fn zero(&self) -> Option<u32> {
        match self {
            Panels::Q4_0(_) => Some(3),
            Panels::Q5_0(_) => Some(4),
            Panels::Q6K(_) => Some(5),
            Panels::Q8_0(_) => Some(7),
            _ => None,
        }
    }
}

/// A weight matrix `[out, in]`, repacked for the kernels. Multiplying by it turns rows of `in` numbers into rows of `out`.
pub struct Matrix {
    panels: Panels,
    columns: usize,
    /// `in`, padded with zeros to a multiple of the group.
    k: usize,
    bias: Option<Vec<f32>>,
}

/// Rows an item of work has at most: their codes stay in the second-level cache while panels pass over them.
const ITEM_BYTES: usize = 256 << 10;
/// Work of this many multiplications or more is shared among threads; waking one costs about as much as these.
const SHARED_FROM: usize = 24 << 20;

impl Matrix {
    /// `rows` raw rows as GGUF holds them, each `k` weights long.
    ///
    /// # Errors
    /// When the format is none that the kernels read, or `bytes` are not `rows` rows.
    pub fn from_gguf(cpu: &Cpu, dtype: GgmlDType, rows: usize, k: usize, bytes: &[u8]) -> Result<Matrix, String> {
        Matrix::reordered(cpu, dtype, rows, k, bytes, &|row| row)
    }

    /// The same with row `order(n)` in place `n`.
    ///
    /// # Errors
    /// As `from_gguf`.
    pub fn reordered(
        cpu: &Cpu,
        dtype: GgmlDType,
        rows: usize,
        k: usize,
        bytes: &[u8],
        order: &(dyn Fn(usize) -> usize + Sync),
    ) -> Result<Matrix, String> {
        let row_bytes = pack::row_bytes(dtype, k)?;
        if bytes.len() != rows * row_bytes {
            return Err(format!("{} bytes are not {rows} rows of {row_bytes}", bytes.len()));
        }
        let row = |r: usize| &bytes[order(r) * row_bytes..(order(r) + 1) * row_bytes];
        let panels = pack::panels(cpu, dtype, rows, k, &row)?;
        Ok(Matrix { panels, columns: rows, k: k.next_multiple_of(GROUP), bias: None })
    }

    /// Two matrices of one format and `rows` rows each, sixteen rows of one beside sixteen of the other, for
    /// `Finish::GatedSilu`.
    ///
    /// # Errors
    /// As `from_gguf`, and when `rows` is no multiple of sixteen.
    pub fn gate_and_up(
        cpu: &Cpu,
        dtype: GgmlDType,
        rows: usize,
        k: usize,
        [gate, up]: [&[u8]; 2],
    ) -> Result<Matrix, String> {
        let row_bytes = pack::row_bytes(dtype, k)?;
        if !rows.is_multiple_of(16) || gate.len() != rows * row_bytes || up.len() != gate.len() {
            return Err(format!("gate and up of {} and {} bytes are not {rows} rows each", gate.len(), up.len()));
        }
        let row = |r: usize| {
            let (source, r) = (if r % PANEL < 16 { gate } else { up }, r / PANEL * 16 + r % 16);
            &source[r * row_bytes..(r + 1) * row_bytes]
        };
        let panels = pack::panels(cpu, dtype, 2 * rows, k, &row)?;
        Ok(Matrix { panels, columns: 2 * rows, k: k.next_multiple_of(GROUP), bias: None })
    }

    /// f32 weights, `rows` times `k`, rounded to eight bits with a scale for each 32 of `k` (ggml's Q8_0).
    ///
    /// # Panics
    /// When `weights` are not `rows * k` numbers.
    pub fn eight_bits(cpu: &Cpu, rows: usize, k: usize, weights: &[f32]) -> Matrix {
        assert_eq!(weights.len(), rows * k);
        let bytes = pack::q8_0_rows(k, weights);
        Matrix::from_gguf(cpu, GgmlDType::Q8_0, rows, k.next_multiple_of(GROUP), &bytes)
            .expect("eight-bit rows have been made to measure")
    }

    /// `bias`: one number a row.
    ///
    /// # Panics
    /// When there are not as many.
    pub fn with_bias(mut self, bias: &[f32]) -> Matrix {
        assert_eq!(bias.len(), self.columns, "a bias for each row");
        let mut padded = bias.to_vec();
        padded.resize(self.columns.next_multiple_of(PANEL), 0.0);
        self.bias = Some(padded);
        self
    }

    /// Numbers in a row of the product.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `row` of the weights as the product reads them, without padding beyond `out`'s length.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.columns && out.len() <= self.k, "row {row} of {}", self.columns);
        // SAFETY: the row and the length were checked.
        unsafe { unpack_row(&self.panels, self.columns, self.k, row, out) }
    }

    /// The product with every row of `x`, written to the first `columns` numbers of rows of `stride` in `out` (half as
    /// many for `GatedSilu`).
    ///
    /// # Panics
    /// When `x` has rows of another length, or `out` has no room.
    pub fn multiply(&self, cpu: &Cpu, x: &Rows, finish: Finish, out: &mut [f32], stride: usize) {
        if x.is_empty() {
            return;
        }
        let width = if finish == Finish::GatedSilu { self.columns / 2 } else { self.columns };
        assert!(stride >= width && out.len() >= (x.len() - 1) * stride + width, "no room for the product");
        assert_eq!(x.padded(), self.k, "rows of another length");
        let panels = self.columns.div_ceil(PANEL);
        let shared = cpu.threads() > 1 && x.len() * self.k * self.columns >= SHARED_FROM;
        let product = Product {
            panels: &self.panels,
            zero: self.panels.zero().unwrap_or(0),
            columns: self.columns,
            k: self.k,
            bias: self.bias.as_deref(),
            values: x.values().as_ptr(),
            codes: x.codes().as_ptr(),
            scales: x.scales().as_ptr(),
            rows: x.len(),
            out: out.as_mut_ptr(),
            stride,
            finish,
            rows_an_item: (ITEM_BYTES / self.k).clamp(24, 1024),
            panels_an_item: if shared { panels.div_ceil(8 * cpu.threads()).max(1) } else { panels },
        };
        // SAFETY: lengths were checked above; the kernels of this CPU were chosen by what it has.
        cpu.run(product.items(), shared, &|item| unsafe { (cpu.kernels().product)(&product, item) });
    }
}
