//! Writes the questions of a task: draws scenes until a question of the wanted type and answer can
//! be asked clearly, and proves each question's program with the oracle.

mod count;
mod draw;
mod general;
mod gqa;
mod nlvr2;
mod plan;
mod referring;
mod spatial;
mod tag;

use super::{Category, Question, SceneSpec, Split};
use crate::Task;
use draw::{Draft, Draw};
use plan::{Plan, Tally};
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::ops::Range;

/// Questions `0..count` of a task. Question `i` depends on the task, the split, the seed and `i`
/// only, so a longer list begins with the shorter one. Types and answers are balanced over any run
/// of consecutive questions.
pub fn questions(task: Task, split: Split, seed: u64, count: usize) -> Vec<Question> {
    questions_in(task, split, seed, 0..count)
}

/// Some of the questions that [`questions`] makes, for those who do not want to hold all of them.
pub fn questions_in(task: Task, split: Split, seed: u64, range: Range<usize>) -> Vec<Question> {
    let plan = Plan::new(task);
    range
        .into_par_iter()
        .map(|index| plan.question(split, seed, index, &mut Tally::default()))
        .collect()
}

/// A kind of question that a task asks.
#[derive(Clone, Copy)]
struct QuestionType {
    /// How many of a round of questions are of this type.
    weight: usize,
    /// Structural, semantic and detailed name.
    names: [&'static str; 3],
    pair: bool,
    /// Whether scenes need several of the same kind.
    crowded: bool,
    propose: fn(&mut Draw) -> Option<Draft>,
}

impl QuestionType {
    /// About one picture.
    const fn one(
        weight: usize,
        names: [&'static str; 3],
        propose: fn(&mut Draw) -> Option<Draft>,
    ) -> Self {
        Self {
            weight,
            names,
            pair: false,
            crowded: false,
            propose,
        }
    }

    /// About two pictures.
    const fn pair(
        weight: usize,
        names: [&'static str; 3],
        propose: fn(&mut Draw) -> Option<Draft>,
    ) -> Self {
        Self {
            pair: true,
            ..Self::one(weight, names, propose)
        }
    }

    const fn crowded(self) -> Self {
        Self {
            crowded: true,
            ..self
        }
    }

    /// The scenes to draw for it.
    fn spec(&self, task: Task, rng: &mut ChaCha8Rng) -> SceneSpec {
        let mut spec = task.spec();
        if self.crowded {
            spec.min_objects = spec.max_objects.max(4);
            spec.max_objects = spec.min_objects + 1;
            spec.repeats = 0.45;
        }
        if self.crowded || self.pair {
            // Fewer categories: more that is alike, within a picture and between two.
            spec.categories = pick_categories(&spec.categories, 2, rng);
        }
        spec
    }
}

fn pick_categories(among: &[Category], count: usize, rng: &mut ChaCha8Rng) -> Vec<Category> {
    let mut picked: Vec<Category> = among.choose_multiple(rng, count).copied().collect();
    picked.sort_unstable();
    picked
}

#[cfg(test)]
mod proof;
#[cfg(test)]
mod tests;
