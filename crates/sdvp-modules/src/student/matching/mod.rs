//! What says how well texts fit pictures: a network that reads both on their own and compares, or one that
//! reads texts beside pictures.

mod blip;
mod clip;

pub use blip::BlipMatcher;
pub use clip::MatchStudent;

use super::learning::{LearningModel, one_of_them};
use super::manifest::TrainMethod;
use super::{BlipMatchModel, ClipModel};
use crate::error::Result;
use crate::source::ModelSource;
use candle_core::{Device, Tensor};
use sdvp_core::{Digest, Module};
use sdvp_models::params::Params;
use std::collections::HashMap;
use std::sync::Arc;

/// A model that says how well texts fit.
#[derive(Clone)]
pub enum MatchModel {
    /// It compares what it read of pictures with what it read of texts.
    Clip(Arc<ClipModel>),
    /// It reads texts beside pictures.
    Blip(Arc<BlipMatchModel>),
}

impl MatchModel {
    /// The model behind the [`Module`] trait, frozen. It must not be trained while that lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn module(&self) -> Result<Arc<dyn Module>> {
        Ok(match self {
            MatchModel::Clip(model) => Arc::new(MatchStudent::new(model)?),
            MatchModel::Blip(model) => Arc::new(BlipMatcher::new(model)?),
        })
    }

    /// As [`MatchModel::module`], remembering nothing from call to call.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn module_without_memory(&self) -> Result<Arc<dyn Module>> {
        Ok(match self {
            MatchModel::Clip(model) => Arc::new(MatchStudent::with_memory(model, 0)?),
            MatchModel::Blip(model) => Arc::new(BlipMatcher::with_memory(model, 0)?),
        })
    }

    /// The one that compares, if it is.
    pub fn clip(&self) -> Option<&Arc<ClipModel>> {
        match self {
            MatchModel::Clip(model) => Some(model),
            MatchModel::Blip(_) => None,
        }
    }
}

impl LearningModel for MatchModel {
    fn load(source: &ModelSource) -> Result<Self> {
        Ok(match source.model_type()?.as_deref() {
            Some("blip") => MatchModel::Blip(LearningModel::load(source)?),
            None | Some("clip") => MatchModel::Clip(LearningModel::load(source)?),
            Some(other) => return Err(source.cannot_learn("a clip or a blip", other)),
        })
    }

    one_of_them!(Clip, Blip);
}
