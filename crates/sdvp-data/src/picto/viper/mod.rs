//! Writes the ViperGPT program that a language model would give for a functional program: a Python
//! function that finds, compares places, loops and asks, the form of each chosen at random.

mod result;
mod truth;
mod visual;

use super::functional::Functional;
use crate::viper_code::untaken;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// The program for a functional program about one picture or, with `pair`, two. `None` if its steps
/// do not fit together.
pub(crate) fn compile(functional: &Functional, pair: bool, rng: &mut ChaCha8Rng) -> Option<String> {
    let mut coder = Coder {
        functional,
        pair,
        rng,
        lines: Vec::new(),
        names: BTreeSet::new(),
    };
    let last = functional.steps.len().checked_sub(1)?;
    coder.result(last)?;
    let head: &[&str] = if pair {
        &[
            "def execute_command(image_dict):",
            "    left_patch = ImagePatch(image_dict['left'])",
            "    right_patch = ImagePatch(image_dict['right'])",
        ]
    } else {
        &[
            "def execute_command(image):",
            "    image_patch = ImagePatch(image)",
        ]
    };
    let mut text = head.join("\n");
    for line in coder.lines {
        text.push_str("\n    ");
        text.push_str(&line);
    }
    Some(text)
}

struct Coder<'a> {
    functional: &'a Functional,
    pair: bool,
    rng: &'a mut ChaCha8Rng,
    /// The function's body, without its indentation.
    lines: Vec<String>,
    /// Variables that are taken.
    names: BTreeSet<String>,
}

impl Coder<'_> {
    fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A variable that is not taken, after some words.
    fn variable(&mut self, words: &str) -> String {
        let plain: String = words
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .collect();
        untaken(&plain, &mut self.names)
    }

    /// Sets a new variable.
    fn set(&mut self, words: &str, value: &str) -> String {
        let name = self.variable(words);
        self.line(format!("{name} = {value}"));
        name
    }

    /// The patch of a picture.
    fn patch(&self, image: usize) -> &'static str {
        match (self.pair, image) {
            (false, _) => "image_patch",
            (true, 0) => "left_patch",
            (true, _) => "right_patch",
        }
    }
}

#[cfg(test)]
mod tests;
