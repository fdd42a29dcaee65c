//! What a program returns.

use super::Coder;
use crate::picto::functional::{Attribute, Operation, Place, Set};
use crate::picto::{Color, Noun, Side};
use crate::viper_code::{lies, lies_on};

impl Coder<'_> {
    /// Writes all lines for step `at`, whose value is the program's.
    pub(super) fn result(&mut self, at: usize) -> Option<()> {
        let functional = self.functional;
        let step = functional.steps.get(at)?;
        let set = |n: usize| functional.set(*step.on.get(n)?);
        let value = match &step.operation {
            Operation::Query(Attribute::Name) => self.name(&set(0)?),
            Operation::Query(Attribute::Color) => self.color(&set(0)?),
            Operation::Query(Attribute::Horizontal) => self.side(&set(0)?, Side::Left),
            Operation::Query(Attribute::Vertical) => self.side(&set(0)?, Side::Top),
            Operation::Query(Attribute::Place) => self.one(&set(0)?),
            Operation::ChooseSide(side) => self.side(&set(0)?, *side),
            Operation::ChooseColor(a, b) => self.choose_color(&set(0)?, *a, *b),
            Operation::ChooseRelation(noun, relation) => {
                let anchor = set(0)?;
                let other = self.one(&anchor);
                let one = self.one(&Set {
                    image: anchor.image,
                    noun: *noun,
                    place: Place::Anywhere,
                });
                let (first, second) = (relation.answer(), relation.opposite().answer());
                self.line(format!("if {}:", lies(&one, *relation, &other)));
                self.line(format!("    return '{first}'"));
                format!("'{second}'")
            }
            Operation::Count => self.count(&set(0)?),
            Operation::List(nouns) => self.list(nouns),
            _ => {
                let truth = self.truth(at)?;
                if self.pair {
                    truth
                } else {
                    format!("bool_to_yesno({truth})")
                }
            }
        };
        self.line(format!("return {value}"));
        Some(())
    }

    /// The side that the set's object is on, `side` or the one across.
    fn side(&mut self, set: &Set, side: Side) -> String {
        let one = self.one(set);
        let patch = self.patch(set.image);
        format!(
            "'{}' if {} else '{}'",
            side.name(),
            lies_on(&one, side, patch),
            side.opposite().name()
        )
    }

    fn choose_color(&mut self, set: &Set, a: Color, b: Color) -> String {
        if self.chance(0.4) {
            self.better_color(set, a, b)
        } else if self.chance(0.5) {
            format!("'{a}' if {} else '{b}'", self.is_color(set, a))
        } else {
            self.color(set)
        }
    }

    /// The names, among the candidates, of what exists, separated by commas.
    fn list(&mut self, nouns: &[Noun]) -> String {
        let names: Vec<String> = nouns
            .iter()
            .map(|noun| format!("'{}'", noun.name()))
            .collect();
        let found = self.set("found", "[]");
        self.line(format!("for name in [{}]:", names.join(", ")));
        self.line("    if len(image_patch.find(name)) > 0:");
        self.line(format!("        {found}.append(name)"));
        format!("', '.join({found})")
    }
}
