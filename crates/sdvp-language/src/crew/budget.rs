//! What may be spent, and what was.

use super::AskerSettings;
use crate::LanguageError;
use serde::Serialize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// Requests, failed ones included.
    pub requests: u64,
    /// Of these, those that failed.
    pub failed: u64,
    /// Answers that were kept from before, and cost nothing.
    pub kept: u64,
    /// Kept answers that were damaged and asked for again.
    pub damaged: u64,
    /// Tokens read, as the model says, or by estimate where it does not.
    pub prompt_tokens: u64,
    /// Tokens written, as the model says, or by estimate where it does not.
    pub completion_tokens: u64,
}

impl Spent {
    /// Tokens read and written.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

/// Counts, and refuses what would be too much.
#[derive(Debug)]
pub(super) struct Budget {
    requests: Option<u64>,
    tokens: Option<u64>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    spent: Spent,
    /// Tokens that requests under way may take, by estimate.
    reserved: u64,
}

impl Budget {
    pub(super) fn new(settings: &AskerSettings) -> Self {
        Self {
            requests: settings.requests,
            tokens: settings.tokens,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn spent(&self) -> Spent {
        self.state().spent
    }

    /// Counts something that is no request.
    pub(super) fn count(&self, change: impl FnOnce(&mut Spent)) {
        change(&mut self.state().spent);
    }

    /// A request that may take so many tokens. Waits for those under way if it depends on them.
    ///
    /// # Errors
    /// If the budget does not have it.
    pub(super) fn request(&self, tokens: u64) -> Result<Reserved<'_>, LanguageError> {
        let mut state = self.state();
        loop {
            if let Some(limit) = self.requests.filter(|limit| state.spent.requests >= *limit) {
                return Err(LanguageError::Budget {
                    what: "requests",
                    limit,
                    spent: state.spent.requests,
                });
            }
            let spent = state.spent.tokens();
            let with = |reserved: u64| spent.saturating_add(reserved).saturating_add(tokens);
            match self.tokens {
                Some(limit) if with(0) > limit => {
                    return Err(LanguageError::Budget {
                        what: "tokens",
                        limit,
                        spent,
                    });
                }
                Some(limit) if with(state.reserved) > limit => {
                    let waited = self.changed.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
                _ => break,
            }
        }
        state.spent.requests += 1;
        state.reserved = state.reserved.saturating_add(tokens);
        Ok(Reserved {
            budget: self,
            tokens,
        })
    }
}

/// Tokens that a request may take.
pub(super) struct Reserved<'b> {
    budget: &'b Budget,
    tokens: u64,
}

impl Reserved<'_> {
    /// The request is over.
    pub(super) fn over(self, change: impl FnOnce(&mut Spent)) {
        change(&mut self.budget.state().spent);
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.reserved = state.reserved.saturating_sub(self.tokens);
        drop(state);
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(requests: Option<u64>, tokens: Option<u64>) -> Budget {
        Budget::new(&AskerSettings {
            requests,
            tokens,
            ..AskerSettings::default()
        })
    }

    #[test]
    fn requests_are_counted_whatever_comes_of_them() {
        let budget = budget(Some(2), None);
        drop(budget.request(9).unwrap());
        budget.request(9).unwrap().over(|spent| spent.failed += 1);
        let error = budget.request(9).err().unwrap().to_string();
        assert!(error.contains("2 requests"), "{error}");
        assert_eq!((budget.spent().requests, budget.spent().failed), (2, 1));
    }

    #[test]
    fn tokens_under_way_are_waited_for_and_those_spent_are_not() {
        let budget = budget(None, Some(100));
        let first = budget.request(60).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| budget.request(60).map(drop));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!second.is_finished(), "it must wait for the first");
            first.over(|spent| spent.completion_tokens += 30);
            second.join().unwrap().unwrap();
        });
        budget
            .request(60)
            .unwrap()
            .over(|spent| spent.prompt_tokens += 15);
        let error = budget.request(60).err().unwrap().to_string();
        assert!(
            error.contains("100 tokens") && error.contains("45 spent"),
            "{error}"
        );
        assert!(budget.request(50).is_ok());
    }
}
