//! The weights of a GGUF file.

use super::LocalError;
use super::header::{Header, TensorPlace, Value};
use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{DType, Device, Module, Tensor};
use sdvp_core::Hasher;
use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// Elements of a block of the types Q4_0 and Q4_1.
const BLOCK: usize = 32;

/// A file whose header has been read.
pub(super) struct Weights<'a, R> {
    pub(super) path: &'a Path,
    pub(super) header: &'a Header,
    pub(super) file: R,
    /// Has the header and everything that was read of the tensors: all that answers depend on, with
    /// no second reading of the file.
    pub(super) hasher: Hasher,
}

impl<R: Read + Seek> Weights<'_, R> {
    pub(super) fn fault(&self, message: impl Into<String>) -> LocalError {
        LocalError::Model {
            path: self.path.to_owned(),
            message: message.into(),
        }
    }

    /// A count from the metadata, at most `limit`.
    pub(super) fn count(&self, name: &str, limit: u64) -> Result<usize, LocalError> {
        match self.header.metadata.get(name) {
            Some(Value::Count(found)) if (1..=limit).contains(found) => {
                usize::try_from(*found).map_err(|_| self.fault(format!("{name} is too large")))
            }
            found => Err(self.fault(format!(
                "{name}: expected a number from 1 to {limit}, found {}",
                said(found)
            ))),
        }
    }

    /// A number from the metadata, or `default` where it is missing.
    pub(super) fn real(&self, name: &str, default: Option<f64>) -> Result<f64, LocalError> {
        match (self.header.metadata.get(name), default) {
            (Some(Value::Real(found)), _) if found.is_finite() && *found > 0.0 => Ok(*found),
            (None, Some(default)) => Ok(default),
            (found, _) => Err(self.fault(format!(
                "{name}: expected a number above 0, found {}",
                said(found)
            ))),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.header.tensors.contains_key(name)
    }

    fn bytes(&mut self, name: &str, shape: &[usize]) -> Result<(TensorPlace, Vec<u8>), LocalError> {
        let Some(place) = self.header.tensors.get(name) else {
            return Err(self.fault(format!("the tensor {name} is missing")));
        };
        if place.shape != shape {
            return Err(self.fault(format!(
                "the tensor {name}: expected the sizes {shape:?}, found {:?}",
                place.shape
            )));
        }
        // The header has been compared with the file's size.
        let mut bytes = vec![0; place.length];
        let read = self
            .file
            .seek(SeekFrom::Start(place.start))
            .and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|error| LocalError::Read {
            path: self.path.to_owned(),
            error,
        })?;
        self.hasher = std::mem::take(&mut self.hasher)
            .part(name.as_bytes())
            .part(&bytes);
        Ok((place.clone(), bytes))
    }

    /// A tensor as the file has it.
    pub(super) fn quantized(
        &mut self,
        name: &str,
        shape: &[usize],
    ) -> Result<Arc<QTensor>, LocalError> {
        let (place, bytes) = self.bytes(name, shape)?;
        Ok(Arc::new(tensor(bytes, shape, place.dtype)?))
    }

    /// A vector of f32.
    pub(super) fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, LocalError> {
        let quantized = self.quantized(name, &[length])?;
        Ok(quantized.dequantize(&Device::Cpu)?.to_dtype(DType::F32)?)
    }

    /// A linear layer without bias, `[out, in]`.
    pub(super) fn linear(
        &mut self,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Linear, LocalError> {
        let (place, bytes) = self.bytes(name, &[outputs, inputs])?;
        if place.dtype == GgmlDType::Q4_1 {
            return Linear::split(&bytes, outputs, inputs);
        }
        let quantized = tensor(bytes, &[outputs, inputs], place.dtype)?;
        Linear::of(Arc::new(quantized))
    }
}

fn tensor(bytes: Vec<u8>, shape: &[usize], dtype: GgmlDType) -> Result<QTensor, LocalError> {
    let storage = QStorage::from_data(Cow::Owned(bytes), &Device::Cpu, dtype)?;
    Ok(QTensor::new(storage, shape)?)
}

fn said(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
}

/// A linear layer without bias. Clones share the weights.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    weights: QMatMul,
    /// What each block of 32 weights adds to the sum of its inputs, `[out, in / 32]`.
    offsets: Option<Tensor>,
}

impl Linear {
    pub(super) fn of(quantized: Arc<QTensor>) -> Result<Self, LocalError> {
        Ok(Self {
            weights: QMatMul::from_arc(quantized)?,
            offsets: None,
        })
    }

    /// A layer of type Q4_1. Its weights are `d·q + m` with `q` in 0 to 15, `d` and `m` of each
    /// block of 32; those of Q4_0 are `d·(q − 8)`. So the same `d` and `q` read as Q4_0, which
    /// candle multiplies several times as fast, lack `m + 8·d`, times the sum of the block's inputs.
    fn split(bytes: &[u8], outputs: usize, inputs: usize) -> Result<Self, LocalError> {
        let mut quants = Vec::with_capacity(bytes.len() / 20 * 18);
        let mut offsets = Vec::with_capacity(bytes.len() / 20);
        for block in bytes.as_chunks::<20>().0 {
            let [d0, d1, m0, m1, rest @ ..] = block;
            let scale = half::f16::from_le_bytes([*d0, *d1]).to_f32();
            let least = half::f16::from_le_bytes([*m0, *m1]).to_f32();
            quants.extend([*d0, *d1]);
            quants.extend(rest);
            offsets.push(least + 8.0 * scale);
        }
        let quantized = tensor(quants, &[outputs, inputs], GgmlDType::Q4_0)?;
        let offsets = Tensor::from_vec(offsets, (outputs, inputs / BLOCK), &Device::Cpu)?;
        Ok(Self {
            weights: QMatMul::from_arc(Arc::new(quantized))?,
            offsets: Some(offsets),
        })
    }

    /// `[rows, in]` to `[rows, out]`.
    pub(super) fn forward(&self, inputs: &Input) -> candle_core::Result<Tensor> {
        let product = self.weights.forward(&inputs.rows)?;
        match &self.offsets {
            None => Ok(product),
            Some(offsets) => product + inputs.sums()?.matmul(&offsets.t()?)?,
        }
    }
}

/// What goes into several layers, with the sums of its blocks once they are needed.
pub(super) struct Input {
    rows: Tensor,
    sums: std::cell::OnceCell<Tensor>,
}

impl Input {
    pub(super) fn new(rows: Tensor) -> Self {
        Self {
            rows,
            sums: std::cell::OnceCell::new(),
        }
    }

    fn sums(&self) -> candle_core::Result<&Tensor> {
        if let Some(sums) = self.sums.get() {
            return Ok(sums);
        }
        let (rows, width) = self.rows.dims2()?;
        let sums = self
            .rows
            .reshape((rows, width / BLOCK, BLOCK))?
            .sum(candle_core::D::Minus1)?;
        Ok(self.sums.get_or_init(|| sums))
    }
}
