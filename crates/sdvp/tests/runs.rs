//! Runs that are broken off and gone on with, shown, compared and exported.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

fn sdvp(arguments: &str) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.args(arguments.split_whitespace());
    command
}

fn run(arguments: &str, out: &Path) -> Command {
    let mut command = sdvp(&format!("run {arguments} --out"));
    command.arg(out);
    command
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The summary without what an interrupted run spends otherwise.
fn summary(out: &Path) -> Value {
    let mut summary: Value = serde_json::from_str(&read(&out.join("summary.json"))).unwrap();
    summary.as_object_mut().unwrap().remove("runtime");
    summary
}

fn shown(out: &Path) -> Value {
    let output = sdvp("runs show --json").arg(out).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// Starts it and kills it after a while; how many questions are finished then.
fn killed(arguments: &str, out: &Path, after: Duration) -> u64 {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("sdvp"))
        .args(["run"])
        .args(arguments.split_whitespace())
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    shown(out)["questions"].as_u64().unwrap_or(0)
}

#[test]
fn a_run_that_is_killed_goes_on_and_ends_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    // One program after another, so that some are finished whenever it is killed; and together.
    for (name, how, count) in [("alone", "--one-at-a-time", 200), ("together", "", 200)] {
        let arguments = format!("picto-gqa --limit {count} {how}");
        let [whole, broken] =
            ["whole", "broken"].map(|part| folder.path().join(format!("{name} {part}")));
        let started = std::time::Instant::now();
        run(&arguments, &whole).assert().success();
        let took = started.elapsed();

        let mut finished = vec![0];
        for part in [2, 5, 6, 7, 4, 8] {
            finished.push(killed(&arguments, &broken, took * part / 12));
        }
        assert!(finished.is_sorted(), "questions were lost: {finished:?}");
        if how == "--one-at-a-time" {
            assert!(
                finished.iter().any(|n| (1..count).contains(n)),
                "{finished:?}"
            );
        }
        run(&arguments, &broken).assert().success();
        assert_eq!(
            read(&broken.join("results.jsonl")),
            read(&whole.join("results.jsonl"))
        );
        assert_eq!(summary(&broken), summary(&whole));
        let (one, two) = (shown(&broken), shown(&whole));
        assert_eq!(
            (one["questions"].as_u64(), &one["ended"]),
            (Some(count), &true.into())
        );
        for key in ["kinds", "score", "failed", "images"] {
            assert_eq!(one[key], two[key], "{key}");
        }
        let asked = |run: &Value| -> Vec<Value> {
            let kinds = run["sub_tasks"].as_array().unwrap().iter();
            kinds.map(|kind| kind["asked"].clone()).collect()
        };
        assert_eq!(asked(&one), asked(&two));

        // All is there already: nothing is run again, and the same is written.
        std::fs::remove_file(broken.join("results.jsonl")).unwrap();
        run(&arguments, &broken)
            .assert()
            .success()
            .stderr(contains(format!("{count} questions are finished already")));
        assert_eq!(
            read(&broken.join("results.jsonl")),
            read(&whole.join("results.jsonl"))
        );
        sdvp("runs compare")
            .args([&broken, &whole])
            .assert()
            .success()
            .stdout(contains("newly right 0, newly wrong 0").and(contains("0 with other steps")));
    }
}

#[test]
fn a_folder_that_is_called_as_an_address_is_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let within = |arguments: &str| {
        let mut command = sdvp(arguments);
        command.current_dir(folder.path()).assert().success()
    };
    within("run picto-gqa --limit 3 --out file:a?mode=memory --cache=file:b");
    for file in ["file:a?mode=memory/run.sqlite", "file:b/outcomes.sqlite"] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
    within("runs show file:a?mode=memory").stdout(contains("3 questions"));
    within("cache stats file:b").stdout(contains("outcomes"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_exported_to_an_open_file_is_written_behind_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (out, log) = (folder.path().join("run"), folder.path().join("log"));
    run("picto-gqa --limit 3", &out).assert().success();
    std::fs::write(&log, "before\n").unwrap();
    let file = std::fs::File::options().append(true).open(&log).unwrap();
    let status = std::process::Command::new(assert_cmd::cargo::cargo_bin("sdvp"))
        .args([
            "runs",
            "export",
            "--format",
            "jsonl",
            "--out",
            "/dev/stdout",
        ])
        .arg(&out)
        .stdout(file)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let text = read(&log);
    assert!(text.starts_with("before\n{"), "{text}");
    assert_eq!(text.lines().count(), 5, "and what was told");
}

#[test]
fn another_run_is_refused_with_what_differs_and_what_was_answered_otherwise_stays() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    run("picto-nlvr2 --limit 20 --fallback", &out)
        .assert()
        .success();
    let results = read(&out.join("results.jsonl"));
    run("picto-nlvr2 --limit 20 --fallback --seed 4", &out)
        .assert()
        .code(1)
        .stderr(contains("another configuration").and(contains("seed is 0 there and 4 here")));
    run("picto-nlvr2 --limit 20", &out)
        .assert()
        .code(1)
        .stderr(contains("settings.fallback is true there and false here"));
    run("picto-nlvr2 --limit 20 --fallback", &out)
        .assert()
        .success();
    assert_eq!(read(&out.join("results.jsonl")), results);
}

#[test]
fn runs_are_listed_compared_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let [student, teachers] = ["student", "teachers"].map(|name| folder.path().join(name));
    run("picto-gqa --limit 30", &student).assert().success();
    run(
        "picto-gqa --limit 30 --teachers picto-gqa --no-images",
        &teachers,
    )
    .assert()
    .success();
    let listed = sdvp("runs list").arg(folder.path()).assert().success();
    listed.stdout(
        contains("student: picto-gqa (test, visprog)").and(contains("teachers: picto-gqa")),
    );
    assert_eq!(shown(&teachers)["images"][1], 0);
    let [known, kept] = [0, 1].map(|at| shown(&student)["images"][at].as_u64().unwrap());
    assert!(known == kept && kept > 0, "{known} {kept}");

    let output = sdvp("runs compare --json")
        .args([&student, &teachers])
        .output()
        .unwrap();
    let compared: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(compared["comparison"]["common"], 30);
    let counted = |key: &str| compared["comparison"][key].as_array().map_or(0, Vec::len) as u64;
    assert_eq!(compared["mcnemar"]["gained"], counted("newly_right"));
    assert!(counted("steps") > 0, "teachers see as students do");

    let others = folder.path().join("others");
    run("picto-nlvr2 --limit 3", &others).assert().success();
    let mut compare = sdvp("runs compare");
    compare.args([&student, &others]).assert().code(1).stderr(
        contains("no question in common").and(contains("30 are in the first and 3 in the second")),
    );

    for format in ["jsonl", "csv", "parquet"] {
        for (what, least) in [("questions", 30), ("sub-tasks", 31)] {
            let file = folder.path().join(format!("{what}.{format}"));
            let mut export = sdvp("runs export --json");
            export
                .arg(&student)
                .args(["--format", format, "--what", what, "--out"]);
            let output = export.arg(&file).output().unwrap();
            let written: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert!(written["rows"].as_u64().unwrap() >= least, "{written}");
            if format == "jsonl" {
                assert_eq!(
                    read(&file).lines().count() as u64,
                    written["rows"].as_u64().unwrap()
                );
            }
        }
    }
    sdvp("runs show")
        .arg(folder.path())
        .assert()
        .code(1)
        .stderr(contains("holds no run"));
}
