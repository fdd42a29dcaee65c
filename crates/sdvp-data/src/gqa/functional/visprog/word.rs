//! The words that programs answer with.

use super::literal::python;
use super::{Compiler, Condition};
use crate::gqa::functional::argument::Property;
use crate::gqa::functional::meaning::{Objects, Place, Subject, Word};
use crate::gqa::functional::wording;
use std::sync::Arc;

impl Compiler {
    /// The variable of a word that answers.
    pub(super) fn word(&mut self, word: &Word) -> String {
        match word {
            Word::Name(objects) => self.name(objects),
            Word::Side(objects, [side, across]) => {
                let found = self.on_side(objects, *side).expression;
                let (side, across) = (side.name(), across.name());
                self.lines
                    .evaluate(&format!("'{side}' if {found} else '{across}'"))
            }
            Word::Attribute(Subject::Objects(objects), attribute) => {
                self.attribute(objects, attribute)
            }
            Word::Attribute(subject @ Subject::Scene(picture), attribute) => {
                let picture = self.picture(*picture);
                self.ask(picture, wording::query(subject, attribute))
            }
            Word::Choice(subject, attribute, options) => {
                let image = self.subject(subject);
                self.choice(options, |compiler, value| {
                    let property = Property {
                        attribute: attribute.clone(),
                        value: value.to_owned(),
                        negated: false,
                    };
                    let question = wording::verify(subject, &property);
                    Condition::variable(compiler.ask(image.clone(), question))
                })
            }
            Word::NameChoice(objects, options) => {
                self.choice(options, |compiler, name| compiler.is_named(objects, name))
            }
            Word::Relation(choices) => {
                let answers: Vec<String> = choices
                    .iter()
                    .map(|(link, _)| link.answer().to_owned())
                    .collect();
                let mut found = choices.iter();
                self.choice(&answers, |compiler, _| match found.next() {
                    Some((_, objects)) => compiler.is_beside(objects),
                    None => Condition::expression("False".to_owned()),
                })
            }
            Word::Comparative(how, a, b) => {
                let picture = self.picture(a.picture);
                let answer = self.ask(picture, wording::compare(how, a, b));
                let (a, b) = (python(a.kind()), python(b.kind()));
                self.lines
                    .evaluate(&format!("{a} if {{{answer}}} else {b}"))
            }
            Word::Common(a, b) => {
                let mut expression = String::new();
                for attribute in ["color", "material"] {
                    let [a, b] = [a, b].map(|objects| self.attribute(objects, attribute));
                    expression += &format!("'{attribute}' if {{{a}}} == {{{b}}} else ");
                }
                self.lines.evaluate(&format!("{expression}'shape'"))
            }
            Word::List(listed) => {
                let parts: Vec<String> = listed
                    .iter()
                    .map(|(name, truth)| {
                        let name = python(&format!("{name}, "));
                        let holds = self.truth(truth).expression;
                        format!("({name} if {holds} else '')")
                    })
                    .collect();
                self.lines.evaluate(&parts.join(" + "))
            }
        }
    }

    /// The first of the options that holds, or else the last one.
    fn choice(
        &mut self,
        options: &[String],
        mut holds: impl FnMut(&mut Self, &str) -> Condition,
    ) -> String {
        let mut expression = String::new();
        let Some((last, others)) = options.split_last() else {
            return self.lines.evaluate("''");
        };
        for option in others {
            let condition = holds(self, option);
            expression += &format!("{} if {} else ", python(option), condition.expression);
        }
        self.lines
            .evaluate(&format!("{expression}{}", python(last)))
    }

    /// Whether the objects are such things: asked of a crop, or of how they are related.
    fn is_named(&mut self, objects: &Arc<Objects>, name: &str) -> Condition {
        if let (Place::Beside(..), None) = (&objects.place, &objects.name) {
            let named = self.fresh(Objects {
                name: Some(name.to_owned()),
                ..Objects::clone(objects)
            });
            return self.exist(&named);
        }
        let image = self.crop(objects);
        Condition::variable(self.ask(image, wording::is_this(name)))
    }

    /// Whether the one object that is meant is related so.
    fn is_beside(&mut self, objects: &Objects) -> Condition {
        match &objects.place {
            Place::Beside(link, anchor) if link.direction().is_none() && objects.name.is_some() => {
                let image = self.look(objects);
                let question = wording::is_beside(objects, link, anchor);
                Condition::variable(self.ask(image, question))
            }
            _ => self.exist(objects),
        }
    }

    fn name(&mut self, objects: &Objects) -> String {
        match &objects.place {
            Place::Beside(link, anchor) if link.direction().is_none() || objects.name.is_none() => {
                let image = self.look(objects);
                self.ask(image, wording::name_beside(objects, link, anchor))
            }
            // What was looked for is all that is known of it.
            Place::Anywhere if !objects.properties.is_empty() && !objects.takes_words() => {
                let image = self.crop(objects);
                self.ask(image, wording::name_here(objects))
            }
            _ => {
                let image = self.look(objects);
                self.ask(image, wording::name_in_picture(objects))
            }
        }
    }
}
