//! Students: large general modules that programs call and that learn.

mod answer;
mod folder;
mod locate;
mod memory;
mod model;

pub use answer::AnswerStudent;
pub use folder::{BaseReference, ModuleAdapter, Student, StudentManifest, TrainMethod};
pub use locate::LocateStudent;
pub use model::{AnswerModel, LocateModel, StudentModel, StudentNetwork};
pub(crate) use model::{read_tensors, save_files, settings_text};
