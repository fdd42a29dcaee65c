//! Words for what is in a picture: nouns with an optional colour, relations, sides.

use super::{Category, Color, SceneObject, Thing};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What kind of object a [`Noun`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// One thing of the catalogue.
    Thing(Thing),
    /// Any thing of a category.
    Category(Category),
    /// Anything at all ("object").
    Anything,
}

/// A description of objects: what they are, and perhaps their colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Noun {
    /// The colour, if it is said.
    pub color: Option<Color>,
    /// What they are.
    pub what: What,
}

impl Noun {
    /// A thing of any colour.
    pub fn thing(thing: Thing) -> Self {
        Self {
            color: None,
            what: What::Thing(thing),
        }
    }

    /// Anything of a category, of any colour.
    pub fn category(category: Category) -> Self {
        Self {
            color: None,
            what: What::Category(category),
        }
    }

    /// The same, of one colour only.
    #[must_use]
    pub fn colored(self, color: Color) -> Self {
        Self {
            color: Some(color),
            ..self
        }
    }

    /// The same, of any colour.
    #[must_use]
    pub fn uncolored(self) -> Self {
        Self {
            color: None,
            ..self
        }
    }

    /// Whether the object fits the description.
    pub fn matches(&self, object: &SceneObject) -> bool {
        self.color.is_none_or(|color| object.color == color)
            && match self.what {
                What::Thing(thing) => object.thing == thing,
                What::Category(category) => object.thing.category() == category,
                What::Anything => true,
            }
    }

    /// As a program says it: "dog", "red car", "clothing".
    pub fn name(&self) -> String {
        self.with_color(match self.what {
            What::Thing(thing) => thing.name(),
            What::Category(category) => category.name(),
            What::Anything => "object",
        })
    }

    /// One of it: "dog", "red piece of clothing".
    pub fn one(&self) -> String {
        self.with_color(match self.what {
            What::Thing(thing) => thing.name(),
            What::Category(category) => countable(category).0,
            What::Anything => "object",
        })
    }

    /// Several of it: "dogs", "red pieces of clothing".
    pub fn many(&self) -> String {
        match self.what {
            What::Thing(thing) => self.with_color(&thing.plural()),
            What::Category(category) => self.with_color(countable(category).1),
            What::Anything => self.with_color("objects"),
        }
    }

    /// One of it with its article: "a dog", "an orange car".
    pub fn a(&self) -> String {
        let one = self.one();
        let article = if one.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        // "umbrella" takes "an"; no name of the catalogue starts with a spoken consonant u.
        format!("{article} {one}")
    }

    /// Reads a name as programs, questions and people write it: singular or plural, with or
    /// without article and colour. `None` if a word is not known.
    ///
    /// ```
    /// use sdvp_data::picto::{Color, Noun, Thing};
    /// let noun = Noun::parse("any red cars").unwrap();
    /// assert_eq!(noun, Noun::thing(Thing::named("car").unwrap()).colored(Color::Red));
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = words(&lower).collect();
        Self::from_words(&words)
    }

    /// As [`Noun::parse`], from lower-case words.
    pub(crate) fn from_words(words: &[&str]) -> Option<Self> {
        let mut color = None;
        let mut what = None;
        for word in words {
            if let Some(found) = color_named(word) {
                if color.replace(found).is_some_and(|before| before != found) {
                    return None;
                }
            } else if let Some(found) = WORDS.get(*word) {
                // "clothing items": the more special word counts.
                match what {
                    None | Some(What::Anything) => what = Some(*found),
                    Some(before) if before == *found || *found == What::Anything => {}
                    Some(_) => return None,
                }
            } else if !FILLERS.contains(word) {
                return None;
            }
        }
        Some(Self { color, what: what? })
    }

    fn with_color(&self, name: &str) -> String {
        match self.color {
            Some(color) => format!("{color} {name}"),
            None => name.to_owned(),
        }
    }
}

/// The lower-case words of a text, without punctuation.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// The colour of that name.
pub(crate) fn color_named(word: &str) -> Option<Color> {
    Color::ALL.into_iter().find(|color| color.name() == word)
}

/// Words that a name may contain without changing its meaning.
const FILLERS: [&str; 9] = [
    "a", "an", "the", "any", "some", "piece", "pieces", "of", "kind",
];

/// Singular and plural of a category where things are counted.
fn countable(category: Category) -> (&'static str, &'static str) {
    match category {
        Category::Animal => ("animal", "animals"),
        Category::Vehicle => ("vehicle", "vehicles"),
        Category::Fruit => ("fruit", "fruits"),
        Category::Food => ("food item", "food items"),
        Category::Clothing => ("piece of clothing", "pieces of clothing"),
        Category::Instrument => ("instrument", "instruments"),
        Category::Plant => ("plant", "plants"),
        Category::Tool => ("tool", "tools"),
    }
}

/// Every word that says what something is.
static WORDS: LazyLock<HashMap<String, What>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for thing in Thing::all() {
        known.insert(thing.name().to_owned(), What::Thing(thing));
        known.insert(thing.plural(), What::Thing(thing));
    }
    for category in Category::ALL {
        for word in [category.name().to_owned(), format!("{category}s")] {
            known.insert(word, What::Category(category));
        }
    }
    known.insert("clothes".to_owned(), What::Category(Category::Clothing));
    for word in ["object", "objects", "thing", "things", "item", "items"] {
        known.insert(word.to_owned(), What::Anything);
    }
    known
});

/// A small number in words.
pub(crate) fn number_word(number: i64) -> String {
    const WORDS: [&str; 11] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    usize::try_from(number)
        .ok()
        .and_then(|index| WORDS.get(index))
        .map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_noun() -> Vec<Noun> {
        let plain = Thing::all()
            .map(Noun::thing)
            .chain(Category::ALL.map(Noun::category));
        plain
            .flat_map(|noun| {
                std::iter::once(noun).chain(Color::ALL.map(|color| noun.colored(color)))
            })
            .collect()
    }

    #[test]
    fn every_form_of_every_noun_reads_back() {
        for noun in every_noun() {
            for text in [noun.name(), noun.one(), noun.many(), noun.a()] {
                assert_eq!(Noun::parse(&text), Some(noun), "{text}");
            }
        }
    }

    #[test]
    fn articles_fit_and_nonsense_is_refused() {
        let named = |name| Noun::thing(Thing::named(name).unwrap());
        assert_eq!(named("umbrella").a(), "an umbrella");
        assert_eq!(named("umbrella").colored(Color::Red).a(), "a red umbrella");
        assert_eq!(named("dog").colored(Color::Orange).a(), "an orange dog");
        for text in ["", "red", "the quick dog", "dog cat", "red blue dog"] {
            assert_eq!(Noun::parse(text), None, "{text}");
        }
    }
}
