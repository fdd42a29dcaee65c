//! Teachers in ONNX files, through the binary.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn sdvp(arguments: &str) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.args(arguments.split_whitespace());
    command
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../sdvp-modules/tests/golden/onnx")
        .join(name)
}

/// The detector of colours with names of things in their place, of which one is none.
fn renamed(folder: &Path) -> PathBuf {
    std::fs::copy(golden("yolo.onnx"), folder.join("yolo.onnx")).unwrap();
    let text = std::fs::read_to_string(golden("yolo.toml")).unwrap();
    let labels = "labels = [\"dog\", \"car\", \"unicorn\"]\ncategories = [\"animal\", \"vehicle\", \"animal\"]";
    let path = folder.join("things.toml");
    std::fs::write(&path, text.replace("labels = \"colors.txt\"", labels)).unwrap();
    path
}

#[test]
fn what_it_sees_is_shown() {
    let mut verify = sdvp("models verify --image");
    verify.arg(golden("picture.png")).arg(golden("yolo.toml"));
    let output = verify.assert().success().get_output().stdout.clone();
    let told = String::from_utf8(output).unwrap();
    assert!(
        told.contains("--locate") && told.contains("--answer"),
        "{told}"
    );
    assert!(told.contains("blue 0.98 at [0.0,30.0,30.0,60.0]"), "{told}");

    let mut verify = sdvp("models verify --json");
    let output = verify.arg(golden("classes.toml")).assert().success();
    let told: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(told["usable"].as_array().unwrap().len(), 2, "{told}");

    sdvp("models verify nowhere.toml")
        .assert()
        .code(1)
        .stdout(contains("nowhere.toml"));
}

#[test]
fn it_labels_and_it_stands_in() {
    let folder = tempfile::tempdir().unwrap();
    let teacher = renamed(folder.path());
    let student = folder.path().join("student");
    let effort = "--questions 60 --rehearsal 10 --locate-steps 2 --answer-steps 2 --no-gate --json";
    let mut distill = sdvp(&format!("distill picto-gqa {effort}"));
    distill.arg("--teacher").arg(&teacher);
    let output = distill.arg("--out").arg(&student).assert().success();
    let record: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let text = record.to_string();
    // It knows two of the world's names, so few of the calls are labelled.
    let steps = find(&record, "steps").unwrap_or_else(|| panic!("{text}"));
    for step in steps.as_array().unwrap() {
        let count = |what: &str| step[what].as_u64().unwrap();
        assert!(
            count("labelled") > 0 && count("labelled") < count("harvested"),
            "{step}"
        );
    }

    let mut run = sdvp("run picto-gqa --limit 5 --json");
    run.arg("--locate").arg(&teacher).assert().success();
    let mut run = sdvp("run picto-gqa --limit 1");
    run.arg("--locate").arg(golden("classes.toml"));
    run.assert()
        .code(1)
        .stderr(contains("classes.toml").and(contains("locate")));
}

/// The first value of that name, however deep.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map
            .get(name)
            .or_else(|| map.values().find_map(|inner| find(inner, name))),
        Value::Array(list) => list.iter().find_map(|inner| find(inner, name)),
        _ => None,
    }
}
