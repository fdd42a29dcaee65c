//! The settings of ViperGPT programs.

use crate::limits;
use serde::{Deserialize, Serialize};

/// How ViperGPT programs are read and run. The defaults are the reference implementation's
/// figures, with the [limits] of the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ViperSettings {
    /// `find` keeps boxes whose score is greater than this.
    pub locate_threshold: f32,
    /// `find` drops a box whose IoU with a better one is greater than this.
    pub nms_iou: f32,
    /// `crop`, and so `find`, takes this many pixels more on every side, as far as there are.
    pub crop_margin: u32,
    /// `verify_property` is true of a score greater than this.
    pub verify_threshold: f32,
    /// What may be imported; everything else is not there.
    pub modules: Vec<String>,
    /// Greatest length of a program, characters.
    pub max_length: usize,
    /// Greatest depth of nesting of a program: brackets, and blocks in blocks.
    pub max_depth: usize,
    /// Greatest number of operations of one statement, such as `1 + 1 + …`.
    pub max_operations: usize,
    /// Greatest number of sub-tasks that one run may ask for.
    pub max_sub_tasks: usize,
    /// Greatest number of calls of the API that one run may make, also those that need no module.
    pub max_calls: usize,
    /// Greatest time that one run may compute, milliseconds. Waiting for modules does not count.
    pub max_ms: u64,
    /// Greatest size of one value, bytes.
    pub max_memory: usize,
    /// Greatest depth of calls.
    pub max_recursion: usize,
    /// Greatest length of what a run prints, bytes.
    pub max_output: usize,
}

impl Default for ViperSettings {
    fn default() -> Self {
        Self {
            locate_threshold: 0.1,
            nms_iou: 0.5,
            crop_margin: 10,
            verify_threshold: 0.5,
            modules: [
                "typing",
                "math",
                "re",
                "collections",
                "functools",
                "itertools",
            ]
            .map(String::from)
            .into(),
            max_length: limits::PYTHON_LENGTH.size(),
            max_depth: limits::PYTHON_DEPTH.size(),
            max_operations: limits::PYTHON_OPERATIONS.size(),
            max_sub_tasks: limits::PROGRAM_SUB_TASKS.size(),
            max_calls: limits::PYTHON_CALLS.size(),
            max_ms: limits::PYTHON_TIME.value(),
            max_memory: limits::PYTHON_MEMORY.size(),
            max_recursion: limits::PYTHON_RECURSION.size(),
            max_output: limits::PYTHON_OUTPUT.size(),
        }
    }
}
