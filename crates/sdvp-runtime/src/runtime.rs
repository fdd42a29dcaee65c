//! The loop that keeps modules busy.

use crate::active::{self, Active};
use crate::cache::Cache;
use crate::dispatch::{Dispatcher, Modules};
use crate::settings::Settings;
use crate::statistics::Statistics;
use crate::{Job, JobError, Run};
use sdvp_core::{Module, SubTaskKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Why modules cannot run together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// Two modules answer the same kind.
    #[error("{first} and {second} both answer {kind} sub-tasks; expected one module a kind")]
    Ambiguous {
        /// The kind.
        kind: SubTaskKind,
        /// One module.
        first: String,
        /// The other.
        second: String,
    },
}

/// Runs programs on modules. What modules answered is remembered over all runs.
pub struct Runtime {
    modules: Modules,
    cache: Cache,
    settings: Settings,
}

impl Runtime {
    /// A runtime over modules that each answer kinds of their own. Sub-tasks of kinds that none
    /// answers fail.
    ///
    /// # Errors
    /// If two answer the same kind.
    pub fn new(modules: Vec<Arc<dyn Module>>, settings: Settings) -> Result<Self, RuntimeError> {
        let mut by_kind = Modules::new();
        for module in modules {
            for &kind in module.answers() {
                if let Some(first) = by_kind.insert(kind, Arc::clone(&module)) {
                    return Err(RuntimeError::Ambiguous {
                        kind,
                        first: first.name().to_owned(),
                        second: module.name().to_owned(),
                    });
                }
            }
        }
        Ok(Self {
            modules: by_kind,
            cache: Cache::new(settings.cache_entries),
            settings,
        })
    }

    /// The settings it runs with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs every job; `on_done` hears of each with its index among the jobs, in the order of the
    /// jobs, on the calling thread.
    ///
    /// A job is a closure, called (on any thread) when its program is admitted: so images are made
    /// late and freed early. At most [`Settings::in_flight`] are held at once, however many jobs
    /// there are; a run that waits for an earlier one to be told counts as held.
    pub fn run<J>(
        &self,
        jobs: impl Iterator<Item = J>,
        on_done: impl FnMut(usize, Run),
    ) -> Statistics
    where
        J: FnOnce() -> Job + Send,
    {
        self.try_run(jobs.map(|job| move || Ok(job())), on_done)
    }

    /// As [`Runtime::run`] for jobs that may be impossible to make, such as those with missing
    /// images: each is a failed run and touches no other.
    pub fn try_run<J>(
        &self,
        jobs: impl Iterator<Item = J>,
        mut on_done: impl FnMut(usize, Run),
    ) -> Statistics
    where
        J: FnOnce() -> Result<Job, JobError> + Send,
    {
        let started = Instant::now();
        let max_sub_tasks = self.settings.max_sub_tasks;
        let mut dispatcher = Dispatcher::new(&self.modules, &self.cache, &self.settings);
        let mut spent = Statistics::default();
        let mut jobs = jobs.enumerate().fuse();
        let mut active: Vec<Active> = Vec::new();
        let mut ended: BTreeMap<usize, Run> = BTreeMap::new();
        let mut next_told = 0;
        loop {
            let held = active.len() + ended.len();
            let room = self.settings.in_flight.max(1).saturating_sub(held);
            active.extend(active::admit(&mut jobs, room, max_sub_tasks));
            if active.is_empty() {
                break;
            }
            let answers = dispatcher.answer(&active, &mut spent);
            active::resume(&mut active, answers, max_sub_tasks);
            for (index, run) in active::take_ended(&mut active) {
                spent.executions += 1;
                spent.failed += usize::from(run.result.is_err());
                ended.insert(index, run);
            }
            while let Some(run) = ended.remove(&next_told) {
                on_done(next_told, run);
                next_told += 1;
            }
        }
        dispatcher.finish(&mut spent);
        spent.seconds = started.elapsed().as_secs_f64();
        spent
    }
}
