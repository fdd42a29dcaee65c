//! Reads the untyped steps of a record into what they mean.

use super::argument::{
    Expected, MAX_ARGUMENT, name, options, property, related, split_objects, words,
};
use super::meaning::{
    Agreement, Amount, Claim, Meaning, Number, Objects, Picture, Place, Subject, Truth, Word,
};
use super::relation::Link;
use super::{Functional, FunctionalError};
use crate::picto::{FunctionalStep, Side};
use std::sync::Arc;

/// Greatest number of steps; published programs have at most nine, those of `picto` seventeen.
const MAX_STEPS: usize = 32;

/// The operations that there are, as errors list them; `…` stands for any attribute.
const OPERATIONS: &str = "select, filter …, relate, exist, count, query …, verify …, verify rel, \
    choose …, choose rel, same …, different …, common, and, or, image, xor, plus, compare, list";

/// Reads the steps.
pub(super) fn read(
    question: &str,
    steps: &[FunctionalStep],
) -> Result<Functional, FunctionalError> {
    if steps.len() > MAX_STEPS {
        return Err(FunctionalError::TooLong {
            question: question.to_owned(),
            limit: MAX_STEPS,
            found: steps.len(),
        });
    }
    let mut known: Vec<Meaning> = Vec::with_capacity(steps.len());
    // Steps have their places as ids; what is put together of them has greater ones.
    let mut ids = steps.len();
    for (at, step) in steps.iter().enumerate() {
        let reader = Reader {
            question,
            at,
            step,
            steps: steps.len(),
            known: &known,
            ids: &mut ids,
        };
        let meaning = reader.meaning()?;
        known.push(meaning);
    }
    let pair = known
        .iter()
        .any(|meaning| matches!(meaning, Meaning::Picture(picture) if *picture != Picture::Only));
    let (Some(answer), Some(last)) = (known.pop(), steps.last()) else {
        return Err(FunctionalError::Empty {
            question: question.to_owned(),
        });
    };
    if let Meaning::Picture(_) | Meaning::Scene(_) | Meaning::Objects(_) = answer {
        return Err(FunctionalError::NoAnswer {
            question: question.to_owned(),
            step: known.len(),
            operation: last.operation.clone(),
            found: answer.kind(),
        });
    }
    Ok(Functional { answer, pair })
}

/// Reads one step.
struct Reader<'a> {
    question: &'a str,
    at: usize,
    step: &'a FunctionalStep,
    /// How many steps there are.
    steps: usize,
    /// What the steps before give.
    known: &'a [Meaning],
    ids: &'a mut usize,
}

/// An operation's name, apart from what it is about: `filter`, `color`.
fn split_operation(operation: &str) -> (String, String) {
    let mut parts = operation.split_whitespace();
    let head = parts.next().unwrap_or_default().to_owned();
    (head, parts.collect::<Vec<_>>().join(" "))
}

impl Reader<'_> {
    fn meaning(mut self) -> Result<Meaning, FunctionalError> {
        let (head, about) = split_operation(&self.step.operation);
        let text = split_objects(&self.step.argument).0;
        if text.chars().count() > MAX_ARGUMENT || about.chars().count() > MAX_ARGUMENT {
            return Err(self.argument(format!("at most {MAX_ARGUMENT} characters")));
        }
        if about.chars().any(char::is_control) {
            return Err(self.unknown());
        }
        match head.as_str() {
            "image" => self.picture(text),
            "select" => self.select(text),
            "filter" => self.filter(&about, text),
            "relate" => self.relate(),
            "exist" => {
                let found = self.objects(self.on::<1>()?[0])?;
                Ok(self.truth(Claim::Exist(found)))
            }
            "count" => {
                let found = self.objects(self.on::<1>()?[0])?;
                Ok(self.amount(Amount::Count(found)))
            }
            "query" => self.query(&about, text),
            "verify" if about == "rel" => self.verify_relation(),
            "verify" => self.verify(&about, text),
            "choose" if about == "rel" => self.choose_relation(),
            "choose" => self.choose(&about, text),
            "same" | "different" => self.agreement(&about, text, head == "same"),
            "common" => {
                let [a, b] = self.on()?;
                Ok(word(Word::Common(self.objects(a)?, self.objects(b)?)))
            }
            "and" | "or" | "xor" => {
                let [a, b] = self.on()?;
                let (a, b) = (self.truth_of(a)?, self.truth_of(b)?);
                Ok(self.truth(match head.as_str() {
                    "and" => Claim::And(a, b),
                    "or" => Claim::Or(a, b),
                    _ => Claim::Xor(a, b),
                }))
            }
            "plus" => {
                let [a, b] = self.on()?;
                Ok(self.amount(Amount::Plus(self.number(a)?, self.number(b)?)))
            }
            "compare" => self.compare(text),
            "list" => self.list(text),
            _ => Err(self.unknown()),
        }
    }

    fn picture(&self, text: &str) -> Result<Meaning, FunctionalError> {
        self.on::<0>()?;
        match text {
            "LEFT" => Ok(Meaning::Picture(Picture::Left)),
            "RIGHT" => Ok(Meaning::Picture(Picture::Right)),
            _ => Err(self.argument("LEFT or RIGHT")),
        }
    }

    fn select(&mut self, text: &str) -> Result<Meaning, FunctionalError> {
        let picture = match self.step.dependencies.as_slice() {
            [] => Picture::Only,
            [on] => match self.get(*on)? {
                Meaning::Picture(picture) => *picture,
                other => return Err(self.kind(*on, "a picture", other)),
            },
            _ => return Err(self.dependencies("no or one")),
        };
        if matches!(text, "scene" | "this" | "image" | "picture" | "photo") {
            return Ok(Meaning::Scene(picture));
        }
        Ok(Meaning::Objects(Arc::new(Objects {
            id: self.at,
            picture,
            name: self.read(name(text))?,
            properties: Vec::new(),
            sides: Vec::new(),
            place: Place::Anywhere,
        })))
    }

    fn filter(&mut self, about: &str, text: &str) -> Result<Meaning, FunctionalError> {
        let before = self.objects(self.on::<1>()?[0])?;
        let found = self.read(property(about, text))?;
        let mut objects = Objects {
            id: self.at,
            ..Objects::clone(&before)
        };
        match side(&found.attribute, &found.value) {
            // Of objects beside others, the halves are those of the whole picture.
            Some(side) if objects.place == Place::Anywhere => objects
                .sides
                .push(if found.negated { side.opposite() } else { side }),
            _ => objects.properties.push(found),
        }
        Ok(Meaning::Objects(Arc::new(objects)))
    }

    fn relate(&mut self) -> Result<Meaning, FunctionalError> {
        let anchor = self.objects(self.on::<1>()?[0])?;
        let (name, links) = self.read(related(&self.step.argument))?;
        let [link] = links.as_slice() else {
            return Err(self.argument("one relation"));
        };
        let id = self.at;
        Ok(Meaning::Objects(beside(id, name, link.clone(), &anchor)))
    }

    fn query(&mut self, about: &str, text: &str) -> Result<Meaning, FunctionalError> {
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

    fn verify(&mut self, about: &str, text: &str) -> Result<Meaning, FunctionalError> {
        let subject = self.subject(self.on::<1>()?[0])?;
        let found = self.read(property(about, text))?;
        let says = match (side(about, &found.value), &subject) {
            (Some(side), Subject::Objects(objects)) => Claim::On(Arc::clone(objects), side),
            _ => {
                let plain = super::argument::Property {
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

    fn verify_relation(&mut self) -> Result<Meaning, FunctionalError> {
        let anchor = self.objects(self.on::<1>()?[0])?;
        let (name, links) = self.read(related(&self.step.argument))?;
        let [link] = links.as_slice() else {
            return Err(self.argument("one relation"));
        };
        let id = self.next_id();
        let found = beside(id, name, link.clone(), &anchor);
        Ok(self.truth(Claim::Exist(found)))
    }

    fn choose_relation(&mut self) -> Result<Meaning, FunctionalError> {
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

    fn choose(&mut self, about: &str, text: &str) -> Result<Meaning, FunctionalError> {
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

    fn agreement(
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

    fn compare(&mut self, text: &str) -> Result<Meaning, FunctionalError> {
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

    fn list(&self, text: &str) -> Result<Meaning, FunctionalError> {
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

    /// The steps that an operation of `N` works on.
    fn on<const N: usize>(&self) -> Result<[usize; N], FunctionalError> {
        <[usize; N]>::try_from(self.step.dependencies.as_slice())
            .map_err(|_| self.dependencies(&N.to_string()))
    }

    fn get(&self, on: usize) -> Result<&Meaning, FunctionalError> {
        match self.known.get(on) {
            Some(meaning) => Ok(meaning),
            None if on < self.steps => Err(FunctionalError::NotEarlier {
                question: self.question.to_owned(),
                step: self.at,
                operation: self.step.operation.clone(),
                dependency: on,
            }),
            None => Err(FunctionalError::OutOfRange {
                question: self.question.to_owned(),
                step: self.at,
                operation: self.step.operation.clone(),
                dependency: on,
                last: self.steps.saturating_sub(1),
            }),
        }
    }

    fn objects(&self, on: usize) -> Result<Arc<Objects>, FunctionalError> {
        match self.get(on)? {
            Meaning::Objects(objects) => Ok(Arc::clone(objects)),
            other => Err(self.kind(on, "objects", other)),
        }
    }

    fn subject(&self, on: usize) -> Result<Subject, FunctionalError> {
        match self.get(on)? {
            Meaning::Objects(objects) => Ok(Subject::Objects(Arc::clone(objects))),
            Meaning::Scene(picture) => Ok(Subject::Scene(*picture)),
            other => Err(self.kind(on, "objects or the scene", other)),
        }
    }

    fn truth_of(&self, on: usize) -> Result<Arc<Truth>, FunctionalError> {
        match self.get(on)? {
            Meaning::Truth(truth) => Ok(Arc::clone(truth)),
            other => Err(self.kind(on, "a truth value", other)),
        }
    }

    fn number(&self, on: usize) -> Result<Arc<Number>, FunctionalError> {
        match self.get(on)? {
            Meaning::Number(number) => Ok(Arc::clone(number)),
            other => Err(self.kind(on, "a number", other)),
        }
    }

    fn truth(&self, says: Claim) -> Meaning {
        Meaning::Truth(Arc::new(Truth { id: self.at, says }))
    }

    fn amount(&self, is: Amount) -> Meaning {
        Meaning::Number(Arc::new(Number { id: self.at, is }))
    }

    fn next_id(&mut self) -> usize {
        *self.ids += 1;
        *self.ids
    }

    fn read<T>(&self, read: Result<T, Expected>) -> Result<T, FunctionalError> {
        read.map_err(|expected| self.argument(expected))
    }

    fn argument(&self, expected: impl Into<String>) -> FunctionalError {
        FunctionalError::Argument {
            question: self.question.to_owned(),
            step: self.at,
            operation: self.step.operation.clone(),
            expected: expected.into(),
            found: self.step.argument.clone(),
        }
    }

    fn unknown(&self) -> FunctionalError {
        FunctionalError::UnknownOperation {
            question: self.question.to_owned(),
            step: self.at,
            operation: self.step.operation.clone(),
            known: OPERATIONS.to_owned(),
        }
    }

    fn dependencies(&self, expected: &str) -> FunctionalError {
        FunctionalError::Dependencies {
            question: self.question.to_owned(),
            step: self.at,
            operation: self.step.operation.clone(),
            expected: expected.to_owned(),
            found: self.step.dependencies.len(),
        }
    }

    fn kind(&self, on: usize, expected: &'static str, found: &Meaning) -> FunctionalError {
        FunctionalError::WrongKind {
            question: self.question.to_owned(),
            step: self.at,
            operation: self.step.operation.clone(),
            dependency: on,
            expected,
            found: found.kind(),
        }
    }
}

fn word(word: Word) -> Meaning {
    Meaning::Word(Arc::new(word))
}

/// The objects that are related so to an anchor.
fn beside(id: usize, name: Option<String>, link: Link, anchor: &Arc<Objects>) -> Arc<Objects> {
    let place = match link.alike() {
        Some(attribute) => Place::Alike(attribute.to_owned(), Arc::clone(anchor)),
        None => Place::Beside(link, Arc::clone(anchor)),
    };
    Arc::new(Objects {
        id,
        picture: anchor.picture,
        name,
        properties: Vec::new(),
        sides: Vec::new(),
        place,
    })
}

/// The half of the picture that a value of `hposition` or `vposition` names.
fn side(attribute: &str, value: &str) -> Option<Side> {
    match (attribute, value) {
        ("hposition", "left") => Some(Side::Left),
        ("hposition", "right") => Some(Side::Right),
        ("vposition", "top") => Some(Side::Top),
        ("vposition", "bottom") => Some(Side::Bottom),
        _ => None,
    }
}
