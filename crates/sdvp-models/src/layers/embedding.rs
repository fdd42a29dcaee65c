//! Embeddings.

use crate::error::Result;
use crate::params::{Builder, Init};
use candle_core::Tensor;

/// A vector for every id.
pub struct Embedding {
    weight: Tensor,
    dim: usize,
}

impl Embedding {
    /// Parameter `weight` `[count, dim]`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(count: usize, dim: usize, b: &Builder, init: Init) -> Result<Self> {
        Ok(Self {
            weight: b.get((count, dim), "weight", init)?,
            dim,
        })
    }

    /// The vectors, `[count, dim]`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// `[…]` ids → `[…, dim]`.
    ///
    /// # Errors
    /// If an id is out of range.
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let mut shape = ids.dims().to_vec();
        shape.push(self.dim);
        Ok(self
            .weight
            .index_select(&ids.flatten_all()?, 0)?
            .reshape(shape)?)
    }
}
