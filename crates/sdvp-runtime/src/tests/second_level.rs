//! A second cache behind the one in memory: asked once, never in the way.

use super::modules::Echo;
use super::programs::{Line, Script};
use super::{inputs, runtime, stories};
use crate::{How, Job, KeptOutcomes, Settings};
use proptest::prelude::*;
use sdvp_core::{
    FoundOutcomes, Module, Outcome, OutcomeCache, OutcomeCacheError, OutcomeKey, SubTaskKind,
};
use sdvp_program::Program;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// A cache of this process only, which remembers what it was asked and fails when it is told to.
#[derive(Default)]
struct Shelf(Mutex<State>);

#[derive(Default)]
struct State {
    entries: HashMap<OutcomeKey, Outcome>,
    asked: Vec<Vec<OutcomeKey>>,
    given: Vec<usize>,
    /// Calls that still succeed; all if nothing is said.
    left: Option<usize>,
    panics: bool,
    /// Answers one key less than it is asked for.
    forgetful: bool,
    damaged: HashSet<OutcomeKey>,
}

impl State {
    fn call(&mut self) -> Result<(), OutcomeCacheError> {
        match &mut self.left {
            Some(0) if self.panics => panic!("the shelf broke"),
            Some(0) => Err(OutcomeCacheError("the shelf is full".to_owned())),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl OutcomeCache for Shelf {
    fn get(&self, keys: &[OutcomeKey]) -> Result<FoundOutcomes, OutcomeCacheError> {
        let mut state = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        state.asked.push(keys.to_vec());
        state.call()?;
        let mut found = FoundOutcomes::default();
        for key in keys.iter().skip(usize::from(state.forgetful)) {
            if state.damaged.remove(key) {
                state.entries.remove(key);
                found.refused.push("a tampered entry".to_owned());
            }
            found.outcomes.push(state.entries.get(key).cloned());
        }
        Ok(found)
    }

    fn put(&self, outcomes: &[(OutcomeKey, Outcome)]) -> Result<usize, OutcomeCacheError> {
        let mut state = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        state.call()?;
        state.given.push(outcomes.len());
        state.entries.extend(outcomes.iter().cloned());
        Ok(outcomes.len())
    }
}

impl Shelf {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn with(shelf: &Arc<Shelf>) -> Settings {
    Settings {
        kept: Some(KeptOutcomes::new(shelf.clone())),
        ..Settings::default()
    }
}

fn asking(count: usize) -> Vec<(Arc<dyn Program>, u8)> {
    let question = |i: usize| Script::questions(&[&format!("question {i}"), "and the dog?"]);
    (0..count).map(|i| (question(i), (i % 3) as u8)).collect()
}

#[test]
fn what_one_runtime_computed_another_need_not() {
    let shelf = Arc::new(Shelf::default());
    let echo = Echo::of(SubTaskKind::Answer);
    let modules: [Arc<dyn Module>; 1] = [echo.clone()];
    let programs = asking(30);
    let (alone, _) = stories(&runtime(&modules, Settings::default()), &programs);
    let (first, cost) = stories(&runtime(&modules, with(&shelf)), &programs);
    assert_eq!(first, alone);
    let computed = cost.sub_tasks_executed;
    assert_eq!(
        (computed, cost.disk_hits),
        (33, 0),
        "30 questions, and one of 3 pictures"
    );
    assert_eq!(cost.disk_written, computed);
    assert_eq!(shelf.state().entries.len(), computed);

    let (second, cost) = stories(&runtime(&modules, with(&shelf)), &programs);
    assert_eq!(second, alone, "the same answers and traces");
    assert_eq!((cost.sub_tasks_executed, cost.batches), (0, 0));
    assert_eq!((cost.sub_tasks, cost.cache_hits), (60, 60));
    // All 30 waited for the question of their picture at once.
    assert_eq!((cost.disk_hits, cost.memory_hits()), (60, 0));
    assert_eq!((cost.disk_written, cost.disk_failure), (0, None));

    echo.retrain("anew");
    let (changed, cost) = stories(&runtime(&modules, with(&shelf)), &programs);
    assert_ne!(changed, alone);
    assert_eq!((cost.disk_hits, cost.sub_tasks_executed), (0, 33));
}

#[test]
fn many_are_asked_for_at_once_and_none_twice() {
    let shelf = Arc::new(Shelf::default());
    let modules: [Arc<dyn Module>; 1] = [Echo::both()];
    let programs = asking(40);
    let (_, cost) = stories(&runtime(&modules, with(&shelf)), &programs);
    let asked = shelf.state().asked.clone();
    let all: Vec<OutcomeKey> = asked.iter().flatten().copied().collect();
    let distinct: HashSet<OutcomeKey> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len(), "a key was asked for twice");
    assert_eq!(distinct.len(), cost.sub_tasks_executed);
    assert_eq!(asked[0].len(), 40, "the first question of every program");
    assert_eq!(shelf.state().given.iter().sum::<usize>(), distinct.len());
    assert!(shelf.state().given.len() <= 2, "{:?}", shelf.state().given);
}

#[test]
fn a_hit_is_told_from_what_was_computed_in_the_calls() {
    let shelf = Arc::new(Shelf::default());
    let modules: [Arc<dyn Module>; 1] = [Echo::both()];
    let calls = || {
        let mut calls = Vec::new();
        let job = || Job {
            program: Script::questions(&["dog"]),
            inputs: inputs(1),
        };
        runtime(&modules, with(&shelf)).run(std::iter::once(job), |_, run| calls = run.calls);
        calls
    };
    let (computed, kept) = (calls(), calls());
    assert_eq!((computed[0].how, kept[0].how), (How::Computed, How::Cached));
    assert_eq!(
        (computed[0].key, computed[0].module),
        (kept[0].key, kept[0].module)
    );
}

#[test]
fn failures_and_outcomes_of_another_kind_are_not_kept() {
    let shelf = Arc::new(Shelf::default());
    let modules: [Arc<dyn Module>; 1] = [Echo::both()];
    let programs = ["broken", "confused", "dog"].map(|text| (Script::questions(&[text]), 0));
    for hits in [0, 1] {
        let (_, cost) = stories(&runtime(&modules, with(&shelf)), &programs);
        assert_eq!((cost.disk_hits, cost.disk_written), (hits, 1 - hits));
        assert_eq!(shelf.state().entries.len(), 1);
    }
}

#[test]
fn a_cache_that_fails_on_the_way_is_left_alone_and_the_run_ends_as_it_would() {
    let modules: [Arc<dyn Module>; 1] = [Echo::both()];
    let programs = asking(30);
    let (alone, _) = stories(&runtime(&modules, Settings::default()), &programs);
    for panics in [false, true] {
        for succeeding in 0..4 {
            let shelf = Arc::new(Shelf::default());
            {
                let mut state = shelf.state();
                (state.left, state.panics) = (Some(succeeding), panics);
            }
            // Batches of one, in turns: so that it is asked and given often.
            let settings = Settings {
                in_flight: 2,
                batch_size: 1,
                ..with(&shelf)
            };
            let (told, cost) = stories(&runtime(&modules, settings.clone()), &programs);
            assert_eq!(told, alone);
            let reason = cost.disk_failure.unwrap();
            let expected = if panics { "broke" } else { "full" };
            assert!(reason.contains(expected), "{reason}");
            assert!(cost.disk_unasked > 0);
            let asked = shelf.state().asked.len();
            assert!(asked <= succeeding + 1, "asked again: {asked}");
            // Nor does another runtime of the same process ask it.
            let (again, cost) = stories(&runtime(&modules, settings), &programs);
            assert_eq!((again, cost.disk_hits), (alone.clone(), 0));
            assert!(cost.disk_failure.is_some());
            assert_eq!(shelf.state().asked.len(), asked);
        }
    }
}

#[test]
fn one_that_answers_less_than_it_was_asked_is_not_believed() {
    let modules: [Arc<dyn Module>; 1] = [Echo::both()];
    let shelf = Arc::new(Shelf::default());
    let programs = asking(5);
    let (alone, _) = stories(&runtime(&modules, with(&shelf)), &programs);
    shelf.state().forgetful = true;
    let (told, cost) = stories(&runtime(&modules, with(&shelf)), &programs);
    assert_eq!((told, cost.disk_hits), (alone, 0));
    assert!(cost.disk_failure.unwrap().contains("found 4"));
}

#[test]
fn what_is_refused_is_counted_and_computed_again() {
    let modules: [Arc<dyn Module>; 1] = [Echo::both()];
    let shelf = Arc::new(Shelf::default());
    let programs = asking(5);
    let (alone, _) = stories(&runtime(&modules, with(&shelf)), &programs);
    let one = *shelf.state().entries.keys().min().unwrap();
    shelf.state().damaged.insert(one);
    let (told, cost) = stories(&runtime(&modules, with(&shelf)), &programs);
    assert_eq!(told, alone);
    assert_eq!((cost.disk_refused, cost.sub_tasks_executed), (1, 1));
    assert_eq!((cost.disk_written, cost.disk_failure), (1, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_kept_answers_are_those_of_computing(
        scripts in prop::collection::vec(
            (prop::collection::vec(prop::sample::select(vec!["dog", "cat", "broken", "again"]), 0..5), 0u8..3),
            1..20,
        ),
        in_flight in 1usize..30,
        batch_size in 1usize..20,
        deduplicate in any::<bool>(),
        cache_entries in prop::sample::select(vec![0usize, 1, 1000]),
        kept in any::<u64>(),
        left in prop::option::of(0usize..12),
    ) {
        let line = |text: &&str| match *text {
            "again" => Line::Again,
            text => Line::Answer(text.to_owned()),
        };
        let programs: Vec<(Arc<dyn Program>, u8)> = scripts
            .iter()
            .map(|(lines, color)| {
                let lines: Vec<Line> = lines.iter().map(line).collect();
                (Script::program(&lines), *color)
            })
            .collect();
        let modules: [Arc<dyn Module>; 1] = [Echo::both()];
        let (alone, _) = stories(&runtime(&modules, Settings::one_at_a_time()), &programs);
        let shelf = Arc::new(Shelf::default());
        stories(&runtime(&modules, with(&shelf)), &programs);
        {
            // Any part of what was kept.
            let mut state = shelf.state();
            state.entries.retain(|key, _| kept >> (key.request.low_u64() % 64) & 1 == 1);
            state.left = left;
        }
        let settings = Settings { in_flight, batch_size, deduplicate, cache_entries, ..with(&shelf) };
        let (told, cost) = stories(&runtime(&modules, settings), &programs);
        prop_assert_eq!(told, alone);
        prop_assert_eq!(cost.sub_tasks_executed + cost.cache_hits + cost.deduplicated, cost.sub_tasks);
        prop_assert!(cost.disk_hits <= cost.cache_hits);
        if left.is_none() {
            prop_assert_eq!(cost.disk_failure, None);
        }
    }
}
