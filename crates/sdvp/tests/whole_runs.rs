//! Whole runs of the binary on the built-in world.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::str::contains;
use std::path::Path;

fn sdvp(arguments: &str, out: &Path) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command
        .args(arguments.split_whitespace())
        .arg("--out")
        .arg(out);
    command
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn programs_answer_the_same_together_and_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    for task in ["picto-gqa", "picto-nlvr2"] {
        let run = |how: &str| {
            let out = folder.path().join(format!("{task} {how}"));
            sdvp(&format!("run {task} --split val --limit 40 {how}"), &out)
                .assert()
                .success();
            read(&out.join("results.jsonl"))
        };
        let together = run("");
        assert_eq!(together.lines().count(), 40);
        assert_eq!(together, run("--one-at-a-time"));
    }
}

#[test]
fn what_is_distilled_is_loaded_again_and_the_same_seed_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let weights = |name: &str| {
        let out = folder.path().join(name);
        let effort = "--questions 30 --rehearsal 20 --locate-steps 2 --answer-steps 2 --seed 5";
        sdvp(&format!("distill picto-gqa {effort}"), &out)
            .assert()
            .success();
        std::fs::read(out.join("locate.safetensors")).unwrap()
    };
    let once = weights("one");
    assert!(once == weights("two"), "the same seed learned otherwise");

    let next = folder.path().join("next");
    sdvp(
        "distill picto-nlvr2 --questions 30 --rehearsal 20 --locate-steps 2 --answer-steps 2 --lora 2",
        &next,
    )
    .arg("--after")
    .arg(folder.path().join("one"))
    .assert()
    .success();
    let manifest: serde_json::Value =
        serde_json::from_str(&read(&next.join("student.json"))).unwrap();
    assert_eq!(
        manifest["history"],
        serde_json::json!(["picto-gqa", "picto-nlvr2"])
    );
    sdvp(
        "run picto-count --limit 4 --json",
        &folder.path().join("run"),
    )
    .arg("--student")
    .arg(&next)
    .assert()
    .success()
    .stdout(contains("\"failure_rate\""));
}

#[test]
fn the_demo_writes_a_report_that_has_what_was_agreed_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    sdvp("demo --effort 0.02 --seed 3", &out)
        .assert()
        .success()
        .stdout(contains("picto-nlvr2"));
    let report: serde_json::Value = serde_json::from_str(&read(&out.join("report.json"))).unwrap();
    assert_eq!(report["seed"], 3);
    let number = |pointer: &str| {
        let value = report.pointer(pointer).and_then(|value| value.as_f64());
        value.unwrap_or_else(|| panic!("{pointer} is no number"))
    };
    for target in 0..2 {
        for side in ["before", "after", "teacher_replaced"] {
            let accuracy = number(&format!("/targets/{target}/{side}/accuracy"));
            assert!((0.0..=1.0).contains(&accuracy));
            assert_eq!(
                number(&format!("/targets/{target}/{side}/failure_rate")),
                0.0
            );
        }
        assert_eq!(number(&format!("/targets/{target}/n")), 10.0);
    }
    for task in 0..4 {
        for side in ["before", "after", "teacher_replaced"] {
            assert!((0.0..=1.0).contains(&number(&format!("/unseen/{task}/{side}"))));
        }
    }
    for kind in 0..2 {
        let student = number(&format!("/students/{kind}/parameters"));
        for teacher in 0..4 {
            assert!(number(&format!("/teachers/{teacher}/parameters")) < student);
        }
    }
    assert!(number("/runtime/sub_tasks") >= number("/runtime/sub_tasks_executed"));
    assert!(number("/runtime/questions_per_s_one_at_a_time") > 0.0);
    let page = read(&out.join("report.html"));
    assert!(page.contains("<svg") && page.contains("RESULT(") && !page.contains("src=\"http"));
    assert!(out.join("student").join("student.json").exists());
}
