//! What can be done with a model that learns, whichever network it is.

use super::manifest::TrainMethod;
use super::model::StudentModel;
use super::network::StudentNetwork;
use crate::error::Result;
use crate::source::ModelSource;
use candle_core::{Device, Tensor};
use sdvp_core::Digest;
use sdvp_models::LoraConfig;
use sdvp_models::params::Params;
use std::collections::HashMap;
use std::sync::Arc;

/// A model of one kind in a student. Where a kind may be one of several networks, it is one of them.
pub trait LearningModel: Clone {
    /// From a model's files.
    ///
    /// # Errors
    /// If a file is missing or does not fit.
    fn load(source: &ModelSource) -> Result<Self>;

    /// The same model with parameters that were learned, as `method` does, beside its own or in their
    /// place; `from` says in errors where they are from.
    ///
    /// # Errors
    /// If a parameter does not fit.
    fn extended(
        &self,
        base: &ModelSource,
        learned: HashMap<String, Tensor>,
        from: &str,
        method: &TrainMethod,
    ) -> Result<Self>;

    /// Its parameters.
    fn params(&self) -> &Params;

    /// Identity of weights, adapters and settings, wherever it computes.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    fn fingerprint(&self) -> Result<Digest>;

    /// The same model, to compute on a device.
    ///
    /// # Errors
    /// If it does not fit on it.
    fn on(&self, device: &Device) -> Result<Self>;
}

impl<N: StudentNetwork> LearningModel for Arc<StudentModel<N>> {
    fn load(source: &ModelSource) -> Result<Self> {
        Ok(Arc::new(StudentModel::load(source, None)?))
    }

    fn extended(
        &self,
        base: &ModelSource,
        learned: HashMap<String, Tensor>,
        from: &str,
        method: &TrainMethod,
    ) -> Result<Self> {
        let mut tensors = self.params.to_tensors();
        tensors.extend(learned);
        let model = StudentModel::from_tensors(base, tensors, from, lora_of(method))?;
        Ok(Arc::new(model))
    }

    fn params(&self) -> &Params {
        &self.params
    }

    fn fingerprint(&self) -> Result<Digest> {
        StudentModel::fingerprint(self)
    }

    fn on(&self, device: &Device) -> Result<Self> {
        Ok(Arc::new(StudentModel::on(self, device)?))
    }
}

fn lora_of(method: &TrainMethod) -> Option<(LoraConfig, u64)> {
    // The seed only matters for tensors that the file lacks, which is refused when loading.
    method.lora().map(|config| (config.clone(), 0))
}

/// Makes an enum of [`LearningModel`]s one itself: every question goes to the one it is.
macro_rules! one_of_them {
    ($($network:ident),+) => {
        fn extended(
            &self,
            base: &ModelSource,
            learned: HashMap<String, Tensor>,
            from: &str,
            method: &TrainMethod,
        ) -> Result<Self> {
            match self {
                $(Self::$network(model) => {
                    Ok(Self::$network(model.extended(base, learned, from, method)?))
                })+
            }
        }

        fn params(&self) -> &Params {
            match self {
                $(Self::$network(model) => &model.params,)+
            }
        }

        fn fingerprint(&self) -> Result<Digest> {
            match self {
                $(Self::$network(model) => LearningModel::fingerprint(model),)+
            }
        }

        fn on(&self, device: &Device) -> Result<Self> {
            match self {
                $(Self::$network(model) => Ok(Self::$network(LearningModel::on(model, device)?)),)+
            }
        }
    };
}

pub(super) use one_of_them;
