//! How many at once, and how much each may ask.

use crate::KeptOutcomes;
use sdvp_program::limits::PROGRAM_SUB_TASKS;
use serde::{Deserialize, Serialize};

/// Settings of a [`Runtime`](crate::Runtime). None of them changes what a program answers, save
/// that `max_sub_tasks` ends programs that ask for more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Executions held at once, with their images: the bound on memory. At least 1.
    pub in_flight: usize,
    /// Sub-tasks handed to a module at once. At least 1.
    pub batch_size: usize,
    /// Whether equal requests that wait at the same time are answered once.
    pub deduplicate: bool,
    /// Outcomes remembered for later requests, over all runs of one runtime; 0 for none.
    pub cache_entries: usize,
    /// Where outcomes are looked up that are not remembered, and kept beyond this process.
    #[serde(skip)]
    pub kept: Option<KeptOutcomes>,
    /// Sub-tasks that one execution may ask for (`program-sub-tasks`).
    pub max_sub_tasks: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            in_flight: 1024,
            batch_size: 96,
            deduplicate: true,
            // Some 250 bytes each: eight megabytes, which do not show in a long run's memory.
            cache_entries: 32_768,
            kept: None,
            max_sub_tasks: PROGRAM_SUB_TASKS.size(),
        }
    }
}

impl Settings {
    /// One program and one call at a time, nothing shared: how the reference code runs.
    pub fn one_at_a_time() -> Self {
        Self {
            in_flight: 1,
            batch_size: 1,
            deduplicate: false,
            cache_entries: 0,
            ..Self::default()
        }
    }
}
