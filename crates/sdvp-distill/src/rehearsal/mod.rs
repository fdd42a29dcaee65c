//! Rehearsal: what the student says of earlier and general calls before it learns something new.

mod answers;
mod matches;
mod shuffle;
mod texts;
mod views;

pub use answers::remember_answers;
pub use matches::remember_matches;
pub(crate) use shuffle::Shuffle;
pub use views::remember_views;

/// Calls that go through a network together.
const AT_ONCE: usize = 32;
/// Texts that every view is tried with, to find which of them it shows.
const TRIED: usize = 512;
