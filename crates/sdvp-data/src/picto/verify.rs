//! Runs a question's program with the oracle before the question is asked of anybody.

use super::oracle::judge;
use super::question::input_names;
use super::{SIDE, Scene};
use crate::Gold;
use image::{Rgb, RgbImage};
use sdvp_core::Image;
use sdvp_program::visprog::{VisProgProgram, VisProgSettings};
use sdvp_program::{Inputs, Program, Step, Value};
use std::sync::{Arc, LazyLock};

/// What running a program with the oracle shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The result is right, and everything on the way was clear.
    Right,
    /// A view cut something that matters, or more than one thing could be meant.
    Unclear,
    /// All was clear, yet the result is wrong or there is none: the program does not mean what
    /// the question does.
    Wrong,
}

/// Stand-ins for the pictures: the oracle needs none, and rendering is slow.
static BLANKS: LazyLock<Vec<Image>> = LazyLock::new(|| {
    (0..2u8)
        .filter_map(|n| Image::new(RgbImage::from_pixel(SIDE, SIDE, Rgb([n, n, n]))).ok())
        .collect()
});

/// Runs the program over the scenes and compares its result with `gold`.
pub(crate) fn verify(source: &str, scenes: &[Arc<Scene>], gold: &Gold) -> Verdict {
    match run(source, scenes) {
        Some((_, false)) => Verdict::Unclear,
        Some((result, true)) if gold.matches(&result) => Verdict::Right,
        _ => Verdict::Wrong,
    }
}

/// The program's result, and whether everything on the way was clear.
fn run(source: &str, scenes: &[Arc<Scene>]) -> Option<(Value, bool)> {
    let program = VisProgProgram::parse(source, &VisProgSettings::default()).ok()?;
    let inputs: Inputs = input_names(scenes.len())
        .iter()
        .zip(BLANKS.iter())
        .map(|(name, image)| ((*name).to_owned(), image.clone()))
        .collect();
    let mut execution = program.start(&inputs);
    let mut all_clear = true;
    let mut step = execution.start().ok()?;
    loop {
        match step {
            Step::Done(result) => return Some((result, all_clear)),
            Step::Needs(task) => {
                let asked = task.view.image().digest();
                let at = BLANKS.iter().position(|blank| blank.digest() == asked)?;
                let judgement = judge(scenes.get(at)?, &task).ok()?;
                all_clear &= judgement.clear;
                step = execution.resume(Ok(judgement.outcome)).ok()?;
            }
        }
    }
}
