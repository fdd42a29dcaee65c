//! Activations.

use crate::error::Result;
use crate::kernels;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// An activation by its name in configuration files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x · Φ(x)`.
    Gelu,
    /// `x · σ(1.702 x)`.
    QuickGelu,
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    /// Applies it to every element.
    ///
    /// # Errors
    /// If the tensor operation fails.
    pub fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Activation::Gelu => gelu(x),
            Activation::QuickGelu => quick_gelu(x),
            Activation::Relu => Ok(x.relu()?),
        }
    }
}

/// `x · Φ(x)` with the exact normal distribution function.
///
/// # Errors
/// If the tensor operation fails.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if kernels::fits(x) { Ok(kernels::gelu(x)?) } else { Ok(x.gelu_erf()?) }
}

/// `x · σ(1.702 x)`.
///
/// # Errors
/// If the tensor operation fails.
pub fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    let sigmoid = (((x * 0.851)?.tanh()? * 0.5)? + 0.5)?;
    Ok(x.mul(&sigmoid)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn fused_gelu_agrees_with_the_library_forward_and_backward() {
        let x = Var::from_tensor(&Tensor::arange(-6f32, 6.0, &Device::Cpu).unwrap().affine(0.97, 0.01).unwrap()).unwrap();
        let (slow, fast) = (x.gelu_erf().unwrap(), gelu(&x).unwrap());
        let gap = |a: &Tensor, b: &Tensor| (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(gap(&slow, &fast) < 2e-6);
        let gradient = |y: &Tensor| y.sqr().unwrap().sum_all().unwrap().backward().unwrap().get(&x).unwrap().clone();
        assert!(gap(&gradient(&slow), &gradient(&fast)) < 1e-5);
    }
}
