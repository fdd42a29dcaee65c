//! The numbers of a memory on disk: lists that lie end to end.

use super::folder::broken;
use crate::error::Result;
use candle_core::{DType, Device};
use sdvp_models::{ModelError, weights};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Numbers that lie end to end.
pub(super) struct Numbers {
    pub(super) path: PathBuf,
    tensors: HashMap<String, Vec<f32>>,
}

impl Numbers {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let tensors = weights::read_safetensors(path, &Device::Cpu)?;
        let tensors = tensors.into_iter().map(|(name, tensor)| {
            let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
            Ok((name, values))
        });
        Ok(Self {
            path: path.to_owned(),
            tensors: tensors
                .collect::<candle_core::Result<_>>()
                .map_err(ModelError::from)?,
        })
    }

    /// The numbers of one kind, which are to be dealt to `count` owners alike.
    pub(super) fn of(&self, place: usize, name: &str, count: usize) -> Result<Dealt<'_>> {
        let name = format!("{place}.{name}");
        let values = self
            .tensors
            .get(&name)
            .ok_or_else(|| broken(&self.path, format!("there is no tensor {name:?}")))?;
        let each = values.len() / count.max(1);
        if each * count != values.len() {
            let found = values.len();
            let reason =
                format!("expected as many numbers in {name:?} for each of {count}, found {found}");
            return Err(broken(&self.path, reason));
        }
        Ok(Dealt { left: values, each })
    }
}

#[derive(Default)]
pub(super) struct Dealt<'a> {
    left: &'a [f32],
    each: usize,
}

impl Dealt<'_> {
    pub(super) fn each(&self) -> usize {
        self.each
    }

    /// What belongs to the next `owners`.
    pub(super) fn take(&mut self, owners: usize) -> Vec<f32> {
        let (taken, left) = self
            .left
            .split_at((owners * self.each).min(self.left.len()));
        self.left = left;
        taken.to_vec()
    }
}
