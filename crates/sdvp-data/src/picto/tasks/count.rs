//! `picto-count`: how many, from none to five.

use super::QuestionType;
use super::draw::{Draft, Draw};
use super::gqa::logical::counted;

/// The greatest number that `picto-count` counts to.
const MAX_COUNT: usize = 5;

/// The question types with their weights.
pub(super) const TYPES: [QuestionType; 1] =
    [QuestionType::one(1, ["count", "obj", "count"], how_many).crowded()];

fn how_many(draw: &mut Draw) -> Option<Draft> {
    counted(draw, MAX_COUNT)
}
