//! The runtime with stand-in programs and modules.

mod batching;
mod failures;
mod modules;
mod programs;
mod second_level;

use crate::{Job, Run, Runtime, Settings, Statistics};
use sdvp_core::{Image, Module};
use sdvp_program::{Inputs, Program};
use std::sync::Arc;

/// An image of one colour, which tells images apart.
fn picture(color: u8) -> Image {
    Image::new(image::RgbImage::from_pixel(4, 4, image::Rgb([color; 3]))).unwrap()
}

fn inputs(color: u8) -> Inputs {
    vec![("IMAGE".to_owned(), picture(color))]
}

/// What a run showed: its value or failure, and what it was answered on the way.
fn story(run: &Run) -> String {
    let steps: Vec<String> = run
        .trace
        .steps
        .iter()
        .map(|step| step.value.to_string())
        .collect();
    match &run.result {
        Ok(value) => format!("{value} after {}", steps.join(" ")),
        Err(error) => format!("failed: {error} after {}", steps.join(" ")),
    }
}

fn runtime(modules: &[Arc<dyn Module>], settings: Settings) -> Runtime {
    Runtime::new(modules.to_vec(), settings).unwrap()
}

/// Runs each program on the picture of its colour.
fn stories(runtime: &Runtime, programs: &[(Arc<dyn Program>, u8)]) -> (Vec<String>, Statistics) {
    let mut stories = Vec::new();
    let jobs = programs.iter().map(|(program, color)| {
        move || Job {
            program: Arc::clone(program),
            inputs: inputs(*color),
        }
    });
    let statistics = runtime.run(jobs, |index, run| {
        assert_eq!(index, stories.len(), "told out of order");
        stories.push(story(&run));
    });
    (stories, statistics)
}
