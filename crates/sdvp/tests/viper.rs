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
fn a_program_is_asked_about_a_video() {
    let folder = tempfile::tempdir().unwrap();
    let frames = folder.path().join("frames");
    std::fs::create_dir(&frames).unwrap();
    for number in [9, 10] {
        let picture = image::RgbImage::new(number, 8);
        picture.save(frames.join(format!("{number}.png"))).unwrap();
    }
    let code = "def execute_command(video):
    segment = VideoSegment(video)
    return [frame.width for frame in segment.frame_iterator()], segment.trim(1, 2).start
";
    let program = file(folder.path(), "program.py", code);
    let ask = |framework: &str, video: &Path| {
        let mut ask = sdvp();
        ask.args([
            "ask",
            "--question",
            "?",
            "--framework",
            framework,
            "--video",
        ]);
        ask.arg(video).arg("--program").arg(&program);
        ask.assert()
    };
    ask("viper", &frames)
        .success()
        .stdout(contains("[[9, 10], 1]"));
    ask("viper", &folder.path().join("none"))
        .code(1)
        .stderr(contains("none"));
    ask("visprog", &frames)
        .code(1)
        .stderr(contains("--framework viper"));
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
fn tasks_are_run_together_and_one_at_a_time_alike() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let mut run = sdvp();
        run.args([
            "run",
            "picto-nlvr2",
            "--framework",
            "viper",
            "--limit",
            "40",
        ]);
        run.args(more).arg("--out").arg(&out).assert().success();
        std::fs::read_to_string(out.join("results.jsonl")).unwrap()
    };
    let together = run("together", &[]);
    assert_eq!(together, run("alone", &["--one-at-a-time"]));
    assert_eq!(together.lines().count(), 40);
}

#[test]
fn distilling_under_it_is_refused() {
    let mut distill = sdvp();
    distill.args([
        "distill",
        "picto-gqa",
        "--framework",
        "viper",
        "--out",
        "nowhere",
    ]);
    let message = "distilled under visprog only so far";
    distill.assert().code(1).stderr(contains(message));
}
