//! Truth values and numbers as expressions over the answers of earlier lines.

use super::Compiler;
use crate::picto::functional::{Operation, Place, Set};

/// An expression, and what it is made of.
pub(super) struct Condition {
    /// Python, with `{ANSWER0}` for values.
    pub(super) expression: String,
    /// The variable, if the expression is that variable's truth value alone.
    pub(super) variable: Option<String>,
    /// Whether it is one comparison or one variable.
    pub(super) simple: bool,
}

impl Condition {
    fn variable(variable: String) -> Self {
        Self {
            expression: format!("{{{variable}}}"),
            variable: Some(variable),
            simple: true,
        }
    }

    fn simple(expression: String) -> Self {
        Self {
            expression,
            variable: None,
            simple: true,
        }
    }

    /// In brackets where an operator beside it would bind otherwise.
    fn operand(&self) -> String {
        if self.variable.is_some() {
            self.expression.clone()
        } else {
            format!("({})", self.expression)
        }
    }
}

impl Compiler<'_> {
    /// The lines and the expression for the truth value of step `at`.
    pub(super) fn condition(&mut self, at: usize) -> Option<Condition> {
        let functional = self.functional;
        let step = functional.steps.get(at)?;
        let on = |n: usize| step.on.get(n).copied();
        let set = |n: usize| functional.set(on(n)?);
        Some(match &step.operation {
            Operation::Exist => self.exist_condition(&set(0)?),
            Operation::VerifyColor(color) => {
                let set = set(0)?;
                if self.chance(0.5) {
                    Condition::variable(self.is_color(&set, *color))
                } else {
                    let found = self.color(&set);
                    Condition::simple(format!("{{{found}}} == '{color}'"))
                }
            }
            Operation::VerifyRelation(noun, relation) => {
                let anchor = set(0)?;
                self.exist_condition(&Set {
                    image: anchor.image,
                    noun: *noun,
                    place: Place::By(*relation, Box::new(anchor)),
                })
            }
            Operation::SameColor | Operation::DifferentColor => {
                let (first, second) = (self.color(&set(0)?), self.color(&set(1)?));
                let symbol = if step.operation == Operation::SameColor {
                    "=="
                } else {
                    "!="
                };
                Condition::simple(format!("{{{first}}} {symbol} {{{second}}}"))
            }
            Operation::And | Operation::Or | Operation::Xor => {
                let word = match step.operation {
                    Operation::And => "and",
                    Operation::Or => "or",
                    _ => "xor",
                };
                let first = self.part(on(0)?)?;
                let second = self.part(on(1)?)?;
                // A chained comparison would mean something else.
                let expression = if word == "xor" {
                    format!("{} xor {}", first.operand(), second.operand())
                } else {
                    format!("{} {word} {}", first.expression, second.expression)
                };
                Condition {
                    expression,
                    variable: None,
                    simple: false,
                }
            }
            Operation::CompareTo(comparison, constant) => {
                let left = self.number(on(0)?)?;
                Condition::simple(format!("{left} {} {constant}", comparison.symbol()))
            }
            Operation::Compare(comparison) => {
                let (left, right) = (self.number(on(0)?)?, self.number(on(1)?)?);
                Condition::simple(format!("{left} {} {right}", comparison.symbol()))
            }
            _ => return None,
        })
    }

    fn exist_condition(&mut self, set: &Set) -> Condition {
        match self.exist(set) {
            (variable, true) => Condition::variable(variable),
            (variable, false) => Condition::simple(format!("{{{variable}}} > 0")),
        }
    }

    /// A condition to be combined with another: one that is itself combined gets a line of its own.
    fn part(&mut self, at: usize) -> Option<Condition> {
        let condition = self.condition(at)?;
        Some(if condition.simple {
            condition
        } else {
            Condition::variable(self.out.evaluate(&condition.expression))
        })
    }

    /// The lines and the expression for the number of step `at`.
    fn number(&mut self, at: usize) -> Option<String> {
        let functional = self.functional;
        let step = functional.steps.get(at)?;
        let on = |n: usize| step.on.get(n).copied();
        match &step.operation {
            Operation::Count => {
                let set = functional.set(on(0)?)?;
                Some(format!("{{{}}}", self.count(&set)))
            }
            Operation::Plus => {
                let (left, right) = (self.number(on(0)?)?, self.number(on(1)?)?);
                Some(format!("{left} + {right}"))
            }
            _ => None,
        }
    }
}
