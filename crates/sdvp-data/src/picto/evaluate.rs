//! What a functional program answers about scenes, from their exact content.

use super::functional::{Attribute, Functional, Operation, Place, Set};
use super::{Scene, Side};
use sdvp_core::BBox;
use std::collections::BTreeSet;

/// Why a functional program has no clear answer about some scenes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// "the dog", where there is none, or several.
    NotOne,
    /// An object lies across a border that decides the answer.
    Straddling,
    /// The steps do not fit together.
    Malformed,
}

/// The answer of a functional program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning {
    Truth(bool),
    Number(i64),
    Word(String),
    Names(BTreeSet<String>),
    Place(BBox),
}

/// An object counts as inside a border if at least this part of its box is.
pub(crate) const INSIDE: f32 = 0.85;
/// … and as outside if at most this part is inside; between the two, nothing may be asked.
pub(crate) const OUTSIDE: f32 = 0.15;

/// Whether a box is clearly inside (`Ok(true)`) or outside of a region.
pub(crate) fn clearly_inside(bbox: &BBox, region: &BBox) -> Result<bool, Unclear> {
    match bbox.coverage_by(region) {
        part if part >= INSIDE => Ok(true),
        part if part <= OUTSIDE => Ok(false),
        _ => Err(Unclear::Straddling),
    }
}

impl Set {
    /// Indices of its objects in its scene, in drawing order.
    pub(crate) fn found(&self, scenes: &[impl AsRef<Scene>]) -> Result<Vec<usize>, Unclear> {
        let scene = scenes.get(self.image).ok_or(Unclear::Malformed)?.as_ref();
        let side = scene.side as f32;
        let region = match &self.place {
            Place::Anywhere => BBox::new(0.0, 0.0, side, side),
            Place::On(half) => half.region(side),
            Place::By(relation, anchor) => {
                let anchor = anchor.only(scenes)?;
                relation.region(&scene.objects[anchor].bbox, side)
            }
        };
        let mut found = Vec::new();
        for (index, object) in scene.objects.iter().enumerate() {
            if self.noun.matches(object)
                && (self.place == Place::Anywhere || clearly_inside(&object.bbox, &region)?)
            {
                found.push(index);
            }
        }
        Ok(found)
    }

    /// Its one object.
    pub(crate) fn only(&self, scenes: &[impl AsRef<Scene>]) -> Result<usize, Unclear> {
        match self.found(scenes)?.as_slice() {
            [index] => Ok(*index),
            _ => Err(Unclear::NotOne),
        }
    }
}

impl Functional {
    /// The program's answer about the scenes.
    pub(crate) fn evaluate(&self, scenes: &[impl AsRef<Scene>]) -> Result<Meaning, Unclear> {
        let last = self.steps.len().checked_sub(1).ok_or(Unclear::Malformed)?;
        self.meaning(last, scenes)
    }

    fn meaning(&self, at: usize, scenes: &[impl AsRef<Scene>]) -> Result<Meaning, Unclear> {
        let step = self.steps.get(at).ok_or(Unclear::Malformed)?;
        let on = |n: usize| step.on.get(n).copied().ok_or(Unclear::Malformed);
        let set = |n: usize| self.set(on(n)?).ok_or(Unclear::Malformed);
        let object = |n: usize| {
            let set = set(n)?;
            let index = set.only(scenes)?;
            let scene = scenes.get(set.image).ok_or(Unclear::Malformed)?.as_ref();
            Ok((&scene.objects[index], scene.side as f32))
        };
        let truth = |n: usize| match self.meaning(on(n)?, scenes)? {
            Meaning::Truth(truth) => Ok(truth),
            _ => Err(Unclear::Malformed),
        };
        let number = |n: usize| match self.meaning(on(n)?, scenes)? {
            Meaning::Number(number) => Ok(number),
            _ => Err(Unclear::Malformed),
        };
        let color = |n: usize| Ok::<_, Unclear>(object(n)?.0.color);
        let word = |text: &str| Meaning::Word(text.to_owned());
        Ok(match &step.operation {
            Operation::Exist => Meaning::Truth(!set(0)?.found(scenes)?.is_empty()),
            Operation::Count => Meaning::Number(set(0)?.found(scenes)?.len() as i64),
            Operation::Query(Attribute::Name) => word(object(0)?.0.thing.name()),
            Operation::Query(Attribute::Color) => word(color(0)?.name()),
            Operation::Query(Attribute::Place) => Meaning::Place(object(0)?.0.bbox),
            Operation::Query(Attribute::Horizontal) => {
                let (object, size) = object(0)?;
                word(side_of(&object.bbox, Side::Left, size)?.name())
            }
            Operation::Query(Attribute::Vertical) => {
                let (object, size) = object(0)?;
                word(side_of(&object.bbox, Side::Top, size)?.name())
            }
            Operation::ChooseSide(side) => {
                let (object, size) = object(0)?;
                word(side_of(&object.bbox, *side, size)?.name())
            }
            Operation::VerifyColor(asked) => Meaning::Truth(color(0)? == *asked),
            Operation::ChooseColor(a, b) => match color(0)? {
                found if found == *a || found == *b => word(found.name()),
                _ => return Err(Unclear::Malformed),
            },
            Operation::VerifyRelation(noun, relation) => {
                let anchor = set(0)?;
                let related = Set {
                    image: anchor.image,
                    noun: *noun,
                    place: Place::By(*relation, Box::new(anchor)),
                };
                Meaning::Truth(!related.found(scenes)?.is_empty())
            }
            Operation::ChooseRelation(noun, relation) => {
                let anchor = set(0)?;
                let related = |relation| Set {
                    image: anchor.image,
                    noun: *noun,
                    place: Place::By(relation, Box::new(anchor.clone())),
                };
                let here = related(*relation).found(scenes)?.len();
                let there = related(relation.opposite()).found(scenes)?.len();
                match (here, there) {
                    (1, 0) => word(relation.answer()),
                    (0, 1) => word(relation.opposite().answer()),
                    _ => return Err(Unclear::NotOne),
                }
            }
            Operation::SameColor => Meaning::Truth(color(0)? == color(1)?),
            Operation::DifferentColor => Meaning::Truth(color(0)? != color(1)?),
            // Both sides are looked at: an unclear one spoils the question either way.
            Operation::And => Meaning::Truth(truth(0)? & truth(1)?),
            Operation::Or => Meaning::Truth(truth(0)? | truth(1)?),
            Operation::Xor => Meaning::Truth(truth(0)? ^ truth(1)?),
            Operation::Plus => Meaning::Number(number(0)? + number(1)?),
            Operation::CompareTo(comparison, constant) => {
                Meaning::Truth(comparison.holds(number(0)?, *constant))
            }
            Operation::Compare(comparison) => {
                Meaning::Truth(comparison.holds(number(0)?, number(1)?))
            }
            Operation::List(nouns) => {
                let mut names = BTreeSet::new();
                for (n, noun) in nouns.iter().enumerate() {
                    if truth(n)? {
                        names.insert(noun.name());
                    }
                }
                Meaning::Names(names)
            }
            Operation::Image(_)
            | Operation::Select(_)
            | Operation::FilterColor(_)
            | Operation::FilterSide(_)
            | Operation::Relate(..) => return Err(Unclear::Malformed),
        })
    }
}

/// On which of two opposite sides a box lies: clearly in one and clearly out of the other, as
/// programs crop them.
fn side_of(bbox: &BBox, side: Side, size: f32) -> Result<Side, Unclear> {
    let here = clearly_inside(bbox, &side.region(size))?;
    let there = clearly_inside(bbox, &side.opposite().region(size))?;
    match (here, there) {
        (true, false) => Ok(side),
        (false, true) => Ok(side.opposite()),
        _ => Err(Unclear::Straddling),
    }
}

#[cfg(test)]
mod tests;
