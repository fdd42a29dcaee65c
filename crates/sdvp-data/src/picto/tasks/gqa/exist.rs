//! Is it there?

use super::super::draw::{Draft, Draw, anywhere};
use crate::picto::Noun;
use crate::picto::functional::Operation;

const SINGULAR: [&str; 4] = [
    "Is there {a} in the picture?",
    "Do you see {a}?",
    "Is there {a} in this image?",
    "Does the picture show {a}?",
];

const PLURAL: [&str; 4] = [
    "Are there any {many} in the picture?",
    "Are there {many} in this image?",
    "Do you see any {many}?",
    "Do you see {many} in the picture?",
];

fn ask(draw: &mut Draw, noun: Noun, plural: f64) -> Draft {
    let wordings = if draw.chance(plural) {
        &PLURAL
    } else {
        &SINGULAR
    };
    Draft {
        text: draw.say(wordings, &[("a", noun.a()), ("many", noun.many())]),
        functional: draw.about(&anywhere(0, noun), Operation::Exist),
    }
}

/// "Is there a dog in the picture?"
pub(in super::super) fn thing(draw: &mut Draw) -> Option<Draft> {
    let noun = if draw.want_yes() {
        let there = draw.things(0);
        draw.pick(&there)?
    } else {
        draw.absent_thing(0)?
    };
    Some(ask(draw, noun, 0.3))
}

/// "Are there any animals in the picture?"
pub(in super::super) fn category(draw: &mut Draw) -> Option<Draft> {
    let nouns = draw.category_nouns(0, draw.want_yes());
    let noun = draw.pick(&nouns)?;
    Some(ask(draw, noun, 0.7))
}

/// "Do you see a red car?"
pub(in super::super) fn colored(draw: &mut Draw) -> Option<Draft> {
    let mut noun = if draw.want_yes() {
        let there = draw.colored_things(0);
        draw.pick(&there)?
    } else {
        draw.absent_colored(0)?
    };
    if let crate::picto::What::Thing(thing) = noun.what
        && draw.chance(0.25)
    {
        let wider = Noun {
            what: crate::picto::What::Category(thing.category()),
            ..noun
        };
        if draw.has(0, wider) == draw.want_yes() {
            noun = wider;
        }
    }
    Some(ask(draw, noun, 0.2))
}
