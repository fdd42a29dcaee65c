//! What answers questions: a network that chooses among answers, or one that writes them.

mod blip;
mod qwen3_vl;
mod vilt;

pub use blip::BlipAnswerer;
pub use qwen3_vl::Qwen3VlAnswerer;
pub use vilt::AnswerStudent;

use super::learning::{LearningModel, one_of_them};
use super::manifest::TrainMethod;
use super::{BlipAnswerModel, Qwen3VlModel, ViltModel};
use crate::error::Result;
use crate::source::ModelSource;
use candle_core::{Device, Tensor};
use sdvp_core::{Digest, Module, View};
use sdvp_models::ModelError;
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
    /// It writes them, too, and learns by low-rank additions.
    Qwen3Vl(Arc<Qwen3VlModel>),
}

/// A model that writes answers word by word: what of it is learned and rehearsed.
pub trait WritingModel {
    /// Whether it can be asked a question about a view at all.
    fn can_read(&self, view: &View, question: &str) -> bool;

    /// The ids of an answer's words, the end included; none if it cannot be written: if it is empty, has
    /// something in it that no word of the vocabulary stands for, or is longer than answers get.
    ///
    /// # Errors
    /// If the tokenizer refuses the answer.
    fn spell(&self, answer: &str) -> std::result::Result<Option<Vec<u32>>, ModelError>;

    /// Logits of all words at every place of answers to questions about views, `[places, words]`, answer
    /// by answer: of what may stand there if all before it is as said. Each answer comes with the place of
    /// its question; `views` and `questions` go together.
    ///
    /// # Errors
    /// If a view or question cannot be prepared, or an answer has no question.
    fn word_logits(
        &self,
        views: &[&View],
        questions: &[&str],
        answers: &[(usize, &[u32])],
    ) -> std::result::Result<Tensor, ModelError>;

    /// What it answers to questions about views, one each, greedily: ids of words, the end included, with
    /// the [logits](WritingModel::word_logits) of all words at their places.
    ///
    /// # Errors
    /// If a view or question cannot be prepared.
    fn written(
        &self,
        views: &[&View],
        questions: &[&str],
    ) -> std::result::Result<(Vec<Vec<u32>>, Tensor), ModelError>;
}

/// Answers, one to each question, as [`WritingModel::word_logits`] takes them.
fn each_its_own(answers: &[Vec<u32>]) -> Vec<(usize, &[u32])> {
    let words = answers.iter().map(Vec::as_slice);
    words.enumerate().collect()
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
            AnswerModel::Qwen3Vl(model) => Arc::new(Qwen3VlAnswerer::new(model)?),
        })
    }

    /// As [`AnswerModel::module`], remembering nothing from call to call.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn module_without_memory(&self) -> Result<Arc<dyn Module>> {
        Ok(match self {
            AnswerModel::Vilt(model) => Arc::new(AnswerStudent::new(model)?),
            AnswerModel::Blip(model) => Arc::new(BlipAnswerer::with_memory(model, 0)?),
            AnswerModel::Qwen3Vl(model) => Arc::new(Qwen3VlAnswerer::with_memory(model, 0)?),
        })
    }

    /// The one that chooses, if it is.
    pub fn vilt(&self) -> Option<&Arc<ViltModel>> {
        match self {
            AnswerModel::Vilt(model) => Some(model),
            AnswerModel::Blip(_) | AnswerModel::Qwen3Vl(_) => None,
        }
    }
}

impl LearningModel for AnswerModel {
    fn load(source: &ModelSource) -> Result<Self> {
        Ok(match source.model_type()?.as_deref() {
            Some("blip") => AnswerModel::Blip(LearningModel::load(source)?),
            Some("qwen3_vl") => AnswerModel::Qwen3Vl(LearningModel::load(source)?),
            None | Some("vilt") => AnswerModel::Vilt(LearningModel::load(source)?),
            Some(other) => return Err(source.cannot_learn("a vilt, a blip or a qwen3_vl", other)),
        })
    }

    one_of_them!(Vilt, Blip, Qwen3Vl);
}
