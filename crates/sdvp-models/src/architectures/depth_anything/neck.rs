//! Brings feature maps to their resolutions, and puts them together.

use super::config::{DepthAnythingConfig, Stage};
use crate::error::{ModelError, Result};
use crate::layers::{Conv2d, ConvTranspose2d, Interpolation, interpolate};
use crate::params::Builder;
use candle_core::Tensor;

/// From the backbone's grid to a stage's own.
enum Resize {
    Larger(ConvTranspose2d),
    Same,
    Smaller(Conv2d),
}

/// A stage's map out of the backbone's.
struct Reassemble {
    projection: Conv2d,
    resize: Resize,
    /// To the channels that all stages have in common.
    common: Conv2d,
}

impl Reassemble {
    fn new(
        stage: &Stage,
        (hidden, fusion): (usize, usize),
        layer: &Builder,
        common: &Builder,
    ) -> Result<Self> {
        let (channels, factor, b) = (stage.channels, stage.factor, layer.pp("resize"));
        Ok(Self {
            projection: Conv2d::new(hidden, channels, 1, 1, 0, true, &layer.pp("projection"))?,
            resize: if factor > 1.0 {
                Resize::Larger(ConvTranspose2d::new(
                    channels,
                    channels,
                    factor as usize,
                    &b,
                )?)
            } else if factor < 1.0 {
                let stride = (1.0 / factor) as usize;
                Resize::Smaller(Conv2d::new(channels, channels, 3, stride, 1, true, &b)?)
            } else {
                Resize::Same
            },
            common: Conv2d::new(channels, fusion, 3, 1, 1, false, common)?,
        })
    }

    fn forward(&self, map: &Tensor) -> Result<Tensor> {
        let x = self.projection.forward(map)?;
        let x = match &self.resize {
            Resize::Larger(layer) => layer.forward(&x)?,
            Resize::Same => x,
            Resize::Smaller(layer) => layer.forward(&x)?,
        };
        self.common.forward_in_bands(&x)
    }
}

/// `x + conv(relu(conv(relu(x))))`.
struct Residual {
    first: Conv2d,
    second: Conv2d,
}

impl Residual {
    fn new(channels: usize, b: &Builder) -> Result<Self> {
        let conv = |name: &str| Conv2d::new(channels, channels, 3, 1, 1, true, &b.pp(name));
        Ok(Self {
            first: conv("convolution1")?,
            second: conv("convolution2")?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let inner = self.first.forward_in_bands(&x.relu()?)?;
        Ok((x + self.second.forward_in_bands(&inner.relu()?)?)?)
    }
}

/// Adds a stage to what was put together of coarser ones, and enlarges it.
struct Fusion {
    /// Of the stage; the coarsest is added to nothing.
    added: Option<Residual>,
    whole: Residual,
    projection: Conv2d,
}

impl Fusion {
    fn new(channels: usize, is_coarsest: bool, b: &Builder) -> Result<Self> {
        let added = b.pp("residual_layer1");
        Ok(Self {
            added: if is_coarsest {
                // Published all the same.
                for layer in ["convolution1", "convolution2"].map(|name| added.pp(name)) {
                    layer.leave_out("weight");
                    layer.leave_out("bias");
                }
                None
            } else {
                Some(Residual::new(channels, &added)?)
            },
            whole: Residual::new(channels, &b.pp("residual_layer2"))?,
            projection: Conv2d::new(channels, channels, 1, 1, 0, true, &b.pp("projection"))?,
        })
    }

    fn forward(&self, fused: Option<&Tensor>, map: &Tensor, size: [usize; 2]) -> Result<Tensor> {
        let x = match (fused, &self.added) {
            (Some(fused), Some(added)) => (fused + added.forward(map)?)?,
            _ => map.clone(),
        };
        let x = interpolate(&self.whole.forward(&x)?, size, Interpolation::Linear)?;
        self.projection.forward(&x)
    }
}

/// Both, for every stage.
pub(super) struct Neck {
    /// From the finest to the coarsest.
    stages: Vec<Reassemble>,
    /// The other way round.
    fusions: Vec<Fusion>,
}

impl Neck {
    pub(super) fn new(config: &DepthAnythingConfig, b: &Builder) -> Result<Self> {
        let widths = (config.backbone.hidden_size, config.fusion_hidden_size);
        let stages = config.stages.iter().enumerate().map(|(at, stage)| {
            let layer = b.pp("reassemble_stage.layers").pp(at);
            Reassemble::new(stage, widths, &layer, &b.pp("convs").pp(at))
        });
        let fusion = |at: usize| {
            let b = b.pp("fusion_stage.layers").pp(at);
            Fusion::new(config.fusion_hidden_size, at == 0, &b)
        };
        Ok(Self {
            stages: stages.collect::<Result<_>>()?,
            fusions: (0..config.stages.len())
                .map(fusion)
                .collect::<Result<_>>()?,
        })
    }

    /// The backbone's maps → one of twice the finest stage's sides, `[batch, rows, columns, fusion]`.
    pub(super) fn forward(&self, maps: &[Tensor]) -> Result<Tensor> {
        let mut maps: Vec<Tensor> = maps
            .iter()
            .zip(&self.stages)
            .map(|(map, stage)| stage.forward(map))
            .collect::<Result<_>>()?;
        let mut fused = None;
        for fusion in &self.fusions {
            let Some(map) = maps.pop() else { break };
            // The next stage's sides, or twice the finest one's.
            let (_, rows, columns, _) = maps.last().unwrap_or(&map).dims4()?;
            let times = if maps.is_empty() { 2 } else { 1 };
            let size = [times * rows, times * columns];
            fused = Some(fusion.forward(fused.as_ref(), &map, size)?);
        }
        fused.ok_or_else(|| {
            ModelError::Config("expected at least one feature map, found none".to_owned())
        })
    }
}
