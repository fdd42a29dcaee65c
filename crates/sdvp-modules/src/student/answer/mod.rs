//! What answers questions: a network that chooses among answers, or one that writes them.

mod blip;
mod vilt;

pub use blip::BlipAnswerer;
pub use vilt::AnswerStudent;

use super::learning::{LearningModel, one_of_them};
use super::manifest::TrainMethod;
use super::{BlipAnswerModel, ViltModel};
use crate::error::Result;
use crate::source::ModelSource;
use candle_core::{Device, Tensor};
use sdvp_core::{Digest, Module};
use sdvp_models::params::Params;
use std::collections::HashMap;
use std::sync::Arc;

/// A model that answers.
#[derive(Clone)]
pub enum AnswerModel {
    /// It chooses among the answers that its configuration lists.
    Vilt(Arc<ViltModel>),
    /// It writes them, word by word.
    Blip(Arc<BlipAnswerModel>),
}

impl AnswerModel {
    /// The model behind the [`Module`] trait, frozen. It must not be trained while that lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn module(&self) -> Result<Arc<dyn Module>> {
        Ok(match self {
            AnswerModel::Vilt(model) => Arc::new(AnswerStudent::new(model)?),
            AnswerModel::Blip(model) => Arc::new(BlipAnswerer::new(model)?),
        })
    }

    /// The one that chooses, if it is.
    pub fn vilt(&self) -> Option<&Arc<ViltModel>> {
        match self {
            AnswerModel::Vilt(model) => Some(model),
            AnswerModel::Blip(_) => None,
        }
    }
}

impl LearningModel for AnswerModel {
    fn load(source: &ModelSource) -> Result<Self> {
        Ok(match source.model_type()?.as_deref() {
            Some("blip") => AnswerModel::Blip(LearningModel::load(source)?),
            None | Some("vilt") => AnswerModel::Vilt(LearningModel::load(source)?),
            Some(other) => return Err(source.cannot_learn("a vilt or a blip", other)),
        })
    }

    one_of_them!(Vilt, Blip);
}
