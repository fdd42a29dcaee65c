//! Feature maps enlarged by learned patches, channels last.

use super::linear;
use crate::error::Result;
use crate::params::{Builder, Init};
use candle_core::Tensor;

/// A transposed convolution whose kernel equals its stride: each place becomes a square of its own,
/// so that one matrix product makes all squares, which are then put side by side.
pub struct ConvTranspose2d {
    weight: Tensor,
    bias: Tensor,
    factor: usize,
}

impl ConvTranspose2d {
    /// Parameters `weight` `[input, output, factor, factor]` (the published layout) and `bias`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(input: usize, output: usize, factor: usize, b: &Builder) -> Result<Self> {
        let init = Init::Normal((1.0 / input.max(1) as f32).sqrt());
        Ok(Self {
            weight: b.get((input, output, factor, factor), "weight", init)?,
            bias: b.get(output, "bias", Init::Zeros)?,
            factor,
        })
    }

    /// `[batch, height, width, input]` → `[batch, factor · height, factor · width, output]`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, height, width, _) = x.dims4()?;
        let (input, output, k, _) = self.weight.dims4()?;
        let weight = self
            .weight
            .permute((2, 3, 1, 0))?
            .reshape((k * k * output, input))?;
        let squares = linear(x, &weight, None)?
            .reshape(vec![batch, height, width, k, k, output])?
            .permute(vec![0, 1, 3, 2, 4, 5])?
            .contiguous()?
            .reshape((batch, self.factor * height, self.factor * width, output))?;
        Ok(squares.broadcast_add(&self.bias)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::difference::gap;
    use candle_core::{Device, Var};

    #[test]
    fn agrees_with_the_library_forward_and_backward() {
        let device = Device::Cpu;
        let layer = ConvTranspose2d::new(3, 5, 2, &Builder::fresh(1, &device)).unwrap();
        let x = Var::randn(0f32, 1f32, (2, 3, 4, 6), &device).unwrap();
        let expected = x.conv_transpose2d(&layer.weight, 0, 0, 2, 1).unwrap();
        let found = layer
            .forward(&x.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap())
            .unwrap();
        assert_eq!(found.dims(), [2, 8, 12, 5]);
        let found = found.permute((0, 3, 1, 2)).unwrap();
        assert!(gap(&expected, &found) < 1e-5);
        let gradients = |y: &Tensor| y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let (want, have) = (gradients(&expected), gradients(&found));
        for tensor in [x.as_tensor(), &layer.weight] {
            assert!(gap(want.get(tensor).unwrap(), have.get(tensor).unwrap()) < 1e-3);
        }
    }
}
