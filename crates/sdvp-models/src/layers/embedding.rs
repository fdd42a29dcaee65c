//! Embeddings.

use crate::error::Result;
use crate::kernels;
use crate::params::{Builder, Init, Matrix};
use candle_core::Tensor;

/// A vector for every id.
pub struct Embedding {
    weight: Matrix,
    dim: usize,
}

impl Embedding {
    /// Parameter `weight` `[count, dim]`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(count: usize, dim: usize, b: &Builder, init: Init) -> Result<Self> {
        Ok(Self {
            weight: b.matrix((count, dim), "weight", init)?,
            dim,
        })
    }

    /// How much `[…, dim]` vectors are like each of the embedding's, `[…, count]`: their products, and
    /// a bias.
    ///
    /// # Errors
    /// If widths differ.
    pub fn likeness(&self, x: &Tensor, bias: &Tensor) -> Result<Tensor> {
        self.weight.product(x, Some(bias))
    }

    /// `[…]` ids → `[…, dim]`.
    ///
    /// # Errors
    /// If an id is out of range.
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let mut shape = ids.dims().to_vec();
        shape.push(self.dim);
        let ids = ids.flatten_all()?;
        let vectors = match &self.weight {
            Matrix::Parameter(vectors) => vectors.value().index_select(&ids, 0)?,
            Matrix::Mapped(vectors) => kernels::mapped_rows(vectors, &ids.to_vec1()?)?,
        };
        Ok(vectors.reshape(shape)?)
    }
}
