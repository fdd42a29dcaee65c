//! Students: large general modules that programs call and that learn.

mod answer;
mod folder;
mod locate;

pub use answer::{AnswerModel, AnswerStudent};
pub use folder::{BaseReference, ModuleAdapter, Student, StudentManifest, TrainMethod};
pub use locate::{LocateModel, LocateStudent};
pub(crate) use locate::{read_tensors, save_files, settings_text};

/// What belongs into a model's folder.
pub(crate) const MODEL_FILES: &str =
    "config.json, preprocessor_config.json, tokenizer.json and model.safetensors";
