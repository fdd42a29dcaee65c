//! Calls that are harvested, labelled elsewhere, and learned from, through the binary.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use sdvp_core::{DecodeLimits, Image, Outcome, Region, SubTask, SubTaskKind, View};
use sdvp_modules::{
    AnswerTeacher, ConvDetector, Detector, LabelFile, LocateTeacher, Teacher, TeacherModel,
    builtin_source,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn sdvp(arguments: &str) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.args(arguments.split_whitespace());
    command
}

/// What a command tells in JSON.
fn told(mut command: Command) -> Value {
    let output = command.arg("--json").assert().success();
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

fn harvest(arguments: &str, out: &Path) -> Vec<Value> {
    let mut command = sdvp(&format!("harvest {arguments}"));
    command.arg("--out").arg(out);
    let told = told(command);
    let lines = std::fs::read_to_string(out.join("calls.jsonl")).unwrap();
    let calls = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let calls: Vec<Value> = calls.collect();
    for (kind, count) in told["calls"].as_object().unwrap() {
        let own = calls.iter().filter(|call| call["kind"] == kind.as_str());
        assert_eq!(own.count() as u64, count.as_u64().unwrap(), "{told}");
    }
    calls
}

/// A model elsewhere: it has the files only, and is the built-in teacher.
struct Elsewhere {
    locate: LocateTeacher,
    answer: AnswerTeacher,
}

impl Elsewhere {
    fn new() -> Self {
        let source = builtin_source("teacher-picto-gqa").unwrap();
        let detector = ConvDetector::new(TeacherModel::load(&source).unwrap()).unwrap();
        let detector: Arc<dyn Detector> = Arc::new(detector);
        Self {
            locate: LocateTeacher::new(detector.clone()),
            answer: AnswerTeacher::new(detector),
        }
    }

    /// The calls it knows, with its labels.
    fn label(&self, folder: &Path, calls: &[Value]) -> Vec<Value> {
        let mut images: HashMap<String, Image> = HashMap::new();
        let mut labelled = Vec::new();
        for call in calls {
            let file = call["image"].as_str().unwrap();
            let image = images.entry(file.to_owned()).or_insert_with(|| {
                Image::open(&folder.join(file), &DecodeLimits::default()).unwrap()
            });
            let region: Region = serde_json::from_value(call["region"].clone()).unwrap();
            let view = View::of(image.clone(), region).unwrap();
            let text = call["text"].as_str().unwrap();
            let label = match call["kind"].as_str().unwrap() {
                "locate" => self.locate.label(&[SubTask::locate(view, text)]),
                "answer" => self.answer.label(&[SubTask::answer(view, text)]),
                other => panic!("{other}"),
            };
            let (field, label) = match label.into_iter().next().unwrap() {
                Some(Outcome::Boxes(found)) => {
                    let boxes = found.iter().map(|found| {
                        let b = found.bbox;
                        json!({"box": [b.x0, b.y0, b.x1, b.y1], "score": found.score})
                    });
                    ("boxes", boxes.collect::<Value>())
                }
                Some(Outcome::Answer(answer)) => {
                    let answers = answer.top.iter();
                    let answers =
                        answers.map(|(text, p)| json!({"answer": text, "probability": p}));
                    ("answers", answers.collect())
                }
                _ => continue,
            };
            let mut line = call.clone();
            line[field] = label;
            labelled.push(line);
        }
        labelled
    }
}

fn write(path: &Path, records: &[Value]) {
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    std::fs::write(path, lines).unwrap();
}

fn of_kind(records: &[Value], kind: &str) -> usize {
    records.iter().filter(|r| r["kind"] == kind).count()
}

/// The strongest that can be said of a file of labels: it teaches what the teacher itself would.
#[test]
fn labels_in_a_file_teach_what_their_teacher_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let elsewhere = Elsewhere::new();
    std::fs::write(path("words"), elsewhere.locate.repertoire().join("\n")).unwrap();
    let words = path("words");
    let calls = harvest(
        &format!(
            "picto-gqa --questions 40 --seed 3 --words {}",
            words.display()
        ),
        &path("calls"),
    );
    let labelled = elsewhere.label(&path("calls"), &calls);
    // The order of questions does not matter.
    let (mut found, answered): (Vec<Value>, Vec<Value>) = labelled
        .into_iter()
        .partition(|call| call["kind"] == "locate");
    found.extend(answered.into_iter().rev());
    let labels = path("labels.jsonl");
    write(&labels, &found);

    let distilled = |name: &str, teacher: Option<&Path>| {
        // What is asked once something has been learned is not in the file.
        let effort = "distill picto-gqa --questions 40 --seed 3 --rounds 0 --rehearsal 20 \
                      --locate-steps 3 --answer-steps 3 --no-gate";
        let mut command = sdvp(effort);
        command.arg("--out").arg(path(name));
        if let Some(teacher) = teacher {
            command.arg("--teacher").arg(teacher);
        }
        let told = told(command);
        let weights = ["locate", "answer"]
            .map(|module| std::fs::read(path(name).join(format!("{module}.safetensors"))).unwrap());
        (told, weights)
    };
    let (own, taught) = distilled("own", None);
    let (file, learned) = distilled("file", Some(&labels));
    assert!(taught == learned, "the same labels taught something else");

    for (own, file) in std::iter::zip(
        own["steps"].as_array().unwrap(),
        file["steps"].as_array().unwrap(),
    ) {
        for count in ["kind", "harvested", "known", "unsayable", "labelled"] {
            assert_eq!(own[count], file[count], "{count}: {own} {file}");
        }
        let known = file["known"].as_u64().unwrap();
        assert!(known > 0 && known <= file["harvested"].as_u64().unwrap());
    }
    assert_eq!(file["steps"][1]["known"], of_kind(&found, "answer"));
    let teacher = &file["effort"]["teacher"][0];
    let fingerprint = LabelFile::load(&labels).unwrap().fingerprint();
    assert_eq!(teacher["fingerprint"], json!(fingerprint));
    let record = std::fs::read_to_string(path("file").join("distilled.json")).unwrap();
    assert!(record.contains(&fingerprint.to_string()));

    // And it is the file that teaches: where it says that nothing is there, other things are learned.
    for call in found.iter_mut().filter(|call| call["kind"] == "locate") {
        call["boxes"] = json!([]);
    }
    write(&labels, &found);
    let (_, other) = distilled("other", Some(&labels));
    assert!(taught[0] != other[0], "the file was not looked at");
}

#[test]
fn calls_without_a_label_are_counted_and_not_learned() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let calls = harvest("picto-gqa --questions 40", &path("calls"));
    let asked = of_kind(&calls, "answer");
    let questions = calls.iter().filter(|call| call["kind"] == "answer");
    let answers = ["yes", "no", "flibbertigibbet"].into_iter().cycle();
    let labels: Vec<Value> = std::iter::zip(questions, answers)
        .take(9)
        .map(|(call, answer)| json!({"id": call["id"], "answer": answer}))
        .collect();
    assert!(asked > labels.len());
    let file = path("some.jsonl");
    write(&file, &labels);
    let distill = |file: &Path| {
        let effort = "distill picto-gqa --questions 40 --rehearsal 10 --locate-steps 0 \
                      --answer-steps 2 --no-gate";
        let mut command = sdvp(effort);
        command
            .arg("--teacher")
            .arg(file)
            .arg("--out")
            .arg(path("student"));
        command
    };
    distill(&file).assert().success().stdout(contains(format!(
        "answer: labelled 9 of {asked} calls, 3 with answers that the student cannot give, 6 examples"
    )));

    // Labels of other calls.
    let other = json!({"id": "7".repeat(64), "answer": "yes"});
    write(&file, &[other]);
    distill(&file)
        .assert()
        .code(1)
        .stderr(contains("came about otherwise"));
    distill(&file)
        .arg("--afresh")
        .assert()
        .code(1)
        .stderr(contains("no answer call could be learned from").and(contains("labelled 0")));
}

#[test]
fn a_folder_has_the_calls_of_its_task() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut make = sdvp("data make picto-gqa --split train --seed 4 --count 12 --out");
    make.arg(path("data")).assert().success();
    let drawn = harvest("picto-gqa --seed 4 --questions 12", &path("drawn"));
    let read = harvest(path("data").to_str().unwrap(), &path("read"));
    assert_eq!(drawn, read);
    let pictures = |name: &str| {
        let files = std::fs::read_dir(path(name).join("images")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        files.sort();
        files
    };
    assert_eq!(pictures("drawn"), pictures("read"));

    // A picture that is missing is told, and takes no other call along.
    let gone = std::fs::read_dir(path("data").join("images")).unwrap();
    let gone: PathBuf = gone.map(|file| file.unwrap().path()).min().unwrap();
    std::fs::remove_file(&gone).unwrap();
    let mut less = sdvp("harvest");
    less.arg(path("data")).arg("--out").arg(path("less"));
    less.assert()
        .success()
        .stdout(contains("1 programs failed").and(contains(gone.to_str().unwrap())));
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let distill = |file: &str| {
        let mut command = sdvp("distill picto-gqa --out");
        command
            .arg(path("student"))
            .arg("--teacher")
            .arg(path(file));
        command
    };
    distill("missing.jsonl")
        .assert()
        .code(1)
        .stderr(contains("missing.jsonl"));
    distill("labels.csv")
        .assert()
        .code(1)
        .stderr(contains("labels.csv").and(contains(".jsonl, .parquet")));
    let call = json!({"id": "7".repeat(64), "kind": SubTaskKind::Match, "probability": 7});
    write(
        &path("labels.jsonl"),
        &[json!({"id": "7".repeat(64)}), call],
    );
    distill("labels.jsonl").assert().code(1).stderr(
        contains("labels.jsonl, line 2, field probability").and(contains("0 to 1, found 7")),
    );
    std::fs::write(path("labels.parquet"), "PAR1").unwrap();
    distill("labels.parquet")
        .assert()
        .code(1)
        .stderr(contains("labels.parquet: no Parquet file"));
    assert!(!path("student").exists());

    let mut occupied = sdvp("harvest picto-gqa --questions 2 --out");
    occupied
        .arg(folder.path())
        .assert()
        .code(1)
        .stderr(contains("already exists"));
    sdvp("harvest nowhere --out x")
        .assert()
        .code(1)
        .stderr(contains("\"nowhere\"").and(contains("no such folder")));
    std::fs::write(path("words"), "\n \n").unwrap();
    let mut empty = sdvp("harvest picto-gqa --questions 2 --out");
    empty.arg(path("calls")).arg("--words").arg(path("words"));
    empty
        .assert()
        .code(1)
        .stderr(contains("a text a line, found none"));
}
