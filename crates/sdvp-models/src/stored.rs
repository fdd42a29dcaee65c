//! Tensors of a checkpoint, in memory or still in their file.

use crate::error::Result;
use crate::kernels::MappedWeight;
use candle_core::{DType, Device, Shape, Tensor};

/// A tensor of a checkpoint. Copies share its values.
#[derive(Clone)]
pub struct StoredTensor(pub(crate) Stored);

#[derive(Clone)]
pub(crate) enum Stored {
    /// In memory.
    Held(Tensor),
    /// In its file.
    Mapped(MappedWeight),
}

impl From<Tensor> for StoredTensor {
    fn from(tensor: Tensor) -> Self {
        Self(Stored::Held(tensor))
    }
}

impl Stored {
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Stored::Held(tensor) => tensor.shape().clone(),
            Stored::Mapped(weight) => weight.sizes().into(),
        }
    }

    pub(crate) fn dtype(&self) -> DType {
        match self {
            Stored::Held(tensor) => tensor.dtype(),
            Stored::Mapped(_) => DType::F32,
        }
    }

    /// In memory; what is in a file is read.
    pub(crate) fn tensor(self) -> Result<Tensor> {
        Ok(match self {
            Stored::Held(tensor) => tensor,
            Stored::Mapped(weight) => {
                Tensor::from_slice(weight.values(), weight.sizes(), &Device::Cpu)?
            }
        })
    }
}
