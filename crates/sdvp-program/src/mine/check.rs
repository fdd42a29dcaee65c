//! What can be said of a program before it runs.

use super::error::ProgramError;
use super::expression::{Piece, pieces};
use super::parse::Statement;
use super::settings::VisProgSettings;
use super::step::StepCall;
use crate::python;
use std::collections::BTreeMap;

/// What a variable will hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Boxes,
    Plain,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Image => "an image",
            Kind::Boxes => "boxes",
            Kind::Plain => "an answer",
        }
    }
}

/// Faults of a program whose lines can all be read: variables, types, expressions, its end.
pub(crate) fn check(statements: &[Statement], settings: &VisProgSettings) -> Vec<ProgramError> {
    let mut errors = Vec::new();
    let mut defined: BTreeMap<String, Kind> =
        settings.inputs.iter().map(|name| (name.clone(), Kind::Image)).collect();
    for (index, statement) in statements.iter().enumerate() {
        errors.extend(check_statement(statement, &defined, settings));
        let kind = match &statement.call {
            StepCall::Loc { .. } => Kind::Boxes,
            StepCall::Crop { .. } | StepCall::CropSide { .. } => Kind::Image,
            StepCall::Result { variable } => defined.get(variable).copied().unwrap_or(Kind::Plain),
            _ => Kind::Plain,
        };
        defined.insert(statement.variable.clone(), kind);
        let is_result = matches!(statement.call, StepCall::Result { .. });
        if is_result && index + 1 < statements.len() {
            errors.push(ProgramError::new(statement.line, 0, "expected RESULT as the last step, found steps after it"));
            break;
        }
        if !is_result && index + 1 == statements.len() {
            errors.push(ProgramError::new(statement.line, 0, format!("expected RESULT as the last step, found {}", statement.call.name())));
        }
    }
    errors
}

fn check_statement(
    statement: &Statement,
    defined: &BTreeMap<String, Kind>,
    settings: &VisProgSettings,
) -> Vec<ProgramError> {
    let column = |names: &[&str]| {
        let found = statement.columns.iter().find(|(name, _)| names.contains(&name.as_str()));
        found.map_or(0, |(_, column)| *column)
    };
    let variable = |name: &str, wanted: Option<Kind>, column: usize| -> Option<ProgramError> {
        let message = match (defined.get(name), wanted) {
            (None, _) => undefined(name, defined),
            (Some(found), Some(wanted)) if *found != wanted => {
                format!("{} expected {} in {name}, found {}", statement.call.name(), wanted.name(), found.name())
            }
            _ => return None,
        };
        Some(ProgramError::new(statement.line, column, message))
    };
    let image = |name: &str| variable(name, Some(Kind::Image), column(&["image"]));
    let boxes = |name: &str| variable(name, Some(Kind::Boxes), column(&["box", "boxes"]));
    match &statement.call {
        StepCall::Loc { image: i, .. } | StepCall::Vqa { image: i, .. } => image(i).into_iter().collect(),
        StepCall::Count { boxes: b } => boxes(b).into_iter().collect(),
        StepCall::Crop { image: i, boxes: b, .. } | StepCall::CropSide { image: i, boxes: b, .. } => {
            image(i).into_iter().chain(boxes(b)).collect()
        }
        StepCall::Result { variable: v } => variable(v, None, column(&["var"])).into_iter().collect(),
        StepCall::Eval { expression } => {
            let at = column(&["expr", "expression"]);
            check_expression(expression, at, statement.line, defined, settings)
        }
    }
}

fn check_expression(
    expression: &str,
    at: usize,
    line: usize,
    defined: &BTreeMap<String, Kind>,
    settings: &VisProgSettings,
) -> Vec<ProgramError> {
    let pieces = match pieces(expression) {
        Ok(pieces) => pieces,
        Err((offset, message)) => return vec![ProgramError::new(line, at + 1 + offset, message)],
    };
    let mut errors = Vec::new();
    let mut code = String::new();
    for piece in &pieces {
        match piece {
            Piece::Python(text) => code.push_str(text),
            Piece::Variable(name) => {
                code.push('0');
                match defined.get(name) {
                    None => errors.push(ProgramError::new(line, at, undefined(name, defined))),
                    Some(Kind::Plain) => {}
                    Some(kind) => errors.push(ProgramError::new(
                        line,
                        at,
                        format!("EVAL expected an answer in {name}, found {}", kind.name()),
                    )),
                }
            }
        }
    }
    if let Err(reason) = python::check(&code, &settings.python) {
        errors.push(ProgramError::new(line, at, format!("the expression {expression:?} cannot be read: {reason}")));
    }
    errors
}

fn undefined(name: &str, defined: &BTreeMap<String, Kind>) -> String {
    let known: Vec<&str> = defined.keys().map(String::as_str).take(20).collect();
    format!("variable {name} is not defined; defined so far: {}", known.join(", "))
}
