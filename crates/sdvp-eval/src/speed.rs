//! How much faster an exam goes when its programs run together.

use crate::evaluate::{Evaluation, ExamItem, evaluate};
use sdvp_core::Module;
use sdvp_runtime::{RuntimeError, Settings};
use serde::Serialize;
use std::sync::Arc;

/// Questions a second of the same programs on the same pictures, run in two ways. Pictures are
/// made before, and counted in neither.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Questions asked.
    pub questions: usize,
    /// All programs together: sub-tasks batched and shared, features of pictures computed once.
    pub together: f64,
    /// One program and one call at a time.
    pub one_at_a_time: f64,
    /// Questions that were answered otherwise the one way than the other; should be none.
    pub different: usize,
}

impl Speed {
    /// Runs an exam both ways. Modules are made afresh for each, so that neither profits from
    /// what was remembered; those of `alone` should remember nothing from call to call.
    ///
    /// # Errors
    /// If modules cannot run together.
    pub fn measure(
        exam: &[ExamItem],
        together: Vec<Arc<dyn Module>>,
        alone: Vec<Arc<dyn Module>>,
    ) -> Result<Self, RuntimeError> {
        let exam: Vec<ExamItem> = exam.iter().map(prepared).collect();
        let sit = |modules, settings: &Settings| -> Result<Evaluation, RuntimeError> {
            evaluate(&exam, modules, settings, |_| false, |_| ())
        };
        let together = sit(together, &Settings::default())?;
        let alone = sit(alone, &Settings::one_at_a_time())?;
        let pairs = together.answers.iter().zip(&alone.answers);
        Ok(Self {
            questions: exam.len(),
            together: together.statistics.executions_per_second(),
            one_at_a_time: alone.statistics.executions_per_second(),
            different: pairs.filter(|(a, b)| a != b).count(),
        })
    }

    /// How many times faster together; 0 of nothing.
    pub fn ratio(&self) -> f64 {
        if self.one_at_a_time > 0.0 {
            self.together / self.one_at_a_time
        } else {
            0.0
        }
    }
}

/// The same question, its pictures made already.
fn prepared(item: &ExamItem) -> ExamItem {
    let inputs = (item.inputs)();
    ExamItem {
        inputs: Arc::new(move || inputs.clone()),
        ..item.clone()
    }
}
