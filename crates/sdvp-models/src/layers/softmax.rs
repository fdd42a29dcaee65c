//! Softmax over the last dimension.

use crate::error::Result;
use candle_core::{D, Tensor};

/// `exp(x) / Σ exp(x)`.
///
/// # Errors
/// If the tensor operation fails.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    Ok(log_softmax(x)?.exp()?)
}

/// `x − log Σ exp(x)`.
///
/// # Errors
/// If the tensor operation fails.
pub fn log_softmax(x: &Tensor) -> Result<Tensor> {
    let shifted = x.broadcast_sub(&x.detach().max_keepdim(D::Minus1)?)?;
    let norm = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    Ok(shifted.broadcast_sub(&norm)?)
}
