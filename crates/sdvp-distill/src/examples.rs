//! What students learn from.

use sdvp_core::{BBox, View};
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
    /// Probabilities of answers, by output index of the student; they sum to 1.
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
    /// Its logits, one per answer.
    pub logits: Vec<f32>,
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
    /// The output index of what the student answered.
    pub fn answer(&self) -> Option<usize> {
        best(&self.logits).map(|(at, _)| at)
    }
}

fn best(logits: &[f32]) -> Option<(usize, &f32)> {
    let all = logits.iter().enumerate();
    all.max_by(|(_, a), (_, b)| a.total_cmp(b))
}
