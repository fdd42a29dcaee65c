//! Outcomes: how a module answers a sub-task.

use crate::{BBox, SubTaskKind};
use serde::{Deserialize, Serialize};

/// One found object.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Where, in the coordinates of the sub-task's view.
    pub bbox: BBox,
    /// The module's confidence, in `[0, 1]`.
    pub score: f32,
}

/// An answer with what the module thought of the alternatives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerOutcome {
    /// The answer, lower-case.
    pub text: String,
    /// Its probability, in `[0, 1]`.
    pub confidence: f32,
    /// The likeliest answers with their probabilities, falling; the first is `text`.
    pub top: Vec<(String, f32)>,
}

impl AnswerOutcome {
    /// An answer that is held for certain.
    pub fn certain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            top: vec![(text.clone(), 1.0)],
            text,
            confidence: 1.0,
        }
    }
}

/// What a module answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// To [`SubTaskKind::Locate`]: candidates in falling order of score, before any threshold or
    /// suppression, which are the calling framework's choice.
    Boxes(Vec<Detection>),
    /// To [`SubTaskKind::Answer`].
    Answer(AnswerOutcome),
    /// To [`SubTaskKind::Match`]: in `[0, 1]`, the greater the better the text fits.
    Score(f32),
    /// To [`SubTaskKind::Depth`]: the median over the view, in the module's unit, the greater the
    /// farther.
    Depth(f32),
    /// To [`SubTaskKind::Prompt`].
    Text(String),
}

impl Outcome {
    /// The kind of sub-task this answers.
    pub fn kind(&self) -> SubTaskKind {
        match self {
            Outcome::Boxes(_) => SubTaskKind::Locate,
            Outcome::Answer(_) => SubTaskKind::Answer,
            Outcome::Score(_) => SubTaskKind::Match,
            Outcome::Depth(_) => SubTaskKind::Depth,
            Outcome::Text(_) => SubTaskKind::Prompt,
        }
    }

    /// The module's confidence: of the answer, of the best box (0 without boxes), that a text fits
    /// or does not. 1 where modules do not say.
    pub fn confidence(&self) -> f32 {
        match self {
            Outcome::Boxes(found) => found.first().map_or(0.0, |best| best.score),
            Outcome::Answer(answer) => answer.confidence,
            Outcome::Score(score) => score.max(1.0 - score),
            Outcome::Depth(_) | Outcome::Text(_) => 1.0,
        }
    }
}
