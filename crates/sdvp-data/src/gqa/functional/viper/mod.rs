//! Writes ViperGPT programs: Python functions that find, compare places, loop and ask.

mod body;
mod looking;
mod word;

use super::argument::Property;
use super::meaning::{
    Agreement, Amount, Claim, Meaning, Number, Objects, Picture, Place, Subject, Truth,
};
use super::wording;
use crate::viper_code::lies_on;
use body::{Body, python};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn compile(answer: &Meaning, pair: bool) -> String {
    let mut coder = Coder::default();
    let value = match answer {
        Meaning::Word(word) => coder.word(word),
        Meaning::Truth(truth) => {
            let truth = coder.truth(truth);
            match pair {
                true => truth,
                false => format!("bool_to_yesno({truth})"),
            }
        }
        Meaning::Number(number) => coder.number(number),
        Meaning::Boxes(objects) | Meaning::Objects(objects) => coder.one(objects),
        Meaning::Picture(picture) | Meaning::Scene(picture) => patch(*picture).to_owned(),
    };
    coder.body.line(format!("return {value}"));
    let head: &[&str] = match pair {
        true => &[
            "def execute_command(image_dict):",
            "    left_patch = ImagePatch(image_dict['left'])",
            "    right_patch = ImagePatch(image_dict['right'])",
        ],
        false => &[
            "def execute_command(image):",
            "    image_patch = ImagePatch(image)",
        ],
    };
    let mut text = head.join("\n");
    for line in coder.body.lines() {
        text.push_str("\n    ");
        text.push_str(line);
    }
    text
}

/// The variable of a picture's patch.
fn patch(picture: Picture) -> &'static str {
    match picture {
        Picture::Only => "image_patch",
        Picture::Left => "left_patch",
        Picture::Right => "right_patch",
    }
}

/// What was written, and in which variables it is.
#[derive(Default)]
struct Coder {
    body: Body,
    /// Patches of objects, by their id.
    found: BTreeMap<usize, String>,
    /// The one patch that is meant of them.
    ones: BTreeMap<usize, String>,
    /// What they are looked for in.
    looks: BTreeMap<usize, String>,
    /// Objects and what is around them, by their id.
    arounds: BTreeMap<usize, String>,
    /// Halves of a picture, by the patch and the side's name.
    halves: BTreeMap<(String, &'static str), String>,
    /// Truth values and numbers that have a variable.
    truths: BTreeMap<usize, String>,
    numbers: BTreeMap<usize, String>,
}

impl Coder {
    /// An expression for a truth value; the lines it needs are written.
    fn truth(&mut self, truth: &Truth) -> String {
        if let Some(variable) = self.truths.get(&truth.id) {
            return variable.clone();
        }
        match &truth.says {
            Claim::Exist(objects) => self.exist(objects),
            Claim::Has(subject, property) => self.has(subject, property),
            Claim::On(objects, side) => {
                let one = self.one(objects);
                lies_on(&one, *side, patch(objects.picture))
            }
            Claim::Same(Agreement::Two(attribute, a, b)) => {
                let [a, b] = [a, b].map(|objects| {
                    let value = self.attribute(objects, attribute);
                    self.body
                        .set(&format!("{} {attribute}", objects.kind()), &value)
                });
                format!("{a} == {b}")
            }
            Claim::Same(Agreement::All(attribute, objects)) => self.all_same(attribute, objects),
            Claim::And(a, b) => self.both(truth.id, a, "and", b),
            Claim::Or(a, b) => self.both(truth.id, a, "or", b),
            Claim::Xor(a, b) => self.both(truth.id, a, "!=", b),
            Claim::Not(inner) => {
                let inner = self.truth(inner);
                format!("not ({inner})")
            }
            Claim::Compare(a, symbol, b) => {
                let (a, b) = (self.number(a), self.number(b));
                format!("{a} {symbol} {b}")
            }
            Claim::CompareTo(number, symbol, to) => {
                let number = self.number(number);
                format!("{number} {symbol} {to}")
            }
        }
    }

    fn both(&mut self, id: usize, a: &Truth, operator: &str, b: &Truth) -> String {
        let [a, b] = [a, b].map(|truth| self.held(truth));
        let both = self.body.set("both", &format!("{a} {operator} {b}"));
        self.truths.insert(id, both.clone());
        both
    }

    /// The variable of a truth value that is to be combined with another.
    fn held(&mut self, truth: &Truth) -> String {
        let holds = self.truth(truth);
        if self.truths.get(&truth.id) == Some(&holds) {
            return holds;
        }
        let variable = self.body.set("holds", &holds);
        self.truths.insert(truth.id, variable.clone());
        variable
    }

    /// Whether something has a value: seen of a patch, or asked.
    fn has(&mut self, subject: &Subject, property: &Property) -> String {
        match subject {
            // What is said in one word after "the table is".
            Subject::Objects(objects)
                if property.predicate() == property.value && property.attribute != "name" =>
            {
                let one = self.one(objects);
                verified(&one, objects, property)
            }
            Subject::Objects(objects) => {
                let one = self.one(objects);
                yes(&one, &wording::verify(subject, property))
            }
            Subject::Scene(picture) => yes(patch(*picture), &wording::verify(subject, property)),
        }
    }

    fn exist(&mut self, objects: &Objects) -> String {
        match &objects.place {
            Place::Beside(link, anchor) if link.direction().is_none() || objects.name.is_none() => {
                let look = self.look(objects);
                yes(&look, &wording::exists_beside(objects, link, anchor))
            }
            Place::Anywhere if objects.sides.is_empty() && !objects.takes_words() => {
                let name = python(&objects.described());
                format!("{}.exists({name})", patch(objects.picture))
            }
            _ => format!("len({}) > 0", self.found(objects)),
        }
    }

    /// A number, as an expression.
    fn number(&mut self, number: &Number) -> String {
        if let Some(variable) = self.numbers.get(&number.id) {
            return variable.clone();
        }
        match &number.is {
            Amount::Count(objects) => format!("len({})", self.found(objects)),
            Amount::Plus(a, b) => {
                let (a, b) = (self.number(a), self.number(b));
                let sum = self.body.set("total", &format!("{a} + {b}"));
                self.numbers.insert(number.id, sum.clone());
                sum
            }
        }
    }

    /// What an attribute of the one object that is meant is.
    fn attribute(&mut self, objects: &Arc<Objects>, attribute: &str) -> String {
        let one = self.one(objects);
        asked(
            &one,
            &wording::query(&Subject::Objects(Arc::clone(objects)), attribute),
        )
    }

    fn all_same(&mut self, attribute: &str, objects: &Arc<Objects>) -> String {
        let found = self.found(objects);
        let question = wording::query(&Subject::Objects(Arc::clone(objects)), attribute);
        let values = format!("[{} for patch in {found}]", asked("patch", &question));
        let values = self.body.set(&format!("{attribute}s"), &values);
        format!("all(value == {values}[0] for value in {values})")
    }
}

/// What is answered to a question about a patch.
fn asked(patch: &str, question: &str) -> String {
    format!("{patch}.simple_query({})", python(question))
}

/// Whether the answer is yes.
fn yes(patch: &str, question: &str) -> String {
    format!("{} == 'yes'", asked(patch, question))
}

/// Whether a patch shows such an object with that value.
fn verified(patch: &str, objects: &Objects, property: &Property) -> String {
    let (name, value) = (python(objects.kind()), python(&property.value));
    format!("{patch}.verify_property({name}, {value})")
}
