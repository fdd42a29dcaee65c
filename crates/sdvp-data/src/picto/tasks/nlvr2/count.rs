//! How many there are, in one picture or in both.

use super::super::draw::{Draft, Draw, anywhere};
use super::side_name;
use crate::picto::Noun;
use crate::picto::functional::{Comparison, Functional, Operation};
use crate::picto::phrase::number_word;
use rand::Rng;

/// Steps that count in both pictures; the places of the two numbers.
fn counts(functional: &mut Functional, noun: Noun) -> [usize; 2] {
    [0, 1].map(|image| {
        let selected = functional.select(&anywhere(image, noun), true);
        functional.push(Operation::Count, &[selected])
    })
}

/// Something that is in one of the pictures at least.
fn there(draw: &mut Draw) -> Option<Noun> {
    let image = draw.either();
    match draw.pick(&[0, 0, 1, 1, 2])? {
        0 => draw.pick(&draw.things(image)),
        1 => draw.pick(&draw.category_nouns(image, true)),
        _ => draw.pick(&draw.colored_things(image)),
    }
}

/// A comparison with a number that holds, or does not, for `actual`; where it does not, it is
/// mostly missed by one.
fn comparison(draw: &mut Draw, actual: i64) -> (Comparison, i64) {
    let holds = draw.want_yes();
    let off = if draw.chance(0.75) { 1 } else { 2 };
    match draw.rng.random_range(0..4) {
        0 | 1 if holds => (Comparison::Equal, actual),
        0 | 1 if actual > off && draw.chance(0.5) => (Comparison::Equal, actual - off),
        0 | 1 => (Comparison::Equal, actual + off),
        2 if holds => (Comparison::AtLeast, (actual - off + 1).max(1)),
        2 => (Comparison::AtLeast, actual + off),
        _ if holds => (Comparison::AtMost, actual + off - 1),
        _ if actual > off => (Comparison::AtMost, actual - off),
        _ => (Comparison::Equal, actual + off),
    }
}

/// "exactly two dogs", "at least one red car".
fn amount(draw: &mut Draw, comparison: Comparison, number: i64, noun: Noun) -> String {
    let how = match comparison {
        Comparison::AtLeast => "at least",
        Comparison::AtMost => "at most",
        Comparison::Equal | Comparison::More => "exactly",
    };
    let number_text = if draw.chance(0.75) {
        number_word(number)
    } else {
        number.to_string()
    };
    let what = if number == 1 { noun.one() } else { noun.many() };
    format!("{how} {number_text} {what}")
}

fn verb(number: i64) -> String {
    if number == 1 { "is" } else { "are" }.to_owned()
}

/// "There are exactly two dogs in total."
pub(in super::super) fn total(draw: &mut Draw) -> Option<Draft> {
    let noun = there(draw)?;
    let actual = draw.count(0, noun) + draw.count(1, noun);
    let (by, number) = comparison(draw, actual as i64);
    let mut functional = Functional::default();
    let both = counts(&mut functional, noun);
    let sum = functional.push(Operation::Plus, &both);
    functional.push(Operation::CompareTo(by, number), &[sum]);
    let amount = amount(draw, by, number, noun);
    Some(Draft {
        text: draw.say(
            &[
                "There {are} {amount} in total.",
                "There {are} {amount} in the two images.",
                "The two images show {amount} in all.",
            ],
            &[("are", verb(number)), ("amount", amount)],
        ),
        functional,
    })
}

/// "The left image contains exactly two animals."
pub(in super::super) fn one_side(draw: &mut Draw) -> Option<Draft> {
    let noun = there(draw)?;
    let image = draw.either();
    let actual = draw.count(image, noun);
    if actual == 0 {
        return None;
    }
    let (by, number) = comparison(draw, actual as i64);
    let mut functional = draw.about(&anywhere(image, noun), Operation::Count);
    let count = functional.steps.len() - 1;
    functional.push(Operation::CompareTo(by, number), &[count]);
    let amount = amount(draw, by, number, noun);
    Some(Draft {
        text: draw.say(
            &[
                "The {side} image contains {amount}.",
                "There {are} {amount} in the {side} image.",
                "In the image on the {side} there {are} {amount}.",
            ],
            &[
                ("side", side_name(image)),
                ("are", verb(number)),
                ("amount", amount),
            ],
        ),
        functional,
    })
}

/// "There are more dogs in the left image than in the right image."
pub(in super::super) fn more(draw: &mut Draw) -> Option<Draft> {
    let noun = there(draw)?;
    let image = draw.either();
    let (here, there) = (draw.count(image, noun), draw.count(1 - image, noun));
    if (here > there) != draw.want_yes() {
        return None;
    }
    let mut functional = Functional::default();
    let both = counts(&mut functional, noun);
    functional.push(
        Operation::Compare(Comparison::More),
        &[both[image], both[1 - image]],
    );
    Some(Draft {
        text: draw.say(
            &[
                "There are more {many} in the {side} image than in the {other} image.",
                "The {side} image contains more {many} than the {other} image.",
            ],
            &[
                ("many", noun.many()),
                ("side", side_name(image)),
                ("other", side_name(1 - image)),
            ],
        ),
        functional,
    })
}

/// "Both images contain the same number of animals."
pub(in super::super) fn same(draw: &mut Draw) -> Option<Draft> {
    let noun = there(draw)?;
    if (draw.count(0, noun) == draw.count(1, noun)) != draw.want_yes() {
        return None;
    }
    let mut functional = Functional::default();
    let both = counts(&mut functional, noun);
    functional.push(Operation::Compare(Comparison::Equal), &both);
    Some(Draft {
        text: draw.say(
            &[
                "Both images contain the same number of {many}.",
                "There are as many {many} in the left image as in the right image.",
                "The number of {many} is the same in both images.",
            ],
            &[("many", noun.many())],
        ),
        functional,
    })
}
