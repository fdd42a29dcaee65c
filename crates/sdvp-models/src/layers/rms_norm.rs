//! Normalisation by the root of the mean square.

use crate::error::Result;
use crate::params::{Builder, Init, Parameter};
use candle_core::{D, Tensor};

/// `x / sqrt(mean(x²) + ε) · weight` over the last dimension (Zhang & Sennrich 2019), from operations
/// that carry gradients on every device.
pub struct RmsNorm {
    weight: Parameter,
    eps: f64,
}

impl RmsNorm {
    /// Parameter `weight` of length `dim`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(dim: usize, eps: f64, b: &Builder) -> Result<Self> {
        Ok(Self {
            weight: b.parameter(dim, "weight", Init::Ones)?,
            eps,
        })
    }

    /// Any shape whose last dimension is `dim`.
    ///
    /// # Errors
    /// If it is not.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let square = x.sqr()?.mean_keepdim(D::Minus1)?;
        let normed = x.broadcast_div(&(square + self.eps)?.sqrt()?)?;
        Ok(normed.broadcast_mul(&self.weight.value())?)
    }
}
