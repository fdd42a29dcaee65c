//! Executions on their way: admitted, suspended, resumed, ended.

use crate::dispatch::Answered;
use crate::guard::{Answer, guarded};
use crate::{Call, Job, JobError, Run, RunFailure};
use rayon::prelude::*;
use sdvp_core::{Digest, SubTask};
use sdvp_program::limits::PROGRAM_SUB_TASKS;
use sdvp_program::{Execution, RunError, Step, Value};

/// An execution that has started.
pub(crate) struct Active {
    /// Place of its job among all jobs.
    pub(crate) index: usize,
    pub(crate) state: State,
    execution: Option<Box<dyn Execution>>,
    asked: usize,
    calls: Vec<Call>,
}

pub(crate) enum State {
    Waiting(Request),
    Ended(Result<Value, RunFailure>),
}

/// A sub-task that an execution waits for, with the digests it is grouped by.
pub(crate) struct Request {
    pub(crate) task: SubTask,
    pub(crate) key: Digest,
    pub(crate) view: Digest,
}

impl Active {
    /// Makes the job and runs its program to the first need.
    fn begin(
        index: usize,
        job: impl FnOnce() -> Result<Job, JobError>,
        max_sub_tasks: usize,
    ) -> Self {
        let begun = guarded(|| {
            let job = job()?;
            let mut execution = job.program.start(&job.inputs);
            let step = execution.start();
            Ok::<_, JobError>((execution, step))
        });
        let failed = |failure| Self {
            index,
            state: State::Ended(Err(failure)),
            execution: None,
            asked: 0,
            calls: Vec::new(),
        };
        match begun {
            Ok(Ok((execution, step))) => {
                let mut run = failed(RunError::NotWaiting.into());
                run.execution = Some(execution);
                run.advance(step, max_sub_tasks);
                run
            }
            Ok(Err(error)) => failed(error.into()),
            Err(message) => failed(RunFailure::Panicked(message)),
        }
    }

    /// Hands over an answer and runs to the next need.
    fn resume(&mut self, answer: Answer, max_sub_tasks: usize) {
        let Some(execution) = self.execution.as_mut() else {
            return;
        };
        match guarded(|| execution.resume(answer)) {
            Ok(step) => self.advance(step, max_sub_tasks),
            Err(message) => self.state = State::Ended(Err(RunFailure::Panicked(message))),
        }
    }

    fn advance(&mut self, step: Result<Step, RunError>, max_sub_tasks: usize) {
        self.state = match step {
            Ok(Step::Needs(_)) if self.asked >= max_sub_tasks => {
                State::Ended(Err(self.over_budget(max_sub_tasks).into()))
            }
            Ok(Step::Needs(task)) => {
                self.asked += 1;
                State::Waiting(Request {
                    key: task.key(),
                    view: task.view.digest(),
                    task,
                })
            }
            Ok(Step::Done(value)) => State::Ended(Ok(value)),
            Err(error) => State::Ended(Err(error.into())),
        };
    }

    fn over_budget(&self, limit: usize) -> RunError {
        let last = self
            .execution
            .as_ref()
            .and_then(|e| e.trace().steps.last().map(|step| step.line));
        RunError::Limit {
            line: last.unwrap_or(0),
            what: "the number of sub-tasks".to_owned(),
            limit: limit as u64,
            setting: PROGRAM_SUB_TASKS.name(),
        }
    }
}

/// Starts up to `room` further jobs, in parallel.
pub(crate) fn admit<J>(
    jobs: &mut impl Iterator<Item = (usize, J)>,
    room: usize,
    max_sub_tasks: usize,
) -> Vec<Active>
where
    J: FnOnce() -> Result<Job, JobError> + Send,
{
    let admitted: Vec<(usize, J)> = jobs.take(room).collect();
    admitted
        .into_par_iter()
        .map(|(index, job)| Active::begin(index, job, max_sub_tasks))
        .collect()
}

/// Hands every answer to its execution (`answers` is parallel to `active`, `None` for those that
/// go on waiting) and runs these to their next need, in parallel.
pub(crate) fn resume(active: &mut [Active], answers: Vec<Option<Answered>>, max_sub_tasks: usize) {
    active
        .par_iter_mut()
        .zip(answers)
        .for_each(|(run, answer)| {
            if let Some(Answered { answer, call }) = answer {
                run.calls.extend(call);
                run.resume(answer, max_sub_tasks);
            }
        });
}

/// Takes out the executions that have ended; the others stay in order.
pub(crate) fn take_ended(active: &mut Vec<Active>) -> Vec<(usize, Run)> {
    let ended = active.extract_if(.., |run| matches!(run.state, State::Ended(_)));
    ended
        .filter_map(|run| {
            let State::Ended(result) = run.state else {
                return None;
            };
            let trace = run.execution.map(|e| e.trace().clone()).unwrap_or_default();
            let calls = run.calls;
            let ended = Run {
                result,
                trace,
                calls,
            };
            Some((run.index, ended))
        })
        .collect()
}
