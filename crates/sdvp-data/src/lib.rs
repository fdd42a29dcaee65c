//! Benchmarks that programs are run on: the built-in [`picto`] world with its [`Task`]s, and
//! readers and writers of the published formats.

pub mod dataset;
mod error;
mod gold;
pub mod gqa;
pub mod nlvr2;
pub mod picto;
mod programs;
mod records;
mod staging;
mod task;

pub use dataset::Record;
pub use error::DatasetError;
pub use gold::{Gold, RIGHT_IOU};
pub use picto::{Question, QuestionKind, questions};
pub use programs::{read_programs, write_programs};
pub use task::{GQA_CATEGORIES, Metric, NLVR2_CATEGORIES, Task, UnknownTask};
