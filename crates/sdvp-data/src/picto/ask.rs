//! The sub-questions that programs ask of pictures: a few families, each with one wording, so that
//! modules, teachers and oracles agree on what can be asked.
//!
//! | family | wording | answers |
//! |---|---|---|
//! | colour | `What color is the dog?` | a colour |
//! | is it that colour | `Is the dog red?` | yes, no |
//! | name | `What animal is in the picture?` · `What blue animal is in the picture?` | a thing |
//! | name, on a crop | `What animal is this?` · `What is this?` | a thing |
//! | exist | `Is there a red dog in the picture?` · `Are there any animals in the picture?` | yes, no |
//! | count | `How many dogs are in the picture?` | 0 … 6 |

use super::phrase::{color_named, words};
use super::{Category, Color, Noun, Thing, What};

/// The greatest number that an answer to a counting sub-question can be.
pub const MAX_COUNT: usize = 6;

/// A question about one picture or crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubQuestion {
    /// What color is it?
    Color(Noun),
    /// Is it of that colour?
    IsColor(Noun, Color),
    /// Which thing is it? The noun is a category, or [`What::Anything`] for "What is this?".
    Name {
        /// What kind of thing is asked about.
        of: Noun,
        /// Whether the picture is a crop of the thing ("this").
        this: bool,
    },
    /// Is there one?
    Exist {
        /// Of what.
        noun: Noun,
        /// Whether the question uses the plural.
        plural: bool,
    },
    /// How many are there?
    Count(Noun),
}

impl SubQuestion {
    /// What is asked about.
    pub fn about(&self) -> Noun {
        match *self {
            SubQuestion::Color(noun)
            | SubQuestion::IsColor(noun, _)
            | SubQuestion::Name { of: noun, .. }
            | SubQuestion::Exist { noun, .. }
            | SubQuestion::Count(noun) => noun,
        }
    }

    /// The name of its family.
    pub fn family(&self) -> &'static str {
        match self {
            SubQuestion::Color(_) => "color",
            SubQuestion::IsColor(..) => "is it that color",
            SubQuestion::Name { .. } => "name",
            SubQuestion::Exist { .. } => "exist",
            SubQuestion::Count(_) => "count",
        }
    }

    /// The question in words.
    pub fn text(&self) -> String {
        match self {
            SubQuestion::Color(noun) => format!("What color is the {}?", noun.one()),
            SubQuestion::IsColor(noun, color) => format!("Is the {} {color}?", noun.one()),
            SubQuestion::Name { of, this: true } if of.what == What::Anything => {
                "What is this?".to_owned()
            }
            SubQuestion::Name { of, this: true } => format!("What {} is this?", of.name()),
            SubQuestion::Name { of, this: false } => {
                format!("What {} is in the picture?", of.name())
            }
            SubQuestion::Exist {
                noun,
                plural: false,
            } => format!("Is there {} in the picture?", noun.a()),
            SubQuestion::Exist { noun, plural: true } => {
                format!("Are there any {} in the picture?", noun.many())
            }
            SubQuestion::Count(noun) => format!("How many {} are in the picture?", noun.many()),
        }
    }

    /// Reads a question; also some wordings that this crate does not write. `None` if it belongs
    /// to no family.
    ///
    /// ```
    /// use sdvp_data::picto::SubQuestion;
    /// let question = SubQuestion::parse("How many red cars are there?").unwrap();
    /// assert_eq!(question.text(), "How many red cars are in the picture?");
    /// assert!(SubQuestion::parse("Who is holding the umbrella?").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = words(&lower).collect();
        let until = |rest: &[&str], stops: &[&str]| {
            let end = rest.iter().position(|word| stops.contains(word));
            Noun::from_words(&rest[..end.unwrap_or(rest.len())])
        };
        match words.as_slice() {
            ["how", "many", rest @ ..] => {
                until(rest, &["are", "is", "do", "in"]).map(SubQuestion::Count)
            }
            [
                "what" | "which",
                "color" | "colour",
                "is" | "are",
                rest @ ..,
            ]
            | ["what", "is", "the", "color" | "colour", "of", rest @ ..] => {
                until(rest, &["in", "on"]).map(SubQuestion::Color)
            }
            ["what", "is", "this" | "that" | "it", ..] => Some(SubQuestion::Name {
                of: Noun {
                    color: None,
                    what: What::Anything,
                },
                this: true,
            }),
            ["what", "is", "the", rest @ ..] => Some(SubQuestion::Name {
                of: until(rest, &["called", "in"])?,
                this: false,
            }),
            ["what" | "which", rest @ ..] => Some(SubQuestion::Name {
                of: until(rest, &["is", "are", "do"])?,
                this: rest.last() == Some(&"this"),
            }),
            ["is" | "are", "there", rest @ ..] => Some(SubQuestion::Exist {
                noun: until(rest, &["in", "on"])?,
                plural: words.first() == Some(&"are"),
            }),
            // As ViperGPT's `exists` asks of what was found.
            ["is", "this", rest @ ..] => Some(SubQuestion::Exist {
                noun: Noun::from_words(rest)?,
                plural: false,
            }),
            ["is" | "are", "the", rest @ .., color] => Some(SubQuestion::IsColor(
                Noun::from_words(rest)?,
                color_named(color)?,
            )),
            _ => None,
        }
    }
}

/// Every answer that a sub-question can have: yes, no, the numbers from 0 to [`MAX_COUNT`], the
/// colours and the names of all things, in that order.
pub fn answer_vocabulary() -> Vec<String> {
    let mut answers = vec!["yes".to_owned(), "no".to_owned()];
    answers.extend((0..=MAX_COUNT).map(|number| number.to_string()));
    answers.extend(Color::ALL.map(|color| color.name().to_owned()));
    answers.extend(Thing::all().map(|thing| thing.name().to_owned()));
    answers
}

/// Every text that programs locate objects by: things and categories, plain and with a colour.
/// Always singular. (Sides of the picture are no objects: no module is asked for them.)
pub fn locate_queries() -> Vec<Noun> {
    Thing::all()
        .map(Noun::thing)
        .chain(Category::ALL.map(Noun::category))
        .flat_map(|noun| std::iter::once(noun).chain(Color::ALL.map(move |c| noun.colored(c))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn families(noun: Noun) -> Vec<SubQuestion> {
        let mut asked = vec![
            SubQuestion::Exist {
                noun,
                plural: false,
            },
            SubQuestion::Exist { noun, plural: true },
            SubQuestion::Count(noun),
        ];
        if noun.color.is_none() {
            asked.push(SubQuestion::Color(noun));
            asked.push(SubQuestion::IsColor(noun, Color::Orange));
        }
        if let What::Category(_) = noun.what {
            asked.push(SubQuestion::Name {
                of: noun,
                this: false,
            });
            asked.push(SubQuestion::Name {
                of: noun,
                this: true,
            });
        }
        asked
    }

    #[test]
    fn every_sub_question_reads_back() {
        for question in locate_queries().into_iter().flat_map(families) {
            let text = question.text();
            assert_eq!(SubQuestion::parse(&text), Some(question), "{text}");
        }
    }

    #[test]
    fn answers_are_distinct() {
        let answers = answer_vocabulary();
        let distinct: std::collections::BTreeSet<_> = answers.iter().collect();
        assert_eq!(distinct.len(), 2 + 7 + 6 + 64);
        assert_eq!(answers.len(), distinct.len());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}",
            words in proptest::collection::vec("(what|is|are|the|in|color|how|many|red|dog|there|this|a)", 0..9)) {
            let _ = SubQuestion::parse(&text);
            let _ = SubQuestion::parse(&words.join(" "));
        }
    }
}
