//! The end of a program: what its result is.

use super::{Compiler, Dialect};
use crate::picto::functional::{Attribute, Operation, Place, Set};
use crate::picto::{Color, Noun, Side};

impl Compiler<'_> {
    /// Writes all lines for step `at`, whose value is the program's result.
    pub(super) fn write_result(&mut self, at: usize) -> Option<()> {
        let functional = self.functional;
        let step = functional.steps.get(at)?;
        let set = |n: usize| functional.set(*step.on.get(n)?);
        let variable = match &step.operation {
            Operation::Query(Attribute::Name) => self.name(&set(0)?),
            Operation::Query(Attribute::Color) => self.color(&set(0)?),
            Operation::Query(Attribute::Horizontal) => self.side(&set(0)?, Side::Left),
            Operation::Query(Attribute::Vertical) => self.side(&set(0)?, Side::Top),
            Operation::Query(Attribute::Place) => self.boxes(&set(0)?),
            Operation::ChooseSide(side) => self.side(&set(0)?, *side),
            Operation::ChooseColor(a, b) => self.choose_color(&set(0)?, *a, *b),
            Operation::ChooseRelation(noun, relation) => {
                let anchor = set(0)?;
                let (first, second) = (*relation, relation.opposite());
                let (tried, other) = if self.chance(0.5) {
                    (first, second)
                } else {
                    (second, first)
                };
                let related = Set {
                    image: anchor.image,
                    noun: *noun,
                    place: Place::By(tried, Box::new(anchor)),
                };
                let found = self.exist_expression(&related);
                self.out.evaluate(&format!(
                    "'{}' if {found} else '{}'",
                    tried.answer(),
                    other.answer()
                ))
            }
            Operation::Count => self.count(&set(0)?),
            Operation::List(nouns) => self.list(nouns, &step.on)?,
            _ => self.truth(at)?,
        };
        let name = match self.dialect {
            Dialect::Gqa => "FINAL_RESULT",
            Dialect::Nlvr => "FINAL_ANSWER",
        };
        self.out.result(name, &variable);
        Some(())
    }

    /// The variable of a truth value: yes or no in one dialect, true or false in the other.
    fn truth(&mut self, at: usize) -> Option<String> {
        let condition = self.condition(at)?;
        Some(match (self.dialect, condition.variable) {
            (Dialect::Gqa, Some(variable)) => variable,
            (Dialect::Gqa, None) => {
                let expression = format!("'yes' if {} else 'no'", condition.expression);
                self.out.evaluate(&expression)
            }
            // Evaluated even alone: an answer "yes" is text, and the result must be true or false.
            (Dialect::Nlvr, _) => self.out.evaluate(&condition.expression),
        })
    }

    /// The variable of the side that the set's object is on, `side` or the one across.
    fn side(&mut self, set: &Set, side: Side) -> String {
        let tried = if self.chance(0.5) {
            side
        } else {
            side.opposite()
        };
        let there = Set {
            place: Place::On(tried),
            ..set.clone()
        };
        let found = self.exist_expression(&there);
        self.out.evaluate(&format!(
            "'{}' if {found} else '{}'",
            tried.name(),
            tried.opposite().name()
        ))
    }

    fn choose_color(&mut self, set: &Set, a: Color, b: Color) -> String {
        match self.rng_below(3) {
            0 => {
                let answer = self.is_color(set, a);
                self.out
                    .evaluate(&format!("'{a}' if {{{answer}}} else '{b}'"))
            }
            1 => {
                let found = self.color(set);
                self.out
                    .evaluate(&format!("'{a}' if {{{found}}} == '{a}' else '{b}'"))
            }
            _ => self.color(set),
        }
    }

    /// The variable of the names, among the candidates, of what exists, separated by commas.
    fn list(&mut self, nouns: &[Noun], exists: &[usize]) -> Option<String> {
        let mut parts = Vec::new();
        for (noun, &at) in nouns.iter().zip(exists) {
            let condition = self.condition(at)?;
            parts.push(format!(
                "('{}, ' if {} else '')",
                noun.name(),
                condition.expression
            ));
        }
        Some(self.out.evaluate(&parts.join(" + ")))
    }

    fn exist_expression(&mut self, set: &Set) -> String {
        match self.exist(set) {
            (variable, true) => format!("{{{variable}}}"),
            (variable, false) => format!("{{{variable}}} > 0"),
        }
    }

    fn rng_below(&mut self, end: u32) -> u32 {
        rand::Rng::random_range(self.rng, 0..end)
    }
}
