//! Harvest: executing programs to learn which visual calls they make.

use crate::error::DistillError;
use crate::observer::{Observer, Phase};
use sdvp_core::{Module, SubTask, SubTaskKind};
use sdvp_data::Gold;
use sdvp_program::{Inputs, Program};
use sdvp_runtime::{Job, JobError, Run, Runtime, Settings, Statistics};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A program with what it runs on, made when it is needed.
#[derive(Clone)]
pub struct Exercise {
    /// The program.
    pub program: Arc<dyn Program>,
    /// Makes (renders, decodes) its images, or says why it cannot.
    pub inputs: Arc<dyn Fn() -> Result<Inputs, String> + Send + Sync>,
    /// The right answer, where it is known: students never learn from it, but held-out questions
    /// are scored by it, and labels may be checked by it.
    pub gold: Option<Gold>,
}

/// The distinct calls of many runs.
#[derive(Default)]
pub struct Harvest {
    /// By kind, in the order in which the programs made them.
    pub calls: BTreeMap<SubTaskKind, Vec<SubTask>>,
    /// What the runs cost.
    pub statistics: Statistics,
    /// Why the first of them failed that did.
    pub failure: Option<String>,
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
) -> Result<Harvest, DistillError> {
    harvest_with(exercises, modules, &Settings::default(), name, observer)
}

/// As [`harvest`], with settings of one's own for the runs.
///
/// # Errors
/// As there.
pub(crate) fn harvest_with(
    exercises: &[Exercise],
    modules: Vec<Arc<dyn Module>>,
    settings: &Settings,
    name: &str,
    observer: &dyn Observer,
) -> Result<Harvest, DistillError> {
    let mut seen = HashSet::new();
    let mut calls: BTreeMap<SubTaskKind, Vec<SubTask>> = BTreeMap::new();
    let found = harvest_each(
        exercises.iter().cloned(),
        exercises.len(),
        modules,
        settings,
        name,
        observer,
        |task| {
            if seen.insert(task.key()) {
                calls.entry(task.kind).or_default().push(task.clone());
            }
            Ok(())
        },
    )?;
    Ok(Harvest {
        calls,
        statistics: found.statistics,
        failure: found.failure,
    })
}

/// What became of programs that were run for their calls.
#[derive(Default)]
pub struct Harvested {
    /// What the runs cost.
    pub statistics: Statistics,
    /// Why the first of them failed that did.
    pub failure: Option<String>,
}

/// As [`harvest`] of exercises that come one by one, `total` of them at most, whose calls are handed out
/// as they come, equal ones as often as they are made: so nothing is held but the programs that run.
///
/// # Errors
/// If the modules cannot run together, or as `take` says; after that no further program is begun.
pub fn harvest_each(
    mut exercises: impl Iterator<Item = Exercise>,
    total: usize,
    modules: Vec<Arc<dyn Module>>,
    settings: &Settings,
    name: &str,
    observer: &dyn Observer,
    mut take: impl FnMut(&SubTask) -> Result<(), DistillError>,
) -> Result<Harvested, DistillError> {
    let runtime = Runtime::new(modules, settings.clone())
        .map_err(|error| DistillError::Runtime(error.to_string()))?;
    observer.begin(&Phase {
        name: name.to_owned(),
        total,
    });
    let refused = RefCell::new(None);
    let going_on = std::iter::from_fn(|| match refused.borrow().is_some() {
        true => None,
        false => exercises.next(),
    });
    let jobs = going_on.map(|exercise| {
        move || -> Result<Job, JobError> {
            Ok(Job {
                inputs: (exercise.inputs)()?,
                program: exercise.program,
            })
        }
    });
    let mut failure = None;
    let statistics = runtime.try_run(jobs, |_, run| {
        if let Err(reason) = &run.result {
            failure.get_or_insert_with(|| reason.to_string());
        }
        let mut refused = refused.borrow_mut();
        for task in run.trace.sub_tasks() {
            if refused.is_none() {
                *refused = take(task).err();
            }
        }
        observer.advance(1);
    });
    match refused.into_inner() {
        Some(error) => Err(error),
        None => Ok(Harvested {
            statistics,
            failure,
        }),
    }
}

/// Runs every exercise with the given modules, and hands over what came of each, in order.
///
/// # Errors
/// If the modules cannot run together.
pub(crate) fn execute(
    exercises: &[Exercise],
    modules: Vec<Arc<dyn Module>>,
    name: &str,
    observer: &dyn Observer,
    mut on_run: impl FnMut(&Exercise, Run),
) -> Result<Statistics, DistillError> {
    let runtime = Runtime::new(modules, Settings::default())
        .map_err(|error| DistillError::Runtime(error.to_string()))?;
    observer.begin(&Phase {
        name: name.to_owned(),
        total: exercises.len(),
    });
    let jobs = exercises.iter().map(|exercise| {
        let exercise = exercise.clone();
        move || -> Result<Job, JobError> {
            Ok(Job {
                inputs: (exercise.inputs)()?,
                program: exercise.program,
            })
        }
    });
    Ok(runtime.try_run(jobs, |index, run| {
        if let Some(exercise) = exercises.get(index) {
            on_run(exercise, run);
        }
        observer.advance(1);
    }))
}
