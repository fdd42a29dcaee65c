//! The settings of VisProg programs.

use crate::limits;
use crate::python::PythonLimits;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How VisProg programs are read and run. The defaults are the reference implementation's
/// figures, with the [limits] of the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VisProgSettings {
    /// `LOC` keeps boxes whose score is greater than this.
    pub locate_threshold: f32,
    /// `LOC` drops a box whose IoU with a better one is greater than this.
    pub nms_iou: f32,
    /// `CROP` enlarges the box about its centre by this factor.
    pub crop_factor: f32,
    /// Compatibility: with an empty list of boxes, `CROP_ABOVE` and `CROP_BELOW` give the left
    /// half of the image, as the reference does, instead of the upper and the lower half.
    pub reference_side_crops: bool,
    /// The images that programs may start from.
    pub inputs: Vec<String>,
    /// Greatest number of lines of a program.
    pub max_lines: usize,
    /// Greatest length of a line, characters.
    pub max_line_length: usize,
    /// Greatest number of sub-tasks that one run may ask for.
    pub max_sub_tasks: usize,
    /// Greatest time of one `EVAL`, milliseconds.
    pub max_expression_ms: u64,
    /// Greatest size of a value inside an `EVAL`, bytes.
    pub max_expression_memory: usize,
    /// Greatest length of an `EVAL` expression, characters.
    pub max_expression_length: usize,
    /// Greatest depth of nesting of an `EVAL` expression.
    pub max_expression_depth: usize,
}

impl Default for VisProgSettings {
    fn default() -> Self {
        Self {
            locate_threshold: 0.1,
            nms_iou: 0.5,
            crop_factor: 1.5,
            reference_side_crops: false,
            inputs: ["IMAGE", "LEFT", "MIDDLE", "RIGHT"]
                .map(String::from)
                .into(),
            max_lines: limits::PROGRAM_LINES.size(),
            max_line_length: limits::PROGRAM_LINE_LENGTH.size(),
            max_sub_tasks: limits::PROGRAM_SUB_TASKS.size(),
            max_expression_ms: limits::EXPRESSION_TIME.value(),
            max_expression_memory: limits::EXPRESSION_MEMORY.size(),
            max_expression_length: limits::EXPRESSION_LENGTH.size(),
            max_expression_depth: limits::EXPRESSION_DEPTH.size(),
        }
    }
}

impl VisProgSettings {
    pub(super) fn python_limits(&self) -> PythonLimits {
        PythonLimits {
            time: Duration::from_millis(self.max_expression_ms),
            memory: self.max_expression_memory,
            length: self.max_expression_length,
            depth: self.max_expression_depth,
        }
    }
}
