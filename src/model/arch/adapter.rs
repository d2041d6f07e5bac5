//! Low-rank adapters beside frozen weights (LoRA, Hu et al. 2021): `y = W x + B (A x)`.
//!
//! The weights of a generator are quantized, and what an adapter adds is smaller than their rounding, so it is never merged
//! into them. The file is safetensors: `NAME.lora_a` `[rank, in]` and `NAME.lora_b` `[out, rank]` for the matrix
//! `NAME.weight` of the GGUF file, rows in that file's order, with nothing left to scale.

use std::collections::{BTreeSet, HashMap};

use candle_core::{Device, Tensor};
use half::f16;
use safetensors::{Dtype, SafeTensors};

use crate::model::{
    ModelError,
    kernel::{Cpu, Finish, Matrix, Norm, Rows},
};

/// An adapter's weights as they are in its file.
pub struct Adapter {
    parts: HashMap<String, LowRank>,
    metadata: HashMap<String, String>,
    /// What faults call it.
    name: String,
}

/// What stands beside one matrix.
pub struct LowRank {
    pub rank: usize,
    /// `[rank, in]`
    a: Vec<f32>,
    /// `[out, rank]`
    b: Vec<f32>,
}

/// A matrix on our kernels with what an adapter has for it.
pub struct Adapted {
    matrix: Matrix,
    beside: Option<[Matrix; 2]>,
}

/// What `A x` passes through.
#[derive(Default)]
pub struct Through {
    values: Vec<f32>,
    rows: Rows,
}

impl Adapter {
    /// Reads `bytes`, a file called `name` in what it complains of.
    ///
    /// # Errors
    /// `BadFile` when it is no adapter, or one half of a pair is missing or does not fit the other.
    pub fn read(bytes: &[u8], name: &str) -> Result<Adapter, ModelError> {
        let bad = |why: String| ModelError::BadFile { path: name.into(), why };
        let file = SafeTensors::deserialize(bytes).map_err(|e| bad(e.to_string()))?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| bad(e.to_string()))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("kind").map(String::as_str) != Some("generator-adapter") {
            return Err(bad("it is no adapter of a generator".to_owned()));
        }
        let half = |tensor: &str| -> Result<(Vec<f32>, [usize; 2]), ModelError> {
            let view = file.tensor(tensor).map_err(|e| bad(format!("'{tensor}': {e}")))?;
            let (&[rows, columns], Dtype::F16) = (view.shape(), view.dtype()) else {
                return Err(bad(format!("'{tensor}' is {:?} {:?}, not a matrix of F16", view.dtype(), view.shape())));
            };
            let (numbers, _) = view.data().as_chunks::<2>();
            Ok((numbers.iter().map(|n| f16::from_le_bytes(*n).to_f32()).collect(), [rows, columns]))
        };
        let mut parts = HashMap::new();
        let names: BTreeSet<&str> =
            file.names().into_iter().filter_map(|n| n.rsplit_once(".lora_")).map(|n| n.0).collect();
        for name in names {
            let (a, [rank, _]) = half(&format!("{name}.lora_a"))?;
            let (b, [_, other]) = half(&format!("{name}.lora_b"))?;
            if rank != other || rank == 0 {
                return Err(bad(format!("'{name}' has ranks {rank} and {other}")));
            }
            parts.insert(name.to_owned(), LowRank { rank, a, b });
        }
        Ok(Adapter { parts, metadata, name: name.to_owned() })
    }

    /// The sha256 of the weights that it was trained beside.
    pub fn base_sha256(&self) -> &str {
        self.said("base_sha256")
    }

    /// Which wording of prompts it was trained on.
    pub fn prompt_version(&self) -> &str {
        self.said("prompt_version")
    }

    fn said(&self, key: &str) -> &str {
        self.metadata.get(key).map_or("", String::as_str)
    }

    /// What it has for the matrix `name`, `[rows, k]`.
    ///
    /// # Errors
    /// `BadFile` when that is of another shape.
    pub fn beside(&self, name: &str, rows: usize, k: usize) -> Result<Option<&LowRank>, ModelError> {
        let Some(part) = self.parts.get(name) else { return Ok(None) };
        if part.a.len() != part.rank * k || part.b.len() != rows * part.rank {
            let why = format!("what it has for '{name}' does not fit a matrix of {rows} rows of {k}");
            return Err(ModelError::BadFile { path: self.name.as_str().into(), why });
        }
        Ok(Some(part))
    }

    /// Refuses an adapter with parts for matrices that `known` does not name: they would be left out in silence.
    ///
    /// # Errors
    /// `BadFile` naming one of them.
    pub fn check_all_used(&self, known: impl Fn(&str) -> bool) -> Result<(), ModelError> {
        let Some(odd) = self.parts.keys().filter(|name| !known(name)).min() else { return Ok(()) };
        let why = format!("it adapts '{odd}', which is no matrix that bluf adapts");
        Err(ModelError::BadFile { path: self.name.as_str().into(), why })
    }
}

impl LowRank {
    /// `A` and `B` in eight bits, rows of `B` in the order that `order` gives.
    fn matrices(&self, cpu: &Cpu, order: &(dyn Fn(usize) -> usize + Sync)) -> [Matrix; 2] {
        let (k, rows) = (self.a.len() / self.rank, self.b.len() / self.rank);
        let b: Vec<f32> = (0..rows).flat_map(|row| &self.b[order(row) * self.rank..][..self.rank]).copied().collect();
        [Matrix::eight_bits(cpu, self.rank, k, &self.a), Matrix::eight_bits(cpu, rows, self.rank, &b)]
    }

    /// `A` and `B` transposed, `[in, rank]` and `[rank, out]`, on a device of candle's.
    ///
    /// # Errors
    /// What the device says.
    pub fn tensors(&self, device: &Device) -> Result<[Tensor; 2], candle_core::Error> {
        let tensor =
            |x: &[f32], columns: usize| Tensor::from_slice(x, (x.len() / columns, columns), device)?.t()?.contiguous();
        Ok([tensor(&self.a, self.a.len() / self.rank)?, tensor(&self.b, self.rank)?])
    }
}

impl Adapted {
    /// `matrix` with what stands beside it, if anything; `order` is that of the matrix's rows.
    pub fn new(
        cpu: &Cpu,
        matrix: Matrix,
        beside: Option<&LowRank>,
        order: &(dyn Fn(usize) -> usize + Sync),
    ) -> Adapted {
        Adapted { matrix, beside: beside.map(|part| part.matrices(cpu, order)) }
    }

    pub fn columns(&self) -> usize {
        self.matrix.columns()
    }

    /// As `Matrix::multiply`, for `Store` and `Add`.
    pub fn multiply(&self, cpu: &Cpu, x: &Rows, finish: Finish, out: &mut [f32], stride: usize, through: &mut Through) {
        debug_assert!(matches!(finish, Finish::Store | Finish::Add), "a curve comes after the sum");
        self.matrix.multiply(cpu, x, finish, out, stride);
        if let Some([a, b]) = &self.beside {
            let rank = a.columns();
            through.values.resize(x.len() * rank, 0.0);
            a.multiply(cpu, x, Finish::Store, &mut through.values, rank);
            through.rows.fill(cpu, &through.values, rank, Norm::None);
            b.multiply(cpu, &through.rows, Finish::Add, out, stride);
        }
    }
}
