//! The adapter's first half: free text of a program into a teacher's closed vocabulary.

use serde::{Deserialize, Serialize};

/// The words a teacher knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// Names of things, by class index.
    pub names: Vec<String>,
    /// The category of each name.
    pub categories: Vec<String>,
    /// Colours, by class index.
    pub colors: Vec<String>,
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

impl Vocabulary {
    /// The meaning of a noun phrase: the last known noun or category, and a colour. "object",
    /// "thing" and "item" may be anything, unless a word says more ("food items").
    pub fn meaning(&self, text: &str) -> Meaning {
        let words = words(text);
        let color = words.iter().find_map(|word| self.color(word));
        let last = |noun: &dyn Fn(&str) -> Option<Vec<usize>>| {
            words.iter().rev().find_map(|word| noun(word))
        };
        let names = last(&|word| self.special_noun(word)).or_else(|| last(&|word| self.noun(word)));
        Meaning {
            names: names.unwrap_or_default(),
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
            meaning.names = (0..self.names.len()).collect();
        }
        meaning
    }

    /// "Is the dog red (or blue)?" or "Is this a dog?".
    fn is_question(&self, text: &str, words: &[String]) -> Question {
        let noun_at = words.iter().position(|word| self.noun(word).is_some());
        let after: Vec<usize> = words
            .iter()
            .skip(noun_at.map_or(0, |at| at + 1))
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

    /// The classes a noun may be.
    fn noun(&self, word: &str) -> Option<Vec<usize>> {
        let general = |word: &String| matches!(word.as_str(), "object" | "thing" | "item");
        self.special_noun(word).or_else(|| {
            singulars(word)
                .iter()
                .any(general)
                .then(|| (0..self.names.len()).collect())
        })
    }

    /// The classes of a name or a category.
    fn special_noun(&self, word: &str) -> Option<Vec<usize>> {
        singulars(word).iter().find_map(|word| {
            if let Some(index) = self.names.iter().position(|name| name == word) {
                return Some(vec![index]);
            }
            let members: Vec<usize> = self
                .categories
                .iter()
                .enumerate()
                .filter(|(_, category)| *category == word)
                .map(|(index, _)| index)
                .collect();
            (!members.is_empty()).then_some(members)
        })
    }
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
        Vocabulary {
            names: own(&["dog", "butterfly", "bus", "scarf"]),
            categories: own(&["animal", "animal", "vehicle", "clothing"]),
            colors: own(&["red", "blue"]),
        }
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
}
