//! How many requests there may be at once: additive increase, multiplicative decrease.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets requests through.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    most: usize,
}

#[derive(Debug)]
struct State {
    /// How many there may be; a whole number of requests is let through.
    width: f64,
    inside: usize,
    /// Counts decreases: a failure of a request from before the last one says nothing new.
    decreases: u64,
    /// Nobody goes through before.
    closed_until: Option<Instant>,
}

/// A request that was let through; leaves when it is dropped.
pub(super) struct Pass<'g> {
    gate: &'g Gate,
    decreases: u64,
}

/// How many there are at first.
const FIRST: usize = 4;

impl Gate {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            state: Mutex::new(State {
                width: most.min(FIRST) as f64,
                inside: 0,
                decreases: 0,
                closed_until: None,
            }),
            changed: Condvar::new(),
            most,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more may be made.
    pub(super) fn enter(&self) -> Pass<'_> {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let closed = state
                .closed_until
                .and_then(|until| until.checked_duration_since(now))
                .filter(|left| !left.is_zero());
            state = match closed {
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None if state.inside < state.width as usize => {
                    state.inside += 1;
                    return Pass {
                        gate: self,
                        decreases: state.decreases,
                    };
                }
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// How many there may be now.
    pub(super) fn width(&self) -> usize {
        self.state().width as usize
    }
}

impl Pass<'_> {
    /// The request was answered: one more at once after a round of these.
    pub(super) fn succeeded(self) {
        let mut state = self.gate.state();
        state.width = (state.width + 1.0 / state.width).min(self.gate.most as f64);
    }

    /// The server has too much: half as many at once, and none before the pause it asked for is
    /// over.
    pub(super) fn crowded(self, pause: Option<Duration>) {
        let mut state = self.gate.state();
        if self.decreases == state.decreases {
            state.width = (state.width / 2.0).max(1.0);
            state.decreases += 1;
        }
        if let Some(until) = pause.and_then(|pause| Instant::now().checked_add(pause)) {
            state.closed_until = state.closed_until.max(Some(until));
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.state().inside -= 1;
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_widens_by_one_a_round_and_halves_once_a_crowd() {
        let gate = Gate::new(6);
        assert_eq!(gate.width(), 4);
        for _ in 0..5 {
            gate.enter().succeeded();
        }
        assert_eq!(gate.width(), 5);
        for _ in 0..50 {
            gate.enter().succeeded();
        }
        assert_eq!(gate.width(), 6);
        let crowd: Vec<Pass<'_>> = (0..6).map(|_| gate.enter()).collect();
        for pass in crowd {
            pass.crowded(None);
        }
        assert_eq!(gate.width(), 3);
        for _ in 0..9 {
            gate.enter().crowded(None);
        }
        assert_eq!(gate.width(), 1);
    }

    #[test]
    fn nobody_goes_through_while_it_is_closed() {
        let gate = Gate::new(2);
        let started = Instant::now();
        gate.enter().crowded(Some(Duration::from_millis(60)));
        drop(gate.enter());
        assert!(started.elapsed() >= Duration::from_millis(60));
    }

    #[test]
    fn there_are_never_more_than_may_be() {
        let gate = Gate::new(3);
        let (inside, most) = (Mutex::new(0usize), Mutex::new(0usize));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let pass = gate.enter();
                    let now = {
                        let mut inside = inside.lock().unwrap();
                        *inside += 1;
                        *inside
                    };
                    let mut seen = most.lock().unwrap();
                    *seen = (*seen).max(now);
                    drop(seen);
                    std::thread::sleep(Duration::from_millis(3));
                    *inside.lock().unwrap() -= 1;
                    pass.succeeded();
                });
            }
        });
        let most = *most.lock().unwrap();
        assert!((1..=3).contains(&most), "{most}");
    }
}
