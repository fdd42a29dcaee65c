//! Settings of the dialect.

use crate::python::PythonLimits;

/// How VisProg programs are read and run.
#[derive(Clone, Debug, PartialEq)]
pub struct VisProgSettings {
    /// `LOC` believes boxes whose score is above this.
    pub locate_threshold: f32,
    /// `LOC` drops boxes that overlap a better one by more than this IoU.
    pub nms_iou: f32,
    /// `CROP` enlarges a box by this factor about its centre.
    pub crop_factor: f32,
    /// Reference behaviour of empty `CROP_ABOVE` and `CROP_BELOW`.
    pub reference_side_crops: bool,
    /// Longest program, lines.
    pub max_lines: usize,
    /// Longest line, characters.
    pub max_line_length: usize,
    /// Limits of `EVAL`.
    pub python: PythonLimits,
    /// The images there are at the start.
    pub inputs: Vec<String>,
}

impl Default for VisProgSettings {
    fn default() -> Self {
        Self {
            locate_threshold: 0.1,
            nms_iou: 0.5,
            crop_factor: 1.5,
            reference_side_crops: false,
            max_lines: 2_000,
            max_line_length: 10_000,
            python: PythonLimits::default(),
            inputs: ["IMAGE", "LEFT", "RIGHT", "MIDDLE"].map(str::to_owned).to_vec(),
        }
    }
}
