//! On which side is it?

use super::super::draw::{Draft, Draw, anywhere, on_side};
use crate::picto::functional::{Attribute, Operation};
use crate::picto::{Noun, Side};

/// Something that is clearly on one side, and that side: each side for a quarter of the slots.
fn placed(draw: &mut Draw, slot: usize) -> Option<(Noun, Side)> {
    let horizontal = slot.is_multiple_of(2);
    let side = Side::pair(horizontal)[(slot / 2) % 2];
    let mut nouns = draw.unique_things(0);
    nouns.retain(|noun| draw.side_of(0, *noun, horizontal) == Some(side));
    Some((draw.pick(&nouns)?, side))
}

fn is_horizontal(side: Side) -> bool {
    matches!(side, Side::Left | Side::Right)
}

/// "On which side of the picture is the dog?"
pub(in super::super) fn query(draw: &mut Draw) -> Option<Draft> {
    let (noun, side) = placed(draw, draw.slot)?;
    let (wordings, attribute): (&[&str], _) = if is_horizontal(side) {
        (
            &[
                "On which side of the picture is the {one}?",
                "Which side of the picture is the {one} on?",
                "Is the {one} on the left or on the right?",
            ],
            Attribute::Horizontal,
        )
    } else {
        (
            &[
                "Is the {one} at the top or at the bottom of the picture?",
                "In which part of the picture is the {one}, the top or the bottom?",
            ],
            Attribute::Vertical,
        )
    };
    Some(Draft {
        text: draw.say(wordings, &[("one", noun.one())]),
        functional: draw.about(&anywhere(0, noun), Operation::Query(attribute)),
    })
}

/// "Is the dog on the left side or on the right side of the picture?"
pub(in super::super) fn choose(draw: &mut Draw) -> Option<Draft> {
    let (noun, side) = placed(draw, draw.slot)?;
    let first = if draw.chance(0.5) {
        side
    } else {
        side.opposite()
    };
    let wordings: &[&str] = if is_horizontal(side) {
        &[
            "Is the {one} on the {first} side or on the {second} side of the picture?",
            "In which part of the picture is the {one}, the {first} or the {second}?",
        ]
    } else {
        &[
            "Is the {one} in the {first} part or in the {second} part of the picture?",
            "In which part of the picture is the {one}, the {first} or the {second}?",
        ]
    };
    Some(Draft {
        text: draw.say(
            wordings,
            &[
                ("one", noun.one()),
                ("first", first.name().to_owned()),
                ("second", first.opposite().name().to_owned()),
            ],
        ),
        functional: draw.about(&anywhere(0, noun), Operation::ChooseSide(first)),
    })
}

/// "Is the dog on the left side of the picture?"
pub(in super::super) fn verify(draw: &mut Draw) -> Option<Draft> {
    let (noun, side) = placed(draw, draw.slot / 2)?;
    let asked = if draw.want_yes() {
        side
    } else {
        side.opposite()
    };
    let wordings: &[&str] = if is_horizontal(side) {
        &[
            "Is the {one} on the {side} side of the picture?",
            "Is the {one} on the {side}?",
        ]
    } else {
        &[
            "Is the {one} in the {side} part of the picture?",
            "Is the {one} at the {side} of the picture?",
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
