//! What colour is it?

use super::super::draw::{Draft, Draw, anywhere};
use crate::picto::functional::{Attribute, Functional, Operation};
use crate::picto::{Color, Noun, What};

/// The colour that questions about colours should have as their answer.
fn wanted(slot: usize) -> Color {
    Color::ALL[slot % Color::ALL.len()]
}

/// Something that is in the picture once, in that colour: a thing, sometimes by its category.
fn unique_in(draw: &mut Draw, color: Color) -> Option<Noun> {
    let mut nouns = draw.unique_things(0);
    nouns.retain(|noun| draw.has(0, noun.colored(color)));
    let noun = draw.pick(&nouns)?;
    if let What::Thing(thing) = noun.what {
        let category = Noun::category(thing.category());
        if draw.count(0, category) == 1 && draw.chance(0.25) {
            return Some(category);
        }
    }
    Some(noun)
}

/// "What color is the dog?"
pub(in super::super) fn query(draw: &mut Draw) -> Option<Draft> {
    let noun = unique_in(draw, wanted(draw.slot))?;
    Some(Draft {
        text: draw.say(
            &[
                "What color is the {one}?",
                "What is the color of the {one}?",
                "Which color is the {one} in the picture?",
                "What color does the {one} have?",
            ],
            &[("one", noun.one())],
        ),
        functional: draw.about(&anywhere(0, noun), Operation::Query(Attribute::Color)),
    })
}

/// "Is the dog red?"
pub(in super::super) fn verify(draw: &mut Draw) -> Option<Draft> {
    let color = wanted(draw.slot / 2);
    let noun = unique_in(draw, color)?;
    let asked = if draw.want_yes() {
        color
    } else {
        draw.other_color(0, color)?
    };
    Some(Draft {
        text: draw.say(
            &[
                "Is the {one} {color}?",
                "Does the {one} look {color}?",
                "Is the color of the {one} {color}?",
            ],
            &[("one", noun.one()), ("color", asked.to_string())],
        ),
        functional: draw.about(&anywhere(0, noun), Operation::VerifyColor(asked)),
    })
}

/// "Is the dog red or blue?"
pub(in super::super) fn choose(draw: &mut Draw) -> Option<Draft> {
    let color = wanted(draw.slot / 2);
    let noun = unique_in(draw, color)?;
    let other = draw.other_color(0, color)?;
    let (a, b) = if draw.want_yes() {
        (color, other)
    } else {
        (other, color)
    };
    Some(Draft {
        text: draw.say(
            &[
                "Is the {one} {first} or {second}?",
                "Which color is the {one}, {first} or {second}?",
                "Does the {one} look {first} or {second}?",
            ],
            &[
                ("one", noun.one()),
                ("first", a.to_string()),
                ("second", b.to_string()),
            ],
        ),
        functional: draw.about(&anywhere(0, noun), Operation::ChooseColor(a, b)),
    })
}

/// "Do the dog and the car have the same color?"
pub(in super::super) fn same(draw: &mut Draw) -> Option<Draft> {
    let alike = draw.want_yes();
    compare(
        draw,
        Operation::SameColor,
        alike,
        &[
            "Do the {one} and the {two} have the same color?",
            "Is the {one} the same color as the {two}?",
            "Does the {one} have the same color as the {two}?",
        ],
    )
}

/// "Do the dog and the car have different colors?"
pub(in super::super) fn different(draw: &mut Draw) -> Option<Draft> {
    let alike = !draw.want_yes();
    compare(
        draw,
        Operation::DifferentColor,
        alike,
        &[
            "Do the {one} and the {two} have different colors?",
            "Is the color of the {one} different from the color of the {two}?",
        ],
    )
}

fn compare(draw: &mut Draw, operation: Operation, alike: bool, wordings: &[&str]) -> Option<Draft> {
    let mut nouns = draw.unique_things(0);
    draw.shuffle(&mut nouns);
    let (first, second) = nouns.iter().enumerate().find_map(|(at, first)| {
        let color = draw.color_of(0, *first);
        let fits = |second: &&Noun| (draw.color_of(0, **second) == color) == alike;
        let second = nouns[at + 1..].iter().find(fits)?;
        Some((*first, *second))
    })?;
    let mut functional = Functional::default();
    let a = functional.select(&anywhere(0, first), false);
    let b = functional.select(&anywhere(0, second), false);
    functional.push(operation, &[a, b]);
    Some(Draft {
        text: draw.say(wordings, &[("one", first.one()), ("two", second.one())]),
        functional,
    })
}
