//! How to distil.

use crate::memory::MemoryBound;
use sdvp_modules::{EarlySettings, TrainMethod};
use serde::{Deserialize, Serialize};

/// Settings of one step (one kind of sub-task).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSettings {
    /// Optimizer steps; 0 leaves the module as it is.
    pub steps: usize,
    /// As many steps as it takes to go through the labelled calls so often, in place of `steps`
    /// unless those are 0: a task with more to learn takes longer.
    pub passes: Option<f64>,
    /// Labelled calls in a batch.
    pub batch: usize,
    /// Rehearsed calls in a batch.
    pub rehearsed: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// λ: weight of staying what one was.
    pub lambda: f64,
    /// How strongly every weight is drawn back to what it was: it goes no further than about one
    /// over this. 0 lets it go.
    pub anchor: f64,
    /// Directions of every weight matrix's change that stay when all steps are done; 0 keeps all.
    pub directions: usize,
    /// Gradients of a batch are summed up over so many pieces of it, one after the other: each takes
    /// that much less memory. What is learned stays the same but for rounding.
    #[serde(default = "one")]
    pub pieces: usize,
    /// Where what layers that do not learn say of a view is kept, so that it is computed once.
    #[serde(default)]
    pub early: EarlySettings,
    /// What is trained.
    #[serde(flatten)]
    pub method: TrainMethod,
}

fn one() -> usize {
    1
}

fn fits() -> f32 {
    0.5
}

fn misfits() -> f32 {
    0.05
}

impl StepSettings {
    /// This round's part of the steps.
    pub(crate) fn part(&self, round: usize, rounds: usize) -> Self {
        let until = |round: usize| self.steps * round / rounds.max(1);
        Self {
            steps: until(round + 1) - until(round),
            passes: self.passes.map(|passes| passes / rounds.max(1) as f64),
            ..self.clone()
        }
    }

    /// With the steps that so many labelled calls take.
    pub(crate) fn for_calls(&self, labelled: usize) -> Self {
        let steps = match self.passes {
            Some(passes) if self.steps > 0 => {
                let steps = passes * labelled as f64 / self.batch.max(1) as f64;
                (steps.round() as usize).max(1)
            }
            _ => self.steps,
        };
        Self {
            steps,
            ..self.clone()
        }
    }
}

/// How an expert learns, which answers for its tasks' own pictures only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApartSettings {
    /// In place of [`StepSettings::anchor`]: what it is drawn back to, the trunk still is.
    pub anchor: f64,
}

impl ApartSettings {
    /// Settings of a step with these in their place.
    pub(crate) fn step(&self, step: &StepSettings) -> StepSettings {
        StepSettings {
            anchor: self.anchor,
            ..step.clone()
        }
    }
}

/// Settings of a distillation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistillSettings {
    /// Seed of batches and fresh weights.
    pub seed: u64,
    /// The first step: find.
    pub locate: StepSettings,
    /// After it: say how well texts fit, where programs ask that.
    pub matching: StepSettings,
    /// And answer.
    pub answer: StepSettings,
    /// A teacher's box counts as an object from this score on (frameworks believe boxes from 0.1
    /// on) …
    pub sure: f32,
    /// … and as nothing below this one; in between it is neither.
    pub unsure: f32,
    /// A text fits if a teacher's score is at least this one (programs believe those above ½) …
    #[serde(default = "fits")]
    pub fits: f32,
    /// … and does not below this one; in between it is neither.
    #[serde(default = "misfits")]
    pub misfits: f32,
    /// A teacher's answer is not learned below this probability.
    pub answer_confidence: f32,
    /// Whether an answer counts the more the surer the teacher is.
    pub weigh_by_confidence: bool,
    /// Answers are compared at this temperature: above 1, what a teacher thinks of the unlikely
    /// ones counts for more (Hinton et al. 2015, arXiv 1503.02531).
    pub temperature: f64,
    /// Weight of what every patch of a view shows, as the locate teacher sees it, while the answer
    /// student learns: an answer is one hint a picture, its patches are many. 0 leaves it out.
    pub patches: f64,
    /// How often the programs are executed again with what was learned so far: once between
    /// locating and answering, and twice more for every further round. With 0 both learn from what
    /// the student called before it learned anything. The steps are divided among the rounds.
    pub rounds: usize,
    /// How much is remembered for the tasks to come, and rehearsed.
    pub memory: MemoryBound,
    /// Whether and how to learn apart: the task's pictures are told from general ones by how they look,
    /// if they can be, and an expert learns what to say of them. For all others the student stays as it
    /// was.
    #[serde(default)]
    pub apart: Option<ApartSettings>,
}

impl Default for DistillSettings {
    fn default() -> Self {
        let locate = StepSettings {
            steps: 400,
            passes: None,
            batch: 24,
            // More than are labelled: they alone hold the student to what it knew.
            rehearsed: 32,
            // A greater rate gains no more, but undoes the last, finest part of pretraining, of the
            // general styles too.
            learning_rate: 2.5e-4,
            lambda: 2.0,
            // Without it, most of the way that weights go is noise of small batches, and that is
            // what undoes earlier learning; a greater one takes more from what is to be learned.
            anchor: 18.0,
            directions: 0,
            pieces: 1,
            early: EarlySettings::default(),
            method: TrainMethod::Vision,
        };
        Self {
            seed: 0,
            answer: StepSettings {
                learning_rate: 3e-4,
                lambda: 1.5,
                ..locate.clone()
            },
            matching: StepSettings {
                steps: 200,
                ..locate.clone()
            },
            locate,
            sure: 0.18,
            unsure: 0.055,
            fits: fits(),
            misfits: misfits(),
            answer_confidence: 0.3,
            weigh_by_confidence: false,
            temperature: 1.0,
            patches: 0.7,
            rounds: 1,
            memory: MemoryBound::default(),
            apart: Some(ApartSettings { anchor: 0.0 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_take_as_many_steps_as_there_are_calls() {
        let step = StepSettings {
            passes: Some(2.0),
            batch: 24,
            ..DistillSettings::default().answer
        };
        assert_eq!(step.for_calls(1200).steps, 100);
        assert_eq!(step.part(0, 2).for_calls(1200).steps, 50);
        assert_eq!(step.for_calls(1).steps, 1);
        let by_steps = StepSettings {
            passes: None,
            ..step.clone()
        };
        assert_eq!(by_steps.for_calls(1200).steps, by_steps.steps);
        let left = StepSettings { steps: 0, ..step };
        assert_eq!(left.for_calls(1200).steps, 0);
    }
}
