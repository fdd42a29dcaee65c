//! Whole programs.

mod data;
mod dialect;
mod execution;
mod faults;
mod properties;
mod speed;

use super::*;
use crate::{RunError, Step, Trace, Value};
use sdvp_core::{
    AnswerOutcome, BBox, Detection, Image, ModuleError, Outcome, SubTask, SubTaskKind,
};

/// An image of the given size.
fn image(width: u32, height: u32) -> Image {
    Image::new(image::RgbImage::new(width, height)).unwrap()
}

fn parse(source: &str) -> VisProgProgram {
    VisProgProgram::parse(source, &VisProgSettings::default())
        .unwrap_or_else(|errors| panic!("{source}\n{errors}"))
}

/// `line:column message` of every fault.
fn faults(source: &str) -> Vec<String> {
    check(source, &VisProgSettings::default())
        .iter()
        .map(|e| format!("{}:{} {}", e.line, e.column, e.message))
        .collect()
}

fn answer(text: &str) -> Outcome {
    Outcome::Answer(AnswerOutcome::certain(text))
}

fn boxes(found: &[([f32; 4], f32)]) -> Outcome {
    Outcome::Boxes(
        found
            .iter()
            .map(|&([x0, y0, x1, y1], score)| Detection {
                bbox: BBox::new(x0, y0, x1, y1),
                score,
            })
            .collect(),
    )
}

/// Runs a program, answering each sub-task by `module`.
fn run(
    program: &VisProgProgram,
    inputs: &[(&str, Image)],
    mut module: impl FnMut(&SubTask) -> Result<Outcome, ModuleError>,
) -> (Result<Value, RunError>, Trace) {
    let inputs: Inputs = inputs
        .iter()
        .map(|(name, image)| ((*name).to_owned(), image.clone()))
        .collect();
    let mut execution = program.start(&inputs);
    let mut step = execution.start();
    let result = loop {
        match step {
            Ok(Step::Needs(sub_task)) => step = execution.resume(module(&sub_task)),
            Ok(Step::Done(value)) => break Ok(value),
            Err(error) => break Err(error),
        }
    };
    (result, execution.trace().clone())
}

/// Runs a program with outcomes in the order in which they are asked for.
fn scripted(
    program: &VisProgProgram,
    inputs: &[(&str, Image)],
    outcomes: Vec<Outcome>,
) -> (Result<Value, RunError>, Trace) {
    let mut outcomes = outcomes.into_iter();
    let ran = run(program, inputs, |_| {
        Ok(outcomes.next().expect("an outcome for every sub-task"))
    });
    assert_eq!(outcomes.next(), None, "more outcomes than sub-tasks");
    ran
}
