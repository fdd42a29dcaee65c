//! A stand-in program: a list of questions, some of which depend on the answer before.

use sdvp_core::{ModuleError, Outcome, Region, SubTask, View};
use sdvp_program::{
    Execution, Inputs, LocatedBoxes, Program, RunError, Step, Trace, TraceStep, Value,
};
use std::sync::Arc;

/// One line of a script.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// Ask for boxes on the whole picture.
    Locate(String),
    /// Ask about the whole picture.
    Answer(String),
    /// Ask about the part of the picture right of this column.
    Crop(u32, String),
    /// Ask about what was answered before.
    Again,
    /// Panic, as a faulty interpreter would.
    Panic,
}

#[derive(Clone, Debug)]
pub(super) struct Script(pub(super) Vec<Line>);

impl Script {
    pub(super) fn program(lines: &[Line]) -> Arc<dyn Program> {
        Arc::new(Self(lines.to_vec()))
    }

    pub(super) fn questions(questions: &[&str]) -> Arc<dyn Program> {
        let lines: Vec<Line> = questions
            .iter()
            .map(|text| Line::Answer((*text).to_owned()))
            .collect();
        Self::program(&lines)
    }
}

impl Program for Script {
    fn start(&self, inputs: &Inputs) -> Box<dyn Execution> {
        Box::new(Running {
            lines: self.0.clone(),
            view: inputs[0].1.view(),
            asked: None,
            trace: Trace::default(),
        })
    }

    fn source(&self) -> &str {
        ""
    }
}

struct Running {
    lines: Vec<Line>,
    view: View,
    asked: Option<SubTask>,
    trace: Trace,
}

impl Running {
    fn next(&mut self) -> Result<Step, RunError> {
        let last = self.trace.steps.last().map(|step| step.value.to_string());
        let at = self.trace.steps.len();
        let view = self.view.clone();
        let task = match self.lines.get(at) {
            None => return Ok(Step::Done(Value::Text(last.unwrap_or_default()))),
            Some(Line::Locate(text)) => SubTask::locate(view, text.as_str()),
            Some(Line::Answer(text)) => SubTask::answer(view, text.as_str()),
            Some(Line::Crop(x, text)) => {
                let right = Region::new(*x, 0, view.width(), view.height()).unwrap();
                SubTask::answer(view.crop(right).unwrap(), text.as_str())
            }
            Some(Line::Again) => SubTask::answer(view, last.unwrap_or_default()),
            Some(Line::Panic) => panic!("faulty interpreter"),
        };
        self.asked = Some(task.clone());
        Ok(Step::Needs(task))
    }
}

impl Execution for Running {
    fn start(&mut self) -> Result<Step, RunError> {
        self.next()
    }

    fn resume(&mut self, answer: Result<Outcome, ModuleError>) -> Result<Step, RunError> {
        let line = self.trace.steps.len() + 1;
        let asked = self.asked.take().ok_or(RunError::NotWaiting)?;
        let outcome = answer.map_err(|source| RunError::Module { line, source })?;
        if outcome.kind() != asked.kind {
            return Err(RunError::WrongOutcome {
                line,
                expected: asked.kind,
                found: outcome.kind(),
            });
        }
        let value = match &outcome {
            Outcome::Answer(answer) => Value::Text(answer.text.clone()),
            _ => Value::Boxes(LocatedBoxes {
                view: asked.view.clone(),
                boxes: Vec::new(),
            }),
        };
        self.trace.steps.push(TraceStep {
            line,
            source: String::new(),
            variable: format!("V{line}"),
            sub_task: Some(asked),
            outcome: Some(outcome),
            expression: None,
            value,
        });
        self.next()
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }
}
