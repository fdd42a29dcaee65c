//! What the pictures contain.

use super::super::draw::{Draft, Draw, anywhere};
use super::side_name;
use crate::picto::Noun;
use crate::picto::functional::{Functional, Operation};

/// Steps that say whether something is in a picture; the place of the last.
fn exists(functional: &mut Functional, image: usize, noun: Noun) -> usize {
    let selected = functional.select(&anywhere(image, noun), true);
    functional.push(Operation::Exist, &[selected])
}

/// Whether it is in one picture, combined with whether it is in the other.
fn in_both(noun: Noun, by: Operation) -> Functional {
    let mut functional = Functional::default();
    let left = exists(&mut functional, 0, noun);
    let right = exists(&mut functional, 1, noun);
    functional.push(by, &[left, right]);
    functional
}

/// Something that is, or is not, in the left and in the right picture.
fn noun(draw: &mut Draw, left: bool, right: bool) -> Option<Noun> {
    let fits = |draw: &Draw, noun: &Noun| draw.has(0, *noun) == left && draw.has(1, *noun) == right;
    if !left && !right {
        let noun = draw.absent_thing(0)?;
        return fits(draw, &noun).then_some(noun);
    }
    let image = usize::from(!left);
    let mut kinds = [
        draw.things(image),
        draw.category_nouns(image, true),
        draw.colored_things(image),
    ];
    for nouns in &mut kinds {
        nouns.retain(|noun| fits(draw, noun));
    }
    draw.shuffle(&mut kinds);
    kinds.iter().find_map(|nouns| draw.pick(nouns))
}

/// "The left image contains a red car."; where it does not, the other one mostly does.
pub(in super::super) fn one_side(draw: &mut Draw) -> Option<Draft> {
    let image = draw.either();
    let here = draw.want_yes();
    let there = draw.chance(if here { 0.4 } else { 0.7 });
    let (left, right) = if image == 0 {
        (here, there)
    } else {
        (there, here)
    };
    let noun = noun(draw, left, right)?;
    Some(Draft {
        text: draw.say(
            &[
                "The {side} image contains {a}.",
                "There is {a} in the {side} image.",
                "The image on the {side} shows {a}.",
            ],
            &[("side", side_name(image)), ("a", noun.a())],
        ),
        functional: draw.about(&anywhere(image, noun), Operation::Exist),
    })
}

/// "One image contains a dog and the other contains a cat."; where that is false, both are mostly
/// there, but in the same image.
pub(in super::super) fn one_and_other(draw: &mut Draw) -> Option<Draft> {
    let (first, second) = if draw.want_yes() {
        let image = draw.either();
        (
            draw.pick(&draw.things(image))?,
            draw.pick(&draw.things(1 - image))?,
        )
    } else if draw.chance(0.6) {
        let image = draw.either();
        let mut there = draw.things(image);
        there.retain(|noun| !draw.has(1 - image, *noun));
        (draw.pick(&there)?, draw.pick(&there)?)
    } else {
        let image = draw.either();
        let absent = draw.absent_thing(1 - image)?;
        (draw.pick(&draw.things(image))?, absent)
    };
    if first == second {
        return None;
    }
    let mut functional = Functional::default();
    let [a, b, c, d] = [(0, first), (1, second), (0, second), (1, first)]
        .map(|(image, noun)| exists(&mut functional, image, noun));
    let one = functional.push(Operation::And, &[a, b]);
    let other = functional.push(Operation::And, &[c, d]);
    functional.push(Operation::Or, &[one, other]);
    Some(Draft {
        text: draw.say(
            &[
                "One image contains {a} and the other contains {b}.",
                "There is {a} in one image and {b} in the other image.",
                "One image shows {a}, and the other image shows {b}.",
            ],
            &[("a", first.a()), ("b", second.a())],
        ),
        functional,
    })
}

/// "Each image contains at least one animal."
pub(in super::super) fn each(draw: &mut Draw) -> Option<Draft> {
    let (left, right) = match (draw.want_yes(), draw.either()) {
        (true, _) => (true, true),
        (false, 0) => (true, false),
        (false, _) => (false, true),
    };
    let noun = noun(draw, left, right)?;
    Some(Draft {
        text: draw.say(
            &[
                "Each image contains at least one {one}.",
                "There is {a} in both images.",
                "Both images contain {many}.",
                "Every image shows at least one {one}.",
            ],
            &[("one", noun.one()), ("a", noun.a()), ("many", noun.many())],
        ),
        functional: in_both(noun, Operation::And),
    })
}

/// "Only one of the images contains a dog."
pub(in super::super) fn only_one(draw: &mut Draw) -> Option<Draft> {
    let (left, right) = match (draw.want_yes(), draw.pick(&[0, 1, 2])?) {
        (true, pick) => (pick == 0, pick != 0),
        (false, pick) => (pick != 2, pick != 2),
    };
    let noun = noun(draw, left, right)?;
    Some(Draft {
        text: draw.say(
            &[
                "Only one of the images contains {a}.",
                "Exactly one image contains {a}.",
                "There is {a} in only one image.",
            ],
            &[("a", noun.a())],
        ),
        functional: in_both(noun, Operation::Xor),
    })
}

/// "At least one of the images contains a dog."
pub(in super::super) fn at_least_one(draw: &mut Draw) -> Option<Draft> {
    let (left, right) = match (draw.want_yes(), draw.either()) {
        (true, pick) => (pick == 0, pick != 0),
        (false, _) => (false, false),
    };
    let noun = if draw.want_yes() || draw.chance(0.5) {
        noun(draw, left, right)?
    } else {
        // A thing that is there, in a colour that it has in neither image.
        let image = draw.either();
        let colored = draw.absent_colored(image)?;
        (!draw.has(1 - image, colored)).then_some(colored)?
    };
    Some(Draft {
        text: draw.say(
            &[
                "At least one of the images contains {a}.",
                "At least one image shows {a}.",
                "There is {a} in at least one of the images.",
            ],
            &[("a", noun.a())],
        ),
        functional: in_both(noun, Operation::Or),
    })
}

/// "The left image contains both a dog and a cat."
pub(in super::super) fn both_things(draw: &mut Draw) -> Option<Draft> {
    let image = draw.either();
    let first = draw.pick(&draw.things(image))?;
    let second = if draw.want_yes() {
        draw.pick(&draw.things(image))?
    } else {
        let mut elsewhere = draw.things(1 - image);
        elsewhere.retain(|noun| !draw.has(image, *noun));
        draw.pick(&elsewhere)?
    };
    if first == second {
        return None;
    }
    let (a, b) = if draw.chance(0.5) {
        (first, second)
    } else {
        (second, first)
    };
    let mut functional = Functional::default();
    let [left, right] = [a, b].map(|noun| exists(&mut functional, image, noun));
    functional.push(Operation::And, &[left, right]);
    Some(Draft {
        text: draw.say(
            &[
                "The {side} image contains both {a} and {b}.",
                "There are {a} and {b} in the {side} image.",
                "The image on the {side} shows {a} and {b}.",
            ],
            &[("side", side_name(image)), ("a", a.a()), ("b", b.a())],
        ),
        functional,
    })
}
