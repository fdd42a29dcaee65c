//! Students: large general modules that programs call and that learn.

mod answer;
mod apart;
mod base;
mod blip;
mod demand;
mod domain;
mod early;
mod expert;
mod folder;
mod frozen;
mod learning;
mod locate;
mod manifest;
mod matching;
mod memory;
mod model;
mod modules;
mod network;
mod state_file;

pub use answer::{AnswerModel, AnswerStudent, BlipAnswerer, Qwen3VlAnswerer, WritingModel};
pub use base::Student;
pub use demand::{PassSizes, TrainingDemand};
pub use domain::{Appearance, Domain, DomainError, ToldApart, domain_of};
pub use early::EarlySettings;
pub use expert::StudentPart;
pub use frozen::FrozenModel;
pub use learning::LearningModel;
pub use locate::LocateStudent;
pub use manifest::{BaseReference, ExpertManifest, ModuleAdapter, StudentManifest, TrainMethod};
pub use matching::{BlipMatcher, MatchModel, MatchStudent};
pub(crate) use memory::Memory;
pub use model::{
    BlipAnswerModel, BlipMatchModel, ClipModel, LocateModel, Qwen3VlModel, StudentModel, ViltModel,
};
pub(crate) use model::{CONFIG, MODEL_FILES, PROCESSOR, TOKENIZER, save_files, settings_text};
pub use network::{SquareNetwork, StudentNetwork};
