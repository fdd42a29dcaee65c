//! `picto-spatial`: statements about where things are in one picture, half of each type true.

use super::QuestionType;
use super::draw::{Draft, Draw, anywhere, beside, on_side};
use super::gqa::relation::{drawn, pair};
use crate::picto::Side;
use crate::picto::functional::Operation;

/// The statement types with their weights.
pub(super) const TYPES: [QuestionType; 3] = [
    QuestionType::one(3, ["verify", "rel", "relVerify"], things),
    QuestionType::one(3, ["verify", "rel", "existRelS"], something),
    QuestionType::one(2, ["verify", "attr", "positionVerify"], side),
];

/// "The dog is to the left of the car."
fn things(draw: &mut Draw) -> Option<Draft> {
    let (noun, relation, anchor) = pair(draw, 0)?;
    let asked = if draw.want_yes() {
        relation
    } else {
        relation.opposite()
    };
    let verified = Operation::VerifyRelation(noun, asked);
    Some(Draft {
        text: draw.say(
            &[
                "The {one} is {relation} the {anchor}.",
                "The {one} in the picture is {relation} the {anchor}.",
            ],
            &[
                ("one", noun.one()),
                ("relation", asked.phrase().to_owned()),
                ("anchor", anchor.one()),
            ],
        ),
        functional: draw.about(&anywhere(0, anchor), verified),
    })
}

/// "There is a dog above the car."
fn something(draw: &mut Draw) -> Option<Draft> {
    let holds = draw.want_yes();
    let (noun, relation, anchor) = drawn(draw, 0, holds)?;
    Some(Draft {
        text: draw.say(
            &[
                "There is {a} {relation} the {anchor}.",
                "{a} is {relation} the {anchor}.",
                "The picture shows {a} {relation} the {anchor}.",
            ],
            &[
                ("a", noun.a()),
                ("relation", relation.phrase().to_owned()),
                ("anchor", anchor.one()),
            ],
        ),
        functional: draw.about(&beside(0, noun, relation, anchor), Operation::Exist),
    })
}

/// "The dog is on the left side of the picture."
fn side(draw: &mut Draw) -> Option<Draft> {
    let horizontal = (draw.slot / 2).is_multiple_of(2);
    let mut nouns = draw.unique_things(0);
    nouns.retain(|noun| draw.side_of(0, *noun, horizontal).is_some());
    let noun = draw.pick(&nouns)?;
    let side = draw.side_of(0, noun, horizontal)?;
    let asked: Side = if draw.want_yes() {
        side
    } else {
        side.opposite()
    };
    let wordings: &[&str] = if horizontal {
        &[
            "The {one} is on the {side} side of the picture.",
            "The {one} is on the {side}.",
        ]
    } else {
        &[
            "The {one} is in the {side} part of the picture.",
            "The {one} is at the {side} of the picture.",
        ]
    };
    Some(Draft {
        text: draw.say(
            wordings,
            &[("one", noun.one()), ("side", asked.name().to_owned())],
        ),
        functional: draw.about(&on_side(0, noun, asked), Operation::Exist),
    })
}
