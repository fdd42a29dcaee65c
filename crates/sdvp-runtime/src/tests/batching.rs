//! Running together changes nothing but the cost.

use super::modules::Echo;
use super::programs::{Line, Script};
use super::{inputs, runtime, stories};
use crate::{How, Job, Settings};
use proptest::prelude::*;
use sdvp_core::{Module, SubTaskKind};
use sdvp_program::Program;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn any_line() -> impl Strategy<Value = Line> {
    let text = prop::sample::select(vec!["dog", "cat", "bus", "broken", "confused"]);
    prop_oneof![
        text.clone().prop_map(|t| Line::Locate(t.to_owned())),
        text.clone().prop_map(|t| Line::Answer(t.to_owned())),
        (1u32..4, text).prop_map(|(x, t)| Line::Crop(x, t.to_owned())),
        Just(Line::Again),
    ]
}

fn any_scripts() -> impl Strategy<Value = Vec<(Vec<Line>, u8)>> {
    let script = prop::collection::vec(any_line(), 0..6);
    prop::collection::vec((script, 0u8..3), 0..30)
}

fn programs(scripts: &[(Vec<Line>, u8)]) -> Vec<(Arc<dyn Program>, u8)> {
    let program = |(lines, color): &(Vec<Line>, u8)| (Script::program(lines), *color);
    scripts.iter().map(program).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn together_answers_as_one_at_a_time(
        scripts in any_scripts(),
        in_flight in 0usize..40,
        batch_size in 0usize..20,
        deduplicate in any::<bool>(),
        cache_entries in prop::sample::select(vec![0usize, 1, 7, 1000]),
        threads in 1usize..4,
    ) {
        let programs = programs(&scripts);
        let modules: [Arc<dyn Module>; 1] = [Echo::both()];
        let (alone, cost_alone) = stories(&runtime(&modules, Settings::one_at_a_time()), &programs);
        let settings = Settings { in_flight, batch_size, deduplicate, cache_entries, kept: None, max_sub_tasks: 512 };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (together, cost) = pool.install(|| stories(&runtime(&modules, settings), &programs));
        prop_assert_eq!(&together, &alone);
        prop_assert_eq!(cost.executions, programs.len());
        prop_assert_eq!(cost.failed, cost_alone.failed);
        prop_assert_eq!(cost.sub_tasks, cost_alone.sub_tasks);
        prop_assert_eq!(cost_alone.sub_tasks_executed, cost_alone.sub_tasks);
        prop_assert_eq!(cost_alone.batches, cost_alone.sub_tasks);
        prop_assert_eq!(cost.sub_tasks_executed + cost.cache_hits + cost.deduplicated, cost.sub_tasks);
    }
}

#[test]
fn equal_requests_in_flight_run_once_and_answer_all() {
    let echo = Echo::of(SubTaskKind::Answer);
    let modules: [Arc<dyn Module>; 1] = [echo.clone()];
    let same = Script::questions(&["dog", "cat"]);
    let programs: Vec<_> = [0, 0, 0, 1].map(|color| (Arc::clone(&same), color)).into();
    let settings = Settings {
        cache_entries: 0,
        ..Settings::default()
    };
    let (told, cost) = stories(&runtime(&modules, settings.clone()), &programs);
    assert_eq!(told[0], told[2]);
    assert_ne!(told[0], told[3], "another picture");
    assert_eq!((cost.sub_tasks, cost.sub_tasks_executed), (8, 4));
    assert_eq!((cost.deduplicated, cost.cache_hits), (4, 0));
    assert_eq!(cost.modules["answer"].calls, 4);
    let each = Settings {
        deduplicate: false,
        ..settings
    };
    let (_, cost) = stories(&runtime(&modules, each), &programs);
    assert_eq!((cost.sub_tasks_executed, cost.deduplicated), (8, 0));
}

#[test]
fn outcomes_are_remembered_over_runs_until_the_module_changes() {
    let echo = Echo::of(SubTaskKind::Answer);
    let modules: [Arc<dyn Module>; 1] = [echo.clone()];
    let runtime = runtime(&modules, Settings::default());
    let programs = [(Script::questions(&["dog", "cat"]), 0)];
    let (first, cost) = stories(&runtime, &programs);
    assert_eq!((cost.sub_tasks_executed, cost.cache_hits), (2, 0));
    let (again, cost) = stories(&runtime, &programs);
    assert_eq!((cost.sub_tasks_executed, cost.cache_hits), (0, 2));
    assert_eq!(first, again);
    echo.retrain("second");
    let (changed, cost) = stories(&runtime, &programs);
    assert_eq!((cost.sub_tasks_executed, cost.cache_hits), (2, 0));
    assert_ne!(first, changed);
}

#[test]
fn batches_are_full_while_there_is_work_and_views_stand_together() {
    let echo = Echo::of(SubTaskKind::Answer);
    let modules: [Arc<dyn Module>; 1] = [echo.clone()];
    // Two pictures in turn, a question of its own for each program.
    let programs: Vec<_> = (0..20)
        .map(|i| (Script::questions(&[&format!("question {i}")]), i % 2))
        .collect();
    let settings = Settings {
        in_flight: 10,
        batch_size: 4,
        ..Settings::default()
    };
    stories(&runtime(&modules, settings), &programs);
    assert_eq!(echo.sizes(), [4, 4, 4, 4, 4]);
    for pair in echo.batches().chunks(2).take(2) {
        let views: Vec<_> = pair
            .concat()
            .iter()
            .map(|task| task.view.digest())
            .collect();
        assert_eq!(
            views.chunk_by(|a, b| a == b).count(),
            2,
            "one block a picture"
        );
    }
}

#[test]
fn a_partial_batch_waits_for_others_that_may_join_it() {
    let echo = Echo::both();
    let modules: [Arc<dyn Module>; 1] = [echo.clone()];
    let answer = |i: u8| Line::Answer(format!("question {i}"));
    let short = Script::program(&[answer(0)]);
    let longer = |i: u8| Script::program(&[Line::Locate(format!("thing {i}")), answer(i)]);
    let programs = [(short, 0), (longer(1), 0), (longer(2), 0)];
    stories(&runtime(&modules, Settings::default()), &programs);
    assert_eq!(echo.sizes(), [2, 3], "boxes first, then all three answers");
}

#[test]
fn images_are_held_for_no_more_than_the_admitted() {
    let modules: [Arc<dyn Module>; 1] = [Echo::both()];
    let settings = Settings {
        in_flight: 7,
        batch_size: 4,
        ..Settings::default()
    };
    let [made, told, most] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let jobs = (0..200usize).map(|i| {
        let (made, told, most) = (Arc::clone(&made), Arc::clone(&told), Arc::clone(&most));
        move || {
            let now = made.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now - told.load(Ordering::SeqCst), Ordering::SeqCst);
            // The first of every ten takes long, so that others end before it.
            let length = if i % 10 == 0 { 9 } else { 1 };
            let lines: Vec<Line> = (0..length)
                .map(|n| Line::Answer(format!("{i} {n}")))
                .collect();
            Job {
                program: Script::program(&lines),
                inputs: super::inputs(0),
            }
        }
    });
    let cost = runtime(&modules, settings).run(jobs, |_, _| {
        told.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(cost.executions, 200);
    assert_eq!(most.load(Ordering::SeqCst), 7);
}

#[test]
fn every_call_says_how_it_was_answered() {
    let modules: [Arc<dyn Module>; 1] = [Echo::both()];
    let runtime = runtime(&modules, Settings::default());
    let script = [Line::Answer("dog".to_owned())];
    let calls = || {
        let mut calls = Vec::new();
        let jobs = (0..2).map(|_| {
            || Job {
                program: Script::program(&script),
                inputs: inputs(1),
            }
        });
        runtime.run(jobs, |_, run| calls.extend(run.calls));
        calls
    };
    let (first, second) = (calls(), calls());
    let hows: [Vec<How>; 2] =
        [&first, &second].map(|calls| calls.iter().map(|call| call.how).collect());
    let expected: [Vec<How>; 2] = [
        vec![How::Computed, How::Shared],
        vec![How::Cached, How::Cached],
    ];
    assert_eq!(hows, expected);
    assert!(
        first[1..]
            .iter()
            .chain(&second)
            .all(|call| call.micros == 0)
    );
    let request = (first[0].key, modules[0].fingerprint());
    let all = first.iter().chain(&second);
    assert!(
        all.map(|call| (call.key, call.module))
            .all(|call| call == request)
    );
}
