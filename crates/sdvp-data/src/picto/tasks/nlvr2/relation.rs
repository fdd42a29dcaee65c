//! What is beside what in the pictures.

use super::super::draw::{Draft, Draw, beside};
use super::super::gqa::relation::{drawn, is_beside, overlaps};
use super::side_name;
use crate::picto::functional::{Functional, Operation};

/// "In the right image a dog is to the left of the car."
pub(in super::super) fn one_side(draw: &mut Draw) -> Option<Draft> {
    let image = draw.either();
    let holds = draw.want_yes();
    let (noun, relation, anchor) = drawn(draw, image, holds)?;
    Some(Draft {
        text: draw.say(
            &[
                "In the {side} image {a} is {relation} the {anchor}.",
                "There is {a} {relation} the {anchor} in the {side} image.",
                "In the image on the {side}, {a} is {relation} the {anchor}.",
            ],
            &[
                ("side", side_name(image)),
                ("a", noun.a()),
                ("relation", relation.phrase().to_owned()),
                ("anchor", anchor.one()),
            ],
        ),
        functional: draw.about(&beside(image, noun, relation, anchor), Operation::Exist),
    })
}

/// "In at least one image a dog is to the left of the car."; the car is in both.
pub(in super::super) fn any_side(draw: &mut Draw) -> Option<Draft> {
    let mut anchors = draw.unique_things(0);
    anchors.retain(|noun| draw.count(1, *noun) == 1);
    for _ in 0..8 {
        let anchor = draw.pick(&anchors)?;
        let relation = draw.relation();
        let image = draw.either();
        let noun = match draw.pick(&[0, 1])? {
            0 => draw.pick(&draw.things(image))?,
            _ => draw.pick(&draw.category_nouns(image, true))?,
        };
        if [0, 1]
            .iter()
            .any(|image| overlaps(draw, *image, noun, anchor))
        {
            continue;
        }
        let [Some(left), Some(right)] =
            [0, 1].map(|image| is_beside(draw, image, noun, relation, anchor))
        else {
            continue;
        };
        if (left || right) != draw.want_yes() {
            continue;
        }
        let mut functional = Functional::default();
        let both = [0, 1].map(|image| {
            let selected = functional.select(&beside(image, noun, relation, anchor), true);
            functional.push(Operation::Exist, &[selected])
        });
        functional.push(Operation::Or, &both);
        return Some(Draft {
            text: draw.say(
                &[
                    "In at least one image {a} is {relation} the {anchor}.",
                    "There is {a} {relation} the {anchor} in at least one of the images.",
                ],
                &[
                    ("a", noun.a()),
                    ("relation", relation.phrase().to_owned()),
                    ("anchor", anchor.one()),
                ],
            ),
            functional,
        });
    }
    None
}
