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
    /// `x · Φ(x)`, with Φ approximated by a hyperbolic tangent.
    GeluPytorchTanh,
    /// `x · σ(x)`.
    Silu,
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
            Activation::GeluPytorchTanh => tanh_gelu(x),
            Activation::Silu => silu(x),
            Activation::Relu => Ok(x.relu()?),
        }
    }
}

/// `x · Φ(x)` with the exact normal distribution function.
///
/// # Errors
/// If the tensor operation fails.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if kernels::fits(x) {
        Ok(kernels::gelu(x)?)
    } else {
        Ok(x.gelu_erf()?)
    }
}

/// `x · σ(1.702 x)`.
///
/// # Errors
/// If the tensor operation fails.
pub fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    if kernels::fits(x) {
        Ok(kernels::quick_gelu(x)?)
    } else {
        composite_quick_gelu(x)
    }
}

/// The same from operations that every device has; `σ(x) = (1 + tanh(x / 2)) / 2`.
fn composite_quick_gelu(x: &Tensor) -> Result<Tensor> {
    let sigmoid = (((x * 0.851)?.tanh()? * 0.5)? + 0.5)?;
    Ok(x.mul(&sigmoid)?)
}

/// `x · (1 + tanh(u)) / 2` with `u = √(2/π) (x + 0.044715 x³)` (Hendrycks & Gimpel 2016).
///
/// # Errors
/// If the tensor operation fails.
pub fn tanh_gelu(x: &Tensor) -> Result<Tensor> {
    if kernels::fits(x) {
        Ok(kernels::tanh_gelu(x)?)
    } else {
        Ok(x.gelu()?)
    }
}

/// `x · σ(x)`.
///
/// # Errors
/// If the tensor operation fails.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if kernels::fits(x) {
        Ok(kernels::silu(x)?)
    } else {
        Ok(x.mul(&sigmoid(x)?)?)
    }
}

/// `1 / (1 + exp(-x))`, from operations that carry gradients on every device.
///
/// # Errors
/// If the tensor operation fails.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    Ok(((x * 0.5)?.tanh()? * 0.5)?.affine(1.0, 0.5)?)
}

/// `log(1 + exp(x))`, which does not overflow.
///
/// # Errors
/// If the tensor operation fails.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    Ok((x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::difference::gap;
    use candle_core::{Device, Var};

    /// Differences of two functions and of their gradients from -12 to 12.
    fn gaps(
        slow: impl Fn(&Tensor) -> Result<Tensor>,
        fast: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> (f32, f32) {
        let x = Tensor::arange(-1200f32, 1200.0, &Device::Cpu)
            .unwrap()
            .affine(0.01, 0.003)
            .unwrap();
        let x = Var::from_tensor(&x).unwrap();
        let gradient = |y: &Tensor| {
            y.sum_all()
                .unwrap()
                .backward()
                .unwrap()
                .get(&x)
                .unwrap()
                .clone()
        };
        let (slow, fast) = (slow(&x).unwrap(), fast(&x).unwrap());
        (gap(&slow, &fast), gap(&gradient(&slow), &gradient(&fast)))
    }

    #[test]
    fn fused_gelu_agrees_with_the_library_forward_and_backward() {
        let (forward, backward) = gaps(|x| Ok(x.gelu_erf()?), gelu);
        assert!(forward < 2e-6 && backward < 2e-6, "{forward} {backward}");
    }

    #[test]
    fn fused_quick_gelu_agrees_with_the_composite_forward_and_backward() {
        let (forward, backward) = gaps(composite_quick_gelu, quick_gelu);
        assert!(forward < 4e-6 && backward < 2e-6, "{forward} {backward}");
    }

    #[test]
    fn fused_tanh_gelu_and_silu_agree_with_composites_forward_and_backward() {
        let (forward, backward) = gaps(|x| Ok(x.gelu()?), tanh_gelu);
        assert!(forward < 4e-6 && backward < 4e-6, "{forward} {backward}");
        let (forward, backward) = gaps(|x| Ok(x.mul(&sigmoid(x)?)?), silu);
        assert!(forward < 4e-6 && backward < 2e-6, "{forward} {backward}");
    }

    #[test]
    fn names_in_configuration_files() {
        let names = r#"["gelu", "quick_gelu", "gelu_pytorch_tanh", "silu", "relu"]"#;
        let names: Vec<Activation> = serde_json::from_str(names).unwrap();
        assert_eq!(
            names,
            [
                Activation::Gelu,
                Activation::QuickGelu,
                Activation::GeluPytorchTanh,
                Activation::Silu,
                Activation::Relu
            ]
        );
    }
}
