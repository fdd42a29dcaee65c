//! AdamW (Loshchilov & Hutter 2017, arXiv 1711.05101) with clipping by the global norm.

use super::Schedule;
use crate::error::{ModelError, Result};
use crate::params::Params;
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

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
    /// Greatest global norm of the gradient.
    pub clip: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, betas: (0.9, 0.98), eps: 1e-8, weight_decay: 0.02, clip: 1.0 }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// Global norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Learning rate used.
    pub learning_rate: f64,
}

struct Slot {
    name: String,
    var: Var,
    first: Tensor,
    second: Tensor,
    decay: f64,
}

/// The optimizer.
pub struct AdamW {
    slots: Vec<Slot>,
    config: AdamWConfig,
    schedule: Schedule,
    step: usize,
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
                let zeros = var.as_tensor().zeros_like()?.detach();
                let decay = if var.rank() >= 2 { config.weight_decay } else { 0.0 };
                Ok(Slot { name, first: zeros.clone(), second: zeros, decay, var })
            })
            .collect::<Result<_>>()?;
        Ok(Self { slots, config, schedule, step: 0 })
    }

    /// Backward pass and update.
    ///
    /// # Errors
    /// If a gradient is not finite.
    pub fn step(&mut self, loss: &Tensor) -> Result<StepReport> {
        let gradients = loss.backward()?;
        self.backward_step(&gradients)
    }

    /// Update from gradients.
    ///
    /// # Errors
    /// If a gradient is not finite.
    pub fn backward_step(&mut self, gradients: &GradStore) -> Result<StepReport> {
        let mut total = 0f64;
        for slot in &self.slots {
            if let Some(gradient) = gradients.get(&slot.var) {
                let squares = f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
                if !squares.is_finite() {
                    return Err(ModelError::NotFinite { name: slot.name.clone(), step: self.step });
                }
                total += squares;
            }
        }
        let norm = total.sqrt();
        let shrink = if norm > self.config.clip { self.config.clip / norm } else { 1.0 };
        let rate = self.config.learning_rate * self.schedule.ratio(self.step);
        self.step += 1;
        let (b1, b2) = self.config.betas;
        let (c1, c2) = (1.0 - b1.powi(self.step as i32), 1.0 - b2.powi(self.step as i32));
        for slot in &mut self.slots {
            let Some(gradient) = gradients.get(&slot.var) else { continue };
            let gradient = (gradient * shrink)?.detach();
            slot.first = ((&slot.first * b1)? + (&gradient * (1.0 - b1))?)?;
            slot.second = ((&slot.second * b2)? + (gradient.sqr()? * (1.0 - b2))?)?;
            let update = ((&slot.first / c1)? / ((&slot.second / c2)?.sqrt()? + self.config.eps)?)?;
            let kept = (slot.var.as_tensor() * (1.0 - rate * slot.decay))?;
            slot.var.set(&(kept - (update * rate)?)?)?;
        }
        Ok(StepReport { grad_norm: norm, learning_rate: rate })
    }
}
