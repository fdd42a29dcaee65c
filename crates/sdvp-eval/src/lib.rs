//! Metrics, intervals and reports.

mod bootstrap;
mod evaluate;

pub use bootstrap::{Interval, mean, mean_interval, paired_interval};
pub use evaluate::{Evaluation, Exam, ExamItem, evaluate};
