//! AdamW (Loshchilov & Hutter 2017, arXiv 1711.05101) with clipping by the global norm.

use super::{ParameterGroup, Schedule};
use crate::error::{ModelError, Result};
use crate::kernels::{self, Blend, Update};
use crate::params::Params;
use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, Var};

/// Settings.
#[derive(Clone, Debug)]
pub struct AdamWConfig {
    /// Full learning rate.
    pub learning_rate: f64,
    /// Decay of the two moments.
    pub betas: (f64, f64),
    /// ε.
    pub eps: f64,
    /// Weight decay of matrices; biases and norms have none.
    pub weight_decay: f64,
    /// Decay of every parameter's way from where it started (L2-SP; Li et al. 2018, arXiv
    /// 1802.01483), decoupled as the weight decay is. AdamW moves a parameter by its rate even where
    /// gradients are only noise; what was learned before is lost by such steps. 0 for none.
    pub anchor: f64,
    /// Greatest global norm of the gradient.
    pub clip: f64,
    /// Parameters trained otherwise; the first group that holds a parameter counts.
    pub groups: Vec<ParameterGroup>,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            betas: (0.9, 0.98),
            eps: 1e-8,
            weight_decay: 0.02,
            anchor: 0.0,
            clip: 1.0,
            groups: Vec::new(),
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// The loss, where the step was given it.
    pub loss: Option<f32>,
    /// Global norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Learning rate used.
    pub learning_rate: f64,
}

pub(super) struct Slot {
    pub(super) name: String,
    pub(super) var: Var,
    pub(super) first: Tensor,
    pub(super) second: Tensor,
    /// Where it started, if it is drawn back to that.
    start: Option<Tensor>,
    /// Weight decay.
    decay: f64,
    /// Learning rate, as a part of the common one.
    rate: f64,
}

/// The optimizer.
pub struct AdamW {
    pub(super) slots: Vec<Slot>,
    config: AdamWConfig,
    schedule: Schedule,
    pub(super) step: usize,
}

impl AdamW {
    /// Over the trainable parameters.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(params: &Params, config: AdamWConfig, schedule: Schedule) -> Result<Self> {
        let slots = params
            .trainable()
            .into_iter()
            .map(|(name, var)| {
                // Two tensors, as they are changed in place.
                let zeros = || var.as_tensor().zeros_like().map(|t| t.detach());
                let (first, second) = (zeros()?, zeros()?);
                let start = (config.anchor > 0.0).then(|| var.as_tensor().copy());
                let start = start.transpose()?.map(|start| start.detach());
                let group = config.groups.iter().find(|group| group.holds(&name));
                let decays = group
                    .and_then(|group| group.decay)
                    .unwrap_or(var.rank() >= 2);
                let decay = if decays { config.weight_decay } else { 0.0 };
                let rate = group.map_or(1.0, |group| group.rate);
                Ok(Slot {
                    name,
                    first,
                    second,
                    start,
                    decay,
                    rate,
                    var,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            slots,
            config,
            schedule,
            step: 0,
        })
    }

    /// Backward pass and update.
    ///
    /// # Errors
    /// If a gradient is not finite.
    pub fn step(&mut self, loss: &Tensor) -> Result<StepReport> {
        let gradients = loss.backward()?;
        let report = self.backward_step(&gradients)?;
        let loss = loss.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        Ok(StepReport {
            loss: loss.first().copied(),
            ..report
        })
    }

    /// Update from gradients.
    ///
    /// # Errors
    /// If a gradient is not finite.
    pub fn backward_step(&mut self, gradients: &GradStore) -> Result<StepReport> {
        let mut total = 0f64;
        for slot in &self.slots {
            if let Some(gradient) = gradients.get(&slot.var) {
                let squares = sum_of_squares(gradient)?;
                if !squares.is_finite() {
                    return Err(ModelError::NotFinite {
                        name: slot.name.clone(),
                        step: self.step,
                    });
                }
                total += squares;
            }
        }
        let norm = total.sqrt();
        let shrink = if norm > self.config.clip {
            self.config.clip / norm
        } else {
            1.0
        };
        let rate = self.config.learning_rate * self.schedule.ratio(self.step);
        self.step += 1;
        let (b1, b2) = self.config.betas;
        let (c1, c2) = (
            1.0 - b1.powi(self.step as i32),
            1.0 - b2.powi(self.step as i32),
        );
        for slot in &mut self.slots {
            let Some(gradient) = gradients.get(&slot.var) else {
                continue;
            };
            let gradient = gradient.detach().contiguous()?;
            let rate = rate * slot.rate;
            let keep = 1.0 - rate * slot.decay;
            if let Some(start) = &slot.start {
                let away = (1.0 - rate * self.config.anchor).clamp(0.0, 1.0);
                draw_back(&slot.var, start, away)?;
            }
            if kernels::fits(&slot.var) {
                let blend = |decay: f64, square| Blend {
                    decay: decay as f32,
                    scale: shrink as f32,
                    square,
                };
                slot.first.inplace_op2(&gradient, &blend(b1, false))?;
                slot.second.inplace_op2(&gradient, &blend(b2, true))?;
                let update = Update {
                    keep: keep as f32,
                    rate: (rate / c1) as f32,
                    correction: (1.0 / c2) as f32,
                    eps: self.config.eps as f32,
                };
                slot.var
                    .as_tensor()
                    .inplace_op3(&slot.first, &slot.second, &update)?;
                continue;
            }
            let gradient = (gradient * shrink)?;
            slot.first = ((&slot.first * b1)? + (&gradient * (1.0 - b1))?)?;
            slot.second = ((&slot.second * b2)? + (gradient.sqr()? * (1.0 - b2))?)?;
            let update = ((&slot.first / c1)? / ((&slot.second / c2)?.sqrt()? + self.config.eps)?)?;
            slot.var
                .set(&((slot.var.as_tensor() * keep)? - (update * rate)?)?)?;
        }
        Ok(StepReport {
            loss: None,
            grad_norm: norm,
            learning_rate: rate,
        })
    }
}

/// Leaves a part of a parameter's way from its start.
fn draw_back(var: &Var, start: &Tensor, away: f64) -> Result<()> {
    if kernels::fits(var) {
        let blend = Blend {
            decay: away as f32,
            scale: 1.0,
            square: false,
        };
        return Ok(var.as_tensor().inplace_op2(start, &blend)?);
    }
    Ok(var.set(&((var.as_tensor() * away)? + (start * (1.0 - away))?)?)?)
}

fn sum_of_squares(gradient: &Tensor) -> Result<f64> {
    let gradient = gradient.contiguous()?;
    match kernels::sum_of_squares(&gradient) {
        Some(sum) => Ok(sum),
        None => Ok(f64::from(
            gradient
                .to_dtype(DType::F32)?
                .sqr()?
                .sum_all()?
                .to_scalar::<f32>()?,
        )),
    }
}

#[cfg(test)]
#[path = "adamw_tests.rs"]
mod tests;
