//! Stepwise distillation for visual programming (arXiv 2309.09809): the calls that programs make
//! are harvested, labelled by small teachers, and taught to the students step by step in the order
//! the programs execute, while calls of earlier and general tasks are rehearsed so that nothing is
//! forgotten.
//!
//! Teachers, losses and settings are a reimplementation from the paper's abstract and public
//! summaries.

mod alignment;
mod calls;
mod checkpoint;
mod control;
mod domain;
mod error;
mod examples;
mod gate;
mod harvest;
mod label;
pub mod loss;
mod memory;
mod observer;
mod patch;
pub mod pretrain;
mod rehearsal;
mod scoring;
mod settings;
mod stepwise;
mod train;

pub use calls::{AlsoAsked, CallWriter, WrittenCalls};
pub use checkpoint::{Checkpoints, KeptTraining};
pub use control::{FinalAnswerTeacher, RandomTeacher, TruthTeacher};
pub use error::DistillError;
pub use examples::{
    AnswerExample, LocateExample, MatchExample, RememberedAnswer, RememberedMatch, RememberedView,
    SaidBefore, WrittenBefore,
};
pub use gate::{Gate, HeldOut, KeptTask, Verdict};
pub use harvest::{Exercise, Harvest, Harvested, harvest, harvest_each};
pub use label::{Labelled, label_answers, label_matches, label_patches, label_views};
pub use memory::{Memory, MemoryBound, MemoryPolicy, TaskMemory};
pub use observer::{Observer, Phase, Silent};
pub use rehearsal::{remember_answers, remember_matches, remember_views};
pub use scoring::answered_rightly;
pub use settings::{ApartSettings, DistillSettings, StepSettings};
pub use stepwise::{Distillation, DistilledStep, Lesson, Rehearsal, distill};
pub use train::{
    AnswerObjective, CurvePoint, PatchNames, Training, TrainingCurve, WritingObjective,
    train_answer, train_locate, train_match, train_reading, train_writing,
};
