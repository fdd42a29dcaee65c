//! What colour things in the pictures have.

use super::super::draw::{Draft, Draw, anywhere};
use super::side_name;
use crate::picto::Noun;
use crate::picto::functional::{Functional, Operation};

/// "The dog in the left image is red."; where it is not, a dog of that colour is mostly in the
/// other image, if there is one at all.
pub(in super::super) fn one_side(draw: &mut Draw) -> Option<Draft> {
    let image = draw.either();
    let noun = draw.pick(&draw.unique_things(image))?;
    let color = draw.color_of(image, noun)?;
    let asked = if draw.want_yes() {
        color
    } else {
        match draw.color_of(1 - image, noun) {
            Some(elsewhere) if elsewhere != color => elsewhere,
            _ => draw.other_color(image, color)?,
        }
    };
    Some(Draft {
        text: draw.say(
            &[
                "The {one} in the {side} image is {color}.",
                "In the {side} image the {one} is {color}.",
                "In the image on the {side} the {one} is {color}.",
            ],
            &[
                ("one", noun.one()),
                ("side", side_name(image)),
                ("color", asked.to_string()),
            ],
        ),
        functional: draw.about(&anywhere(image, noun), Operation::VerifyColor(asked)),
    })
}

/// "The dog in the left image and the cat in the right image have the same color."
pub(in super::super) fn same(draw: &mut Draw) -> Option<Draft> {
    let (mut first, mut second) = (draw.unique_things(0), draw.unique_things(1));
    draw.shuffle(&mut first);
    draw.shuffle(&mut second);
    let fits =
        |a: &Noun, b: &Noun| (draw.color_of(0, *a) == draw.color_of(1, *b)) == draw.want_yes();
    let shared = first
        .iter()
        .find(|noun| second.contains(noun) && fits(noun, noun))
        .map(|noun| (*noun, *noun));
    let (a, b) = shared.or_else(|| {
        first.iter().find_map(|a| {
            let b = second.iter().find(|b| fits(a, b))?;
            Some((*a, *b))
        })
    })?;
    let mut functional = Functional::default();
    let left = functional.select(&anywhere(0, a), true);
    let right = functional.select(&anywhere(1, b), true);
    functional.push(Operation::SameColor, &[left, right]);
    Some(Draft {
        text: draw.say(
            &[
                "The {a} in the left image and the {b} in the right image have the same color.",
                "The {a} in the left image has the same color as the {b} in the right image.",
            ],
            &[("a", a.one()), ("b", b.one())],
        ),
        functional,
    })
}
