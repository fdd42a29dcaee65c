//! Drawing one question: scenes, chance, and what the question should be like.

use crate::picto::functional::{Attribute, Functional, Operation, Place, Set};
use crate::picto::{Category, Color, Noun, Relation, Scene, Side, Thing};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// A question before its answer and its program are worked out.
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) functional: Functional,
}

/// What a question is drawn from.
pub(super) struct Draw<'a> {
    pub(super) scenes: &'a [Arc<Scene>],
    /// The categories that the scenes' things are of.
    pub(super) categories: &'a [Category],
    /// The number of this question among those of its type; what decides which answer is wanted,
    /// so that answers are balanced.
    pub(super) slot: usize,
    pub(super) rng: &'a mut ChaCha8Rng,
}

impl Draw<'_> {
    /// Whether the answer should be yes: every other one of a type.
    pub(super) fn want_yes(&self) -> bool {
        self.slot.is_multiple_of(2)
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// One of the given, each as likely.
    pub(super) fn pick<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        among.choose(self.rng).cloned()
    }

    /// One of the wordings, its holes filled: `{a}` by the text for `a`.
    pub(super) fn say(&mut self, wordings: &[&str], holes: &[(&str, String)]) -> String {
        let mut text = wordings
            .choose(self.rng)
            .map_or_else(String::new, |wording| (*wording).to_owned());
        for (hole, filling) in holes {
            text = text.replace(&format!("{{{hole}}}"), filling);
        }
        let mut letters = text.chars();
        match letters.next() {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => text,
        }
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(self.rng);
    }

    pub(super) fn relation(&mut self) -> Relation {
        Relation::ALL[self.rng.random_range(0..Relation::ALL.len())]
    }

    /// One of two pictures.
    pub(super) fn either(&mut self) -> usize {
        self.rng.random_range(0..2)
    }

    fn objects(&self, image: usize) -> &[crate::picto::SceneObject] {
        self.scenes.get(image).map_or(&[], |scene| &scene.objects)
    }

    /// How many objects of a picture fit.
    pub(super) fn count(&self, image: usize, noun: Noun) -> usize {
        let fits = |object: &&crate::picto::SceneObject| noun.matches(object);
        self.objects(image).iter().filter(fits).count()
    }

    /// Whether an object of a picture fits.
    pub(super) fn has(&self, image: usize, noun: Noun) -> bool {
        self.count(image, noun) > 0
    }

    /// The colour of the one object that fits.
    pub(super) fn color_of(&self, image: usize, noun: Noun) -> Option<Color> {
        let mut fitting = self.objects(image).iter().filter(|o| noun.matches(o));
        let first = fitting.next()?.color;
        fitting.next().is_none().then_some(first)
    }

    /// The things of a picture.
    pub(super) fn things(&self, image: usize) -> Vec<Noun> {
        let mut found: Vec<Noun> = self
            .objects(image)
            .iter()
            .map(|object| Noun::thing(object.thing))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The things of a picture with their colours.
    pub(super) fn colored_things(&self, image: usize) -> Vec<Noun> {
        let mut found: Vec<Noun> = self
            .objects(image)
            .iter()
            .map(|object| Noun::thing(object.thing).colored(object.color))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Things that are in the picture once.
    pub(super) fn unique_things(&self, image: usize) -> Vec<Noun> {
        let mut found = self.things(image);
        found.retain(|noun| self.count(image, *noun) == 1);
        found
    }

    /// A description that fits one object of the picture only: mostly the thing's name, with its
    /// colour where it needs it and sometimes where it does not.
    pub(super) fn unique(&mut self, image: usize) -> Option<Noun> {
        let mut found = self.colored_things(image);
        found.retain(|noun| self.count(image, *noun) == 1);
        let noun = self.pick(&found)?;
        let plain_does = self.count(image, noun.uncolored()) == 1;
        Some(if plain_does && self.chance(0.85) {
            noun.uncolored()
        } else {
            noun
        })
    }

    /// A thing that could be in a picture of the task but is not; mostly of a category that is.
    pub(super) fn absent_thing(&mut self, image: usize) -> Option<Noun> {
        let close = self.chance(0.7);
        let near: Vec<Noun> = self.absent(image, |draw, thing| {
            !close || draw.has(image, Noun::category(thing.category()))
        });
        if near.is_empty() {
            let all = self.absent(image, |_, _| true);
            self.pick(&all)
        } else {
            self.pick(&near)
        }
    }

    fn absent(&self, image: usize, keep: impl Fn(&Self, Thing) -> bool) -> Vec<Noun> {
        Thing::all()
            .filter(|thing| self.categories.contains(&thing.category()))
            .filter(|thing| !self.has(image, Noun::thing(*thing)) && keep(self, *thing))
            .map(Noun::thing)
            .collect()
    }

    /// The categories of the task that are, or are not, in the picture.
    pub(super) fn category_nouns(&self, image: usize, present: bool) -> Vec<Noun> {
        self.categories
            .iter()
            .map(|category| Noun::category(*category))
            .filter(|noun| self.has(image, *noun) == present)
            .collect()
    }

    /// A thing with a colour that the picture does not have it in: mostly a thing that is there
    /// in another colour, else a colour that is there on other things.
    pub(super) fn absent_colored(&mut self, image: usize) -> Option<Noun> {
        let noun = if self.chance(0.7) {
            let there = self.things(image);
            self.pick(&there)?
        } else {
            self.absent_thing(image)?
        };
        let mut colors: Vec<Color> = Color::ALL.to_vec();
        colors.retain(|color| !self.has(image, noun.colored(*color)));
        Some(noun.colored(self.pick(&colors)?))
    }

    /// A colour that is not `color`; mostly one that is in the picture.
    pub(super) fn other_color(&mut self, image: usize, color: Color) -> Option<Color> {
        let mut there: Vec<Color> = self.objects(image).iter().map(|o| o.color).collect();
        there.retain(|other| *other != color);
        if there.is_empty() || self.chance(0.4) {
            there = Color::ALL.to_vec();
            there.retain(|other| *other != color);
        }
        self.pick(&there)
    }

    /// A noun, of things, categories or coloured things, that fits exactly `wanted` objects.
    pub(super) fn noun_counting(&mut self, image: usize, wanted: usize) -> Option<Noun> {
        if wanted == 0 {
            return match self.rng.random_range(0..10) {
                0..6 => self.absent_thing(image),
                6..9 => self.absent_colored(image),
                _ => {
                    let absent = self.category_nouns(image, false);
                    self.pick(&absent)
                }
            };
        }
        let mut kinds = [
            self.things(image),
            self.category_nouns(image, true),
            self.colored_things(image),
        ];
        // The rarer a kind is among the fitting, the less it would be asked for: pick kind first.
        self.shuffle(&mut kinds);
        kinds.into_iter().find_map(|mut nouns| {
            nouns.retain(|noun| self.count(image, *noun) == wanted);
            self.pick(&nouns)
        })
    }

    /// On which side of the picture the described object clearly is.
    pub(super) fn side_of(&self, image: usize, noun: Noun, horizontal: bool) -> Option<Side> {
        let mut functional = Functional::default();
        let set = functional.select(&anywhere(image, noun), self.scenes.len() > 1);
        let attribute = if horizontal {
            Attribute::Horizontal
        } else {
            Attribute::Vertical
        };
        functional.push(Operation::Query(attribute), &[set]);
        match functional.evaluate(self.scenes).ok()? {
            crate::picto::evaluate::Meaning::Word(word) => Side::pair(horizontal)
                .into_iter()
                .find(|side| side.name() == word),
            _ => None,
        }
    }

    /// A program that selects `set` and does `operation` with it.
    pub(super) fn about(&self, set: &Set, operation: Operation) -> Functional {
        let mut functional = Functional::default();
        let selected = functional.select(set, self.scenes.len() > 1);
        functional.push(operation, &[selected]);
        functional
    }
}

/// All objects of a picture that fit.
pub(super) fn anywhere(image: usize, noun: Noun) -> Set {
    Set {
        image,
        noun,
        place: Place::Anywhere,
    }
}

/// The objects that fit and lie so to the one that `anchor` fits.
pub(super) fn beside(image: usize, noun: Noun, relation: Relation, anchor: Noun) -> Set {
    Set {
        image,
        noun,
        place: Place::By(relation, Box::new(anywhere(image, anchor))),
    }
}

/// The objects that fit and lie on that side.
pub(super) fn on_side(image: usize, noun: Noun, side: Side) -> Set {
    Set {
        image,
        noun,
        place: Place::On(side),
    }
}
