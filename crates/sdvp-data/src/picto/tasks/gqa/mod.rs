//! `picto-gqa`: questions of GQA's types about one picture.

mod attribute;
mod exist;
pub(super) mod logical;
mod name;
mod position;
pub(super) mod relation;

use super::QuestionType;

/// The question types with their weights; detailed names are GQA's where GQA has the type.
pub(super) const TYPES: [QuestionType; 20] = [
    QuestionType::one(3, ["verify", "obj", "exist"], exist::thing),
    QuestionType::one(2, ["verify", "obj", "existC"], exist::category),
    QuestionType::one(3, ["verify", "obj", "existAttr"], exist::colored),
    QuestionType::one(3, ["query", "attr", "directOf"], attribute::query),
    QuestionType::one(2, ["verify", "attr", "verifyAttr"], attribute::verify),
    QuestionType::one(2, ["choose", "attr", "chooseAttr"], attribute::choose),
    QuestionType::one(3, ["query", "cat", "category"], name::category),
    QuestionType::one(3, ["query", "cat", "categoryAttr"], name::colored),
    QuestionType::one(1, ["query", "attr", "positionQuery"], position::query),
    QuestionType::one(1, ["choose", "attr", "positionChoose"], position::choose),
    QuestionType::one(1, ["verify", "attr", "positionVerify"], position::verify),
    QuestionType::one(2, ["verify", "rel", "existRelS"], relation::exist),
    QuestionType::one(2, ["verify", "rel", "relVerify"], relation::verify),
    QuestionType::one(3, ["query", "rel", "categoryRelS"], relation::query),
    QuestionType::one(2, ["choose", "rel", "relChooser"], relation::choose),
    QuestionType::one(2, ["compare", "attr", "twoSame"], attribute::same),
    QuestionType::one(1, ["compare", "attr", "twoDifferent"], attribute::different),
    QuestionType::one(2, ["logical", "obj", "existAnd"], logical::and),
    QuestionType::one(2, ["logical", "obj", "existOr"], logical::or),
    QuestionType::one(4, ["count", "obj", "count"], logical::count).crowded(),
];
