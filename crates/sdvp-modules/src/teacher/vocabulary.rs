//! The adapter's first half: free text of a program into a teacher's closed vocabulary.

use std::collections::HashMap;
use std::ops::Range;

/// The words a teacher knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// Names of things, by class index; empty for a class that has none.
    pub names: Vec<String>,
    /// The category of each name; none if things have none.
    pub categories: Vec<String>,
    /// Colours, by class index; none if it does not know any.
    pub colors: Vec<String>,
    /// The classes of every name and category.
    nouns: HashMap<String, Vec<usize>>,
    /// Words of the longest of them.
    longest: usize,
}

/// What a noun phrase such as "red cars" means to a teacher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The classes it may be; empty if the noun is unknown.
    pub names: Vec<usize>,
    /// The colour it must have.
    pub color: Option<usize>,
}

impl Meaning {
    /// Whether the noun is in the vocabulary.
    pub fn is_known(&self) -> bool {
        !self.names.is_empty()
    }
}

/// What a question asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// "What color is the dog?"
    Color(Meaning),
    /// "Is the dog red?"
    IsColor(Meaning, usize),
    /// "Is the dog red or blue?"
    ChooseColor(Meaning, Vec<usize>),
    /// "What animal is in the picture?", "What is this?"
    Name(Meaning),
    /// "Is there a red car in the picture?"
    Exists(Meaning),
    /// "How many dogs are in the picture?"
    Count(Meaning),
}

/// Nouns that may be anything.
const GENERAL: [&str; 3] = ["object", "thing", "item"];

/// What says nothing of the thing that is meant.
const PLAIN: [&str; 40] = [
    "a", "an", "the", "this", "that", "these", "those", "it", "in", "on", "of", "at", "is", "are",
    "there", "any", "some", "do", "does", "you", "see", "can", "have", "has", "how", "many",
    "what", "which", "kind", "type", "color", "colour", "called", "named", "or", "picture",
    "image", "photo", "piece", "pieces",
];

impl Vocabulary {
    /// Of names, the category of each (or none), and colours, all by class index.
    pub fn new(names: Vec<String>, categories: Vec<String>, colors: Vec<String>) -> Self {
        let mut nouns: HashMap<String, Vec<usize>> = HashMap::new();
        // Names last: they say more than a category of the same name.
        for (index, category) in categories.iter().enumerate() {
            nouns.entry(as_said(category)).or_default().push(index);
        }
        let mut named: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            named.entry(as_said(name)).or_default().push(index);
        }
        nouns.extend(named);
        nouns.remove("");
        let longest = nouns.keys().map(|noun| noun.split(' ').count()).max();
        Self {
            longest: longest.unwrap_or(0),
            names,
            categories,
            colors,
            nouns,
        }
    }

    /// Whether a noun phrase or question is about things of one name or category that it knows, and no
    /// word of it says more than it knows: nobody who does not know what is wooden can say where a
    /// wooden chair is, and who knows people and bicycles does not know who is on one.
    pub fn knows(&self, text: &str) -> bool {
        let words = words(text);
        let meaning = match self.question(text) {
            Some(Question::Color(_)) if self.colors.is_empty() => return false,
            // What is named already is asked for something else.
            Some(Question::Name(meaning)) if meaning.names.len() == 1 && self.names.len() > 1 => {
                return false;
            }
            Some(
                Question::Color(meaning)
                | Question::IsColor(meaning, _)
                | Question::ChooseColor(meaning, _)
                | Question::Name(meaning)
                | Question::Exists(meaning)
                | Question::Count(meaning),
            ) => meaning,
            None => self.meaning(text),
        };
        let mut known: Vec<bool> = words
            .iter()
            .map(|word| {
                PLAIN.contains(&word.as_str()) || self.color(word).is_some() || is_general(word)
            })
            .collect();
        let mut nouns = 0;
        for (span, _) in self.nouns_in(&words) {
            nouns += 1;
            if let Some(words) = known.get_mut(span) {
                words.fill(true);
            }
        }
        meaning.is_known() && nouns <= 1 && known.into_iter().all(|known| known)
    }

    /// The meaning of a noun phrase: the last known noun or category, and a colour. "object",
    /// "thing" and "item" may be anything, unless a word says more ("food items").
    pub fn meaning(&self, text: &str) -> Meaning {
        let words = words(text);
        let color = words.iter().find_map(|word| self.color(word));
        let named = self
            .nouns_in(&words)
            .next()
            .map(|(_, names)| names.to_vec());
        let anything = || {
            words
                .iter()
                .any(|word| is_general(word))
                .then(|| self.anything())
        };
        Meaning {
            names: named.or_else(anything).unwrap_or_default(),
            color,
        }
    }

    /// What a question asks; `None` if it is of no kind that teachers know.
    pub fn question(&self, text: &str) -> Option<Question> {
        let words = words(text);
        let mut starts = words.iter().map(String::as_str);
        let (first, second) = (starts.next()?, starts.next().unwrap_or(""));
        let meaning = || self.meaning(text);
        match (first, second) {
            ("what" | "which", "color" | "colour") => Some(Question::Color(meaning())),
            ("how", "many") => Some(Question::Count(meaning())),
            ("is" | "are", "there") | ("do", _) | ("does", _) => Some(Question::Exists(meaning())),
            ("what" | "which", _) => Some(Question::Name(self.asked_name(&words))),
            ("is" | "are", _) => Some(self.is_question(text, &words)),
            _ => None,
        }
    }

    /// "What (red) animal …", "What is the red animal called": nothing named means anything.
    fn asked_name(&self, words: &[String]) -> Meaning {
        let mut meaning = self.meaning(&words.join(" "));
        if meaning.names.is_empty()
            && words
                .iter()
                .any(|w| w == "this" || w == "it" || w == "that")
        {
            meaning.names = self.anything();
        }
        meaning
    }

    /// "Is the dog red (or blue)?" or "Is this a dog?".
    fn is_question(&self, text: &str, words: &[String]) -> Question {
        let general = words.iter().position(|word| is_general(word));
        let noun = self.nouns_in(words).last().map(|(span, _)| span.end);
        // The first noun, whatever it says.
        let first = [noun, general.map(|at| at + 1)].into_iter().flatten().min();
        let after: Vec<usize> = words
            .iter()
            .skip(first.unwrap_or(0))
            .filter_map(|word| self.color(word))
            .collect();
        let whole = self.meaning(text);
        let bare = Meaning {
            names: whole.names.clone(),
            color: None,
        };
        match after.as_slice() {
            [] => Question::Exists(whole),
            [only] => Question::IsColor(bare, *only),
            several => Question::ChooseColor(bare, several.to_vec()),
        }
    }

    fn color(&self, word: &str) -> Option<usize> {
        self.colors.iter().position(|color| color == word)
    }

    /// All classes that have a name.
    fn anything(&self) -> Vec<usize> {
        let named = |class: &usize| !self.names[*class].is_empty();
        (0..self.names.len()).filter(named).collect()
    }

    /// The names and categories in a text and the classes they may be, the last one first; of those
    /// that share words the one that ends later, then the longer one.
    fn nouns_in<'a>(
        &'a self,
        words: &'a [String],
    ) -> impl Iterator<Item = (Range<usize>, &'a [usize])> {
        let mut end = words.len();
        std::iter::from_fn(move || {
            while end > 0 {
                let starts = end.saturating_sub(self.longest)..end;
                let found = starts.into_iter().find_map(|start| {
                    let names = self.classes_of(&words[start..end])?;
                    Some((start..end, names))
                });
                match found {
                    Some((span, names)) => {
                        end = span.start;
                        return Some((span, names));
                    }
                    None => end -= 1,
                }
            }
            None
        })
    }

    /// The classes of a name or a category, one or many of them.
    fn classes_of(&self, words: &[String]) -> Option<&[usize]> {
        let (last, before) = words.split_last()?;
        singulars(last).into_iter().find_map(|last| {
            let mut words = before.to_vec();
            words.push(last);
            self.nouns.get(&words.join(" ")).map(Vec::as_slice)
        })
    }
}

/// A name as it stands in texts: in small letters, with single spaces.
fn as_said(name: &str) -> String {
    words(name).join(" ")
}

fn is_general(word: &str) -> bool {
    let general = |word: &String| GENERAL.contains(&word.as_str());
    singulars(word).iter().any(general)
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The word itself and what it may be the plural of.
fn singulars(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    for (ending, instead) in [("ves", "f"), ("ies", "y"), ("es", ""), ("s", "")] {
        if let Some(stem) = word.strip_suffix(ending) {
            forms.push(format!("{stem}{instead}"));
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let own = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Vocabulary::new(
            own(&["dog", "butterfly", "bus", "scarf"]),
            own(&["animal", "animal", "vehicle", "clothing"]),
            own(&["red", "blue"]),
        )
    }

    fn meaning(names: &[usize], color: Option<usize>) -> Meaning {
        Meaning {
            names: names.to_vec(),
            color,
        }
    }

    #[test]
    fn noun_phrases() {
        let v = vocabulary();
        assert_eq!(v.meaning("red dogs"), meaning(&[0], Some(0)));
        assert_eq!(v.meaning("butterflies"), meaning(&[1], None));
        assert_eq!(v.meaning("Buses"), meaning(&[2], None));
        assert_eq!(v.meaning("scarves"), meaning(&[3], None));
        assert_eq!(v.meaning("animal"), meaning(&[0, 1], None));
        assert_eq!(v.meaning("objects"), meaning(&[0, 1, 2, 3], None));
        assert_eq!(
            v.meaning("blue vehicle items"),
            meaning(&[2], Some(1)),
            "the more special word counts"
        );
        assert!(!v.meaning("blue tulip").is_known());
    }

    #[test]
    fn questions() {
        let v = vocabulary();
        use Question::*;
        for (text, expected) in [
            ("What color is the dog?", Color(meaning(&[0], None))),
            ("Is the dog red?", IsColor(meaning(&[0], None), 0)),
            (
                "Is the bus red or blue?",
                ChooseColor(meaning(&[2], None), vec![0, 1]),
            ),
            (
                "Is there a red bus in the picture?",
                Exists(meaning(&[2], Some(0))),
            ),
            (
                "Are there any animals in the picture?",
                Exists(meaning(&[0, 1], None)),
            ),
            ("Is this a dog?", Exists(meaning(&[0], None))),
            (
                "How many blue dogs are in the picture?",
                Count(meaning(&[0], Some(1))),
            ),
            (
                "What animal is in the picture?",
                Name(meaning(&[0, 1], None)),
            ),
            (
                "What is the red animal called?",
                Name(meaning(&[0, 1], Some(0))),
            ),
            ("What is this?", Name(meaning(&[0, 1, 2, 3], None))),
        ] {
            assert_eq!(v.question(text), Some(expected), "{text}");
        }
        assert_eq!(v.question("Why?"), None);
        assert_eq!(v.question(""), None);
    }

    /// As many detectors': names of several words, no colours.
    #[test]
    fn names_of_several_words_and_what_nobody_knows() {
        let names = ["traffic light", "", "Light", "hot-dog", "dog"];
        let v = Vocabulary::new(names.map(str::to_owned).to_vec(), Vec::new(), Vec::new());
        assert_eq!(v.meaning("the traffic lights"), meaning(&[0], None));
        assert_eq!(v.meaning("lights"), meaning(&[2], None));
        assert_eq!(v.meaning("hot dog"), meaning(&[3], None));
        assert_eq!(v.meaning("dogs near a light"), meaning(&[2], None));
        assert_eq!(v.meaning(""), meaning(&[], None));

        for (text, known) in [
            ("traffic lights", true),
            ("Are there any hot dogs in the picture?", true),
            ("How many objects are there?", true),
            ("What is this?", true),
            ("wooden dog", false),
            ("Is the dog red?", false),
            ("What color is the dog?", false),
            ("dog left of the light", false),
            ("dog on the light", false),
            ("Is it a dog or a light?", false),
            ("What kind of dog is this?", false),
            ("Why?", false),
            ("cat", false),
        ] {
            assert_eq!(v.knows(text), known, "{text}");
        }
        assert!(vocabulary().knows("What color is the butterfly?"));
        assert!(vocabulary().knows("Is there a red piece of clothing in the picture?"));
        assert!(!vocabulary().knows("Is there a red tulip?"));
    }
}
