//! Depth Anything: how near what each pixel shows is (Yang et al. 2024, arXiv 2401.10891 and
//! 2406.09414), as published in `depth-anything/Depth-Anything-V2-*-hf` and
//! `LiheYoung/depth-anything-*-hf`.
//!
//! A DINOv2 (Oquab et al. 2023, arXiv 2304.07193) sees the picture; what it sees after four of its
//! layers is brought to four resolutions and put together from the coarsest to the finest, as in
//! DPT (Ranftl et al. 2021, arXiv 2103.13413). Inside, feature maps have their channels last.

mod backbone;
mod config;
mod config_file;
mod head;
mod neck;

pub use config::{DepthAnythingConfig, DepthMeaning, Dinov2Config, Stage};
pub use config_file::UnknownDepthModel;

use crate::error::Result;
use crate::params::Builder;
use backbone::Backbone;
use candle_core::Tensor;
use head::Head;
use neck::Neck;

/// The network.
pub struct DepthAnything {
    backbone: Backbone,
    neck: Neck,
    head: Head,
    patch: usize,
}

impl DepthAnything {
    /// Builds the network; fresh parameters come from the builder's seed.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(config: &DepthAnythingConfig, b: &Builder) -> Result<Self> {
        Ok(Self {
            backbone: Backbone::new(config, &b.pp("backbone"))?,
            neck: Neck::new(config, &b.pp("neck"))?,
            head: Head::new(config, &b.pp("head"))?,
            patch: config.backbone.patch_size,
        })
    }

    /// What is said of every pixel of `[batch, 3, height, width]`, sides being whole patches:
    /// `[batch, height, width]`, of the configuration's [`DepthMeaning`].
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn forward(&self, pixels: &Tensor) -> Result<Tensor> {
        let (_, _, height, width) = pixels.dims4()?;
        let grid = [height / self.patch, width / self.patch];
        let seen = self.backbone.maps(pixels, grid)?;
        let fused = self.neck.forward(&seen)?;
        self.head.forward(&fused, [height, width])
    }
}
