//! A parsed program.

use super::expression::EvalExpression;
use super::quoted::write_quoted;
use super::steps::Side;
use std::fmt;

/// What a line does, with the names of the variables it reads.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    Locate {
        image: String,
        object: String,
    },
    Count {
        boxes: String,
    },
    /// To one side of the first box, or (without a side) around it.
    Crop {
        side: Option<Side>,
        image: String,
        boxes: String,
    },
    Ask {
        image: String,
        question: String,
    },
    Evaluate(Box<EvalExpression>),
    Result {
        variable: String,
    },
}

/// One executable line.
#[derive(Debug)]
pub(super) struct Line {
    /// Line of the source, from 1.
    pub(super) number: usize,
    /// The statement as written.
    pub(super) source: String,
    /// The step's name.
    pub(super) step: &'static str,
    /// What it sets.
    pub(super) variable: String,
    pub(super) action: Action,
}

impl PartialEq for Line {
    /// Equal meaning, wherever and however it was written.
    fn eq(&self, other: &Self) -> bool {
        (self.step, &self.variable, &self.action) == (other.step, &other.variable, &other.action)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}(", self.variable, self.step)?;
        match &self.action {
            Action::Locate { image, object } => {
                write!(f, "image={image},object=")?;
                write_quoted(f, object)?;
            }
            Action::Count { boxes } => write!(f, "box={boxes}")?,
            Action::Crop { image, boxes, .. } => write!(f, "image={image},box={boxes}")?,
            Action::Ask { image, question } => {
                write!(f, "image={image},question=")?;
                write_quoted(f, question)?;
            }
            Action::Evaluate(expression) => {
                f.write_str("expr=")?;
                write_quoted(f, &expression.text)?;
            }
            Action::Result { variable } => write!(f, "var={variable}")?,
        }
        f.write_str(")")
    }
}
