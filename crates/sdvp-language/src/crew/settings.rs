//! How many questions are asked, how often, and how patiently.

use std::time::Duration;

/// How a model is asked many questions.
#[derive(Clone, Debug, PartialEq)]
pub struct AskerSettings {
    /// At most so many requests at once. How many there are is found out: one more for every round
    /// of successes, half as many when the server has too much.
    pub concurrency: usize,
    /// How often one question is tried before it is given up.
    pub tries: u32,
    /// The first pause after a failure; every further one is twice as long, if the server does not
    /// say how long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// At most so many requests, failed ones included.
    pub requests: Option<u64>,
    /// At most so many tokens, read and written. A request is only made if what it may take, by
    /// estimate, is left.
    pub tokens: Option<u64>,
    /// Only kept answers: a missing one is an error.
    pub offline: bool,
}

impl Default for AskerSettings {
    fn default() -> Self {
        Self {
            concurrency: 8,
            tries: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(120),
            requests: None,
            tokens: None,
            offline: false,
        }
    }
}
