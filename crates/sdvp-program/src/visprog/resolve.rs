//! From statements to executable lines, with every check that needs no images.

use super::VisProgSettings;
use super::expression::EvalExpression;
use super::lines::statement_lines;
use super::program::{Action, Line};
use super::scope::Scope;
use super::steps::{Kind, Signature, Takes, Type, nearest, signature};
use super::syntax::{Argument, Cursor, Given, Head, Name};
use crate::ProgramError;

/// More faults than this are not listed: nobody reads them, and each takes time.
const MAX_ERRORS: usize = 100;

/// Reads a source.
///
/// # Errors
/// All faults, in the order of their places, up to [`MAX_ERRORS`].
pub(super) fn resolve(
    source: &str,
    settings: &VisProgSettings,
) -> Result<Vec<Line>, Vec<ProgramError>> {
    let mut errors = Vec::new();
    let statements = statement_lines(source, settings, &mut errors).map_err(|error| vec![error])?;
    let mut scope = Scope::new(&settings.inputs);
    // All heads first: a use can then say that the definition comes too late.
    let mut heads = Vec::with_capacity(statements.len());
    for statement in statements {
        let mut cursor = Cursor::new(statement);
        match cursor.head() {
            Ok(head) => {
                scope.announce(&head.variable.text, statement.number);
                heads.push((statement, cursor, Ok(head)));
            }
            Err((error, variable)) => {
                if let Some(variable) = &variable {
                    scope.announce(&variable.text, statement.number);
                }
                heads.push((statement, cursor, Err((error, variable))));
            }
        }
    }
    let mut resolver = Resolver {
        settings,
        scope,
        errors,
    };
    let mut lines = Vec::with_capacity(heads.len());
    let mut result: Option<usize> = None;
    let last = heads.last().map(|(statement, ..)| *statement);
    for (statement, mut cursor, head) in heads {
        if resolver.errors.len() >= MAX_ERRORS {
            break;
        }
        if let Some(ended) = result {
            resolver.errors.push(ProgramError::new(
                statement.number,
                statement.column,
                format!("expected the end of the program after RESULT on line {ended}, found another step"),
            ));
            break;
        }
        let (variable, step, gives) = match head {
            Ok(head) => {
                if head.step.text.eq_ignore_ascii_case("RESULT") {
                    result = Some(statement.number);
                }
                let (action, gives) = resolver.statement(&head, &mut cursor);
                (Some(head.variable.text), action, gives)
            }
            Err((error, variable)) => {
                resolver.errors.push(error);
                (variable.map(|name| name.text), None, Type::Unknown)
            }
        };
        let Some(variable) = variable else { continue };
        resolver.scope.define(&variable, gives, statement.number);
        if let Some((step, action)) = step {
            lines.push(Line {
                number: statement.number,
                source: statement.text.to_owned(),
                step,
                variable,
                action,
            });
        }
    }
    let mut errors = resolver.errors;
    match last {
        None if errors.is_empty() => errors.push(ProgramError::new(
            1,
            1,
            "expected a program of steps such as `ANSWER0=VQA(…)`, found nothing",
        )),
        Some(last) if result.is_none() && errors.len() < MAX_ERRORS => {
            errors.push(ProgramError::new(
                last.number,
                last.column,
                "expected RESULT(var=…) as the last step, found the end of the program",
            ));
        }
        _ => {}
    }
    if errors.is_empty() {
        return Ok(lines);
    }
    errors.sort_by_key(|error| (error.line, error.column));
    errors.truncate(MAX_ERRORS);
    Err(errors)
}

struct Resolver<'a> {
    settings: &'a VisProgSettings,
    scope: Scope,
    errors: Vec<ProgramError>,
}

impl Resolver<'_> {
    /// Reads and checks what follows a statement's head; without an action if it is faulty.
    fn statement(
        &mut self,
        head: &Head,
        cursor: &mut Cursor,
    ) -> (Option<(&'static str, Action)>, Type) {
        let signature = match signature(&head.step.text) {
            Ok(signature) => signature,
            Err(message) => {
                let error = cursor.error(head.step.column, message);
                self.errors.push(error);
                return (None, Type::Unknown);
            }
        };
        let arguments = match cursor.arguments() {
            Ok(arguments) => arguments,
            Err(error) => {
                self.errors.push(error);
                return (None, signature.gives);
            }
        };
        let action = self.action(signature, &head.step, arguments, cursor);
        (
            action.map(|action| (signature.name, action)),
            signature.gives,
        )
    }

    fn action(
        &mut self,
        signature: &'static Signature,
        step: &Name,
        arguments: Vec<Argument>,
        cursor: &Cursor,
    ) -> Option<Action> {
        let before = self.errors.len();
        let mut slots: Vec<Option<Argument>> = signature.arguments.iter().map(|_| None).collect();
        for argument in arguments {
            let name = &argument.name;
            let place = signature
                .arguments
                .iter()
                .position(|(known, _)| known.eq_ignore_ascii_case(&name.text));
            match place {
                None => {
                    let message = unknown_argument(signature, &name.text);
                    self.errors.push(cursor.error(name.column, message));
                }
                Some(index) if slots[index].is_some() => {
                    let message = format!(
                        "the argument {} of {} is given twice",
                        signature.arguments[index].0, signature.name
                    );
                    self.errors.push(cursor.error(name.column, message));
                }
                Some(index) => slots[index] = Some(argument),
            }
        }
        let mut given = Vec::with_capacity(slots.len());
        for (slot, (name, takes)) in slots.into_iter().zip(signature.arguments) {
            match slot {
                Some(argument) => given.push(self.value(argument, name, *takes, signature, cursor)),
                None => self.errors.push(cursor.error(
                    step.column,
                    format!(
                        "{} lacks its argument {name}={}",
                        signature.name,
                        example(*takes)
                    ),
                )),
            }
        }
        let mut given = given.into_iter();
        let mut next = || given.next().flatten();
        let action = match signature.kind {
            Kind::Evaluate => self.expression(next()?, cursor)?,
            kind => build(kind, next)?,
        };
        (self.errors.len() == before).then_some(action)
    }

    /// The argument, if it fits.
    fn value(
        &mut self,
        argument: Argument,
        name: &str,
        takes: Takes,
        signature: &Signature,
        cursor: &Cursor,
    ) -> Option<Given> {
        let fits = match (&argument.value, takes) {
            (Given::Text(_), Takes::Text) => Ok(()),
            (Given::Name(variable), Takes::Image | Takes::Boxes | Takes::Variable) => self
                .scope
                .check(variable, takes)
                .map_err(|message| format!("{}({name}=…): {message}", signature.name)),
            (other, _) => Err(format!(
                "{}({name}=…) expects {}, found {}",
                signature.name,
                match takes {
                    Takes::Text => "text in quotes",
                    _ => "a variable",
                },
                other.describe()
            )),
        };
        match fits {
            Ok(()) => Some(argument.value),
            Err(message) => {
                self.errors.push(cursor.error(argument.column, message));
                None
            }
        }
    }

    fn expression(&mut self, given: Given, cursor: &Cursor) -> Option<Action> {
        let Given::Text(quoted) = given else {
            return None;
        };
        let compiled = EvalExpression::compile(&quoted, self.settings.python_limits());
        let expression = match compiled {
            Ok(expression) => expression,
            Err((column, message)) => {
                self.errors.push(cursor.error(column, message));
                return None;
            }
        };
        for (name, at) in expression.variables() {
            if let Err(message) = self.scope.check_scalar(name) {
                self.errors.push(cursor.error(quoted.column(at), message));
            }
        }
        for (word, at) in expression.words() {
            if self.scope.is_defined(word) {
                self.errors.push(cursor.error(
                    quoted.column(at),
                    format!("a variable stands in braces in an expression: expected {{{word}}}, found {word}"),
                ));
            }
        }
        Some(Action::Evaluate(Box::new(expression)))
    }
}

/// The action of every kind but `EVAL`, from the arguments in the signature's order.
fn build(kind: Kind, mut next: impl FnMut() -> Option<Given>) -> Option<Action> {
    let mut text = || {
        next().map(|given| match given {
            Given::Name(text) | Given::Number(text) => text,
            Given::Text(quoted) => quoted.text,
        })
    };
    Some(match kind {
        Kind::Locate => Action::Locate {
            image: text()?,
            object: text()?.trim().to_owned(),
        },
        Kind::Count => Action::Count { boxes: text()? },
        Kind::Crop => Action::Crop {
            side: None,
            image: text()?,
            boxes: text()?,
        },
        Kind::CropSide(side) => Action::Crop {
            side: Some(side),
            image: text()?,
            boxes: text()?,
        },
        Kind::Ask => Action::Ask {
            image: text()?,
            question: text()?.trim().to_owned(),
        },
        Kind::Result => Action::Result { variable: text()? },
        Kind::Evaluate => return None,
    })
}

fn unknown_argument(signature: &Signature, found: &str) -> String {
    let names = signature.arguments.iter().map(|(name, _)| *name);
    let listed = names.clone().collect::<Vec<_>>().join(" and ");
    let found = super::syntax::abridged(found);
    let hint =
        nearest(&found, names).map_or(String::new(), |near| format!("; did you mean {near}?"));
    format!(
        "{} has no argument {found}; expected {listed}{hint}",
        signature.name
    )
}

fn example(takes: Takes) -> &'static str {
    match takes {
        Takes::Image => "IMAGE",
        Takes::Boxes => "BOX0",
        Takes::Variable => "ANSWER0",
        Takes::Text => "'…'",
    }
}
