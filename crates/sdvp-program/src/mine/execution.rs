//! Running a program, step by step.

use super::crops::{believed, beside, enlarged, half_image};
use super::expression::{Piece, literal, pieces};
use super::parse::Statement;
use super::settings::VisProgSettings;
use super::step::StepCall;
use crate::python;
use crate::{Execution, Inputs, LocatedBoxes, RunError, Step, Trace, TraceStep, Value};
use sdvp_core::{ModuleError, Outcome, SubTask, View};
use std::collections::HashMap;
use std::sync::Arc;

/// A run of a program.
pub(crate) struct VisProgExecution {
    statements: Arc<[Statement]>,
    settings: Arc<VisProgSettings>,
    variables: HashMap<String, Value>,
    next: usize,
    waiting: Option<SubTask>,
    trace: Trace,
}

impl VisProgExecution {
    pub(crate) fn new(statements: Arc<[Statement]>, settings: Arc<VisProgSettings>, inputs: &Inputs) -> Self {
        let variables =
            inputs.iter().map(|(name, image)| (name.clone(), Value::View(image.view()))).collect();
        Self { statements, settings, variables, next: 0, waiting: None, trace: Trace::default() }
    }

    /// Runs to the next sub-task or the end.
    fn advance(&mut self) -> Result<Step, RunError> {
        let statements = Arc::clone(&self.statements);
        while let Some(statement) = statements.get(self.next) {
            match &statement.call {
                StepCall::Loc { image, object } => {
                    let view = self.view(statement, image)?;
                    match half_image(object, &view) {
                        Some(half) => self.set(statement, Value::Boxes(LocatedBoxes { view, boxes: vec![half] }), None, None),
                        None => return Ok(self.wait(SubTask::locate(view, object))),
                    }
                }
                StepCall::Vqa { image, question } => {
                    let view = self.view(statement, image)?;
                    return Ok(self.wait(SubTask::answer(view, question)));
                }
                StepCall::Count { boxes } => {
                    let count = self.boxes(statement, boxes)?.boxes.len();
                    self.set(statement, Value::Int(count as i64), None, None);
                }
                StepCall::Crop { image, boxes, .. } => {
                    let first = self.boxes(statement, boxes)?.boxes.first().copied();
                    let crop = enlarged(first, &self.view(statement, image)?, self.settings.crop_factor);
                    self.set(statement, Value::View(crop), None, None);
                }
                StepCall::CropSide { side, image, boxes } => {
                    let first = self.boxes(statement, boxes)?.boxes.first().copied();
                    let view = self.view(statement, image)?;
                    let crop = beside(*side, first, &view, self.settings.reference_side_crops);
                    self.set(statement, Value::View(crop), None, None);
                }
                StepCall::Eval { expression } => {
                    let (filled, value) = self.evaluate(statement, expression)?;
                    self.set(statement, value, None, Some(filled));
                }
                StepCall::Result { variable } => {
                    let value = self.variable(statement, variable)?.clone();
                    self.set(statement, value.clone(), None, None);
                    return Ok(Step::Done(value));
                }
            }
        }
        Err(RunError::NotWaiting)
    }

    fn wait(&mut self, task: SubTask) -> Step {
        self.waiting = Some(task.clone());
        Step::Needs(task)
    }

    fn set(&mut self, statement: &Statement, value: Value, asked: Option<(SubTask, Outcome)>, expression: Option<String>) {
        let (sub_task, outcome) = asked.unzip();
        self.trace.steps.push(TraceStep {
            line: statement.line,
            source: statement.source.clone(),
            variable: statement.variable.clone(),
            sub_task,
            outcome,
            expression,
            value: value.clone(),
        });
        self.variables.insert(statement.variable.clone(), value);
        self.next += 1;
    }

    fn variable(&self, statement: &Statement, name: &str) -> Result<&Value, RunError> {
        self.variables.get(name).ok_or_else(|| {
            let mut defined: Vec<&str> = self.variables.keys().map(String::as_str).collect();
            defined.sort_unstable();
            defined.truncate(20);
            RunError::UndefinedVariable { line: statement.line, name: name.to_owned(), defined: defined.join(", ") }
        })
    }

    fn wrong_type(statement: &Statement, name: &str, expected: &'static str, found: &'static str) -> RunError {
        RunError::WrongType {
            line: statement.line,
            step: statement.call.name().to_owned(),
            name: name.to_owned(),
            expected,
            found,
        }
    }

    fn view(&self, statement: &Statement, name: &str) -> Result<View, RunError> {
        match self.variable(statement, name)? {
            Value::View(view) => Ok(view.clone()),
            other => Err(Self::wrong_type(statement, name, "an image", other.type_name())),
        }
    }

    fn boxes(&self, statement: &Statement, name: &str) -> Result<&LocatedBoxes, RunError> {
        match self.variable(statement, name)? {
            Value::Boxes(boxes) => Ok(boxes),
            other => Err(Self::wrong_type(statement, name, "boxes", other.type_name())),
        }
    }

    fn evaluate(&self, statement: &Statement, expression: &str) -> Result<(String, Value), RunError> {
        let failed = |filled: &str, reason: String| RunError::Expression {
            line: statement.line,
            expression: filled.to_owned(),
            reason,
        };
        let pieces = pieces(expression).map_err(|(_, reason)| failed(expression, reason))?;
        let mut filled = String::new();
        for piece in pieces {
            match piece {
                Piece::Python(text) => filled.push_str(&text),
                Piece::Variable(name) => {
                    let value = self.variable(statement, &name)?;
                    let text = literal(value)
                        .map_err(|found| Self::wrong_type(statement, &name, "an answer", found))?;
                    filled.push_str(&text);
                }
            }
        }
        let value = python::evaluate(&filled, &self.settings.python)
            .map_err(|reason| failed(&filled, reason))?;
        Ok((filled, value))
    }
}

impl Execution for VisProgExecution {
    fn start(&mut self) -> Result<Step, RunError> {
        self.advance()
    }

    fn resume(&mut self, answer: Result<Outcome, ModuleError>) -> Result<Step, RunError> {
        let statements = Arc::clone(&self.statements);
        let (Some(task), Some(statement)) = (self.waiting.take(), statements.get(self.next)) else {
            return Err(RunError::NotWaiting);
        };
        let outcome = answer.map_err(|source| RunError::Module { line: statement.line, source })?;
        let value = match (&statement.call, &outcome) {
            (StepCall::Loc { .. }, Outcome::Boxes(found)) => {
                let boxes = believed(found, &task.view, &self.settings);
                Value::Boxes(LocatedBoxes { view: task.view.clone(), boxes })
            }
            (StepCall::Vqa { .. }, Outcome::Answer(answer)) => Value::Text(answer.text.clone()),
            _ => {
                return Err(RunError::WrongOutcome {
                    line: statement.line,
                    expected: task.kind,
                    found: outcome.kind(),
                });
            }
        };
        self.set(statement, value, Some((task, outcome)), None);
        self.advance()
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }
}
