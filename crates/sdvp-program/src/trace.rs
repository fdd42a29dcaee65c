//! What happened in a run, step by step.

use crate::Value;
use sdvp_core::{Outcome, SubTask};

/// One executed step of a program.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// Line of the program, from 1.
    pub line: usize,
    /// The line's text.
    pub source: String,
    /// The variable it set.
    pub variable: String,
    /// The visual sub-task it asked for, if any.
    pub sub_task: Option<SubTask>,
    /// The module's raw outcome, if it asked for one.
    pub outcome: Option<Outcome>,
    /// The expression with its values filled in, for steps that evaluate one.
    pub expression: Option<String>,
    /// The value of the variable.
    pub value: Value,
}

/// All executed steps, in order.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The steps.
    pub steps: Vec<TraceStep>,
}

impl Trace {
    /// The sub-tasks that were asked for, in order.
    pub fn sub_tasks(&self) -> impl Iterator<Item = &SubTask> {
        self.steps.iter().filter_map(|step| step.sub_task.as_ref())
    }
}
