//! Students: large general modules that programs call and that learn.

mod answer;
mod folder;
mod locate;
mod matching;
mod memory;
mod model;

pub use answer::AnswerStudent;
pub use folder::{BaseReference, ModuleAdapter, Student, StudentManifest, TrainMethod};
pub use locate::LocateStudent;
pub use matching::MatchStudent;
pub(crate) use memory::Memory;
pub use model::{AnswerModel, LocateModel, MatchModel, StudentModel, StudentNetwork};
pub(crate) use model::{CONFIG, MODEL_FILES, PROCESSOR, save_files, settings_text};
