//! `picto-ref`: find the described thing; mostly another of its kind is there too.

use super::QuestionType;
use super::draw::{Draft, Draw, anywhere, beside, on_side};
use super::gqa::relation::overlaps;
use crate::picto::functional::{Attribute, Operation, Set};
use crate::picto::{Noun, Side};

/// The question types with their weights.
pub(super) const TYPES: [QuestionType; 4] = [
    QuestionType::one(2, ["refer", "cat", "referName"], named),
    QuestionType::one(3, ["refer", "attr", "referAttr"], colored).crowded(),
    QuestionType::one(3, ["refer", "rel", "referRel"], related).crowded(),
    QuestionType::one(2, ["refer", "attr", "referSide"], placed).crowded(),
];

const WORDINGS: [&str; 3] = ["Find {the}.", "Where is {the}?", "Point at {the}."];

fn find(draw: &mut Draw, set: &Set, description: String) -> Draft {
    Draft {
        text: draw.say(&WORDINGS, &[("the", description)]),
        functional: draw.about(set, Operation::Query(Attribute::Place)),
    }
}

/// "Find the dog.", "Find the animal."
fn named(draw: &mut Draw) -> Option<Draft> {
    let mut nouns = if draw.chance(0.7) {
        draw.things(0)
    } else {
        draw.category_nouns(0, true)
    };
    nouns.retain(|noun| draw.count(0, *noun) == 1);
    let noun = draw.pick(&nouns)?;
    let set = anywhere(0, noun);
    Some(find(draw, &set, format!("the {}", noun.one())))
}

/// "Find the red dog.", where a blue one is too.
fn colored(draw: &mut Draw) -> Option<Draft> {
    let mut nouns = draw.colored_things(0);
    nouns.retain(|noun| draw.count(0, *noun) == 1);
    if draw.chance(0.7) {
        nouns.retain(|noun| draw.count(0, noun.uncolored()) > 1);
    }
    let noun = draw.pick(&nouns)?;
    let set = anywhere(0, noun);
    Some(find(draw, &set, format!("the {}", noun.one())))
}

/// "Find the dog to the left of the car.", where another one is elsewhere.
fn related(draw: &mut Draw) -> Option<Draft> {
    for _ in 0..12 {
        let noun = several(draw)?;
        let anchor = draw.unique(0)?;
        let relation = draw.relation();
        let set = beside(0, noun, relation, anchor);
        if !overlaps(draw, 0, noun, anchor) && set.only(draw.scenes).is_ok() {
            let description = format!(
                "the {} {} the {}",
                noun.one(),
                relation.phrase(),
                anchor.one()
            );
            return Some(find(draw, &set, description));
        }
    }
    None
}

/// "Find the dog on the left side.", where another one is on the right.
fn placed(draw: &mut Draw) -> Option<Draft> {
    for _ in 0..12 {
        let noun = several(draw)?;
        let side = draw.pick(&[Side::Left, Side::Right, Side::Top, Side::Bottom])?;
        let set = on_side(0, noun, side);
        let across = on_side(0, noun, side.opposite());
        // Each of the objects must clearly be on one side only.
        let (Ok(here), Ok(there)) = (set.found(draw.scenes), across.found(draw.scenes)) else {
            continue;
        };
        if here.len() == 1 && !there.contains(&here[0]) {
            let place = match side {
                Side::Left | Side::Right => format!("on the {} side", side.name()),
                Side::Top | Side::Bottom => format!("in the {} part", side.name()),
            };
            let description = format!("the {} {place} of the picture", noun.one());
            return Some(find(draw, &set, description));
        }
    }
    None
}

/// A thing or category that is there, mostly more than once.
fn several(draw: &mut Draw) -> Option<Noun> {
    let mut nouns = if draw.chance(0.6) {
        draw.things(0)
    } else {
        draw.category_nouns(0, true)
    };
    if draw.chance(0.75) {
        nouns.retain(|noun| draw.count(0, *noun) > 1);
    }
    draw.pick(&nouns)
}
