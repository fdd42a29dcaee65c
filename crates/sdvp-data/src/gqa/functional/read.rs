//! Reads the untyped steps of a record into what they mean.

mod asking;
mod given;

use super::argument::{MAX_ARGUMENT, name, property, related, split_objects};
use super::meaning::{Amount, Claim, Meaning, Objects, Picture, Place, Word};
use super::relation::Link;
use super::{Functional, FunctionalError};
use crate::limits::FUNCTIONAL_STEPS;
use crate::picto::{FunctionalStep, Side};
use std::sync::Arc;

/// Reads the steps.
pub(super) fn read(
    question: &str,
    steps: &[FunctionalStep],
) -> Result<Functional, FunctionalError> {
    FUNCTIONAL_STEPS
        .admit(steps.len() as u64)
        .map_err(|exceeded| FunctionalError::TooLong {
            question: question.to_owned(),
            exceeded,
        })?;
    let mut known: Vec<Meaning> = Vec::with_capacity(steps.len());
    // Steps have their places as ids; what is put together of them has greater ones.
    let mut ids = steps.len();
    for (at, step) in steps.iter().enumerate() {
        let reader = Reader {
            question,
            at,
            step,
            steps: steps.len(),
            known: &known,
            ids: &mut ids,
        };
        let meaning = reader.meaning()?;
        known.push(meaning);
    }
    let pair = known
        .iter()
        .any(|meaning| matches!(meaning, Meaning::Picture(picture) if *picture != Picture::Only));
    let (Some(answer), Some(last)) = (known.pop(), steps.last()) else {
        return Err(FunctionalError::Empty {
            question: question.to_owned(),
        });
    };
    if let Meaning::Picture(_) | Meaning::Scene(_) | Meaning::Objects(_) = answer {
        return Err(FunctionalError::NoAnswer {
            question: question.to_owned(),
            step: known.len(),
            operation: last.operation.clone(),
            found: answer.kind(),
        });
    }
    Ok(Functional { answer, pair })
}

/// Reads one step.
struct Reader<'a> {
    question: &'a str,
    at: usize,
    step: &'a FunctionalStep,
    /// How many steps there are.
    steps: usize,
    /// What the steps before give.
    known: &'a [Meaning],
    ids: &'a mut usize,
}

/// An operation's name, apart from what it is about: `filter`, `color`.
fn split_operation(operation: &str) -> (String, String) {
    let mut parts = operation.split_whitespace();
    let head = parts.next().unwrap_or_default().to_owned();
    (head, parts.collect::<Vec<_>>().join(" "))
}

impl Reader<'_> {
    fn meaning(mut self) -> Result<Meaning, FunctionalError> {
        let (head, about) = split_operation(&self.step.operation);
        let text = split_objects(&self.step.argument).0;
        if text.chars().count() > MAX_ARGUMENT || about.chars().count() > MAX_ARGUMENT {
            return Err(self.argument(format!("at most {MAX_ARGUMENT} characters")));
        }
        if about.chars().any(char::is_control) {
            return Err(self.unknown());
        }
        match head.as_str() {
            "image" => self.picture(text),
            "select" => self.select(text),
            "filter" => self.filter(&about, text),
            "relate" => self.relate(),
            "exist" => {
                let found = self.objects(self.on::<1>()?[0])?;
                Ok(self.truth(Claim::Exist(found)))
            }
            "count" => {
                let found = self.objects(self.on::<1>()?[0])?;
                Ok(self.amount(Amount::Count(found)))
            }
            "query" => self.query(&about, text),
            "verify" if about == "rel" => self.verify_relation(),
            "verify" => self.verify(&about, text),
            "choose" if about == "rel" => self.choose_relation(),
            "choose" => self.choose(&about, text),
            "same" | "different" => self.agreement(&about, text, head == "same"),
            "common" => {
                let [a, b] = self.on()?;
                Ok(word(Word::Common(self.objects(a)?, self.objects(b)?)))
            }
            "and" | "or" | "xor" => {
                let [a, b] = self.on()?;
                let (a, b) = (self.truth_of(a)?, self.truth_of(b)?);
                Ok(self.truth(match head.as_str() {
                    "and" => Claim::And(a, b),
                    "or" => Claim::Or(a, b),
                    _ => Claim::Xor(a, b),
                }))
            }
            "plus" => {
                let [a, b] = self.on()?;
                Ok(self.amount(Amount::Plus(self.number(a)?, self.number(b)?)))
            }
            "compare" => self.compare(text),
            "list" => self.list(text),
            _ => Err(self.unknown()),
        }
    }

    fn picture(&self, text: &str) -> Result<Meaning, FunctionalError> {
        self.on::<0>()?;
        match text {
            "LEFT" => Ok(Meaning::Picture(Picture::Left)),
            "RIGHT" => Ok(Meaning::Picture(Picture::Right)),
            _ => Err(self.argument("LEFT or RIGHT")),
        }
    }

    fn select(&mut self, text: &str) -> Result<Meaning, FunctionalError> {
        let picture = match self.step.dependencies.as_slice() {
            [] => Picture::Only,
            [on] => match self.get(*on)? {
                Meaning::Picture(picture) => *picture,
                other => return Err(self.kind(*on, "a picture", other)),
            },
            _ => return Err(self.dependencies("no or one")),
        };
        if matches!(text, "scene" | "this" | "image" | "picture" | "photo") {
            return Ok(Meaning::Scene(picture));
        }
        Ok(Meaning::Objects(Arc::new(Objects {
            id: self.at,
            picture,
            name: self.read(name(text))?,
            properties: Vec::new(),
            sides: Vec::new(),
            place: Place::Anywhere,
        })))
    }

    fn filter(&mut self, about: &str, text: &str) -> Result<Meaning, FunctionalError> {
        let before = self.objects(self.on::<1>()?[0])?;
        let found = self.read(property(about, text))?;
        let mut objects = Objects {
            id: self.at,
            ..Objects::clone(&before)
        };
        match side(&found.attribute, &found.value) {
            // Of objects beside others, the halves are those of the whole picture.
            Some(side) if objects.place == Place::Anywhere => objects
                .sides
                .push(if found.negated { side.opposite() } else { side }),
            _ => objects.properties.push(found),
        }
        Ok(Meaning::Objects(Arc::new(objects)))
    }

    fn relate(&mut self) -> Result<Meaning, FunctionalError> {
        let anchor = self.objects(self.on::<1>()?[0])?;
        let (name, links) = self.read(related(&self.step.argument))?;
        let [link] = links.as_slice() else {
            return Err(self.argument("one relation"));
        };
        let id = self.at;
        Ok(Meaning::Objects(beside(id, name, link.clone(), &anchor)))
    }
}

fn word(word: Word) -> Meaning {
    Meaning::Word(Arc::new(word))
}

/// The objects that are related so to an anchor.
fn beside(id: usize, name: Option<String>, link: Link, anchor: &Arc<Objects>) -> Arc<Objects> {
    let place = match link.alike() {
        Some(attribute) => Place::Alike(attribute.to_owned(), Arc::clone(anchor)),
        None => Place::Beside(link, Arc::clone(anchor)),
    };
    Arc::new(Objects {
        id,
        picture: anchor.picture,
        name,
        properties: Vec::new(),
        sides: Vec::new(),
        place,
    })
}

/// The half of the picture that a value of `hposition` or `vposition` names.
fn side(attribute: &str, value: &str) -> Option<Side> {
    match (attribute, value) {
        ("hposition", "left") => Some(Side::Left),
        ("hposition", "right") => Some(Side::Right),
        ("vposition", "top") => Some(Side::Top),
        ("vposition", "bottom") => Some(Side::Bottom),
        _ => None,
    }
}
