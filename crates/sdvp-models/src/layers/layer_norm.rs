//! Layer normalisation.

use crate::error::Result;
use crate::kernels;
use crate::params::{Builder, Init, Parameter};
use candle_core::{D, Tensor};

/// `(x − mean) / sqrt(variance + ε) · weight + bias` over the last dimension.
pub struct LayerNorm {
    weight: Parameter,
    bias: Parameter,
    eps: f64,
}

impl LayerNorm {
    /// Parameters `weight` and `bias` of length `dim`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(dim: usize, eps: f64, b: &Builder) -> Result<Self> {
        Ok(Self {
            weight: b.parameter(dim, "weight", Init::Ones)?,
            bias: b.parameter(dim, "bias", Init::Zeros)?,
            eps,
        })
    }

    /// Any shape whose last dimension is `dim`.
    ///
    /// # Errors
    /// If it is not.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if kernels::fits(x) {
            let (weight, bias) = (self.weight.value(), self.bias.value());
            return Ok(kernels::layer_norm(x, &weight, &bias, self.eps)?);
        }
        self.composite(x)
    }

    /// The same from operations that every device has.
    fn composite(&self, x: &Tensor) -> Result<Tensor> {
        let centered = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centered.sqr()?.mean_keepdim(D::Minus1)?;
        let normed = centered.broadcast_div(&(variance + self.eps)?.sqrt()?)?;
        Ok(normed
            .broadcast_mul(&self.weight.value())?
            .broadcast_add(&self.bias.value())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::difference::gap;
    use candle_core::{Device, Var};

    #[test]
    fn fused_and_composite_agree_forward_and_backward() {
        let device = Device::Cpu;
        let var = |shape: &[usize]| Var::randn(0.5f32, 1f32, shape, &device).unwrap();
        // 300 rows: more than one piece; 13 columns: not a whole number of lanes.
        let (x, w, b) = (var(&[3, 100, 13]), var(&[13]), var(&[13]));
        let norm = LayerNorm {
            weight: Parameter::learning(w.as_tensor().clone()),
            bias: Parameter::learning(b.as_tensor().clone()),
            eps: 1e-5,
        };
        let (fast, slow) = (norm.forward(&x).unwrap(), norm.composite(&x).unwrap());
        assert!(gap(&fast, &slow) < 1e-5);
        let probe = Tensor::randn(0f32, 1f32, (3, 100, 13), &device).unwrap();
        let gradients = |y: &Tensor| (y * &probe).unwrap().sum_all().unwrap().backward().unwrap();
        let (fast, slow) = (gradients(&fast), gradients(&slow));
        for v in [&x, &w, &b] {
            assert!(gap(fast.get(v).unwrap(), slow.get(v).unwrap()) < 1e-4);
        }
    }
}
