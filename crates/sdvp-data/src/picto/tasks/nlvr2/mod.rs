//! `picto-nlvr2`: statements about a pair of pictures, half of each type true.

mod color;
mod count;
mod exist;
mod relation;

use super::QuestionType;

/// The statement types with their weights.
pub(super) const TYPES: [QuestionType; 14] = [
    QuestionType::pair(3, ["count", "obj", "total"], count::total),
    QuestionType::pair(2, ["count", "obj", "sideCount"], count::one_side),
    QuestionType::pair(2, ["compare", "obj", "moreThan"], count::more),
    QuestionType::pair(2, ["compare", "obj", "sameNumber"], count::same),
    QuestionType::pair(2, ["verify", "obj", "sideExist"], exist::one_side),
    QuestionType::pair(2, ["logical", "obj", "oneAndOther"], exist::one_and_other),
    QuestionType::pair(2, ["logical", "obj", "each"], exist::each),
    QuestionType::pair(2, ["logical", "obj", "onlyOne"], exist::only_one),
    QuestionType::pair(1, ["logical", "obj", "atLeastOne"], exist::at_least_one),
    QuestionType::pair(1, ["logical", "obj", "sideBoth"], exist::both_things),
    QuestionType::pair(2, ["verify", "rel", "sideRelation"], relation::one_side),
    QuestionType::pair(1, ["logical", "rel", "anyRelation"], relation::any_side),
    QuestionType::pair(2, ["verify", "attr", "sideColor"], color::one_side),
    QuestionType::pair(2, ["compare", "attr", "sameColor"], color::same),
];

/// The word for a picture of the pair.
fn side_name(image: usize) -> String {
    if image == 0 { "left" } else { "right" }.to_owned()
}
