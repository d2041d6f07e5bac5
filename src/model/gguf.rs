//! A GGUF file opened: typed access to its metadata, and its tensors as candle reads them.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QMatMul, QTensor, gguf_file},
};

use super::{
    ModelError,
    arch::adapter::{Adapter, LowRank},
};

/// An open GGUF file. Format: ggml's `docs/gguf.md`, versions 1 to 3.
pub struct Gguf {
    path: PathBuf,
    file: BufReader<File>,
    content: gguf_file::Content,
    device: Device,
    expanded: bool,
    adapter: Option<Adapter>,
}

/// A tensor as the file has it.
pub struct Raw {
    pub dtype: GgmlDType,
    /// Slowest first: a matrix is `[out, in]`.
    pub dims: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Weights that take at most this much as f32 are expanded when they are loaded: candle multiplies f32 with the widest
/// instructions that it finds at run time, and most quantized formats with those of the build, several times slower.
const MOST_EXPANDED_BYTES: u64 = 768 << 20;

/// Matrices of a layer that an adapter may stand beside: those whose product is followed by no curve.
const ADAPTED: [&str; 5] = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_down"];

impl Gguf {
    /// # Errors
    /// `BadFile` when the file is missing, is no GGUF, or states a tensor that lies outside of it.
    pub fn open(path: &Path, device: &Device) -> Result<Gguf, ModelError> {
        let bad = |why: String| ModelError::bad_file(path, why);
        let file = File::open(path).map_err(|e| bad(e.to_string()))?;
        let file_bytes = file.metadata().map_err(|e| bad(e.to_string()))?.len();
        let mut file = BufReader::new(file);
        let content = gguf_file::Content::read(&mut file).map_err(|e| bad(format!("not a readable GGUF file: {e}")))?;
        let mut gguf =
            Gguf { path: path.to_path_buf(), file, content, device: device.clone(), expanded: false, adapter: None };
        gguf.check_bounds(file_bytes)?;
        let elements: u64 = gguf.content.tensor_infos.values().map(|t| t.shape.elem_count() as u64).sum();
        gguf.expanded = device.is_cpu() && elements * 4 <= MOST_EXPANDED_BYTES;
        Ok(gguf)
    }

    /// A header may state any size; a tensor that would end after the file does is refused before memory is taken for it.
    fn check_bounds(&self, file_bytes: u64) -> Result<(), ModelError> {
        for (name, info) in &self.content.tensor_infos {
            let elements = info.shape.dims().iter().try_fold(1u64, |n, &d| n.checked_mul(d as u64));
            let dtype = info.ggml_dtype;
            let end = elements
                .and_then(|n| (n / dtype.block_size() as u64).checked_mul(dtype.type_size() as u64))
                .and_then(|n| n.checked_add(info.offset))
                .and_then(|n| n.checked_add(self.content.tensor_data_offset));
            if end.is_none_or(|end| end > file_bytes) {
                return Err(self
                    .bad(format!("tensor '{name}' ends after the file does; the download is incomplete or damaged")));
            }
        }
        Ok(())
    }

    /// Lays `adapter` beside the weights, for whoever reads them from here.
    ///
    /// # Errors
    /// `BadFile` when it adapts a matrix that is not here, or one that no decoder adapts.
    pub fn adapt(&mut self, adapter: Adapter) -> Result<(), ModelError> {
        adapter.check_all_used(|name| {
            let part = name.rsplit_once('.').map_or("", |(_, part)| part);
            ADAPTED.contains(&part) && self.has_tensor(&format!("{name}.weight"))
        })?;
        self.adapter = Some(adapter);
        Ok(())
    }

    /// What the adapter has for the matrix `name`, such as `blk.0.attn_q`.
    ///
    /// # Errors
    /// `BadFile` when that is of another shape.
    pub fn beside(&self, name: &str) -> Result<Option<&LowRank>, ModelError> {
        let info = self.content.tensor_infos.get(&format!("{name}.weight"));
        match (&self.adapter, info.map(|info| info.shape.dims())) {
            (Some(adapter), Some(&[rows, k])) => adapter.beside(name, rows, k),
            _ => Ok(None),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn architecture(&self) -> Result<String, ModelError> {
        self.string("general.architecture")
    }

    pub fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A tensor left in its quantized form.
    pub fn quantized(&mut self, name: &str) -> Result<QTensor, ModelError> {
        let tensor = self.content.tensor(&mut self.file, name, &self.device);
        tensor.map_err(|e| ModelError::bad_file(&self.path, format!("tensor '{name}': {e}")))
    }

    /// A tensor's bytes as the file has them.
    pub fn raw(&mut self, name: &str) -> Result<Raw, ModelError> {
        let info = self.content.tensor_infos.get(name);
        let info = info.ok_or_else(|| ModelError::bad_file(&self.path, format!("there is no tensor '{name}'")))?;
        let (dtype, dims) = (info.ggml_dtype, info.shape.dims().to_vec());
        let mut bytes = vec![0; info.shape.elem_count() / dtype.block_size() * dtype.type_size()];
        let at = self.content.tensor_data_offset + info.offset;
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|e| ModelError::bad_file(&self.path, format!("tensor '{name}': {e}")))?;
        Ok(Raw { dtype, dims, bytes })
    }

    /// Leaves every matrix as the file has it, whatever its size.
    pub fn keep_quantized(&mut self) {
        self.expanded = false;
    }

    /// A weight matrix `[out, in]` to multiply by.
    pub fn matmul(&mut self, name: &str) -> Result<QMatMul, ModelError> {
        let tensor = self.quantized(name)?;
        match self.expanded {
            true => Ok(QMatMul::Tensor(tensor.dequantize(&self.device)?)),
            false => Ok(QMatMul::from_qtensor(tensor)?),
        }
    }

    /// A small tensor (norm, bias) as f32.
    pub fn f32(&mut self, name: &str) -> Result<Tensor, ModelError> {
        Ok(self.quantized(name)?.dequantize(&self.device)?)
    }

    pub fn string(&self, key: &str) -> Result<String, ModelError> {
        self.value(key)?.to_string().cloned().map_err(|e| self.bad(format!("'{key}': {e}")))
    }

    pub fn number(&self, key: &str) -> Result<usize, ModelError> {
        let value = self.value(key)?;
        let number = value
            .to_u32()
            .map(u64::from)
            .or_else(|_| value.to_u64())
            .or_else(|_| value.to_i32().map(|n| n.max(0) as u64));
        number.map(|n| n as usize).map_err(|e| self.bad(format!("'{key}': {e}")))
    }

    pub fn float(&self, key: &str) -> Result<f64, ModelError> {
        self.value(key)?.to_f32().map(f64::from).map_err(|e| self.bad(format!("'{key}': {e}")))
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.content.metadata.get(key)?.to_bool().ok()
    }

    pub fn strings(&self, key: &str) -> Result<Vec<String>, ModelError> {
        let values = self.value(key)?.to_vec().map_err(|e| self.bad(format!("'{key}': {e}")))?;
        values.iter().map(|v| v.to_string().cloned().map_err(|e| self.bad(format!("'{key}': {e}")))).collect()
    }

    pub fn numbers(&self, key: &str) -> Result<Vec<i64>, ModelError> {
        let values = self.value(key)?.to_vec().map_err(|e| self.bad(format!("'{key}': {e}")))?;
        values.iter().map(|v| v.to_i32().map(i64::from).map_err(|e| self.bad(format!("'{key}': {e}")))).collect()
    }

    pub fn bad(&self, why: impl ToString) -> ModelError {
        ModelError::bad_file(&self.path, why)
    }

    fn value(&self, key: &str) -> Result<&gguf_file::Value, ModelError> {
        self.content.metadata.get(key).ok_or_else(|| self.bad(format!("the metadata has no '{key}'")))
    }
}
