//! Images as sequences of patches.

use crate::error::{ModelError, Result};
use crate::layers::linear;
use crate::params::{Builder, Init};
use candle_core::Tensor;

/// The greatest side of a picture that enters a network, pixels; published ones have up to 1,008.
const LARGEST: usize = 4096;

/// How many patches lie along one side of a network's square input.
pub(crate) fn patches_along(image_size: usize, patch_size: usize) -> Result<usize> {
    if image_size <= LARGEST && (1..=image_size).contains(&patch_size) {
        return Ok(image_size / patch_size);
    }
    Err(ModelError::Config(format!(
        "expected an image_size of at most {LARGEST} and a patch_size from 1 to it, \
         found {image_size} and {patch_size}"
    )))
}

/// A convolution whose kernel equals its stride, computed as one matrix product. The weight keeps
/// the convolution's shape `[hidden, 3, patch, patch]`, as in published checkpoints.
pub(crate) struct PatchEmbedding {
    weight: Tensor,
    bias: Option<Tensor>,
    patch: usize,
    hidden: usize,
}

impl PatchEmbedding {
    pub(crate) fn new(hidden: usize, patch: usize, bias: bool, b: &Builder) -> Result<Self> {
        let weight = b.get((hidden, 3, patch, patch), "weight", Init::Normal(0.02))?;
        let bias = if bias {
            Some(b.get(hidden, "bias", Init::Zeros)?)
        } else {
            None
        };
        Ok(Self {
            weight,
            bias,
            patch,
            hidden,
        })
    }

    /// `[batch, 3, height, width]` → `[batch, patches, hidden]`, patches row by row.
    pub(crate) fn forward(&self, pixels: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = pixels.dims4()?;
        let p = self.patch;
        if channels != 3 || height % p != 0 || width % p != 0 {
            return Err(ModelError::Config(format!(
                "expected images [batch, 3, height, width] in multiples of {p} pixels, found {:?}",
                pixels.dims()
            )));
        }
        let (rows, columns) = (height / p, width / p);
        let patches = pixels
            .reshape(vec![batch, 3, rows, p, columns, p])?
            .permute(vec![0, 2, 4, 1, 3, 5])?
            .contiguous()?
            .reshape((batch, rows * columns, 3 * p * p))?;
        linear(
            &patches,
            &self.weight.reshape((self.hidden, 3 * p * p))?,
            self.bias.as_ref(),
        )
    }
}
