//! Stepwise distillation for visual programming (arXiv 2309.09809): the calls that programs make
//! are harvested, labelled by small teachers, and taught to the students step by step in the order
//! the programs execute, while calls of earlier and general tasks are rehearsed so that nothing is
//! forgotten.
//!
//! Teachers, losses and settings are a reimplementation from the paper's abstract and public
//! summaries.

mod error;
mod examples;
mod harvest;
mod label;
pub mod loss;
mod observer;
mod patch;
pub mod pretrain;
mod rehearsal;
mod settings;
mod stepwise;
mod train;

pub use error::DistillError;
pub use examples::{AnswerExample, LocateExample, RememberedAnswer, RememberedView};
pub use harvest::{Exercise, Harvest, harvest};
pub use label::{label_answers, label_views};
pub use observer::{Observer, Phase, Silent};
pub use rehearsal::{remember_answers, remember_views};
pub use settings::{DistillSettings, StepSettings};
pub use stepwise::{Distillation, DistilledStep, distill};
pub use train::{CurvePoint, TrainingCurve, train_answer, train_locate};
