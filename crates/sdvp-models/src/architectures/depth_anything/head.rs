//! From feature maps to a number a pixel.

use super::config::{DepthAnythingConfig, DepthMeaning};
use crate::error::Result;
use crate::layers::{Conv2d, Interpolation, interpolate, sigmoid};
use crate::params::Builder;
use candle_core::{D, Tensor};

/// Three convolutions, the picture's resolution after the first.
pub(super) struct Head {
    first: Conv2d,
    second: Conv2d,
    last: Conv2d,
    meaning: DepthMeaning,
    max_depth: f64,
}

impl Head {
    pub(super) fn new(config: &DepthAnythingConfig, b: &Builder) -> Result<Self> {
        let (fusion, inner) = (config.fusion_hidden_size, config.head_hidden_size);
        Ok(Self {
            first: Conv2d::new(fusion, fusion / 2, 3, 1, 1, true, &b.pp("conv1"))?,
            second: Conv2d::new(fusion / 2, inner, 3, 1, 1, true, &b.pp("conv2"))?,
            last: Conv2d::new(inner, 1, 1, 1, 0, true, &b.pp("conv3"))?,
            meaning: config.meaning,
            max_depth: config.max_depth,
        })
    }

    /// A map `[batch, rows, columns, fusion]` → `[batch, height, width]`.
    pub(super) fn forward(&self, map: &Tensor, size: [usize; 2]) -> Result<Tensor> {
        let x = self.first.forward_in_bands(map)?;
        let x = interpolate(&x, size, Interpolation::Linear)?;
        let x = self.second.forward_in_bands(&x)?.relu()?;
        let x = self.last.forward(&x)?;
        let x = match self.meaning {
            DepthMeaning::Relative => x.relu()?,
            DepthMeaning::Metric => sigmoid(&x)?,
        };
        Ok((x * self.max_depth)?.squeeze(D::Minus1)?)
    }
}
