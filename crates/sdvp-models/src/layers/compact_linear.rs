//! Linear layers whose weights do not learn, and stay as small as their file has them.

use super::linear;
use super::low_rank::LowRank;
use crate::error::Result;
use crate::kernels;
use crate::params::{Builder, Init, Parameter};
use candle_core::{D, Tensor};

/// `y = W x + b`, computed in single precision, with `W` as precise as the builder hands it out. Of its
/// own nothing learns but a low-rank branch.
pub struct CompactLinear {
    weight: Tensor,
    bias: Option<Parameter>,
    lora: Option<LowRank>,
}

impl CompactLinear {
    /// Parameters `weight` `[output, input]` and, if wanted, `bias` `[output]`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(input: usize, output: usize, bias: bool, b: &Builder) -> Result<Self> {
        let bias = bias.then(|| b.parameter(output, "bias", Init::Zeros));
        Ok(Self {
            weight: b.stored((output, input), "weight")?,
            bias: bias.transpose()?,
            lora: LowRank::new(input, output, b)?,
        })
    }

    /// `[…, input]` → `[…, output]`.
    ///
    /// # Errors
    /// If the last dimension is not `input`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = compact_linear(x, &self.weight)?;
        let y = match &self.bias {
            None => y,
            Some(bias) => y.broadcast_add(&bias.value())?,
        };
        match &self.lora {
            None => Ok(y),
            Some(lora) => lora.added_to(&y, x),
        }
    }
}

/// `x Wᵀ` for `x` `[…, input]` in single precision and `weight` `[output, input]` in single or half, which
/// gets no gradient.
///
/// # Errors
/// If shapes disagree.
pub fn compact_linear(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if !kernels::fits(x) {
        return linear(x, &weight.detach().to_dtype(x.dtype())?, None);
    }
    let mut shape = x.dims().to_vec();
    let input = x.dim(D::Minus1)?;
    let rows = x.elem_count() / input.max(1);
    let y = kernels::compact_linear(&x.reshape((rows, input))?, weight)?;
    if let Some(last) = shape.last_mut() {
        *last = weight.dim(0)?;
    }
    Ok(y.reshape(shape)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::difference::gap;
    use candle_core::{DType, Device, Var};

    #[test]
    fn weights_of_any_precision_are_multiplied_as_they_are() {
        let random = |shape: &[usize]| Tensor::randn(0f32, 1f32, shape, &Device::Cpu).unwrap();
        // One row and few; many; a last piece that is not whole.
        for (rows, input, output) in [(1, 24, 130), (3, 13, 7), (70, 40, 65)] {
            let (x, w) = (random(&[rows, input]), random(&[output, input]));
            for dtype in [DType::F32, DType::F16, DType::BF16] {
                let held = w.to_dtype(dtype).unwrap();
                let expected = linear(&x, &held.to_dtype(DType::F32).unwrap(), None).unwrap();
                let found = compact_linear(&x, &held).unwrap();
                assert_eq!(found.dims(), [rows, output]);
                assert!(gap(&found, &expected) < 1e-4, "{rows} {dtype:?}");
            }
        }
        // Gradients pass through to what comes before.
        for (rows, input, output) in [(1, 24, 130), (7, 13, 70), (70, 40, 1100)] {
            let (x, w) = (random(&[rows, input]), random(&[output, input]));
            for dtype in [DType::F32, DType::F16, DType::BF16] {
                let held = w.to_dtype(dtype).unwrap();
                let single = held.to_dtype(DType::F32).unwrap();
                let x = Var::from_tensor(&x).unwrap();
                let gradient = |y: Tensor| {
                    let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                    (gradients.get(&x).unwrap() / 100.0).unwrap()
                };
                let expected = gradient(linear(&x, &single, None).unwrap());
                let found = gradient(compact_linear(&x, &held).unwrap());
                assert!(gap(&found, &expected) < 1e-3, "{rows} {dtype:?}");
            }
        }
        let batch = compact_linear(&random(&[2, 3, 5]), &random(&[4, 5])).unwrap();
        assert_eq!(batch.dims(), [2, 3, 4]);
        let error = compact_linear(&random(&[2, 5]), &random(&[3, 4])).unwrap_err();
        assert!(error.to_string().contains("[_, 5]"), "{error}");
    }
}
