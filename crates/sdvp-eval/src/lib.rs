//! Metrics, intervals and reports.
//!
//! [`evaluate()`] runs an [`Exam`] and scores it; [`Measured`] says how sure the mean is;
//! [`report`] holds what a whole distillation showed, as JSON, as text and as a page.

mod average_precision;
mod bootstrap;
mod calibration;
mod calls;
mod evaluate;
mod mcnemar;
mod measured;
pub mod official;
pub mod report;
mod score;
mod seeds;
mod speed;

pub use average_precision::{FoundBoxes, Precision, average_precision};
pub use bootstrap::{Interval, mean, mean_by_question, mean_interval, paired_interval};
pub use calibration::calibration_error;
pub use calls::{CallQuality, CallRow, KnownCalls};
pub use evaluate::{
    Evaluation, Exam, ExamItem, Sat, evaluate, evaluate_each, evaluate_each_on, evaluate_while,
};
pub use mcnemar::McNemar;
pub use measured::Measured;
pub use score::{normalized, score};
pub use seeds::AcrossSeeds;
pub use speed::Speed;
