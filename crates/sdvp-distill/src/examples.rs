//! What students learn from.

use sdvp_core::{BBox, View};
use sdvp_models::ModelError;
use std::sync::Arc;

/// A view in which a teacher has found things.
#[derive(Clone, Debug)]
pub struct LocateExample {
    /// What is looked at.
    pub view: View,
    /// Objects: box in parts of the view's sides, and the texts it answers.
    pub objects: Vec<(BBox, Vec<String>)>,
    /// Texts of which the teacher knows where they are and where not.
    pub asked: Vec<String>,
    /// Boxes of which the teacher is not sure, with the text.
    pub unsure: Vec<(String, BBox)>,
}

/// A question with a teacher's answers.
#[derive(Clone, Debug)]
pub struct AnswerExample {
    /// What is looked at.
    pub view: View,
    /// The question.
    pub question: String,
    /// Probabilities of answers, by their places among those that the student can say, or is taught to
    /// write; they sum to 1.
    pub answers: Vec<(usize, f32)>,
    /// How much it counts beside others.
    pub weight: f32,
    /// What the teacher that knows where things are sees there.
    pub seen: Option<Arc<LocateExample>>,
}

/// A view with what a teacher says of texts.
#[derive(Clone, Debug)]
pub struct MatchExample {
    /// What is looked at.
    pub view: View,
    /// The texts.
    pub texts: Vec<String>,
    /// The probability of each that it fits.
    pub fits: Vec<f32>,
}

/// What a student said of a view before it began to learn.
#[derive(Clone, Debug)]
pub struct RememberedView {
    /// What was looked at.
    pub view: View,
    /// The texts it was asked.
    pub asked: Vec<String>,
    /// Its logits, `[predictions, asked]`.
    pub logits: Vec<f32>,
    /// Its boxes, `[predictions, 4]`, centre and size in parts of the view's sides.
    pub boxes: Vec<f32>,
}

/// What a student answered before it began to learn.
#[derive(Clone, Debug)]
pub struct RememberedAnswer {
    /// What was looked at.
    pub view: View,
    /// The question.
    pub question: String,
    /// What it said.
    pub said: SaidBefore,
}

/// An answer, and what else it might have been.
#[derive(Clone, Debug, PartialEq)]
pub enum SaidBefore {
    /// By a student that chooses among answers: its logits, one per answer.
    Chosen(Vec<f32>),
    /// By one that writes them.
    Written(WrittenBefore),
}

/// An answer word by word, with what might have stood at each word's place.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenBefore {
    /// The ids of its words, the end included.
    pub words: Vec<u32>,
    /// The ids of those that were likeliest at every word's place, `[words, likely]`.
    pub likely: Vec<u32>,
    /// Their log-probabilities, `[words, likely]`.
    pub log_probabilities: Vec<f32>,
}

/// What a student said of texts about a view before it began to learn.
#[derive(Clone, Debug)]
pub struct RememberedMatch {
    /// What was looked at.
    pub view: View,
    /// The texts.
    pub texts: Vec<String>,
    /// Its logits, one per text.
    pub logits: Vec<f32>,
}

impl RememberedMatch {
    /// The text that fitted best.
    pub fn best(&self) -> Option<&str> {
        let (at, _) = best(&self.logits)?;
        self.texts.get(at).map(String::as_str)
    }
}

impl RememberedView {
    /// The text of which the student was surest.
    pub fn surest(&self) -> Option<&str> {
        let (at, _) = best(&self.logits)?;
        let column = at % self.asked.len().max(1);
        self.asked.get(column).map(String::as_str)
    }
}

impl RememberedAnswer {
    /// What tells the student's answer from others: its output index, or its words.
    pub fn answer(&self) -> Vec<u32> {
        match &self.said {
            SaidBefore::Chosen(logits) => {
                best(logits).map(|(at, _)| at as u32).into_iter().collect()
            }
            SaidBefore::Written(written) => written.words.clone(),
        }
    }

    /// The logits of a student that chooses.
    ///
    /// # Errors
    /// If the answer was written.
    pub(crate) fn chosen(&self) -> Result<&[f32], ModelError> {
        match &self.said {
            SaidBefore::Chosen(logits) => Ok(logits),
            SaidBefore::Written(_) => Err(other_student("chosen", "written")),
        }
    }

    /// The words of a student that writes.
    ///
    /// # Errors
    /// If the answer was chosen.
    pub(crate) fn written(&self) -> Result<&WrittenBefore, ModelError> {
        match &self.said {
            SaidBefore::Written(written) => Ok(written),
            SaidBefore::Chosen(_) => Err(other_student("written", "chosen")),
        }
    }
}

fn other_student(expected: &str, found: &str) -> ModelError {
    ModelError::Config(format!(
        "expected remembered answers that were {expected}, found {found} ones: they are another student's"
    ))
}

fn best(logits: &[f32]) -> Option<(usize, &f32)> {
    let all = logits.iter().enumerate();
    all.max_by(|(_, a), (_, b)| a.total_cmp(b))
}
