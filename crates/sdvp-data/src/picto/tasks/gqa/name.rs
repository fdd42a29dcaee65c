//! Which thing is it?

use super::super::draw::{Draft, Draw, anywhere};
use crate::picto::Noun;
use crate::picto::functional::{Attribute, Operation};

/// "What animal is in the picture?"
pub(in super::super) fn category(draw: &mut Draw) -> Option<Draft> {
    let mut nouns = draw.category_nouns(0, true);
    nouns.retain(|noun| draw.count(0, *noun) == 1);
    let noun = draw.pick(&nouns)?;
    Some(Draft {
        text: draw.say(
            &[
                "What {name} is in the picture?",
                "Which {name} do you see?",
                "What kind of {name} is in this image?",
                "What {name} does the picture show?",
            ],
            &[("name", noun.name())],
        ),
        functional: draw.about(&anywhere(0, noun), Operation::Query(Attribute::Name)),
    })
}

/// "What is the blue animal called?"; mostly where there are animals of other colours too.
pub(in super::super) fn colored(draw: &mut Draw) -> Option<Draft> {
    let mut nouns: Vec<Noun> = draw
        .category_nouns(0, true)
        .into_iter()
        .flat_map(|noun| crate::picto::Color::ALL.map(|color| noun.colored(color)))
        .filter(|noun| draw.count(0, *noun) == 1)
        .collect();
    if draw.chance(0.7) {
        nouns.retain(|noun| draw.count(0, noun.uncolored()) > 1);
    }
    let noun = draw.pick(&nouns)?;
    Some(Draft {
        text: draw.say(
            &[
                "What is the {one} called?",
                "What is the name of the {one}?",
                "Which {name} is in the picture?",
                "What kind of {name} do you see?",
            ],
            &[("one", noun.one()), ("name", noun.name())],
        ),
        functional: draw.about(&anywhere(0, noun), Operation::Query(Attribute::Name)),
    })
}
