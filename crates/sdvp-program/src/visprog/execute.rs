//! A run of a VisProg program.

use super::Parsed;
use super::expression::EvalExpression;
use super::geometry::{self, Size};
use super::program::{Action, Line};
use super::steps::Side;
use crate::{Execution, Inputs, LocatedBoxes, RunError, Step, Trace, TraceStep, Value};
use sdvp_core::{ModuleError, Outcome, SubTask, View};
use std::collections::HashMap;
use std::sync::Arc;

/// Where a run stands.
enum State {
    Fresh,
    /// Waiting for the answer to the sub-task of the line at `next`.
    Waiting(SubTask),
    Ended,
}

/// One run, suspended between sub-tasks.
pub(super) struct VisProgExecution {
    program: Arc<Parsed>,
    variables: HashMap<String, Value>,
    /// Index of the line to execute, or being executed.
    next: usize,
    state: State,
    sub_tasks: usize,
    trace: Trace,
}

/// What executing a line gives besides its value.
struct Done {
    value: Value,
    asked: Option<(SubTask, Outcome)>,
    expression: Option<String>,
}

impl Done {
    fn plain(value: Value) -> Self {
        Self {
            value,
            asked: None,
            expression: None,
        }
    }
}

/// A line either has its value at once or needs a module.
enum Progress {
    Done(Done),
    Needs(SubTask),
}

impl VisProgExecution {
    pub(super) fn new(program: Arc<Parsed>, inputs: &Inputs) -> Self {
        let variables = inputs
            .iter()
            .map(|(name, image)| (name.clone(), Value::View(image.view())))
            .collect();
        Self {
            program,
            variables,
            next: 0,
            state: State::Fresh,
            sub_tasks: 0,
            trace: Trace::default(),
        }
    }

    /// Executes lines until one needs a module or the program ends.
    fn go_on(&mut self) -> Result<Step, RunError> {
        let program = Arc::clone(&self.program);
        while let Some(line) = program.lines.get(self.next) {
            match self.execute(line)? {
                Progress::Done(done) => {
                    if let Some(value) = self.finish(line, done) {
                        return Ok(Step::Done(value));
                    }
                }
                Progress::Needs(sub_task) => {
                    let limit = program.settings.max_sub_tasks;
                    if self.sub_tasks >= limit {
                        return Err(RunError::Limit {
                            line: line.number,
                            what: "the number of sub-tasks".to_owned(),
                            limit: limit as u64,
                            setting: crate::limits::PROGRAM_SUB_TASKS.name(),
                        });
                    }
                    self.sub_tasks += 1;
                    self.state = State::Waiting(sub_task.clone());
                    return Ok(Step::Needs(sub_task));
                }
            }
        }
        // A parsed program ends with RESULT.
        Err(RunError::NotWaiting)
    }

    /// Sets the line's variable and moves on; the program's value if it was the last line.
    fn finish(&mut self, line: &Line, done: Done) -> Option<Value> {
        let (sub_task, outcome) = done.asked.unzip();
        self.trace.steps.push(TraceStep {
            line: line.number,
            source: line.source.clone(),
            variable: line.variable.clone(),
            sub_task,
            outcome,
            expression: done.expression,
            value: done.value.clone(),
        });
        self.next += 1;
        if matches!(line.action, Action::Result { .. }) {
            return Some(done.value);
        }
        self.variables.insert(line.variable.clone(), done.value);
        None
    }

    fn execute(&self, line: &Line) -> Result<Progress, RunError> {
        let settings = &self.program.settings;
        let done = match &line.action {
            Action::Locate { image, object } => {
                let view = self.view(line, image)?;
                match geometry::half(object, size(view)) {
                    Some(half) => Done::plain(Value::Boxes(LocatedBoxes {
                        view: view.clone(),
                        boxes: vec![half],
                    })),
                    None => return Ok(Progress::Needs(SubTask::locate(view.clone(), object))),
                }
            }
            Action::Ask { image, question } => {
                let view = self.view(line, image)?;
                return Ok(Progress::Needs(SubTask::answer(view.clone(), question)));
            }
            Action::Count { boxes } => {
                let count = self.boxes(line, boxes)?.boxes.len();
                Done::plain(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
            }
            Action::Crop { side, image, boxes } => {
                let view = self.view(line, image)?;
                let boxes = &self.boxes(line, boxes)?.boxes;
                let region = region(*side, boxes, view, settings);
                // The region lies inside the view, so there is always something left.
                let crop = view.crop(region).unwrap_or_else(|| view.clone());
                Done::plain(Value::View(crop))
            }
            Action::Evaluate(expression) => self.evaluate(line, expression)?,
            Action::Result { variable } => Done::plain(self.look_up(line, variable)?.clone()),
        };
        Ok(Progress::Done(done))
    }

    fn evaluate(&self, line: &Line, expression: &EvalExpression) -> Result<Done, RunError> {
        let mut values = Vec::with_capacity(expression.inputs().len());
        for input in expression.inputs() {
            let value = self.look_up(line, &input.name)?;
            if matches!(value, Value::View(_) | Value::Boxes(_)) {
                return Err(wrong_type(
                    line,
                    &input.name,
                    "text, a number or a truth value",
                    value,
                ));
            }
            values.push(value.clone());
        }
        let (filled, value) = expression.evaluate(&values);
        match value {
            Ok(value) => Ok(Done {
                value,
                asked: None,
                expression: Some(filled),
            }),
            Err(reason) => Err(RunError::Expression {
                line: line.number,
                expression: filled,
                reason,
            }),
        }
    }

    /// The value of the line that asked for `sub_task`.
    fn answered(
        &self,
        line: &Line,
        sub_task: &SubTask,
        outcome: &Outcome,
    ) -> Result<Value, RunError> {
        match outcome {
            Outcome::Boxes(detections) if sub_task.kind == outcome.kind() => {
                let settings = &self.program.settings;
                let boxes = geometry::located(
                    detections,
                    size(&sub_task.view),
                    settings.locate_threshold,
                    settings.nms_iou,
                )
                .map_err(|reason| RunError::Module {
                    line: line.number,
                    source: ModuleError::Failed {
                        module: format!("the {} module", sub_task.kind),
                        reason,
                    },
                })?;
                Ok(Value::Boxes(LocatedBoxes {
                    view: sub_task.view.clone(),
                    boxes,
                }))
            }
            Outcome::Answer(answer) if sub_task.kind == outcome.kind() => {
                Ok(Value::Text(answer.text.clone()))
            }
            other => Err(RunError::WrongOutcome {
                line: line.number,
                expected: sub_task.kind,
                found: other.kind(),
            }),
        }
    }

    fn look_up(&self, line: &Line, name: &str) -> Result<&Value, RunError> {
        self.variables.get(name).ok_or_else(|| {
            let mut defined: Vec<&str> = self.variables.keys().map(String::as_str).collect();
            defined.sort_unstable();
            RunError::UndefinedVariable {
                line: line.number,
                name: name.to_owned(),
                defined: defined.join(", "),
            }
        })
    }

    fn view(&self, line: &Line, name: &str) -> Result<&View, RunError> {
        match self.look_up(line, name)? {
            Value::View(view) => Ok(view),
            other => Err(wrong_type(line, name, "an image", other)),
        }
    }

    fn boxes(&self, line: &Line, name: &str) -> Result<&LocatedBoxes, RunError> {
        match self.look_up(line, name)? {
            Value::Boxes(boxes) => Ok(boxes),
            other => Err(wrong_type(line, name, "boxes", other)),
        }
    }

    fn answer(
        &mut self,
        answer: Result<Outcome, ModuleError>,
        sub_task: SubTask,
    ) -> Result<Step, RunError> {
        let program = Arc::clone(&self.program);
        let Some(line) = program.lines.get(self.next) else {
            return Err(RunError::NotWaiting);
        };
        let outcome = answer.map_err(|source| RunError::Module {
            line: line.number,
            source,
        })?;
        let value = self.answered(line, &sub_task, &outcome)?;
        let done = Done {
            value,
            asked: Some((sub_task, outcome)),
            expression: None,
        };
        match self.finish(line, done) {
            Some(value) => Ok(Step::Done(value)),
            None => self.go_on(),
        }
    }
}

fn size(view: &View) -> Size {
    Size {
        width: view.width(),
        height: view.height(),
    }
}

fn region(
    side: Option<Side>,
    boxes: &[sdvp_core::Region],
    view: &View,
    settings: &super::VisProgSettings,
) -> sdvp_core::Region {
    match side {
        Some(side) => geometry::crop_side(boxes, side, size(view), settings.reference_side_crops),
        None => geometry::crop(boxes, size(view), settings.crop_factor),
    }
}

fn wrong_type(line: &Line, name: &str, expected: &'static str, found: &Value) -> RunError {
    RunError::WrongType {
        line: line.number,
        step: line.step.to_owned(),
        name: name.to_owned(),
        expected,
        found: found.type_name(),
    }
}

impl Execution for VisProgExecution {
    fn start(&mut self) -> Result<Step, RunError> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Fresh => self.go_on(),
            _ => Err(RunError::NotWaiting),
        }
    }

    fn resume(&mut self, answer: Result<Outcome, ModuleError>) -> Result<Step, RunError> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Waiting(sub_task) => self.answer(answer, sub_task),
            _ => Err(RunError::NotWaiting),
        }
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }
}
