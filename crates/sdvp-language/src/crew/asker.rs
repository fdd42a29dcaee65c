//! Asks one model: what is kept is not asked again, what fails for now is asked again, and no more is
//! spent than may be.

use super::budget::Budget;
use super::gate::Gate;
use super::{AskerSettings, Spent, Watch};
use crate::ask::tokens_in;
use crate::journal::{Journal, Kept};
use crate::{Ask, Completion, LanguageError, LanguageModel};
use sdvp_core::Digest;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many questions given up one after the other, without an answer between them, end all asking.
const IN_VAIN: usize = 8;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What was said.
    pub completion: Completion,
    /// Whether it was kept from before.
    pub kept: bool,
}

/// Asks a model from many threads.
pub struct Asker<'m> {
    model: &'m dyn LanguageModel,
    journal: Option<Journal>,
    settings: AskerSettings,
    watch: &'m dyn Watch,
    gate: Gate,
    budget: Budget,
    known: Mutex<Known>,
    changed: Condvar,
    stopped: Mutex<Option<LanguageError>>,
    /// Whether the model ever answered.
    was_there: AtomicBool,
    /// Questions that were given up since it answered last.
    in_vain: AtomicUsize,
}

#[derive(Default)]
struct Known {
    answers: HashMap<Digest, Completion>,
    /// What others are asking at the moment.
    asked: HashSet<Digest>,
}

/// A conversation that only we ask at the moment.
struct Claim<'a> {
    known: &'a Mutex<Known>,
    changed: &'a Condvar,
    key: Digest,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        locked(self.known).asked.remove(&self.key);
        self.changed.notify_all();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'m> Asker<'m> {
    /// Someone who asks `model`; answers are kept in `journal`, if there is one, and else in memory.
    pub fn new(
        model: &'m dyn LanguageModel,
        journal: Option<Journal>,
        settings: AskerSettings,
        watch: &'m dyn Watch,
    ) -> Self {
        Self {
            gate: Gate::new(settings.concurrency),
            budget: Budget::new(&settings),
            model,
            journal,
            settings,
            watch,
            known: Mutex::default(),
            changed: Condvar::new(),
            stopped: Mutex::new(None),
            was_there: AtomicBool::new(false),
            in_vain: AtomicUsize::new(0),
        }
    }

    /// Who is asked.
    pub fn model(&self) -> &dyn LanguageModel {
        self.model
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        self.budget.spent()
    }

    /// How many requests there may be at once, at the moment.
    pub fn width(&self) -> usize {
        self.gate.width()
    }

    pub(crate) fn watch(&self) -> &dyn Watch {
        self.watch
    }

    pub(crate) fn settings(&self) -> &AskerSettings {
        &self.settings
    }

    /// Whether the answer is known already.
    ///
    /// # Errors
    /// If a kept answer cannot be read.
    pub fn knows(&self, ask: &Ask) -> Result<bool, LanguageError> {
        let key = ask.key(self.model)?;
        if locked(&self.known).answers.contains_key(&key) {
            return Ok(true);
        }
        match &self.journal {
            Some(journal) => Ok(matches!(journal.read(key)?, Kept::Whole(_))),
            None => Ok(false),
        }
    }

    /// The answer: the one that is kept, or the model's. It is on disk before this returns; should the
    /// disk refuse, it is returned all the same, and nothing more is asked.
    ///
    /// # Errors
    /// If it is not kept while offline, a budget is used up, the model fails in a way that would not
    /// pass or too often, or something stopped all asking.
    pub fn ask(&self, ask: &Ask) -> Result<Answered, LanguageError> {
        let key = ask.key(self.model)?;
        // Two who ask the same at once must not both pay for it.
        let _claim = match self.claim(key) {
            Ok(claim) => claim,
            Err(completion) => return Ok(self.kept(completion)),
        };
        if let Some(journal) = &self.journal {
            match journal.read(key)? {
                Kept::Whole(completion) => {
                    let answers = &mut locked(&self.known).answers;
                    answers.insert(key, completion.clone());
                    return Ok(self.kept(completion));
                }
                Kept::Damaged(path) => {
                    self.budget.count(|spent| spent.damaged += 1);
                    self.watch.damaged(&path);
                }
                Kept::Nothing => {}
            }
        }
        if self.settings.offline {
            return Err(LanguageError::Offline { key });
        }
        let completion = self.patiently(key, ask)?;
        let answers = &mut locked(&self.known).answers;
        answers.insert(key, completion.clone());
        Ok(Answered {
            completion,
            kept: false,
        })
    }

    fn kept(&self, completion: Completion) -> Answered {
        self.budget.count(|spent| spent.kept += 1);
        Answered {
            completion,
            kept: true,
        }
    }

    /// The right to ask this, or the answer of who asked it.
    fn claim(&self, key: Digest) -> Result<Claim<'_>, Completion> {
        let mut known = locked(&self.known);
        loop {
            if let Some(completion) = known.answers.get(&key) {
                return Err(completion.clone());
            }
            if known.asked.insert(key) {
                return Ok(Claim {
                    known: &self.known,
                    changed: &self.changed,
                    key,
                });
            }
            let waited = self.changed.wait(known);
            known = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Asks until there is an answer, or no more sense in it.
    fn patiently(&self, key: Digest, ask: &Ask) -> Result<Completion, LanguageError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.once(key, ask) {
                Ok(completion) => return Ok(completion),
                Err(error) => error,
            };
            let comes_back = matches!(error, LanguageError::Unreachable { .. })
                && self.was_there.load(Ordering::Relaxed);
            if !error.is_passing() && !comes_back {
                return Err(self.failed(error));
            }
            if tries >= self.settings.tries {
                return Err(self.failed(LanguageError::GivenUp {
                    tries,
                    last: Box::new(error),
                }));
            }
            let longest = self.settings.longest_pause;
            let pause = self.pause(key, tries);
            let pause = match error.wait() {
                Some(wait) if wait > longest => {
                    return Err(self.failed(LanguageError::TooLong {
                        wait,
                        longest,
                        reason: error.to_string(),
                    }));
                }
                // One that says "now", or whose clock is behind, would be asked in vain at once.
                Some(wait) => wait.max(pause),
                None => pause,
            };
            self.watch.waiting(&error.to_string(), pause);
            std::thread::sleep(pause);
        }
    }

    /// Ends all asking if there is no sense in it any more.
    fn failed(&self, error: LanguageError) -> LanguageError {
        let in_vain = match error {
            LanguageError::GivenUp { .. } => 1 + self.in_vain.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        if error.is_everyones() || in_vain >= IN_VAIN {
            let mut stopped = locked(&self.stopped);
            stopped.get_or_insert_with(|| error.clone());
        }
        error
    }

    /// Twice as long after every failure, and a little more or less by question, so that those that
    /// failed together do not come again together.
    fn pause(&self, key: Digest, tries: u32) -> Duration {
        let doubled = 2u32.saturating_pow(tries.saturating_sub(1));
        let pause = self.settings.first_pause.saturating_mul(doubled);
        let more = 0.75 + (key.low_u64() % 1024) as f64 / 2048.0;
        pause.min(self.settings.longest_pause).mul_f64(more)
    }

    /// One request. Its answer is kept before anything else is done with it.
    fn once(&self, key: Digest, ask: &Ask) -> Result<Completion, LanguageError> {
        let prompt = ask.prompt_tokens() as u64;
        let pass = self.gate.enter();
        if let Some(first) = locked(&self.stopped).as_ref() {
            return Err(LanguageError::Stopped {
                first: Box::new(first.clone()),
            });
        }
        let reserved = self
            .budget
            .request(prompt.saturating_add(ask.sampling.tokens as u64))?;
        let said = self
            .model
            .complete(&ask.conversation, &ask.sampling, &ask.syntax);
        match said {
            Ok(completion) => {
                pass.succeeded();
                self.was_there.store(true, Ordering::Relaxed);
                self.in_vain.store(0, Ordering::Relaxed);
                reserved.over(|spent| {
                    let written = tokens_in(std::iter::once(completion.text.as_str()));
                    let said = |said: usize, about: u64| match said {
                        0 => about,
                        said => said as u64,
                    };
                    spent.prompt_tokens += said(completion.prompt_tokens, prompt);
                    spent.completion_tokens += said(completion.completion_tokens, written as u64);
                });
                if let Some(journal) = &self.journal
                    && let Err(error) = journal.keep(key, &self.model.identity(), ask, &completion)
                {
                    // It was paid for, so it is used all the same, but no more is asked.
                    self.watch.unkept(&error);
                    locked(&self.stopped).get_or_insert(error);
                }
                Ok(completion)
            }
            Err(error) => {
                if error.is_crowding() {
                    let longest = self.settings.longest_pause;
                    pass.crowded(error.wait().filter(|wait| *wait <= longest));
                }
                reserved.over(|spent| {
                    let (read, written) = error.tokens();
                    spent.failed += 1;
                    spent.prompt_tokens += read as u64;
                    spent.completion_tokens += written as u64;
                });
                Err(error)
            }
        }
    }
}
