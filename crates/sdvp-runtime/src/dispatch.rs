//! From what executions need to what modules answer.

use crate::active::{Active, Request, State};
use crate::cache::Cache;
use crate::guard::{self, Answer};
use crate::kept::SecondLevel;
use crate::pending::{Pending, Queue};
use crate::settings::Settings;
use crate::statistics::Statistics;
use crate::{Call, How};
use sdvp_core::{Digest, Module, ModuleError, Outcome, OutcomeKey, SubTask, SubTaskKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The modules, by the kinds they answer.
pub(crate) type Modules = BTreeMap<SubTaskKind, Arc<dyn Module>>;

/// What an execution is given.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    /// How it came about; none where there is no module.
    pub(crate) call: Option<Call>,
}

/// Answers executions during one run.
pub(crate) struct Dispatcher<'a> {
    modules: BTreeMap<SubTaskKind, (&'a dyn Module, Digest)>,
    cache: &'a Cache,
    kept: SecondLevel<'a>,
    batch_size: usize,
    deduplicate: bool,
}

impl<'a> Dispatcher<'a> {
    pub(crate) fn new(modules: &'a Modules, cache: &'a Cache, settings: &'a Settings) -> Self {
        let fingerprinted = |(kind, module): (&SubTaskKind, &'a Arc<dyn Module>)| {
            (*kind, (module.as_ref(), module.fingerprint()))
        };
        Self {
            modules: modules.iter().map(fingerprinted).collect(),
            cache,
            kept: SecondLevel::new(settings.kept.as_ref()),
            batch_size: settings.batch_size.max(1),
            deduplicate: settings.deduplicate,
        }
    }

    /// Answers to some of the waiting executions, by their places; to at least one if any waits.
    pub(crate) fn answer(
        &mut self,
        active: &[Active],
        spent: &mut Statistics,
    ) -> Vec<Option<Answered>> {
        let mut answers: Vec<Option<Answered>> = vec![None; active.len()];
        let mut missing: Vec<(usize, &Request, OutcomeKey)> = Vec::new();
        let mut answered = false;
        for ((place, run), answer) in active.iter().enumerate().zip(&mut answers) {
            let State::Waiting(request) = &run.state else {
                continue;
            };
            let kind = request.task.kind;
            let Some(&(_, module)) = self.modules.get(&kind) else {
                spent.sub_tasks += 1;
                *answer = Some(Answered {
                    answer: Err(ModuleError::NoModule { kind }),
                    call: None,
                });
                answered = true;
                continue;
            };
            let key = OutcomeKey {
                module,
                request: request.key,
            };
            match self.cache.get(&key) {
                Some(outcome) => {
                    *answer = Some(cached(key, outcome, spent));
                    answered = true;
                }
                None => missing.push((place, request, key)),
            }
        }
        let keys = missing.iter().map(|(.., key)| *key);
        let known = self.kept.look_up(keys, spent);
        for (key, outcome) in &known {
            self.cache.put(*key, outcome);
        }
        let mut queues: BTreeMap<SubTaskKind, Queue> = BTreeMap::new();
        for (place, request, key) in missing {
            match (known.get(&key), answers.get_mut(place)) {
                (Some(outcome), Some(answer)) => {
                    spent.disk_hits += 1;
                    *answer = Some(cached(key, outcome.clone(), spent));
                    answered = true;
                }
                _ => queues.entry(request.task.kind).or_default().push(
                    place,
                    request,
                    self.deduplicate,
                ),
            }
        }
        for (kind, queue) in self.worth_running(queues, answered) {
            self.run(kind, queue, &mut answers, spent);
        }
        self.kept.write_if_due(spent);
        answers
    }

    /// Writes what a cache beyond memory has not been given yet.
    pub(crate) fn finish(mut self, spent: &mut Statistics) {
        self.kept.write(spent);
    }

    /// The queues that fill batches. Where none does and nothing else went on: the longest, whose
    /// answers may let the others grow.
    fn worth_running<'q>(
        &self,
        queues: BTreeMap<SubTaskKind, Queue<'q>>,
        answered: bool,
    ) -> Vec<(SubTaskKind, Queue<'q>)> {
        let (full, partial): (Vec<_>, Vec<_>) = queues
            .into_iter()
            .partition(|(_, queue)| queue.fills(self.batch_size));
        if answered || !full.is_empty() {
            return full;
        }
        let longest = partial
            .into_iter()
            .rev()
            .max_by_key(|(_, queue)| queue.len());
        longest.into_iter().collect()
    }

    fn run(
        &mut self,
        kind: SubTaskKind,
        queue: Queue,
        answers: &mut [Option<Answered>],
        spent: &mut Statistics,
    ) {
        let Some(&(module, fingerprint)) = self.modules.get(&kind) else {
            return;
        };
        for batch in queue.take(self.batch_size).chunks(self.batch_size) {
            let tasks: Vec<SubTask> = batch.iter().map(|p| p.request.task.clone()).collect();
            let started = Instant::now();
            let outcomes = guard::ask(module, &tasks);
            let took = started.elapsed().as_secs_f64();
            tracing::trace!(module = module.name(), batch = tasks.len(), took);
            spent.note_batch(module.name(), kind, tasks.len(), took);
            let micros = (1e6 * took / tasks.len() as f64) as u32;
            for (Pending { request, waiting }, outcome) in batch.iter().zip(outcomes) {
                spent.sub_tasks += waiting.len();
                spent.deduplicated += waiting.len().saturating_sub(1);
                let key = OutcomeKey {
                    module: fingerprint,
                    request: request.key,
                };
                if let Ok(outcome) = &outcome {
                    self.cache.put(key, outcome);
                }
                let right = outcome.as_ref().ok();
                let right = right.filter(|outcome| outcome.kind() == kind);
                self.kept.answered(key, right);
                let computed = Call {
                    key: request.key,
                    module: fingerprint,
                    how: How::Computed,
                    micros,
                };
                let shared = Call {
                    how: How::Shared,
                    micros: 0,
                    ..computed
                };
                let calls = std::iter::once(computed).chain(std::iter::repeat(shared));
                for (&place, call) in waiting.iter().zip(calls) {
                    if let Some(answer) = answers.get_mut(place) {
                        *answer = Some(Answered {
                            answer: outcome.clone(),
                            call: Some(call),
                        });
                    }
                }
            }
        }
    }
}

/// An earlier outcome as an answer.
fn cached(key: OutcomeKey, outcome: Outcome, spent: &mut Statistics) -> Answered {
    spent.sub_tasks += 1;
    spent.cache_hits += 1;
    Answered {
        answer: Ok(outcome),
        call: Some(Call {
            key: key.request,
            module: key.module,
            how: How::Cached,
            micros: 0,
        }),
    }
}
