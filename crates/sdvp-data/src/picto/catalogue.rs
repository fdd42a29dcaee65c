//! The things that picto scenes are made of: 64 pictograms in 8 categories, and 6 colours.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Dogs, cats …
    Animal,
    /// Cars, buses …
    Vehicle,
    /// Apples, pears …
    Fruit,
    /// Pizzas, cakes …
    Food,
    /// Shirts, hats …
    Clothing,
    /// Guitars, drums …
    Instrument,
    /// Trees, roses …
    Plant,
    /// Hammers, keys …
    Tool,
}

impl Category {
    /// All categories.
    pub const ALL: [Category; 8] = [
        Category::Animal,
        Category::Vehicle,
        Category::Fruit,
        Category::Food,
        Category::Clothing,
        Category::Instrument,
        Category::Plant,
        Category::Tool,
    ];

    /// Its place in [`Category::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The word for one of it, as programs and questions use it.
    pub fn name(self) -> &'static str {
        match self {
            Category::Animal => "animal",
            Category::Vehicle => "vehicle",
            Category::Fruit => "fruit",
            Category::Food => "food",
            Category::Clothing => "clothing",
            Category::Instrument => "instrument",
            Category::Plant => "plant",
            Category::Tool => "tool",
        }
    }

    /// The things of this category.
    pub fn things(self) -> impl Iterator<Item = Thing> {
        Thing::all().filter(move |thing| thing.category() == self)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One pictogram of the catalogue; files have its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thing(u8);

/// Not the name of a thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a thing of the picto catalogue, found {0:?}")]
pub struct UnknownThing(pub String);

impl TryFrom<String> for Thing {
    type Error = UnknownThing;

    fn try_from(name: String) -> Result<Self, UnknownThing> {
        Thing::named(&name).ok_or(UnknownThing(name))
    }
}

impl From<Thing> for String {
    fn from(thing: Thing) -> String {
        thing.name().to_owned()
    }
}

impl Thing {
    /// How many there are.
    pub const COUNT: usize = CATALOGUE.len();

    /// All things, in catalogue order (by category).
    pub fn all() -> impl Iterator<Item = Thing> {
        (0..CATALOGUE.len() as u8).map(Thing)
    }

    /// The thing of that name.
    pub fn named(name: &str) -> Option<Thing> {
        Thing::all().find(|thing| thing.name() == name)
    }

    /// Its place in the catalogue, below [`Thing::COUNT`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Its name, singular, lower-case.
    pub fn name(self) -> &'static str {
        CATALOGUE[self.index()].0
    }

    /// Its name in the plural.
    pub fn plural(self) -> String {
        let name = self.name();
        match CATALOGUE[self.index()].1 {
            "" => format!("{name}s"),
            plural => plural.to_owned(),
        }
    }

    /// The emoji whose artwork shows it.
    pub fn emoji(self) -> &'static str {
        CATALOGUE[self.index()].2
    }

    /// Its category.
    pub fn category(self) -> Category {
        CATALOGUE[self.index()].3
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The tint of a pictogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// Red.
    Red,
    /// Orange.
    Orange,
    /// Yellow.
    Yellow,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// Purple.
    Purple,
}

impl Color {
    /// All colours.
    pub const ALL: [Color; 6] = [
        Color::Red,
        Color::Orange,
        Color::Yellow,
        Color::Green,
        Color::Blue,
        Color::Purple,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Color::Red => "red",
            Color::Orange => "orange",
            Color::Yellow => "yellow",
            Color::Green => "green",
            Color::Blue => "blue",
            Color::Purple => "purple",
        }
    }

    /// The tint itself: red, green, blue in `[0, 1]`.
    pub fn rgb(self) -> [f32; 3] {
        match self {
            Color::Red => [0.88, 0.12, 0.14],
            Color::Orange => [0.98, 0.5, 0.05],
            Color::Yellow => [0.96, 0.86, 0.1],
            Color::Green => [0.13, 0.66, 0.22],
            Color::Blue => [0.14, 0.36, 0.92],
            Color::Purple => [0.6, 0.2, 0.78],
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

use Category::{Animal, Clothing, Food, Fruit, Instrument, Plant, Tool, Vehicle};

/// Name, plural (empty: add an s), emoji, category.
const CATALOGUE: [(&str, &str, &str, Category); 64] = [
    ("dog", "", "🐕", Animal),
    ("cat", "", "🐈", Animal),
    ("elephant", "", "🐘", Animal),
    ("rabbit", "", "🐇", Animal),
    ("turtle", "", "🐢", Animal),
    ("snake", "", "🐍", Animal),
    ("penguin", "", "🐧", Animal),
    ("butterfly", "butterflies", "🦋", Animal),
    ("car", "", "🚗", Vehicle),
    ("bus", "buses", "🚌", Vehicle),
    ("bicycle", "", "🚲", Vehicle),
    ("airplane", "", "✈️", Vehicle),
    ("ship", "", "🚢", Vehicle),
    ("train", "", "🚂", Vehicle),
    ("rocket", "", "🚀", Vehicle),
    ("helicopter", "", "🚁", Vehicle),
    ("apple", "", "🍎", Fruit),
    ("banana", "", "🍌", Fruit),
    ("grape", "", "🍇", Fruit),
    ("strawberry", "strawberries", "🍓", Fruit),
    ("pineapple", "", "🍍", Fruit),
    ("watermelon", "", "🍉", Fruit),
    ("cherry", "cherries", "🍒", Fruit),
    ("pear", "", "🍐", Fruit),
    ("pizza", "", "🍕", Food),
    ("burger", "", "🍔", Food),
    ("donut", "", "🍩", Food),
    ("cake", "", "🍰", Food),
    ("pretzel", "", "🥨", Food),
    ("taco", "", "🌮", Food),
    ("croissant", "", "🥐", Food),
    ("lollipop", "", "🍭", Food),
    ("shirt", "", "👕", Clothing),
    ("dress", "dresses", "👗", Clothing),
    ("shoe", "", "👞", Clothing),
    ("hat", "", "🎩", Clothing),
    ("sock", "", "🧦", Clothing),
    ("glove", "", "🧤", Clothing),
    ("crown", "", "👑", Clothing),
    ("scarf", "scarves", "🧣", Clothing),
    ("guitar", "", "🎸", Instrument),
    ("harp", "", "🪉", Instrument),
    ("trumpet", "", "🎺", Instrument),
    ("drum", "", "🥁", Instrument),
    ("piano", "", "🎹", Instrument),
    ("saxophone", "", "🎷", Instrument),
    ("bell", "", "🔔", Instrument),
    ("accordion", "", "🪗", Instrument),
    ("tree", "", "🌲", Plant),
    ("cactus", "cactuses", "🌵", Plant),
    ("rose", "", "🌹", Plant),
    ("mushroom", "", "🍄", Plant),
    ("sunflower", "", "🌻", Plant),
    ("palm", "", "🌴", Plant),
    ("clover", "", "🍀", Plant),
    ("tulip", "", "🌷", Plant),
    ("hammer", "", "🔨", Tool),
    ("wrench", "wrenches", "🔧", Tool),
    ("key", "", "🔑", Tool),
    ("umbrella", "", "☂️", Tool),
    ("pencil", "", "✏️", Tool),
    ("lock", "", "🔒", Tool),
    ("magnet", "", "🧲", Tool),
    ("ladder", "", "🪜", Tool),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_and_things_are_at_their_indices() {
        for category in Category::ALL {
            assert_eq!(Category::ALL[category.index()], category);
        }
        for (place, thing) in Thing::all().enumerate() {
            assert_eq!(thing.index(), place);
        }
    }
}
