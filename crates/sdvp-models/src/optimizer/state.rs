//! The optimizer's moments and step as tensors, for checkpoints.

use super::AdamW;
use crate::error::{ModelError, Result};
use candle_core::{Device, Tensor};
use std::collections::HashMap;

const STEP: &str = "optimizer.step";

fn names(parameter: &str) -> [String; 2] {
    [
        format!("optimizer.first.{parameter}"),
        format!("optimizer.second.{parameter}"),
    ]
}

impl AdamW {
    /// A copy of the state: `optimizer.step`, and `optimizer.first.NAME` and
    /// `optimizer.second.NAME` for each trainable parameter.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn state(&self) -> Result<HashMap<String, Tensor>> {
        let step = i64::try_from(self.step).unwrap_or(i64::MAX);
        let mut state = HashMap::from([(STEP.to_owned(), Tensor::new(&[step], &Device::Cpu)?)]);
        for slot in &self.slots {
            let [first, second] = names(&slot.name);
            state.insert(first, slot.first.copy()?);
            state.insert(second, slot.second.copy()?);
        }
        Ok(state)
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// Lists everything that is missing or has the wrong shape; nothing is changed then.
    pub fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<()> {
        let mut problems = Vec::new();
        let mut moments = Vec::new();
        for slot in &self.slots {
            for name in names(&slot.name) {
                match state.get(&name) {
                    Some(value) if value.shape() == slot.var.shape() => {
                        let value = value
                            .to_dtype(slot.var.dtype())?
                            .to_device(slot.var.device())?;
                        moments.push(value.copy()?.detach());
                    }
                    Some(value) => problems.push(format!(
                        "{name}: expected shape {:?}, found {:?}",
                        slot.var.dims(),
                        value.dims()
                    )),
                    None => problems.push(format!(
                        "{name}: missing, expected shape {:?}",
                        slot.var.dims()
                    )),
                }
            }
        }
        let step = match state
            .get(STEP)
            .map(|step| step.flatten_all()?.to_vec1::<i64>())
        {
            Some(Ok(step)) if step.len() == 1 => usize::try_from(step[0]).ok(),
            _ => None,
        };
        if step.is_none() {
            problems.push(format!("{STEP}: expected one whole number"));
        }
        if !problems.is_empty() {
            return Err(ModelError::Parameters(problems));
        }
        let mut moments = moments.into_iter();
        for slot in &mut self.slots {
            if let (Some(first), Some(second)) = (moments.next(), moments.next()) {
                (slot.first, slot.second) = (first, second);
            }
        }
        self.step = step.unwrap_or(self.step);
        Ok(())
    }
}
