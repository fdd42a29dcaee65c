//! What a run cost.

use sdvp_core::SubTaskKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a run cost. `sub_tasks` = `sub_tasks_executed` + `cache_hits` + `deduplicated` + those of
/// kinds that no module answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Programs that ended.
    pub executions: usize,
    /// Of these, programs that failed.
    pub failed: usize,
    /// Sub-tasks the programs asked for.
    pub sub_tasks: usize,
    /// Sub-tasks that modules computed.
    pub sub_tasks_executed: usize,
    /// Sub-tasks answered from earlier outcomes, whether remembered or kept.
    pub cache_hits: usize,
    /// Of these, sub-tasks whose outcome was not remembered but kept beyond the process
    /// ([`crate::Settings::kept`]).
    pub disk_hits: usize,
    /// Outcomes written there.
    pub disk_written: usize,
    /// Outcomes there that could not be what was once kept: they were not believed.
    pub disk_refused: usize,
    /// Outcomes that were not asked for there, because it had failed.
    pub disk_unasked: usize,
    /// Why it was not used to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_failure: Option<String>,
    /// Sub-tasks answered together with an equal one.
    pub deduplicated: usize,
    /// Batches handed to modules.
    pub batches: usize,
    /// Wall-clock time, seconds.
    pub seconds: f64,
    /// By module name.
    pub modules: BTreeMap<String, ModuleStatistics>,
}

/// What one module did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModuleStatistics {
    /// What it was asked for.
    pub kinds: BTreeSet<SubTaskKind>,
    /// Sub-tasks computed.
    pub calls: usize,
    /// In so many batches.
    pub batches: usize,
    /// Time spent in it, seconds.
    pub seconds: f64,
}

impl Statistics {
    /// Adds another run's cost.
    pub fn add(&mut self, other: &Statistics) {
        self.executions += other.executions;
        self.failed += other.failed;
        self.sub_tasks += other.sub_tasks;
        self.sub_tasks_executed += other.sub_tasks_executed;
        self.cache_hits += other.cache_hits;
        self.disk_hits += other.disk_hits;
        self.disk_written += other.disk_written;
        self.disk_refused += other.disk_refused;
        self.disk_unasked += other.disk_unasked;
        if self.disk_failure.is_none() {
            self.disk_failure.clone_from(&other.disk_failure);
        }
        self.deduplicated += other.deduplicated;
        self.batches += other.batches;
        self.seconds += other.seconds;
        for (name, module) in &other.modules {
            let mine = self.modules.entry(name.clone()).or_default();
            mine.kinds.extend(&module.kinds);
            mine.calls += module.calls;
            mine.batches += module.batches;
            mine.seconds += module.seconds;
        }
    }

    /// Sub-tasks answered from outcomes that were remembered in this process.
    pub fn memory_hits(&self) -> usize {
        self.cache_hits.saturating_sub(self.disk_hits)
    }

    /// Programs a second; 0 before any ran.
    pub fn executions_per_second(&self) -> f64 {
        if self.seconds > 0.0 {
            self.executions as f64 / self.seconds
        } else {
            0.0
        }
    }

    /// The part of the programs that failed, in `[0, 1]`; 0 before any ran.
    pub fn failure_rate(&self) -> f64 {
        self.failed as f64 / self.executions.max(1) as f64
    }

    pub(crate) fn note_batch(&mut self, module: &str, kind: SubTaskKind, size: usize, took: f64) {
        self.sub_tasks_executed += size;
        self.batches += 1;
        let spent = self.modules.entry(module.to_owned()).or_default();
        spent.kinds.insert(kind);
        spent.calls += size;
        spent.batches += 1;
        spent.seconds += took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_sums_every_count_and_joins_modules() {
        let mut one = Statistics {
            executions: 4,
            failed: 1,
            cache_hits: 5,
            disk_hits: 2,
            seconds: 2.0,
            ..Statistics::default()
        };
        one.note_batch("m", SubTaskKind::Locate, 3, 0.5);
        let mut two = one.clone();
        two.note_batch("n", SubTaskKind::Answer, 2, 0.25);
        two.disk_failure = Some("full".to_owned());
        one.add(&two);
        assert_eq!((one.executions, one.failed, one.batches), (8, 2, 3));
        assert_eq!(one.sub_tasks_executed, 8);
        assert_eq!((one.memory_hits(), one.disk_hits), (6, 4));
        assert_eq!(one.disk_failure.as_deref(), Some("full"));
        assert_eq!((one.modules["m"].calls, one.modules["n"].calls), (6, 2));
        assert_eq!(one.modules["m"].seconds, 1.0);
        assert_eq!(one.executions_per_second(), 2.0);
        assert_eq!(one.failure_rate(), 0.25);
    }
}
