//! The steps of the dialect.

use std::fmt;

/// Which side of a box a crop keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CropSide {
    /// What lies left of the box's centre.
    LeftOf,
    /// What lies right of it.
    RightOf,
    /// What lies above it.
    Above,
    /// What lies below it.
    Below,
}

/// One step with its arguments; names of variables as the program has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepCall {
    /// Find objects.
    Loc {
        /// Variable of the image.
        image: String,
        /// Name of the object, or TOP, BOTTOM, LEFT, RIGHT.
        object: String,
    },
    /// How many boxes?
    Count {
        /// Variable of the boxes.
        boxes: String,
    },
    /// Cut out the first box, enlarged; `CROP` and its synonyms.
    Crop {
        /// The step's name, for printing.
        name: &'static str,
        /// Variable of the image.
        image: String,
        /// Variable of the boxes.
        boxes: String,
    },
    /// Cut out one side of the first box.
    CropSide {
        /// Which.
        side: CropSide,
        /// Variable of the image.
        image: String,
        /// Variable of the boxes.
        boxes: String,
    },
    /// Ask a question.
    Vqa {
        /// Variable of the image.
        image: String,
        /// The question.
        question: String,
    },
    /// Evaluate an expression with `{VARIABLE}`s filled in.
    Eval {
        /// The expression.
        expression: String,
    },
    /// End with a variable's value.
    Result {
        /// The variable.
        variable: String,
    },
}

/// Synonyms of `CROP`: the reference cannot see depth, and crops the box itself.
pub(crate) const CROPS: [&str; 6] =
    ["CROP", "CROP_FRONTOF", "CROP_INFRONT", "CROP_INFRONTOF", "CROP_BEHIND", "CROP_AHEAD"];

/// Steps of other dialects, which do not exist yet.
pub(crate) const NOT_YET: [&str; 11] = [
    "FACEDET", "SEG", "SELECT", "COLORPOP", "BGBLUR", "REPLACE", "EMOJI", "LIST", "CLASSIFY", "TAG", "CAPTION",
];

/// Every step there is.
pub(crate) fn known_steps() -> Vec<&'static str> {
    let mut steps = vec!["LOC", "COUNT", "VQA", "EVAL", "RESULT"];
    steps.extend(CROPS);
    steps.extend(["CROP_LEFTOF", "CROP_RIGHTOF", "CROP_ABOVE", "CROP_BELOW"]);
    steps
}

impl CropSide {
    pub(crate) fn step_name(self) -> &'static str {
        match self {
            CropSide::LeftOf => "CROP_LEFTOF",
            CropSide::RightOf => "CROP_RIGHTOF",
            CropSide::Above => "CROP_ABOVE",
            CropSide::Below => "CROP_BELOW",
        }
    }
}

impl StepCall {
    /// The step's name.
    pub fn name(&self) -> &'static str {
        match self {
            StepCall::Loc { .. } => "LOC",
            StepCall::Count { .. } => "COUNT",
            StepCall::Crop { name, .. } => name,
            StepCall::CropSide { side, .. } => side.step_name(),
            StepCall::Vqa { .. } => "VQA",
            StepCall::Eval { .. } => "EVAL",
            StepCall::Result { .. } => "RESULT",
        }
    }
}

impl fmt::Display for StepCall {
    /// As the dialect writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            StepCall::Loc { image, object } => write!(f, "{name}(image={image},object='{object}')"),
            StepCall::Count { boxes } => write!(f, "{name}(box={boxes})"),
            StepCall::Crop { image, boxes, .. } | StepCall::CropSide { image, boxes, .. } => {
                write!(f, "{name}(image={image},box={boxes})")
            }
            StepCall::Vqa { image, question } => write!(f, "{name}(image={image},question='{question}')"),
            StepCall::Eval { expression } => write!(f, "{name}(expr=\"{expression}\")"),
            StepCall::Result { variable } => write!(f, "{name}(var={variable})"),
        }
    }
}
