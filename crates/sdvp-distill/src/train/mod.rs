//! Teaching one module: labelled calls beside rehearsed ones, in every batch.

mod answer;
mod curve;
mod locate;

pub use answer::train_answer;
pub use curve::{CurvePoint, TrainingCurve};
pub use locate::train_locate;

pub(crate) use curve::Recorder;
pub(crate) use locate::locate_losses;

use crate::settings::StepSettings;
use sdvp_models::Result;
use sdvp_models::optimizer::{AdamW, AdamWConfig, Schedule};
use sdvp_models::params::Params;
use sdvp_modules::TrainMethod;

/// Freezes what the method does not train, and sets up the optimizer.
pub(crate) fn optimizer(params: &mut Params, settings: &StepSettings) -> Result<AdamW> {
    match settings.method {
        TrainMethod::Full => params.set_trainable(|_| true),
        TrainMethod::Lora(_) => params.set_trainable(|name| name.contains(".lora_")),
    }
    let config = AdamWConfig {
        learning_rate: settings.learning_rate,
        ..AdamWConfig::default()
    };
    AdamW::new(params, config, schedule(settings.steps))
}

/// A short warm-up, then a cosine to a twentieth.
pub(crate) fn schedule(steps: usize) -> Schedule {
    Schedule {
        warmup_steps: (steps / 20).max(1),
        total_steps: steps,
        min_ratio: 0.05,
    }
}
