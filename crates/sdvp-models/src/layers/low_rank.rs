//! The low-rank branch beside a linear layer.

use super::linear;
use crate::dropout::Dropout;
use crate::error::Result;
use crate::lora::{DOWN, UP};
use crate::params::{Builder, Init, Parameter};
use candle_core::Tensor;

/// `(alpha / rank) · B A x`, as [`LoraConfig`](crate::LoraConfig) says.
pub(super) struct LowRank {
    down: Parameter,
    up: Parameter,
    scale: f64,
    dropout: Option<Dropout>,
}

impl LowRank {
    /// For the layer at the builder's path; none if it is not adapted.
    pub(super) fn new(input: usize, output: usize, b: &Builder) -> Result<Option<Self>> {
        let Some(config) = b.lora_here() else {
            return Ok(None);
        };
        let bound = 1.0 / (input as f32).sqrt();
        Ok(Some(Self {
            down: b.parameter_or_fresh((config.rank, input), DOWN, Init::Uniform(bound))?,
            up: b.parameter_or_fresh((output, config.rank), UP, Init::Zeros)?,
            scale: config.scale()?,
            dropout: Dropout::new(config.dropout, b.seed(), b.path())?,
        }))
    }

    /// What a layer makes of `x`, with what this makes of it.
    pub(super) fn added_to(&self, y: &Tensor, x: &Tensor) -> Result<Tensor> {
        let (down, up) = (self.down.value(), self.up.value());
        let seen = match &self.dropout {
            Some(dropout) if self.down.learns() => dropout.apply(x, &down)?,
            _ => x.clone(),
        };
        let branch = linear(&linear(&seen, &down, None)?, &up, None)?;
        Ok((y + (branch * self.scale)?)?)
    }
}
