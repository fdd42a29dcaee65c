//! Steps that ask: about attributes, relations, agreement, numbers.

use super::{Reader, beside, side, word};
use crate::gqa::functional::FunctionalError;
use crate::gqa::functional::argument::{Property, options, property, related, words};
use crate::gqa::functional::meaning::{Agreement, Claim, Meaning, Subject, Truth, Word};
use crate::picto::Side;
use std::sync::Arc;

impl Reader<'_> {
    pub(super) fn query(&mut self, about: &str, text: &str) -> Result<Meaning, FunctionalError> {
        let subject = self.subject(self.on::<1>()?[0])?;
        let attribute = if about.is_empty() { text } else { about };
        let attribute = self.read(words(attribute, "an attribute"))?;
        let Subject::Objects(objects) = &subject else {
            return Ok(word(Word::Attribute(subject, attribute)));
        };
        let objects = Arc::clone(objects);
        Ok(match attribute.as_str() {
            "name" => word(Word::Name(objects)),
            "hposition" => word(Word::Side(objects, [Side::Left, Side::Right])),
            "vposition" => word(Word::Side(objects, [Side::Top, Side::Bottom])),
            "bbox" => Meaning::Boxes(objects),
            _ => word(Word::Attribute(subject, attribute)),
        })
    }

    pub(super) fn verify(&mut self, about: &str, text: &str) -> Result<Meaning, FunctionalError> {
        let subject = self.subject(self.on::<1>()?[0])?;
        let found = self.read(property(about, text))?;
        let says = match (side(about, &found.value), &subject) {
            (Some(side), Subject::Objects(objects)) => Claim::On(Arc::clone(objects), side),
            _ => {
                let plain = Property {
                    negated: false,
                    ..found.clone()
                };
                Claim::Has(subject, plain)
            }
        };
        if !found.negated {
            return Ok(self.truth(says));
        }
        let plain = Truth {
            id: self.next_id(),
            says,
        };
        Ok(self.truth(Claim::Not(Arc::new(plain))))
    }

    pub(super) fn verify_relation(&mut self) -> Result<Meaning, FunctionalError> {
        let anchor = self.objects(self.on::<1>()?[0])?;
        let (name, links) = self.read(related(&self.step.argument))?;
        let [link] = links.as_slice() else {
            return Err(self.argument("one relation"));
        };
        let id = self.next_id();
        let found = beside(id, name, link.clone(), &anchor);
        Ok(self.truth(Claim::Exist(found)))
    }

    pub(super) fn choose_relation(&mut self) -> Result<Meaning, FunctionalError> {
        let anchor = self.objects(self.on::<1>()?[0])?;
        let (name, links) = self.read(related(&self.step.argument))?;
        if links.len() < 2 {
            return Err(self.argument("at least two relations with | between them"));
        }
        let mut choices = Vec::new();
        for link in links {
            let id = self.next_id();
            let found = beside(id, name.clone(), link.clone(), &anchor);
            choices.push((link, found));
        }
        Ok(word(Word::Relation(choices)))
    }

    pub(super) fn choose(&mut self, about: &str, text: &str) -> Result<Meaning, FunctionalError> {
        if let [a, b] = self.step.dependencies.as_slice() {
            let how = if about.is_empty() { text } else { about };
            let how = self.read(words(how, "a comparative, such as older"))?;
            let (a, b) = (self.objects(*a)?, self.objects(*b)?);
            return Ok(word(Word::Comparative(how, a, b)));
        }
        let [on] = self.step.dependencies.as_slice() else {
            return Err(self.dependencies("1 (or 2, to compare)"));
        };
        let subject = self.subject(*on)?;
        let options = self.read(options(text))?;
        let Subject::Objects(objects) = &subject else {
            return Ok(word(Word::Choice(subject, about.to_owned(), options)));
        };
        let sides: Vec<Side> = options.iter().filter_map(|o| side(about, o)).collect();
        Ok(word(match (about, sides.as_slice()) {
            ("name", _) => Word::NameChoice(Arc::clone(objects), options),
            (_, [a, b]) if options.len() == 2 && a.opposite() == *b => {
                Word::Side(Arc::clone(objects), [*a, *b])
            }
            _ => Word::Choice(subject, about.to_owned(), options),
        }))
    }

    pub(super) fn agreement(
        &mut self,
        about: &str,
        text: &str,
        same: bool,
    ) -> Result<Meaning, FunctionalError> {
        let attribute = if about.is_empty() { text } else { about };
        let attribute = self.read(words(attribute, "an attribute"))?;
        let agree = match self.step.dependencies.as_slice() {
            [all] => Agreement::All(attribute, self.objects(*all)?),
            [a, b] => Agreement::Two(attribute, self.objects(*a)?, self.objects(*b)?),
            _ => return Err(self.dependencies("1 or 2")),
        };
        if same {
            return Ok(self.truth(Claim::Same(agree)));
        }
        let says = Claim::Same(agree);
        let id = self.next_id();
        Ok(self.truth(Claim::Not(Arc::new(Truth { id, says }))))
    }

    pub(super) fn compare(&mut self, text: &str) -> Result<Meaning, FunctionalError> {
        let (symbol, rest) = text.split_once(' ').unwrap_or((text, ""));
        let Some(symbol) = ["==", "!=", "<=", ">=", "<", ">"]
            .into_iter()
            .find(|known| *known == symbol)
        else {
            return Err(self.argument("==, !=, <=, >=, < or >, perhaps with a number"));
        };
        let says = match self.step.dependencies.as_slice() {
            [a, b] if rest.is_empty() => Claim::Compare(self.number(*a)?, symbol, self.number(*b)?),
            [on] => {
                let Ok(number) = rest.trim().parse() else {
                    return Err(self.argument("a comparison and a whole number"));
                };
                Claim::CompareTo(self.number(*on)?, symbol, number)
            }
            _ => return Err(self.dependencies("1 and a number, or 2")),
        };
        Ok(self.truth(says))
    }

    pub(super) fn list(&self, text: &str) -> Result<Meaning, FunctionalError> {
        let mut names = Vec::new();
        for name in text.split('|') {
            names.push(self.read(words(name, "names with | between them"))?);
        }
        if names.len() != self.step.dependencies.len() {
            return Err(self.dependencies(&format!("{} (one a name)", names.len())));
        }
        let mut listed = Vec::new();
        for (name, on) in names.into_iter().zip(&self.step.dependencies) {
            listed.push((name, self.truth_of(*on)?));
        }
        Ok(word(Word::List(listed)))
    }
}
