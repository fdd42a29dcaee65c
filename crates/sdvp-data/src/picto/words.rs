//! Every word of the built-in world, for building tokenizers.

use super::{Category, Color, Noun, Thing, answer_vocabulary};
use crate::picto::phrase::{number_word, words};
use std::collections::BTreeSet;

/// The words of all wordings that are not names, colours, numbers or answers.
const WORDINGS: &str = "a above all an and any are as at below both bottom called clothes color \
    colors contain contains different do does each either every exactly find following from has \
    have how image images in is it item items kind least left look many more most name number \
    object objects of on one only or other part picture piece pieces point right same see show shows \
    side some than that the there these thing things this to top total two what where which you";

/// Every word, lower-case and in order, that questions, statements, sub-questions, object names
/// and answers of the built-in world are made of; numbers both in digits and in letters.
pub fn word_list() -> Vec<String> {
    let mut texts: Vec<String> = vec![WORDINGS.to_owned()];
    let nouns = Thing::all()
        .map(Noun::thing)
        .chain(Category::ALL.map(Noun::category));
    texts.extend(nouns.flat_map(|noun| [noun.name(), noun.one(), noun.many()]));
    texts.extend(Color::ALL.map(|color| color.name().to_owned()));
    texts.extend((0..=12).flat_map(|n: i64| [n.to_string(), number_word(n)]));
    texts.extend(answer_vocabulary());
    let all: BTreeSet<&str> = texts.iter().flat_map(|text| words(text)).collect();
    all.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picto::{Split, questions};
    use crate::{Gold, Task};

    #[test]
    fn every_word_that_is_asked_or_answered_is_listed() {
        let listed: BTreeSet<String> = word_list().into_iter().collect();
        for task in Task::ALL {
            for question in questions(task, Split::Train, 11, 150) {
                // Of a program, the quoted texts; sides of the picture are no text for a module.
                let asked = question
                    .program
                    .lines()
                    .filter(|line| line.contains("LOC(") || line.contains("VQA("))
                    .filter_map(|line| line.split('\'').nth(1))
                    .map(str::to_lowercase);
                let answer = match &question.gold {
                    Gold::Box(_) => String::new(),
                    gold => gold.text().to_lowercase(),
                };
                for text in asked.chain([question.text.to_lowercase(), answer]) {
                    for word in words(&text).filter(|w| !["true", "false"].contains(w)) {
                        assert!(listed.contains(word), "{word} of {text:?} is not listed");
                    }
                }
            }
        }
    }
}
