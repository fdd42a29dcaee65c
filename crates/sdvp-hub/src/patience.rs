//! How often something that failed is tried again, and after what time.

use crate::Watch;
use crate::error::{HubError, Result};
use std::time::Duration;

/// How often something may fail in a row.
const TRIES: u32 = 5;
/// The first pause; every further one is twice as long.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause that a server may ask for.
const LONGEST: Duration = Duration::from_secs(300);

/// Why something failed, and whether it may go better.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It would fail again.
    Lasting(Box<HubError>),
    /// It may pass; in how much time, if the server said so.
    Passing(Box<HubError>, Option<Duration>),
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Failure::Lasting(Box::new(error))
    }
}

/// Counts failures in a row.
#[derive(Default)]
pub(crate) struct Patience {
    failures: u32,
}

impl Patience {
    /// Something worked: failures begin to count anew.
    pub(crate) fn restore(&mut self) {
        self.failures = 0;
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// If there is to be none.
    pub(crate) fn wait(&mut self, failure: Failure, url: &str, watch: &dyn Watch) -> Result<()> {
        let (error, asked) = match failure {
            Failure::Lasting(error) => return Err(*error),
            Failure::Passing(error, asked) => (error, asked),
        };
        self.failures += 1;
        if self.failures >= TRIES {
            return Err(*error);
        }
        let pause = asked.unwrap_or(FIRST * 2u32.pow(self.failures - 1));
        if pause > LONGEST {
            return Err(HubError::Busy {
                url: url.to_owned(),
                wait: pause,
                reason: error.to_string(),
            });
        }
        watch.wait(&error.to_string(), pause);
        std::thread::sleep(pause);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unwatched;

    fn passing(seconds: u64) -> Failure {
        let error = HubError::Status {
            url: "u".to_owned(),
            status: 503,
            said: "busy".to_owned(),
        };
        Failure::Passing(Box::new(error), Some(Duration::from_secs(seconds)))
    }

    #[test]
    fn patience_ends() {
        let mut patience = Patience::default();
        for _ in 1..TRIES {
            patience.wait(passing(0), "u", &Unwatched).unwrap();
        }
        let error = patience.wait(passing(0), "u", &Unwatched).unwrap_err();
        assert!(matches!(error, HubError::Status { status: 503, .. }));
        patience.restore();
        patience.wait(passing(0), "u", &Unwatched).unwrap();
    }

    #[test]
    fn nobody_waits_for_an_hour() {
        let error = Patience::default()
            .wait(passing(3600), "u", &Unwatched)
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("3600 s") && text.contains("503"), "{text}");
    }
}
