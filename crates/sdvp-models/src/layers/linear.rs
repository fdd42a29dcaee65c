//! Linear layers, with an optional low-rank branch.

use super::low_rank::LowRank;
use crate::error::Result;
use crate::kernels;
use crate::kernels::MappedWeight;
use crate::params::{Builder, Init, Matrix, Parameter};
use crate::products::product;
use candle_core::{D, Tensor};

/// `y = W x + b`.
pub struct Linear {
    weight: Matrix,
    bias: Option<Parameter>,
    lora: Option<LowRank>,
}

impl Linear {
    /// Parameters `weight` `[output, input]` and, if wanted, `bias` `[output]`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(input: usize, output: usize, bias: bool, b: &Builder) -> Result<Self> {
        Self::new_with_init(
            input,
            output,
            b,
            Init::Normal(0.02),
            bias.then_some(Init::Zeros),
        )
    }

    /// As [`Linear::new`] with chosen first values; without a bias where none are given.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new_with_init(
        input: usize,
        output: usize,
        b: &Builder,
        weight: Init,
        bias: Option<Init>,
    ) -> Result<Self> {
        let weight = b.matrix((output, input), "weight", weight)?;
        let bias = bias
            .map(|init| b.parameter(output, "bias", init))
            .transpose()?;
        let lora = LowRank::new(input, output, b)?;
        Ok(Self { weight, bias, lora })
    }

    /// What layers make of one input, side by side, `[…, outputs]`; in one product where each is a weight
    /// and a bias only.
    ///
    /// # Errors
    /// If sizes differ.
    pub(crate) fn side_by_side(layers: &[&Linear], x: &Tensor) -> Result<Tensor> {
        let biases = layers.iter().map(|layer| match (&layer.lora, &layer.bias) {
            (None, Some(bias)) => Some(bias.value()),
            _ => None,
        });
        if let Some(biases) = biases.collect::<Option<Vec<Tensor>>>() {
            let bias = Tensor::cat(&biases, 0)?;
            let held = layers.iter().map(|layer| layer.weight.held());
            if let Some(weights) = held.collect::<Option<Vec<Tensor>>>() {
                return linear(x, &Tensor::cat(&weights, 0)?, Some(&bias));
            }
            let mapped = layers.iter().map(|layer| layer.weight.mapped());
            if let Some(weights) = mapped.collect::<Option<Vec<&MappedWeight>>>() {
                return Ok(kernels::mapped_linear(x, &weights, Some(&bias))?);
            }
        }
        let parts = layers.iter().map(|layer| layer.forward(x));
        Ok(Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, D::Minus1)?)
    }

    /// `[…, input]` → `[…, output]`.
    ///
    /// # Errors
    /// If the last dimension is not `input`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let bias = self.bias.as_ref().map(Parameter::value);
        let y = self.weight.product(x, bias.as_ref())?;
        match &self.lora {
            None => Ok(y),
            Some(lora) => lora.added_to(&y, x),
        }
    }
}

impl Matrix {
    /// `x Wᵀ + b` for `x` `[…, input]`.
    pub(crate) fn product(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Matrix::Parameter(weight) => linear(x, &weight.value(), bias),
            Matrix::Mapped(weight) => Ok(kernels::mapped_linear(x, &[weight], bias)?),
        }
    }
}

/// `x Wᵀ + b` for `x` `[…, input]` and `weight` `[output, input]`.
///
/// # Errors
/// If shapes disagree.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if kernels::fits(x) && kernels::fits(weight) {
        return Ok(kernels::linear(x, weight, bias)?);
    }
    composite(x, weight, bias)
}

/// The same from operations that every device has.
fn composite(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let mut shape = x.dims().to_vec();
    let input = x.dim(D::Minus1)?;
    let rows = x.elem_count() / input.max(1);
    let y = product(&x.reshape((rows, input))?, &weight.t()?)?;
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    if let Some(last) = shape.last_mut() {
        *last = weight.dim(0)?;
    }
    Ok(y.reshape(shape)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::difference::gap;
    use candle_core::{Device, Var};

    #[test]
    fn fused_and_composite_agree_forward_and_backward() {
        let device = Device::Cpu;
        // One row; a last piece that is not whole; several partial gradients of the weight; columns
        // shared out.
        for (rows, input, output) in [
            ((1, 1), 5, 3),
            ((3, 70), 24, 17),
            ((9, 300), 13, 40),
            ((2, 17), 30, 700),
            ((1, 1), 30, 257),
            ((1, 63), 30, 512),
            ((1, 64), 30, 300),
        ] {
            let var = |shape: &[usize]| Var::randn(0f32, 1f32, shape, &device).unwrap();
            let (x, w, b) = (
                var(&[rows.0, rows.1, input]),
                var(&[output, input]),
                var(&[output]),
            );
            for bias in [None, Some(b.as_tensor())] {
                let (fast, slow) = (
                    linear(&x, &w, bias).unwrap(),
                    composite(&x, &w, bias).unwrap(),
                );
                assert_eq!(fast.dims(), [rows.0, rows.1, output]);
                assert!(gap(&fast, &slow) < 1e-4);
                let probe = Tensor::randn(0f32, 1f32, fast.dims(), &device).unwrap();
                let gradients =
                    |y: &Tensor| (y * &probe).unwrap().sum_all().unwrap().backward().unwrap();
                let (fast, slow) = (gradients(&fast), gradients(&slow));
                for v in [Some(&x), Some(&w), bias.map(|_| &b)].into_iter().flatten() {
                    assert!(gap(fast.get(v).unwrap(), slow.get(v).unwrap()) < 1e-3);
                }
            }
        }
    }

    #[test]
    fn a_row_is_the_same_among_few_and_among_many() {
        let random = |shape: &[usize]| Tensor::randn(0f32, 1f32, shape, &Device::Cpu).unwrap();
        let (x, w, b) = (random(&[100, 96]), random(&[600, 96]), random(&[600]));
        let many = linear(&x, &w, Some(&b)).unwrap();
        for rows in [1, 7, 63, 64] {
            let few = linear(&x.narrow(0, 20, rows).unwrap(), &w, Some(&b)).unwrap();
            let gap = gap(&few, &many.narrow(0, 20, rows).unwrap());
            // Sums of 96 products, some of them beyond 30, added up in another order.
            assert!(gap < 1e-4, "{rows} rows: {gap}");
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_errors() {
        let zeros =
            |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
        let error = linear(&zeros(&[2, 5]), &zeros(&[3, 4]), None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("[_, 5]") && error.contains("[3, 4]"),
            "{error}"
        );
        assert!(linear(&zeros(&[2, 4]), &zeros(&[3, 4]), Some(&zeros(&[2]))).is_err());
    }
}
