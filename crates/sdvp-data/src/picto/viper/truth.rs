//! Truth values and numbers, as Python expressions.

use super::Coder;
use crate::picto::functional::{Operation, Place, Set};

impl Coder<'_> {
    /// An expression for the truth value of step `at`; the lines it needs are written.
    pub(super) fn truth(&mut self, at: usize) -> Option<String> {
        let functional = self.functional;
        let step = functional.steps.get(at)?;
        let on = |n: usize| step.on.get(n).copied();
        let set = |n: usize| functional.set(on(n)?);
        Some(match &step.operation {
            Operation::Exist => self.exist(&set(0)?),
            Operation::VerifyColor(color) => {
                let set = set(0)?;
                if self.chance(0.5) {
                    self.is_color(&set, *color)
                } else {
                    format!("{} == '{color}'", self.color(&set))
                }
            }
            Operation::VerifyRelation(noun, relation) => {
                let anchor = set(0)?;
                self.exist(&Set {
                    image: anchor.image,
                    noun: *noun,
                    place: Place::By(*relation, Box::new(anchor)),
                })
            }
            Operation::SameColor | Operation::DifferentColor => {
                let first = self.color(&set(0)?);
                let first = self.set("first_color", &first);
                let second = self.color(&set(1)?);
                let second = self.set("second_color", &second);
                let same = step.operation == Operation::SameColor;
                format!("{first} {} {second}", if same { "==" } else { "!=" })
            }
            Operation::And | Operation::Or | Operation::Xor => {
                let (first, second) = (self.part(on(0)?)?, self.part(on(1)?)?);
                match step.operation {
                    Operation::And => format!("{first} and {second}"),
                    Operation::Or => format!("{first} or {second}"),
                    _ => format!("{first} != {second}"),
                }
            }
            Operation::CompareTo(comparison, constant) => {
                let number = self.number(on(0)?)?;
                format!("{number} {} {constant}", comparison.symbol())
            }
            Operation::Compare(comparison) => {
                let (left, right) = (self.number(on(0)?)?, self.number(on(1)?)?);
                format!("{left} {} {right}", comparison.symbol())
            }
            _ => return None,
        })
    }

    /// A truth value to be combined with another gets a variable, or brackets.
    fn part(&mut self, at: usize) -> Option<String> {
        let truth = self.truth(at)?;
        Some(if self.chance(0.5) {
            self.set("holds", &truth)
        } else {
            format!("({truth})")
        })
    }

    fn number(&mut self, at: usize) -> Option<String> {
        let functional = self.functional;
        let step = functional.steps.get(at)?;
        let on = |n: usize| step.on.get(n).copied();
        match &step.operation {
            Operation::Count => {
                let set = functional.set(on(0)?)?;
                Some(self.count(&set))
            }
            Operation::Plus => {
                let (left, right) = (self.number(on(0)?)?, self.number(on(1)?)?);
                Some(format!("{left} + {right}"))
            }
            _ => None,
        }
    }
}
