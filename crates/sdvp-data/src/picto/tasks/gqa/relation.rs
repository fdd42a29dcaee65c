//! What is beside what?

use super::super::draw::{Draft, Draw, anywhere, beside};
use crate::picto::evaluate::Meaning;
use crate::picto::functional::{Attribute, Operation};
use crate::picto::{Noun, Relation};

/// How often a pair is drawn from one scene before another scene is taken.
const TRIES: usize = 8;

/// "a dog to the left of the car" as a truth about the picture.
pub(in super::super) fn is_beside(
    draw: &Draw,
    image: usize,
    noun: Noun,
    relation: Relation,
    anchor: Noun,
) -> Option<bool> {
    let exist = draw.about(&beside(image, noun, relation, anchor), Operation::Exist);
    match exist.evaluate(draw.scenes).ok()? {
        Meaning::Truth(truth) => Some(truth),
        _ => None,
    }
}

/// Whether the one object that `anchor` means could also be meant by `noun`.
pub(in super::super) fn overlaps(draw: &Draw, image: usize, noun: Noun, anchor: Noun) -> bool {
    draw.scenes[image]
        .objects
        .iter()
        .any(|object| anchor.matches(object) && noun.matches(object))
}

/// Something, a relation and an anchor such that something is, or is not, there. What is not
/// there is mostly in the picture, but elsewhere.
pub(in super::super) fn drawn(
    draw: &mut Draw,
    image: usize,
    holds: bool,
) -> Option<(Noun, Relation, Noun)> {
    for _ in 0..TRIES {
        let anchor = draw.unique(image)?;
        let relation = draw.relation();
        let noun = if !holds && draw.chance(0.25) {
            draw.absent_thing(image)?
        } else {
            match draw.pick(&[0, 0, 1, 2])? {
                0 => draw.pick(&draw.things(image))?,
                1 => draw.pick(&draw.category_nouns(image, true))?,
                _ => draw.pick(&draw.colored_things(image))?,
            }
        };
        if !overlaps(draw, image, noun, anchor)
            && is_beside(draw, image, noun, relation, anchor) == Some(holds)
        {
            return Some((noun, relation, anchor));
        }
    }
    None
}

/// "Is there a cat to the left of the car?"
pub(in super::super) fn exist(draw: &mut Draw) -> Option<Draft> {
    let holds = draw.want_yes();
    let (noun, relation, anchor) = drawn(draw, 0, holds)?;
    Some(Draft {
        text: draw.say(
            &[
                "Is there {a} {relation} the {anchor}?",
                "Do you see {a} {relation} the {anchor}?",
                "Are there any {many} {relation} the {anchor}?",
            ],
            &[
                ("a", noun.a()),
                ("many", noun.many()),
                ("relation", relation.phrase().to_owned()),
                ("anchor", anchor.one()),
            ],
        ),
        functional: draw.about(&beside(0, noun, relation, anchor), Operation::Exist),
    })
}

/// Two things that are in the picture once each, the first clearly lying so to the second.
pub(in super::super) fn pair(draw: &mut Draw, image: usize) -> Option<(Noun, Relation, Noun)> {
    let nouns = draw.unique_things(image);
    for _ in 0..TRIES {
        let (first, second) = (draw.pick(&nouns)?, draw.pick(&nouns)?);
        let relation = draw.relation();
        if first != second && is_beside(draw, image, first, relation, second) == Some(true) {
            return Some((first, relation, second));
        }
    }
    None
}

/// "Is the cat to the left of the car?"
pub(in super::super) fn verify(draw: &mut Draw) -> Option<Draft> {
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
                "Is the {one} {relation} the {anchor}?",
                "Is the {one} {relation} the {anchor} in the picture?",
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

/// "What animal is to the left of the car?"; mostly where another animal is elsewhere.
pub(in super::super) fn query(draw: &mut Draw) -> Option<Draft> {
    for _ in 0..TRIES {
        let anchor = draw.unique(0)?;
        let noun = draw.pick(&draw.category_nouns(0, true))?;
        if overlaps(draw, 0, noun, anchor) || (draw.count(0, noun) == 1 && draw.chance(0.5)) {
            continue;
        }
        let relation = draw.relation();
        let asked = draw.about(
            &beside(0, noun, relation, anchor),
            Operation::Query(Attribute::Name),
        );
        if asked.evaluate(draw.scenes).is_err() {
            continue;
        }
        return Some(Draft {
            text: draw.say(
                &[
                    "What {name} is {relation} the {anchor}?",
                    "Which {name} is {relation} the {anchor}?",
                    "What kind of {name} is {relation} the {anchor}?",
                ],
                &[
                    ("name", noun.name()),
                    ("relation", relation.phrase().to_owned()),
                    ("anchor", anchor.one()),
                ],
            ),
            functional: asked,
        });
    }
    None
}

/// "Is the cat to the left or to the right of the car?"
pub(in super::super) fn choose(draw: &mut Draw) -> Option<Draft> {
    let (noun, relation, anchor) = pair(draw, 0)?;
    let first = if draw.want_yes() {
        relation
    } else {
        relation.opposite()
    };
    let wordings: &[&str] = match first {
        Relation::LeftOf | Relation::RightOf => &[
            "Is the {one} to the {first} or to the {second} of the {anchor}?",
            "Is the {one} on the {first} or on the {second} of the {anchor}?",
        ],
        Relation::Above | Relation::Below => &[
            "Is the {one} {first} or {second} the {anchor}?",
            "Is the {one} {first} the {anchor} or {second} it?",
        ],
    };
    let text = draw.say(
        wordings,
        &[
            ("one", noun.one()),
            ("first", first.answer().to_owned()),
            ("second", first.opposite().answer().to_owned()),
            ("anchor", anchor.one()),
        ],
    );
    let chosen = Operation::ChooseRelation(noun, first);
    Some(Draft {
        text,
        functional: draw.about(&anywhere(0, anchor), chosen),
    })
}
