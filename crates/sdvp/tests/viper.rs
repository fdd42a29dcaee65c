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
fn students_are_distilled_under_it_and_go_on_under_visprog() {
    let folder = tempfile::tempdir().unwrap();
    let (first, next) = (folder.path().join("first"), folder.path().join("next"));
    let distill = |options: &str, out: &Path| {
        let mut distill = sdvp();
        distill.args(options.split(' ')).arg("--out").arg(out);
        distill.args("--questions 30 --rehearsal 20 --no-gate".split(' '));
        distill.args("--locate-steps 2 --answer-steps 2".split(' '));
        distill
    };
    distill("distill picto-nlvr2 --framework viper", &first)
        .assert()
        .success()
        .stdout(contains("labelled"));
    let mut second = distill("distill picto-gqa", &next);
    second.arg("--after").arg(&first).assert().success();
    let record = std::fs::read_to_string(next.join("distilled.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record[0]["framework"], "viper");
    assert_eq!(record[1]["framework"], "visprog");
    for step in 0..2 {
        let labelled = record[0]["steps"][step]["labelled"].as_u64().unwrap();
        assert!(labelled > 0, "step {step} learned from nothing");
    }
}

#[test]
fn a_full_demo_under_it_runs_the_other_framework_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = sdvp();
    demo.args("demo --full --effort 0.01 --framework viper --out".split(' '));
    demo.arg(folder.path())
        .assert()
        .success()
        .stdout(contains("in visprog"));
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["framework"], "viper");
    let across = report["across"].as_array().unwrap();
    assert_eq!(across.len(), 6);
    for row in across {
        assert_eq!(row["framework"], "visprog");
        for side in ["before", "after", "teacher_replaced"] {
            assert!((0.0..=1.0).contains(&row[side].as_f64().unwrap()));
        }
    }
    assert!(report["targets"][0]["before"]["accuracy"].as_f64().unwrap() > 0.0);
}

/// A folder of questions with these programs.
fn folder_of(programs: &[&str], folder: &Path) -> PathBuf {
    let made = folder.join("questions");
    let mut make = sdvp();
    let count = programs.len().to_string();
    make.args(["data", "make", "picto-gqa", "--count", &count, "--out"]);
    make.arg(&made).assert().success();
    let path = made.join("programs.jsonl");
    let lines = std::fs::read_to_string(&path).unwrap();
    let lines = lines.lines().zip(programs).map(|(line, program)| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["program"] = json!(program);
        format!("{line}\n")
    });
    std::fs::write(&path, lines.collect::<String>()).unwrap();
    made
}

#[test]
fn a_program_that_breaks_its_process_ends_alone() {
    let folder = tempfile::tempdir().unwrap();
    let fine = "def execute_command(image):\n    return ImagePatch(image).exists('dog')";
    // Every value is small enough; all of them together are not.
    let hoard = "def execute_command(image):\n    kept = []\n    for i in range(100):\n        \
                 kept.append('x' * 20000000 + str(i))\n    return len(kept)";
    let asks =
        "def execute_command(image):\n    return ImagePatch(image).simple_query('Is it red?')";
    let made = folder_of(&[fine, hoard, asks], folder.path());
    let out = folder.path().join("out");
    let mut run = sdvp();
    run.arg("run").arg(&made).args(["--framework", "viper"]);
    run.args([
        "--isolate",
        "--isolate-memory",
        "256",
        "--fallback",
        "--out",
    ]);
    run.arg(&out).assert().success();
    let lines = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (line, lost) in lines.iter().zip([false, true, false]) {
        assert_eq!(line["fallback"], lost, "{line}");
        assert!(line["answer"].is_string(), "{line}");
    }
    let error = lines[1]["error"].as_str().unwrap();
    assert!(error.contains("memory"), "{error}");
}

#[test]
fn programs_in_processes_of_their_own_answer_as_here() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let mut run = sdvp();
        run.args("run picto-nlvr2 --framework viper --limit 100".split(' '));
        run.args(more).arg("--out").arg(&out).assert().success();
        std::fs::read_to_string(out.join("results.jsonl")).unwrap()
    };
    let (here, apart) = (run("here", &[]), run("apart", &["--isolate"]));
    for (here, apart) in here.lines().zip(apart.lines()) {
        assert_eq!(here, apart);
    }
    assert_eq!(here.lines().count(), 100);
    let mut other = sdvp();
    other.args("run picto-nlvr2 --isolate".split(' '));
    other.assert().code(1).stderr(contains("only viper"));
}
