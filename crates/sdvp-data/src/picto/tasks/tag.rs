//! `picto-tag`: which of eight things are in the picture.

use super::QuestionType;
use super::draw::{Draft, Draw, anywhere};
use crate::picto::Noun;
use crate::picto::functional::{Functional, Operation};

/// How many names are offered.
const CANDIDATES: usize = 8;
/// Most names of the offered that are there.
const MOST_PRESENT: usize = 4;
/// One question in this many offers nothing that is there.
const EMPTY_EVERY: usize = 12;

/// The question types with their weights.
pub(super) const TYPES: [QuestionType; 1] = [QuestionType::one(1, ["tag", "obj", "tag"], which)];

/// "Which of these are in the picture: a dog, a cat, …?"; what is not there is mostly of the
/// categories that are.
fn which(draw: &mut Draw) -> Option<Draft> {
    let mut nouns: Vec<Noun> = if draw.slot % EMPTY_EVERY == EMPTY_EVERY - 1 {
        Vec::new()
    } else {
        draw.things(0)
    };
    draw.shuffle(&mut nouns);
    nouns.truncate(MOST_PRESENT);
    while nouns.len() < CANDIDATES {
        let absent = draw.absent_thing(0)?;
        if !nouns.contains(&absent) {
            nouns.push(absent);
        }
    }
    draw.shuffle(&mut nouns);
    let mut functional = Functional::default();
    let exists: Vec<usize> = nouns
        .iter()
        .map(|noun| {
            let selected = functional.select(&anywhere(0, *noun), false);
            functional.push(Operation::Exist, &[selected])
        })
        .collect();
    let names: Vec<String> = nouns.iter().map(Noun::name).collect();
    functional.push(Operation::List(nouns), &exists);
    Some(Draft {
        text: draw.say(
            &[
                "Which of these are in the picture: {names}?",
                "Which of these things do you see: {names}?",
                "What does the picture show of the following: {names}?",
            ],
            &[("names", names.join(", "))],
        ),
        functional,
    })
}
