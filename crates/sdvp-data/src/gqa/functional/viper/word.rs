//! The words that programs answer with.

use super::body::python;
use super::{Coder, asked, patch, yes};
use crate::gqa::functional::argument::Property;
use crate::gqa::functional::meaning::{Objects, Place, Subject, Word};
use crate::gqa::functional::wording;
use crate::viper_code::lies_on;
use std::sync::Arc;

impl Coder {
    /// What is returned of a word.
    pub(super) fn word(&mut self, word: &Word) -> String {
        match word {
            Word::Name(objects) => self.name(objects),
            Word::Side(objects, [side, across]) => {
                let one = self.one(objects);
                let holds = lies_on(&one, *side, patch(objects.picture));
                format!("'{}' if {holds} else '{}'", side.name(), across.name())
            }
            Word::Attribute(Subject::Objects(objects), attribute) => {
                self.attribute(objects, attribute)
            }
            Word::Attribute(subject @ Subject::Scene(picture), attribute) => {
                asked(patch(*picture), &wording::query(subject, attribute))
            }
            Word::Choice(subject, attribute, options) => self.choose(subject, attribute, options),
            Word::NameChoice(objects, options) => self.choose_name(objects, options),
            Word::Relation(choices) => {
                let Some((last, others)) = choices.split_last() else {
                    return "''".to_owned();
                };
                for (link, objects) in others {
                    let holds = self.is_beside(objects);
                    self.body.line(format!("if {holds}:"));
                    self.body
                        .line(format!("    return {}", python(link.answer())));
                }
                python(last.0.answer())
            }
            Word::Comparative(how, a, b) => {
                let holds = yes(patch(a.picture), &wording::compare(how, a, b));
                format!("{} if {holds} else {}", python(a.kind()), python(b.kind()))
            }
            Word::Common(a, b) => {
                let attributes = ["color", "material"];
                for attribute in attributes {
                    let [a, b] = [a, b].map(|objects| self.attribute(objects, attribute));
                    self.body.line(format!("if {a} == {b}:"));
                    self.body.line(format!("    return '{attribute}'"));
                }
                "'shape'".to_owned()
            }
            Word::List(listed) => {
                let found = self.body.set("found", "[]");
                for (name, truth) in listed {
                    let holds = self.truth(truth);
                    self.body.line(format!("if {holds}:"));
                    self.body
                        .line(format!("    {found}.append({})", python(name)));
                }
                format!("', '.join({found})")
            }
        }
    }

    /// Which value fits a patch best; of the whole picture, the first that is there.
    fn choose(&mut self, subject: &Subject, attribute: &str, options: &[String]) -> String {
        let property = |value: &String| Property {
            attribute: attribute.to_owned(),
            value: value.clone(),
            negated: false,
        };
        let simple = |value: &String| property(value).predicate() == *value;
        if let Subject::Objects(objects) = subject
            && options.iter().all(simple)
        {
            let one = self.one(objects);
            let texts: Vec<String> = options
                .iter()
                .map(|value| python(&format!("{value} {}", objects.head())))
                .collect();
            let best = format!("{one}.best_text_match([{}])", texts.join(", "));
            let best = self.body.set("best", &best);
            let pairs: Vec<String> = texts
                .iter()
                .zip(options)
                .map(|(text, value)| format!("{text}: {}", python(value)))
                .collect();
            return format!("{{{}}}[{best}]", pairs.join(", "));
        }
        let Some((last, others)) = options.split_last() else {
            return "''".to_owned();
        };
        for value in others {
            let holds = self.has(subject, &property(value));
            self.body.line(format!("if {holds}:"));
            self.body.line(format!("    return {}", python(value)));
        }
        python(last)
    }

    fn choose_name(&mut self, objects: &Arc<Objects>, options: &[String]) -> String {
        let texts: Vec<String> = options.iter().map(|name| python(name)).collect();
        match (&objects.place, &objects.name) {
            (Place::Beside(link, anchor), None) => {
                let Some((last, others)) = options.split_last() else {
                    return "''".to_owned();
                };
                let look = self.look(objects);
                for name in others {
                    let named = Objects {
                        name: Some(name.clone()),
                        ..Objects::clone(objects)
                    };
                    let question = wording::exists_beside(&named, link, anchor);
                    self.body.line(format!("if {}:", yes(&look, &question)));
                    self.body.line(format!("    return {}", python(name)));
                }
                python(last)
            }
            _ => {
                let one = self.one(objects);
                format!("{one}.best_text_match([{}])", texts.join(", "))
            }
        }
    }

    /// Whether the one object that is meant is related so.
    fn is_beside(&mut self, objects: &Objects) -> String {
        match &objects.place {
            Place::Beside(link, anchor) if link.direction().is_none() && objects.name.is_some() => {
                let look = self.look(objects);
                yes(&look, &wording::is_beside(objects, link, anchor))
            }
            _ => self.exist(objects),
        }
    }

    fn name(&mut self, objects: &Objects) -> String {
        match &objects.place {
            Place::Beside(link, anchor) if link.direction().is_none() || objects.name.is_none() => {
                let look = self.look(objects);
                asked(&look, &wording::name_beside(objects, link, anchor))
            }
            Place::Anywhere if objects.name.is_some() && objects.properties.is_empty() => {
                let look = self.look(objects);
                asked(&look, &wording::name_in_picture(objects))
            }
            _ => {
                let one = self.one(objects);
                asked(&one, &wording::name_here(objects))
            }
        }
    }
}
