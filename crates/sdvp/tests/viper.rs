//! ViperGPT programs through the binary.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::str::contains;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn sdvp() -> Command {
    Command::cargo_bin("sdvp").unwrap()
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A picture of the built-in world.
fn picture(folder: &Path) -> PathBuf {
    let made = folder.join("made");
    let mut make = sdvp();
    make.args(["data", "make", "picto-gqa", "--count", "1", "--out"]);
    make.arg(&made).assert().success();
    let images = std::fs::read_dir(made.join("images")).unwrap();
    images.map(|entry| entry.unwrap().path()).next().unwrap()
}

const PROGRAM: &str = "Here is the function:
```python
def execute_command(image, query):
    image_patch = ImagePatch(image)
    dogs = image_patch.find('dog')
    dogs.sort(key=lambda dog: distance(dog, image_patch))
    seen = image_patch.simple_query(query)
    return seen in ('yes', 'no'), len(dogs) >= 0
```
";

#[test]
fn a_program_is_asked_about_ones_own_picture() {
    let folder = tempfile::tempdir().unwrap();
    let program = file(folder.path(), "program.py", PROGRAM);
    let page = folder.path().join("steps.html");
    let mut ask = sdvp();
    ask.args(["ask", "--json", "--framework", "viper", "--question"]);
    ask.arg("Is there a dog in the picture?");
    ask.arg("--image").arg(picture(folder.path()));
    ask.arg("--program").arg(&program).arg("--html").arg(&page);
    let output = ask.assert().success().get_output().stdout.clone();
    let found: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(found["answer"], "[True, True]");
    assert_eq!(found["framework"], "viper");
    let lines: Vec<&Value> = found["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["line"])
        .collect();
    assert_eq!(lines, [&json!(5), &json!(7)]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("seen = image_patch.simple_query(query)"));
}

#[test]
fn what_no_module_answers_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let code = "def execute_command(image):\n    return ImagePatch(image).compute_depth()\n";
    let program = file(folder.path(), "program.py", code);
    let mut ask = sdvp();
    ask.args(["ask", "--framework", "viper", "--question", "?", "--image"]);
    ask.arg(picture(folder.path()))
        .arg("--program")
        .arg(&program);
    let message = "line 2: no module answers depth sub-tasks";
    ask.assert().code(1).stderr(contains(message));
}

#[test]
fn programs_are_checked_without_being_run() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(folder.path(), "good.py", PROGRAM);
    let bad = file(
        folder.path(),
        "bad.py",
        "def execute_command(image):\n    return (\n",
    );
    let mut check = sdvp();
    check.args(["program", "check", "--framework", "viper", "--json"]);
    let output = check
        .arg(&good)
        .arg(&bad)
        .assert()
        .code(1)
        .get_output()
        .stdout
        .clone();
    let found: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(found[0]["ok"], true);
    assert_eq!(found[1]["errors"][0]["line"], 2);
    let message = found[1]["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("SyntaxError"), "{message}");
}

#[test]
fn tasks_without_programs_in_it_are_refused() {
    let mut run = sdvp();
    run.args(["run", "picto-gqa", "--framework", "viper", "--limit", "1"]);
    run.assert()
        .code(1)
        .stderr(contains("have programs in visprog only"));
}
