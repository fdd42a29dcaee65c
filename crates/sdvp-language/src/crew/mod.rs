//! Many questions at once, in the order in which they were put.

mod asker;
mod budget;
mod estimate;
mod gate;
mod settings;
mod watch;

pub use asker::{Answered, Asker};
pub use budget::Spent;
pub use estimate::{Estimate, Price};
pub use settings::AskerSettings;
pub use watch::{Unwatched, Watch};

use crate::{Ask, LanguageError};
use std::sync::atomic::{AtomicUsize, Ordering};

impl Asker<'_> {
    /// Does something for every item, as many at once as there may be requests; the results are in
    /// the order of the items, whichever is done first.
    pub fn each<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let worker = || {
            let mut done = Vec::new();
            while let Some((at, item)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                items.get(at).map(|item| (at, item))
            } {
                done.push((at, work(item)));
                self.watch().done();
            }
            done
        };
        let threads = self.settings().concurrency.clamp(1, items.len().max(1));
        let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            let ended = threads.into_iter().map(|thread| thread.join());
            ended
                .flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }

    /// The answers to questions, in their order.
    pub fn ask_all(&self, asks: &[Ask]) -> Vec<Result<Answered, LanguageError>> {
        self.each(asks, |ask| self.ask(ask))
    }
}
