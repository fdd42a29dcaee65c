//! `sdvp harvest`, two at once and killed.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::str::contains;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

fn harvest(questions: usize, out: &Path) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.args(["harvest", "picto-gqa", "--questions"]);
    command.arg(questions.to_string()).arg("--out").arg(out);
    command
}

#[test]
fn two_at_once_are_refused_and_what_was_killed_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let [out, whole] = ["calls", "whole"].map(|name| folder.path().join(name));
    harvest(20, &whole).assert().success();
    let mut first = std::process::Command::new(assert_cmd::cargo::cargo_bin("sdvp"))
        .args(["harvest", "picto-gqa", "--questions", "8000", "--out"])
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let images = out.join("images");
    let begun = || std::fs::read_dir(&images).is_ok_and(|mut images| images.next().is_some());
    while !begun() {
        assert!(first.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
    let refused = harvest(20, &out).assert().code(1);
    refused.stderr(contains(format!("process {}", first.id())));
    assert!(begun(), "the first one's pictures are gone");
    first.kill().unwrap();
    first.wait().unwrap();
    harvest(20, &out).assert().success();
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&out), ["calls.jsonl", "images"]);
    assert_eq!(names(&images), names(&whole.join("images")));
    harvest(20, &out)
        .assert()
        .code(1)
        .stderr(contains("already exists"));
}
