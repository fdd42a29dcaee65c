//! Convolution and normalisation of feature maps, channels last.

use super::linear;
use crate::error::Result;
use crate::kernels::{self, unfold, unfold_rows};
use crate::params::{Builder, Init};
use candle_core::Tensor;

/// ε of the norm.
const EPS: f64 = 1e-5;

/// Values of unfolded patches that a band may have: 64 MB.
const BAND: usize = 16 << 20;

/// A two-dimensional convolution over `[batch, height, width, channels]`, computed as one matrix
/// product over unfolded patches.
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Conv2d {
    /// Parameters `weight` `[output, input, kernel, kernel]` (the published layout) and, if
    /// wanted, `bias`.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        bias: bool,
        b: &Builder,
    ) -> Result<Self> {
        let fan_in = (input * kernel * kernel) as f32;
        let init = Init::Normal((2.0 / fan_in).sqrt());
        let weight = b.get((output, input, kernel, kernel), "weight", init)?;
        let bias = if bias {
            Some(b.get(output, "bias", Init::Zeros)?)
        } else {
            None
        };
        Ok(Self {
            weight,
            bias,
            kernel,
            stride,
            padding,
        })
    }

    /// `[batch, height, width, input]` → `[batch, height', width', output]`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.of_patches(&unfold(x, self.kernel, self.stride, self.padding)?)
    }

    /// As [`Conv2d::forward`], for large maps: bands of rows one after the other, since patches
    /// side by side take `kernel²` times the map's memory.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward_in_bands(&self, x: &Tensor) -> Result<Tensor> {
        let row: usize = x.dims().iter().product::<usize>() / x.dim(1)?.max(1);
        let row = row * self.kernel * self.kernel / self.stride.max(1);
        self.bands_of(x, (BAND / row.max(1)).max(1))
    }

    fn bands_of(&self, x: &Tensor, rows: usize) -> Result<Tensor> {
        let all =
            (x.dim(1)? + 2 * self.padding).saturating_sub(self.kernel) / self.stride.max(1) + 1;
        if rows >= all {
            return self.forward(x);
        }
        let band = |first: usize| {
            let rows = first..first + rows;
            let patches = unfold_rows(x, self.kernel, self.stride, self.padding, rows)?;
            self.of_patches(&patches)
        };
        let bands: Vec<Tensor> = (0..all).step_by(rows).map(band).collect::<Result<_>>()?;
        Ok(Tensor::cat(&bands, 1)?)
    }

    fn of_patches(&self, patches: &Tensor) -> Result<Tensor> {
        let outputs = self.weight.dim(0)?;
        let weight = self.weight.permute((0, 2, 3, 1))?.reshape((outputs, ()))?;
        linear(patches, &weight, self.bias.as_ref())
    }
}

/// Normalises each image over all its channels and pixels, then scales and shifts each channel
/// (group normalisation with one group; Wu & He 2018, arXiv 1803.08494).
pub struct ChannelNorm {
    weight: Tensor,
    bias: Tensor,
}

impl ChannelNorm {
    /// Parameters `weight` and `bias`, one value a channel.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(channels: usize, b: &Builder) -> Result<Self> {
        Ok(Self {
            weight: b.get(channels, "weight", Init::Ones)?,
            bias: b.get(channels, "bias", Init::Zeros)?,
        })
    }

    /// `[batch, height, width, channels]`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if kernels::fits(x) {
            return Ok(kernels::image_norm(x, &self.weight, &self.bias, EPS)?);
        }
        self.composite(x)
    }

    /// The same from operations that every device has.
    fn composite(&self, x: &Tensor) -> Result<Tensor> {
        let flat = x.flatten_from(1)?;
        let centered = flat.broadcast_sub(&flat.mean_keepdim(1)?)?;
        let variance = centered.sqr()?.mean_keepdim(1)?;
        let normed = centered
            .broadcast_div(&(variance + EPS)?.sqrt()?)?
            .reshape(x.shape())?;
        Ok(normed
            .broadcast_mul(&self.weight)?
            .broadcast_add(&self.bias)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::difference::gap;
    use candle_core::Device;

    #[test]
    fn agrees_with_the_library_s_convolution_forward_and_backward() {
        let device = Device::Cpu;
        for (stride, side) in [(1usize, 7usize), (2, 8), (2, 9)] {
            let b = Builder::fresh(3, &device);
            let conv = Conv2d::new(3, 5, 3, stride, 1, true, &b).unwrap();
            let x = candle_core::Var::randn(0f32, 1f32, (2, 3, side, side), &device).unwrap();
            let expected = x.conv2d(&conv.weight, 1, stride, 1, 1).unwrap();
            let found = conv
                .forward(&x.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap())
                .unwrap();
            let found = found.permute((0, 3, 1, 2)).unwrap();
            assert!(gap(&expected, &found) < 1e-5);
            let (want, have) = (
                expected
                    .sqr()
                    .unwrap()
                    .sum_all()
                    .unwrap()
                    .backward()
                    .unwrap(),
                found.sqr().unwrap().sum_all().unwrap().backward().unwrap(),
            );
            for tensor in [x.as_tensor(), &conv.weight] {
                assert!(gap(want.get(tensor).unwrap(), have.get(tensor).unwrap()) < 1e-3);
            }
        }
    }

    #[test]
    fn bands_make_the_same_map_and_carry_the_same_gradients() {
        let device = Device::Cpu;
        for (stride, side) in [(1usize, 7usize), (2, 8), (2, 9)] {
            let b = Builder::fresh(3, &device);
            let conv = Conv2d::new(3, 5, 3, stride, 1, true, &b).unwrap();
            let x = candle_core::Var::randn(0f32, 1f32, (2, side, side, 3), &device).unwrap();
            let whole = conv.forward(&x).unwrap();
            assert_eq!(gap(&whole, &conv.forward_in_bands(&x).unwrap()), 0.0);
            for rows in [1, 2, 3] {
                let banded = conv.bands_of(&x, rows).unwrap();
                assert!(gap(&whole, &banded) < 1e-5);
                let gradients =
                    |y: &Tensor| y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                let (want, have) = (gradients(&whole), gradients(&banded));
                for tensor in [x.as_tensor(), &conv.weight] {
                    assert!(gap(want.get(tensor).unwrap(), have.get(tensor).unwrap()) < 1e-3);
                }
            }
        }
    }

    #[test]
    fn fused_and_composite_norms_agree_forward_and_backward() {
        let device = Device::Cpu;
        let var = |shape: &[usize]| candle_core::Var::randn(0.5f32, 2f32, shape, &device).unwrap();
        // More values an image than one piece takes.
        let (x, w, b) = (var(&[3, 41, 41, 13]), var(&[13]), var(&[13]));
        let norm = ChannelNorm {
            weight: w.as_tensor().clone(),
            bias: b.as_tensor().clone(),
        };
        let (fast, slow) = (norm.forward(&x).unwrap(), norm.composite(&x).unwrap());
        assert!(gap(&fast, &slow) < 2e-5);
        let probe = Tensor::randn(0f32, 1f32, x.dims(), &device).unwrap();
        let gradients = |y: &Tensor| {
            (y * &probe)
                .unwrap()
                .mean_all()
                .unwrap()
                .backward()
                .unwrap()
        };
        let (fast, slow) = (gradients(&fast), gradients(&slow));
        for v in [&x, &w, &b] {
            assert!(gap(fast.get(v).unwrap(), slow.get(v).unwrap()) < 1e-6);
        }
    }
}
