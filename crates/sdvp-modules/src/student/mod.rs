//! Students: large general modules that programs call and that learn.

mod answer;
mod apart;
mod bases;
mod demand;
mod domain;
mod early;
mod folder;
mod locate;
mod matching;
mod memory;
mod model;
mod state_file;

pub use answer::AnswerStudent;
pub use bases::Bases;
pub use demand::{PassSizes, TrainingDemand};
pub use domain::{Appearance, Domain, DomainError, ToldApart};
pub use early::EarlySettings;
pub use folder::{BaseReference, ModuleAdapter, Student, StudentManifest, TrainMethod};
pub use locate::LocateStudent;
pub use matching::MatchStudent;
pub(crate) use memory::Memory;
pub use model::{AnswerModel, LocateModel, MatchModel, StudentModel, StudentNetwork};
pub(crate) use model::{CONFIG, MODEL_FILES, PROCESSOR, TOKENIZER, save_files, settings_text};
