//! The small teacher: a convolutional network with a closed vocabulary that says of each cell of a
//! coarse grid whether the centre of an object lies there, which one, of what colour and how large
//! (the centre-point formulation of Zhou et al. 2019, arXiv 1904.07850).

use crate::calibration::Calibration;
use crate::error::Result;
use crate::layers::{ChannelNorm, Conv2d, Linear};
use crate::params::{Builder, Init};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Sizes and vocabulary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvTeacherConfig {
    /// Side of the square input, pixels; the grid is an eighth of it.
    pub image_size: usize,
    /// Channels after the first, second and third halving of resolution.
    pub channels: [usize; 3],
    /// The names it knows, by class index.
    pub names: Vec<String>,
    /// The category of each name (same length).
    pub categories: Vec<String>,
    /// The colours it knows.
    pub colors: Vec<String>,
    /// From which probability on its boxes are worth believing.
    #[serde(default)]
    pub believed: Calibration,
}

impl ConvTeacherConfig {
    /// Cells along one side.
    pub fn grid(&self) -> usize {
        self.image_size / 8
    }
}

/// What the network says of every cell, row by row.
pub struct DensePrediction {
    /// A logit per name, `[batch, cells, names]`.
    pub names: Tensor,
    /// A logit per colour, `[batch, cells, colors]`.
    pub colors: Tensor,
    /// Distances from the cell's centre to the box's left, top, right and bottom edge, in cells
    /// (not bounded below), `[batch, cells, 4]`.
    pub extents: Tensor,
}

struct Block {
    conv: Conv2d,
    norm: ChannelNorm,
    residual: bool,
}

impl Block {
    fn new(from: usize, to: usize, stride: usize, b: &Builder) -> Result<Self> {
        Ok(Self {
            conv: Conv2d::new(from, to, 3, stride, 1, false, &b.pp("conv"))?,
            norm: ChannelNorm::new(to, &b.pp("norm"))?,
            residual: stride == 1 && from == to,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.norm.forward(&self.conv.forward(x)?)?.relu()?;
        if self.residual { Ok((x + y)?) } else { Ok(y) }
    }
}

/// The network.
pub struct ConvTeacher {
    blocks: Vec<Block>,
    names: Linear,
    colors: Linear,
    extents: Linear,
}

impl ConvTeacher {
    /// Builds the network; fresh parameters come from the builder's seed.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(config: &ConvTeacherConfig, b: &Builder) -> Result<Self> {
        let [first, second, third] = config.channels;
        let plan = [
            (3, first, 2),
            (first, second, 2),
            (second, second, 1),
            (second, third, 2),
            (third, third, 1),
            (third, third, 1),
        ];
        let blocks = plan
            .iter()
            .enumerate()
            .map(|(index, &(from, to, stride))| {
                Block::new(from, to, stride, &b.pp("blocks").pp(index))
            })
            .collect::<Result<_>>()?;
        let head = |outputs: usize, name: &str, bias: f32| {
            Linear::new_with_init(
                third,
                outputs,
                &b.pp(name),
                Init::Normal(0.02),
                Some(Init::Const(bias)),
            )
        };
        Ok(Self {
            blocks,
            // Most cells hold no centre: start from a probability of about 2 %.
            names: head(config.names.len(), "names", -4.0)?,
            colors: head(config.colors.len(), "colors", 0.0)?,
            // Objects are about three cells wide.
            extents: head(4, "extents", 1.5)?,
        })
    }

    /// `pixels` are `[batch, 3, side, side]`.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn forward(&self, pixels: &Tensor) -> Result<DensePrediction> {
        let pixels = pixels.permute((0, 2, 3, 1))?.contiguous()?;
        let x = self
            .blocks
            .iter()
            .try_fold(pixels, |x, block| block.forward(&x))?;
        let cells = x.flatten(1, 2)?;
        Ok(DensePrediction {
            names: self.names.forward(&cells)?,
            colors: self.colors.forward(&cells)?,
            extents: self.extents.forward(&cells)?,
        })
    }
}
