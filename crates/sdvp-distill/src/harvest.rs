//! Harvest: executing programs to learn which visual calls they make.

use crate::error::{DistillError, Result};
use crate::observer::{Observer, Phase};
use sdvp_core::{Module, SubTask, SubTaskKind};
use sdvp_program::{Inputs, Program};
use sdvp_runtime::{Job, Runtime, Settings, Statistics};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A program with what it runs on, made when it is needed.
#[derive(Clone)]
pub struct Exercise {
    /// The program.
    pub program: Arc<dyn Program>,
    /// Makes (renders, decodes) its images.
    pub inputs: Arc<dyn Fn() -> Inputs + Send + Sync>,
}

/// The distinct calls of many runs.
#[derive(Default)]
pub struct Harvest {
    /// By kind, in the order in which the programs made them.
    pub calls: BTreeMap<SubTaskKind, Vec<SubTask>>,
    /// What the runs cost.
    pub statistics: Statistics,
}

impl Harvest {
    /// The calls of one kind.
    pub fn of(&self, kind: SubTaskKind) -> &[SubTask] {
        self.calls.get(&kind).map_or(&[], Vec::as_slice)
    }
}

/// Runs every exercise with the given modules and keeps each distinct call once.
///
/// # Errors
/// If the modules cannot run together. Failing programs are no error: their calls up to the
/// failure count, and the statistics say how many failed.
pub fn harvest(
    exercises: &[Exercise],
    modules: Vec<Arc<dyn Module>>,
    name: &str,
    observer: &dyn Observer,
) -> Result<Harvest> {
    let runtime = Runtime::new(modules, Settings::default())
        .map_err(|error| DistillError::Runtime(error.to_string()))?;
    observer.begin(&Phase {
        name: name.to_owned(),
        total: exercises.len(),
    });
    let jobs = exercises.iter().map(|exercise| {
        let exercise = exercise.clone();
        move || Job {
            program: exercise.program,
            inputs: (exercise.inputs)(),
        }
    });
    let mut seen = HashSet::new();
    let mut calls: BTreeMap<SubTaskKind, Vec<SubTask>> = BTreeMap::new();
    let statistics = runtime.run(jobs, |_, run| {
        for task in run.trace.sub_tasks() {
            if seen.insert(task.key()) {
                calls.entry(task.kind).or_default().push(task.clone());
            }
        }
        observer.advance(1);
    });
    Ok(Harvest { calls, statistics })
}
