//! Benchmarks that programs are run on: the built-in [`picto`] world with its [`Task`]s, and
//! readers and writers of the published formats.
//!
//! A [`Benchmark`] is what a folder or file holds, read record by record; [`check()`] says what is
//! missing and inconsistent in it; a [`Manifest`] names some of its questions, for others to run the
//! same.

pub mod benchmark;
mod check;
pub mod dataset;
mod error;
mod gold;
pub mod gqa;
pub mod limits;
pub mod nlvr;
pub mod nlvr2;
pub mod picto;
mod picture_digest;
mod programs;
mod records;
#[cfg(test)]
mod shared_data;
mod staging;
mod stream;
mod subset;
pub mod table;
mod task;
mod viper_code;
mod visprog_lines;

pub use benchmark::Benchmark;
pub use check::{CheckReport, PartReport, Remark, check};
pub use dataset::Record;
pub use error::DatasetError;
pub use gold::{Gold, RIGHT_IOU};
pub use picto::{Question, QuestionKind, questions, questions_in};
pub use picture_digest::PictureDigest;
pub use programs::{ProgramLine, Programs, read_programs, write_programs};
pub use subset::{Manifest, Rule, choose};
pub use task::{GQA_CATEGORIES, Metric, NLVR2_CATEGORIES, Task, UnknownTask};
