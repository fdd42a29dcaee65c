//! Writes VisProg programs: objects are located, cropped and counted; what they are and what they
//! are like is asked of crops.

mod literal;
mod looking;
mod word;

use super::meaning::{
    Agreement, Amount, Claim, Meaning, Number, Objects, Picture, Place, Subject, Truth,
};
use super::wording;
use crate::picto::Side;
use crate::visprog_lines::VisProgLines;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn compile(answer: &Meaning, pair: bool) -> String {
    let mut compiler = Compiler {
        pair,
        ..Compiler::default()
    };
    let variable = match answer {
        Meaning::Word(word) => compiler.word(word),
        Meaning::Truth(truth) => compiler.answer(truth),
        Meaning::Number(number) => {
            let number = compiler.number(number);
            number.trim_matches(['{', '}']).to_owned()
        }
        Meaning::Boxes(objects) | Meaning::Objects(objects) => compiler.framed(objects).1,
        Meaning::Picture(picture) | Meaning::Scene(picture) => compiler.picture(*picture),
    };
    let result = if pair { "FINAL_ANSWER" } else { "FINAL_RESULT" };
    compiler.lines.result(result, &variable);
    compiler.lines.finish()
}

/// What was written, and in which variables it is.
#[derive(Default)]
struct Compiler {
    lines: VisProgLines,
    pair: bool,
    /// Where objects are looked for, by their id.
    looks: BTreeMap<usize, String>,
    /// Their boxes.
    boxes: BTreeMap<usize, String>,
    /// Their boxes where more is seen than what they are beside, and what is seen there.
    framed: BTreeMap<usize, (String, String)>,
    /// Crops, by step, image and boxes.
    crops: BTreeMap<(&'static str, String, String), String>,
    /// Answers, by image and question.
    answers: BTreeMap<(String, String), String>,
    /// Truth values that are part of others and have a variable.
    truths: BTreeMap<usize, String>,
    /// Numbers.
    numbers: BTreeMap<usize, String>,
}

/// An expression that is true or not.
struct Condition {
    expression: String,
    /// The variable, if it is that variable's truth value alone.
    variable: Option<String>,
}

impl Condition {
    fn variable(variable: String) -> Self {
        Self {
            expression: format!("{{{variable}}}"),
            variable: Some(variable),
        }
    }

    fn expression(expression: String) -> Self {
        Self {
            expression,
            variable: None,
        }
    }

    /// In brackets where an operator beside it would bind otherwise.
    fn operand(&self) -> String {
        match self.variable {
            Some(_) => self.expression.clone(),
            None => format!("({})", self.expression),
        }
    }
}

impl Compiler {
    /// The variable of a truth value: yes or no about one picture, true or false about two.
    fn answer(&mut self, truth: &Truth) -> String {
        let condition = self.truth(truth);
        match condition.variable {
            Some(variable) if !self.pair => variable,
            _ if self.pair => self.lines.evaluate(&condition.expression),
            _ => {
                let expression = format!("'yes' if {} else 'no'", condition.expression);
                self.lines.evaluate(&expression)
            }
        }
    }

    fn truth(&mut self, truth: &Truth) -> Condition {
        if let Some(variable) = self.truths.get(&truth.id) {
            return Condition::variable(variable.clone());
        }
        match &truth.says {
            Claim::Exist(objects) => self.exist(objects),
            Claim::Has(subject, property) => {
                let image = self.subject(subject);
                let question = wording::verify(subject, property);
                Condition::variable(self.ask(image, question))
            }
            Claim::On(objects, side) => self.on_side(objects, *side),
            Claim::Same(Agreement::All(attribute, objects)) => {
                let image = self.look(objects);
                let question = wording::all_same(attribute, objects);
                Condition::variable(self.ask(image, question))
            }
            Claim::Same(Agreement::Two(attribute, a, b)) => {
                let [a, b] = [a, b].map(|objects| self.attribute(objects, attribute));
                Condition::expression(format!("{{{a}}} == {{{b}}}"))
            }
            Claim::And(a, b) => self.both(a, "and", b),
            Claim::Or(a, b) => self.both(a, "or", b),
            Claim::Xor(a, b) => self.both(a, "xor", b),
            Claim::Not(inner) => {
                let inner = self.part(inner);
                Condition::expression(format!("not {inner}"))
            }
            Claim::Compare(a, symbol, b) => {
                let (a, b) = (self.number(a), self.number(b));
                Condition::expression(format!("{a} {symbol} {b}"))
            }
            Claim::CompareTo(number, symbol, to) => {
                let number = self.number(number);
                Condition::expression(format!("{number} {symbol} {to}"))
            }
        }
    }

    fn both(&mut self, a: &Truth, word: &str, b: &Truth) -> Condition {
        let (a, b) = (self.part(a), self.part(b));
        Condition::expression(format!("{a} {word} {b}"))
    }

    /// A truth value that is part of another: one that is itself put together gets a line of its
    /// own, so that expressions stay short.
    fn part(&mut self, truth: &Truth) -> String {
        let condition = self.truth(truth);
        if !matches!(truth.says, Claim::And(..) | Claim::Or(..) | Claim::Xor(..)) {
            return condition.operand();
        }
        if condition.variable.is_some() {
            return condition.expression;
        }
        let variable = self.lines.evaluate(&condition.expression);
        self.truths.insert(truth.id, variable.clone());
        format!("{{{variable}}}")
    }

    fn exist(&mut self, objects: &Objects) -> Condition {
        if let Place::Beside(link, anchor) = &objects.place
            && (link.direction().is_none() || objects.name.is_none())
        {
            let image = self.look(objects);
            let question = wording::exists_beside(objects, link, anchor);
            return Condition::variable(self.ask(image, question));
        }
        if objects.takes_words() {
            let image = self.look(objects);
            return Condition::variable(self.ask(image, wording::exists(objects)));
        }
        let boxes = self.boxes(objects);
        let count = self.lines.count(&boxes);
        Condition::expression(format!("{{{count}}} > 0"))
    }

    /// Whether objects lie on that side of the whole picture.
    fn on_side(&mut self, objects: &Objects, side: Side) -> Condition {
        let picture = self.picture(objects.picture);
        let half = self.half(&picture, side);
        let boxes = self.lines.locate(&half, &objects.located());
        let count = self.lines.count(&boxes);
        Condition::expression(format!("{{{count}}} > 0"))
    }

    /// A number, as an expression: of one variable, so that expressions stay short.
    fn number(&mut self, number: &Number) -> String {
        if let Some(variable) = self.numbers.get(&number.id) {
            return format!("{{{variable}}}");
        }
        let variable = match &number.is {
            Amount::Plus(a, b) => {
                let (a, b) = (self.number(a), self.number(b));
                self.lines.evaluate(&format!("{a} + {b}"))
            }
            Amount::Count(objects) if objects.takes_words() => {
                let image = self.look(objects);
                self.ask(image, wording::how_many(objects))
            }
            Amount::Count(objects) => {
                let boxes = self.boxes(objects);
                self.lines.count(&boxes)
            }
        };
        self.numbers.insert(number.id, variable.clone());
        format!("{{{variable}}}")
    }

    /// The variable of what an attribute of objects is.
    fn attribute(&mut self, objects: &Arc<Objects>, attribute: &str) -> String {
        let subject = Subject::Objects(Arc::clone(objects));
        let image = self.subject(&subject);
        self.ask(image, wording::query(&subject, attribute))
    }

    /// The variable of the picture of a subject: its crop, or what it is looked for in where words
    /// must say which it is.
    fn subject(&mut self, subject: &Subject) -> String {
        match subject {
            Subject::Scene(picture) => self.picture(*picture),
            Subject::Objects(objects) if objects.takes_words() => self.look(objects),
            Subject::Objects(objects) => self.crop(objects),
        }
    }

    /// The variable of the answer to a question, which is asked once.
    fn ask(&mut self, image: String, question: String) -> String {
        let asked = (image, question);
        if let Some(variable) = self.answers.get(&asked) {
            return variable.clone();
        }
        let variable = self.lines.ask(&asked.0, &asked.1);
        self.answers.insert(asked, variable.clone());
        variable
    }

    fn picture(&self, picture: Picture) -> String {
        match picture {
            Picture::Only => "IMAGE",
            Picture::Left => "LEFT",
            Picture::Right => "RIGHT",
        }
        .to_owned()
    }
}
