//! Functional programs as GQA's `semantic` field writes them.

use super::functional::{Attribute, Functional, Operation};
use super::{Noun, Scene, Side, What};
use serde::{Deserialize, Serialize};

/// One step of a functional program in GQA's layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionalStep {
    /// The operation: `select`, `filter color`, `relate`, `exist` …
    pub operation: String,
    /// The steps it works on, by place in the program, from 0.
    pub dependencies: Vec<usize>,
    /// Its argument; objects of the scene graph follow in brackets, `-` for none.
    pub argument: String,
}

impl Functional {
    /// The program in GQA's layout, its objects named by their place in the scene.
    pub(crate) fn to_gqa(&self, scenes: &[impl AsRef<Scene>]) -> Vec<FunctionalStep> {
        (0..self.steps.len())
            .map(|at| {
                let step = &self.steps[at];
                let (operation, mut argument) = describe(&step.operation);
                if let Some(found) = self.set(at).and_then(|set| set.found(scenes).ok()) {
                    let ids: Vec<String> = found.iter().map(usize::to_string).collect();
                    let ids = if ids.is_empty() {
                        "-".to_owned()
                    } else {
                        ids.join(",")
                    };
                    if argument_names_objects(&step.operation) {
                        argument = format!("{argument} ({ids})");
                    }
                }
                FunctionalStep {
                    operation,
                    dependencies: step.on.clone(),
                    argument,
                }
            })
            .collect()
    }
}

fn argument_names_objects(operation: &Operation) -> bool {
    matches!(operation, Operation::Select(_) | Operation::Relate(..))
}

/// GQA's names of an operation and its argument.
fn describe(operation: &Operation) -> (String, String) {
    let kind = |what: What| Noun { color: None, what }.name();
    let (name, argument) = match operation {
        Operation::Image(0) => ("image", "LEFT".to_owned()),
        Operation::Image(_) => ("image", "RIGHT".to_owned()),
        Operation::Select(what) => ("select", kind(*what)),
        Operation::FilterColor(color) => ("filter color", color.to_string()),
        Operation::FilterSide(side @ (Side::Left | Side::Right)) => {
            ("filter hposition", side.name().to_owned())
        }
        Operation::FilterSide(side) => ("filter vposition", side.name().to_owned()),
        Operation::Relate(what, relation) => {
            ("relate", format!("{},{},s", kind(*what), relation.phrase()))
        }
        Operation::Exist => ("exist", "?".to_owned()),
        Operation::Count => ("count", String::new()),
        Operation::Query(Attribute::Name) => ("query", "name".to_owned()),
        Operation::Query(Attribute::Color) => ("query", "color".to_owned()),
        Operation::Query(Attribute::Horizontal) => ("query", "hposition".to_owned()),
        Operation::Query(Attribute::Vertical) => ("query", "vposition".to_owned()),
        Operation::Query(Attribute::Place) => ("query", "bbox".to_owned()),
        Operation::VerifyColor(color) => ("verify color", color.to_string()),
        Operation::VerifyRelation(noun, relation) => (
            "verify rel",
            format!("{},{},s", noun.name(), relation.phrase()),
        ),
        Operation::ChooseColor(a, b) => ("choose color", format!("{a}|{b}")),
        Operation::ChooseSide(side @ (Side::Left | Side::Right)) => (
            "choose hposition",
            format!("{}|{}", side.name(), side.opposite().name()),
        ),
        Operation::ChooseSide(side) => (
            "choose vposition",
            format!("{}|{}", side.name(), side.opposite().name()),
        ),
        Operation::ChooseRelation(noun, relation) => (
            "choose rel",
            format!(
                "{},{}|{},s",
                noun.name(),
                relation.phrase(),
                relation.opposite().phrase()
            ),
        ),
        Operation::SameColor => ("same color", String::new()),
        Operation::DifferentColor => ("different color", String::new()),
        Operation::And => ("and", String::new()),
        Operation::Or => ("or", String::new()),
        Operation::Xor => ("xor", String::new()),
        Operation::Plus => ("plus", String::new()),
        Operation::CompareTo(comparison, number) => {
            ("compare", format!("{} {number}", comparison.symbol()))
        }
        Operation::Compare(comparison) => ("compare", comparison.symbol().to_owned()),
        Operation::List(nouns) => {
            let names: Vec<String> = nouns.iter().map(Noun::name).collect();
            ("list", names.join("|"))
        }
    };
    (name.to_owned(), argument)
}

/// The steps as GQA's `semanticStr` writes them: `select: dog (1)->query: color [0]`.
pub fn semantic_string(steps: &[FunctionalStep]) -> String {
    let parts: Vec<String> = steps
        .iter()
        .map(|step| {
            let on: Vec<String> = step.dependencies.iter().map(usize::to_string).collect();
            if on.is_empty() {
                format!("{}: {}", step.operation, step.argument)
            } else {
                format!("{}: {} [{}]", step.operation, step.argument, on.join(", "))
            }
        })
        .collect();
    parts.join("->")
}
