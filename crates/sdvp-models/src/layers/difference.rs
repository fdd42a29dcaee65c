//! What the tests of layers compare tensors by.

use candle_core::Tensor;

/// Greatest difference of two tensors.
pub(crate) fn gap(a: &Tensor, b: &Tensor) -> f32 {
    (a - b)
        .unwrap()
        .abs()
        .unwrap()
        .max_all()
        .unwrap()
        .to_scalar()
        .unwrap()
}
