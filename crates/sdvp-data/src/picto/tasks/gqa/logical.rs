//! This and that, this or that, how many?

use super::super::draw::{Draft, Draw, anywhere};
use crate::picto::Noun;
use crate::picto::functional::{Functional, Operation};

/// The greatest number that `picto-gqa` counts to.
const MAX_COUNT: usize = 4;

/// A noun that is in the picture, or is not.
fn noun(draw: &mut Draw, present: bool) -> Option<Noun> {
    match (present, draw.chance(0.25)) {
        (true, false) => draw.pick(&draw.things(0)),
        (false, false) => draw.absent_thing(0),
        (true, true) => draw.pick(&draw.colored_things(0)),
        (false, true) => draw.absent_colored(0),
    }
}

/// Two nouns that do not mean the same, `first` and `second` saying whether they are there.
fn two(draw: &mut Draw, first: bool, second: bool) -> Option<(Noun, Noun)> {
    let (a, b) = (noun(draw, first)?, noun(draw, second)?);
    (a.what != b.what).then_some((a, b))
}

fn combine(draw: &mut Draw, a: Noun, b: Noun, by: Operation, wordings: &[&str]) -> Draft {
    let mut functional = Functional::default();
    let [first, second] = [a, b].map(|noun| {
        let selected = functional.select(&anywhere(0, noun), false);
        functional.push(Operation::Exist, &[selected])
    });
    functional.push(by, &[first, second]);
    Draft {
        text: draw.say(
            wordings,
            &[
                ("a", a.a()),
                ("b", b.a()),
                ("as", a.many()),
                ("bs", b.many()),
            ],
        ),
        functional,
    }
}

/// "Are there both a dog and a cat in the picture?"
pub(in super::super) fn and(draw: &mut Draw) -> Option<Draft> {
    let (first, second) = match (draw.want_yes(), draw.pick(&[0, 1, 2])?) {
        (true, _) => (true, true),
        (false, 0) => (true, false),
        (false, 1) => (false, true),
        (false, _) => (false, false),
    };
    let (a, b) = two(draw, first, second)?;
    let wordings = [
        "Are there both {a} and {b} in the picture?",
        "Are there both {as} and {bs} in this image?",
        "Do you see both {a} and {b}?",
    ];
    Some(combine(draw, a, b, Operation::And, &wordings))
}

/// "Is there either a dog or a cat in the picture?"
pub(in super::super) fn or(draw: &mut Draw) -> Option<Draft> {
    let (first, second) = match (draw.want_yes(), draw.pick(&[0, 1, 2])?) {
        (false, _) => (false, false),
        (true, 0) => (true, false),
        (true, 1) => (false, true),
        (true, _) => (true, true),
    };
    let (a, b) = two(draw, first, second)?;
    let wordings = [
        "Is there either {a} or {b} in the picture?",
        "Are there either {as} or {bs} in this image?",
        "Are there {as} or {bs} in the picture?",
        "Do you see {a} or {b}?",
    ];
    Some(combine(draw, a, b, Operation::Or, &wordings))
}

/// "How many dogs are there?"
pub(in super::super) fn count(draw: &mut Draw) -> Option<Draft> {
    counted(draw, MAX_COUNT)
}

/// A counting question whose answers are even from 0 to `most`.
pub(in super::super) fn counted(draw: &mut Draw, most: usize) -> Option<Draft> {
    let noun = draw.noun_counting(0, draw.slot % (most + 1))?;
    Some(Draft {
        text: draw.say(
            &[
                "How many {many} are there?",
                "How many {many} are in the picture?",
                "How many {many} do you see?",
                "What is the number of {many} in the picture?",
            ],
            &[("many", noun.many())],
        ),
        functional: draw.about(&anywhere(0, noun), Operation::Count),
    })
}
