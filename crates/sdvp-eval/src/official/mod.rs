//! The metrics of the benchmarks' own evaluation scripts.
//!
//! This is the arithmetic of the official scripts reimplemented, quirks included, not the scripts:
//! answers are compared letter by letter, and the numbers are theirs to the last digit they print
//! (`tools/official_metrics_golden.py` reimplements them in Python, too, and makes the golden values
//! that the tests compare with).

mod distribution;
mod gqa;
mod grounding;
mod nlvr;
mod vqa;

pub use gqa::{GqaScorer, GqaScores, TypeScore};
pub use grounding::grounding;
pub use nlvr::{NlvrScores, nlvr_pictures, nlvr_statements, nlvr2};
pub use vqa::vqa_normalized;

/// Why official metrics cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfficialError {
    /// A question has no prediction.
    #[error(
        "question {question:?} has no prediction; the official script wants one of every question{for_what}"
    )]
    NoPrediction {
        /// The question.
        question: String,
        /// Which metric needs it, if not all.
        for_what: &'static str,
    },
    /// A question has no right answer.
    #[error("question {question:?} has no right answer: it is kept back in this part")]
    NoAnswer {
        /// The question.
        question: String,
    },
    /// A question entails one that is not there.
    #[error(
        "question {question:?} entails {entailed:?}, which is not there; consistency needs all questions of the split"
    )]
    NoEntailed {
        /// The question.
        question: String,
        /// The question that follows from it.
        entailed: String,
    },
    /// A question has no choices although others have.
    #[error(
        "question {question:?} has no choices; validity and plausibility need them of every question"
    )]
    NoChoices {
        /// The question.
        question: String,
    },
    /// Grounding lacks the scene graph, an object of it, or an attention map of the right size.
    #[error("question {question:?}: expected {expected} to compute grounding, found none")]
    NoGrounding {
        /// The question.
        question: String,
        /// What is lacking.
        expected: String,
    },
    /// An identifier has too few parts to tell which sentence it is of.
    #[error("identifier {identifier:?}: expected {expected}")]
    Identifier {
        /// The identifier.
        identifier: String,
        /// Its form.
        expected: &'static str,
    },
    /// There is nothing to score.
    #[error("expected questions to score, found none")]
    Empty,
}

/// Whether Python's `split` separates there.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// The mean of scores as the scripts take it; 0 of none.
fn mean(scores: &[f64]) -> f64 {
    if scores.is_empty() {
        return 0.0;
    }
    scores.iter().sum::<f64>() / scores.len() as f64
}
