//! What a training changes: parameters and the optimizers' moments.

use super::{HEADS_FASTER, further_schedule};
use crate::settings::StepSettings;
use candle_core::Tensor;
use candle_core::backprop::GradStore;
use sdvp_models::ModelError;
use sdvp_models::optimizer::{AdamW, AdamWConfig};
use sdvp_models::params::Params;
use std::collections::HashMap;

const MODEL: &str = "model.";
const HEADS: &str = "heads.";

/// A module's parameters with their optimizer, and those of fresh heads beside it with theirs.
pub(super) struct Learner<'a> {
    model: Group<'a>,
    heads: Option<Group<'a>>,
}

struct Group<'a> {
    params: &'a Params,
    optimizer: AdamW,
}

impl<'a> Learner<'a> {
    /// Before anything is learned: the parameters are drawn back to what they are now.
    pub(super) fn new(
        model: &'a Params,
        heads: Option<&'a Params>,
        settings: &StepSettings,
    ) -> Result<Self, ModelError> {
        let config = AdamWConfig {
            learning_rate: settings.learning_rate,
            anchor: settings.anchor,
            ..AdamWConfig::default()
        };
        let fresh = AdamWConfig {
            learning_rate: settings.learning_rate * HEADS_FASTER,
            anchor: 0.0,
            ..config.clone()
        };
        let schedule = further_schedule(settings.steps);
        let group = |params: &'a Params, config| -> Result<Group<'a>, ModelError> {
            Ok(Group {
                params,
                optimizer: AdamW::new(params, config, schedule)?,
            })
        };
        Ok(Self {
            heads: heads.map(|heads| group(heads, fresh)).transpose()?,
            model: group(model, config)?,
        })
    }

    /// One step.
    pub(super) fn step(&mut self, gradients: &GradStore) -> Result<(), ModelError> {
        self.model.optimizer.backward_step(gradients)?;
        if let Some(heads) = &mut self.heads {
            heads.optimizer.backward_step(gradients)?;
        }
        Ok(())
    }

    /// Every number that steps change, by name; learning on does not change it.
    pub(super) fn state(&self) -> Result<HashMap<String, Tensor>, ModelError> {
        let mut state = self.model.state(MODEL)?;
        if let Some(heads) = &self.heads {
            state.extend(heads.state(HEADS)?);
        }
        Ok(state)
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// Lists what is missing or has another shape.
    pub(super) fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), ModelError> {
        self.model.restore(MODEL, state)?;
        match &mut self.heads {
            Some(heads) => heads.restore(HEADS, state),
            None => Ok(()),
        }
    }
}

impl Group<'_> {
    fn state(&self, prefix: &str) -> Result<HashMap<String, Tensor>, ModelError> {
        let mut state = HashMap::new();
        for (name, tensor) in self.optimizer.state()? {
            state.insert(format!("{prefix}{name}"), tensor);
        }
        for (name, var) in self.params.trainable() {
            state.insert(format!("{prefix}{name}"), var.copy()?.detach());
        }
        Ok(state)
    }

    fn restore(&mut self, prefix: &str, state: &HashMap<String, Tensor>) -> Result<(), ModelError> {
        let own = state.iter();
        let own = own.filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)));
        let own: HashMap<String, Tensor> = own
            .map(|(name, tensor)| (name.to_owned(), tensor.clone()))
            .collect();
        let mut problems = Vec::new();
        let mut values = Vec::new();
        for (name, var) in self.params.trainable() {
            match own.get(&name) {
                Some(value) if value.shape() == var.shape() && value.dtype() == var.dtype() => {
                    values.push((var, value));
                }
                Some(value) => problems.push(format!(
                    "{name}: expected {:?} of shape {:?}, found {:?} of shape {:?}",
                    var.dtype(),
                    var.dims(),
                    value.dtype(),
                    value.dims()
                )),
                None => problems.push(format!("{name}: missing")),
            }
        }
        if !problems.is_empty() {
            return Err(ModelError::Parameters(problems));
        }
        self.optimizer.restore(&own)?;
        for (var, value) in values {
            var.set(&value.to_device(var.device())?)?;
        }
        Ok(())
    }
}
