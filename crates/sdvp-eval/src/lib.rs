//! Metrics, intervals and reports.
//!
//! [`evaluate()`] runs an [`Exam`] and scores it; [`Measured`] says how sure the mean is;
//! [`report`] holds what a whole distillation showed, as JSON, as text and as a page.

mod bootstrap;
mod evaluate;
mod measured;
pub mod report;
mod score;
mod speed;

pub use bootstrap::{Interval, mean, mean_interval, paired_interval};
pub use evaluate::{Evaluation, Exam, ExamItem, evaluate};
pub use measured::Measured;
pub use score::{normalized, score};
pub use speed::Speed;
