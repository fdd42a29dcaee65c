//! What fails alone, fails alone.

use super::modules::Echo;
use super::programs::{Line, Script};
use super::{inputs, runtime, stories, story};
use crate::{Job, JobError, RunFailure, Runtime, RuntimeError, Settings};
use sdvp_core::{Module, ModuleError, SubTaskKind};
use sdvp_program::{Program, RunError};
use std::sync::Arc;

fn modules() -> [Arc<dyn Module>; 1] {
    [Echo::both()]
}

/// Batches of two, so that a bad batch has good ones beside it.
fn pairs() -> Settings {
    Settings {
        batch_size: 2,
        ..Settings::default()
    }
}

fn programs(questions: &[&str]) -> Vec<(Arc<dyn Program>, u8)> {
    let program = |(i, text): (usize, &&str)| (Script::questions(&[text]), i as u8);
    questions.iter().enumerate().map(program).collect()
}

#[test]
fn a_failed_sub_task_ends_only_its_program() {
    let (told, cost) = stories(
        &runtime(&modules(), pairs()),
        &programs(&["dog", "broken", "cat"]),
    );
    assert!(
        told[1].contains("cannot use the text \"broken\""),
        "{}",
        told[1]
    );
    assert!(!told[0].contains("failed") && !told[2].contains("failed"));
    assert_eq!((cost.executions, cost.failed), (3, 1));
}

#[test]
fn failures_are_not_remembered() {
    let runtime = runtime(&modules(), pairs());
    for _ in 0..2 {
        let (_, cost) = stories(&runtime, &programs(&["broken"]));
        assert_eq!((cost.sub_tasks_executed, cost.cache_hits), (1, 0));
    }
}

#[test]
fn a_panic_or_a_wrong_length_fails_its_batch() {
    for (word, reason) in [
        ("explosive", "it panicked: boom"),
        (
            "chatty",
            "expected 2 outcomes, one for each sub-task of the batch, found 3",
        ),
        (
            "lazy",
            "expected 2 outcomes, one for each sub-task of the batch, found 0",
        ),
    ] {
        let asked = programs(&["dog", "cat", word, "bus", "car"]);
        let (told, cost) = stories(&runtime(&modules(), pairs()), &asked);
        let hit: Vec<bool> = told.iter().map(|story| story.contains(reason)).collect();
        assert_eq!(hit, [false, false, true, true, false], "{told:?}");
        assert_eq!(cost.failed, 2);
    }
}

#[test]
fn an_answer_of_another_kind_is_the_programs_error() {
    let (told, _) = stories(&runtime(&modules(), pairs()), &programs(&["confused"]));
    assert!(told[0].contains("expected an answer to a answer sub-task, found one to locate"));
}

#[test]
fn a_kind_that_no_module_answers_fails() {
    let only: [Arc<dyn Module>; 1] = [Echo::of(SubTaskKind::Answer)];
    let programs = [
        (Script::program(&[Line::Locate("dog".to_owned())]), 0),
        (Script::questions(&["dog"]), 0),
    ];
    let (told, cost) = stories(&runtime(&only, pairs()), &programs);
    assert!(
        told[0].contains("no module answers locate sub-tasks"),
        "{}",
        told[0]
    );
    assert_eq!(
        (cost.failed, cost.sub_tasks, cost.sub_tasks_executed),
        (1, 2, 1)
    );
}

#[test]
fn two_modules_of_a_kind_are_refused() {
    let both = vec![
        Echo::both() as Arc<dyn Module>,
        Echo::of(SubTaskKind::Answer),
    ];
    let error = Runtime::new(both, Settings::default()).err().unwrap();
    let expected = RuntimeError::Ambiguous {
        kind: SubTaskKind::Answer,
        first: "echo".to_owned(),
        second: "answer".to_owned(),
    };
    assert_eq!(error, expected);
}

#[test]
fn a_program_that_asks_too_much_is_stopped() {
    let limited = |max_sub_tasks| Settings {
        max_sub_tasks,
        ..Settings::default()
    };
    let asks = |n: usize| vec![(Script::program(&vec![Line::Again; n]), 0)];
    let (told, cost) = stories(&runtime(&modules(), limited(3)), &asks(4));
    let message = "line 3: the number of sub-tasks reached its limit of 3 (limit program-sub-tasks";
    assert!(told[0].contains(message), "{}", told[0]);
    assert_eq!((cost.failed, cost.sub_tasks), (1, 3));
    assert_eq!(
        stories(&runtime(&modules(), limited(3)), &asks(3)).1.failed,
        0
    );
    assert_eq!(
        stories(&runtime(&modules(), limited(0)), &asks(1)).1.failed,
        1
    );
    assert_eq!(
        stories(&runtime(&modules(), limited(0)), &asks(0)).1.failed,
        0
    );
}

#[test]
fn jobs_that_cannot_be_made_and_faulty_interpreters_are_failed_runs() {
    let jobs = (0..5).map(|i| {
        move || match i {
            1 => Err(JobError("no/such.png: not found".to_owned())),
            2 => panic!("no artwork"),
            3 => Ok(Job {
                program: Script::program(&[Line::Answer("dog".to_owned()), Line::Panic]),
                inputs: inputs(0),
            }),
            _ => Ok(Job {
                program: Script::questions(&["dog"]),
                inputs: inputs(0),
            }),
        }
    });
    let mut failures = Vec::new();
    let cost = runtime(&modules(), pairs()).try_run(jobs, |index, run| {
        failures.push((index, run.trace.steps.len(), run.result.err()));
    });
    let panicked = |text: &str| Some(RunFailure::Panicked(text.to_owned()));
    let missing = JobError("no/such.png: not found".to_owned());
    assert_eq!(
        failures,
        [
            (0, 1, None),
            (1, 0, Some(RunFailure::Job(missing))),
            (2, 0, panicked("no artwork")),
            (3, 1, panicked("faulty interpreter")),
            (4, 1, None),
        ]
    );
    assert_eq!((cost.executions, cost.failed), (5, 3));
}

#[test]
fn the_reason_of_a_failure_reaches_the_run() {
    let runtime = runtime(&modules(), pairs());
    let job = || Job {
        program: Script::questions(&["broken"]),
        inputs: inputs(0),
    };
    runtime.run(std::iter::once(job), |_, run| {
        assert!(matches!(
            &run.result,
            Err(RunFailure::Program(RunError::Module {
                line: 1,
                source: ModuleError::BadText { .. }
            }))
        ));
        assert!(story(&run).starts_with("failed"));
    });
}
