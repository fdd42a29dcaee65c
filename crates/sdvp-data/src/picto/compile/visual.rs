//! The visual steps for a description: where to look, boxes, crops, counts, sub-questions.

use super::{Compiler, Dialect};
use crate::picto::functional::{Place, Set};
use crate::picto::{Noun, Relation, Side, SubQuestion, What};
use rand::Rng;

/// The step that crops to one side of a box.
fn crop_step(relation: Relation) -> &'static str {
    match relation {
        Relation::LeftOf => "CROP_LEFTOF",
        Relation::RightOf => "CROP_RIGHTOF",
        Relation::Above => "CROP_ABOVE",
        Relation::Below => "CROP_BELOW",
    }
}

impl Compiler<'_> {
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// The variable of the picture.
    fn input(&self, image: usize) -> &'static str {
        match (self.dialect, image) {
            (Dialect::Gqa, _) => "IMAGE",
            (Dialect::Nlvr, 0) => "LEFT",
            (Dialect::Nlvr, _) => "RIGHT",
        }
    }

    /// The variable of the part of the picture where the set's objects are to be looked for.
    pub(super) fn look(&mut self, set: &Set) -> String {
        let input = self.input(set.image);
        match &set.place {
            Place::Anywhere => input.to_owned(),
            Place::On(side) => self.half(input, *side),
            Place::By(relation, anchor) => {
                let image = self.look(anchor);
                let boxes = self.out.locate(&image, &anchor.noun.name());
                self.out.crop(crop_step(*relation), &image, &boxes)
            }
        }
    }

    /// The variable of one half of a picture.
    pub(super) fn half(&mut self, image: &str, side: Side) -> String {
        let boxes = self.out.locate(image, &side.name().to_uppercase());
        self.out.crop("CROP", image, &boxes)
    }

    /// The variable of the boxes of the set's objects.
    pub(super) fn boxes(&mut self, set: &Set) -> String {
        let image = self.look(set);
        self.out.locate(&image, &set.noun.name())
    }

    /// The variable of a crop of the set's object.
    fn crop(&mut self, set: &Set) -> String {
        let image = self.look(set);
        let boxes = self.out.locate(&image, &set.noun.name());
        self.out.crop("CROP", &image, &boxes)
    }

    /// The variable of the object's crop, or sometimes of all that was looked at.
    fn crop_or_look(&mut self, set: &Set) -> String {
        if self.chance(self.habits.ask_whole) {
            self.look(set)
        } else {
            self.crop(set)
        }
    }

    /// The variable of how many of the set's objects there are.
    pub(super) fn count(&mut self, set: &Set) -> String {
        if self.chance(self.habits.ask_count) {
            let image = self.look(set);
            self.out.ask(&image, &SubQuestion::Count(set.noun).text())
        } else {
            let boxes = self.boxes(set);
            self.out.count(&boxes)
        }
    }

    /// The variable of the answer whether one of the set's objects exists: a number if boxes were
    /// counted (`false`), yes or no if it was asked (`true`).
    pub(super) fn exist(&mut self, set: &Set) -> (String, bool) {
        if self.chance(self.habits.ask_exist) {
            let image = self.look(set);
            let plural = matches!(set.noun.what, What::Category(_));
            let question = SubQuestion::Exist {
                noun: set.noun,
                plural,
            };
            (self.out.ask(&image, &question.text()), true)
        } else {
            let boxes = self.boxes(set);
            (self.out.count(&boxes), false)
        }
    }

    /// The variable of the colour of the set's object.
    pub(super) fn color(&mut self, set: &Set) -> String {
        let image = self.crop_or_look(set);
        let question = SubQuestion::Color(set.noun.uncolored());
        self.out.ask(&image, &question.text())
    }

    /// The variable of the answer whether the set's object has that colour.
    pub(super) fn is_color(&mut self, set: &Set, color: crate::picto::Color) -> String {
        let image = self.crop_or_look(set);
        let question = SubQuestion::IsColor(set.noun.uncolored(), color);
        self.out.ask(&image, &question.text())
    }

    /// The variable of the name of the set's object.
    pub(super) fn name(&mut self, set: &Set) -> String {
        // Without anything to find first, the picture itself is mostly asked.
        let whole = match (&set.place, set.noun.color) {
            (Place::Anywhere, Some(_)) => self.habits.ask_whole,
            _ => 0.6,
        };
        if self.chance(whole) {
            let image = self.look(set);
            let question = SubQuestion::Name {
                of: set.noun,
                this: false,
            };
            return self.out.ask(&image, &question.text());
        }
        let image = self.crop(set);
        let what = if self.chance(0.2) {
            What::Anything
        } else {
            set.noun.what
        };
        let question = SubQuestion::Name {
            of: Noun { color: None, what },
            this: true,
        };
        self.out.ask(&image, &question.text())
    }
}
