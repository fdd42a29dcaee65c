//! What people get wrong, end to end: a clear error that names the thing, exit code 1, no panic.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use std::path::{Path, PathBuf};

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn picture(&self) -> PathBuf {
        let path = self.0.path().join("picture.png");
        image::RgbImage::from_pixel(64, 48, image::Rgb([90, 120, 30]))
            .save(&path)
            .unwrap();
        path
    }
}

fn sdvp() -> Command {
    Command::cargo_bin("sdvp").unwrap()
}

fn ask(image: &Path, program: &Path) -> Command {
    let mut command = sdvp();
    command
        .args(["ask", "--question", "?", "--image"])
        .arg(image)
        .arg("--program")
        .arg(program);
    command
}

const GOOD: &str =
    "BOX0=LOC(image=IMAGE,object='dog')\nANSWER0=COUNT(box=BOX0)\nR=RESULT(var=ANSWER0)\n";

#[test]
fn pictures_that_are_none() {
    let desk = Desk::new();
    let program = desk.file("program.txt", GOOD);
    let text = desk.file("note.png", "dear reader");
    ask(&text, &program)
        .assert()
        .code(1)
        .stderr(contains("note.png").and(contains("dear reader")));
    ask(Path::new("missing.png"), &program)
        .assert()
        .code(1)
        .stderr(contains("missing.png"));

    let whole = std::fs::read(desk.picture()).unwrap();
    let cut = desk.file("cut.png", &whole[..whole.len() / 2]);
    ask(&cut, &program)
        .assert()
        .code(1)
        .stderr(contains("cut.png"));

    let mut giant = whole;
    giant[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    giant[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    let checksum = crc32fast::hash(&giant[12..29]);
    giant[29..33].copy_from_slice(&checksum.to_be_bytes());
    let giant = desk.file("giant.png", giant);
    ask(&giant, &program)
        .assert()
        .code(1)
        .stderr(contains("giant.png").and(contains("60000")));
}

#[test]
fn programs_that_cannot_run() {
    let desk = Desk::new();
    let picture = desk.picture();
    for (name, source, expected) in [
        ("empty.txt", String::new(), "found"),
        (
            "undefined.txt",
            "R=RESULT(var=NOWHERE)\n".to_owned(),
            "NOWHERE",
        ),
        (
            "long.txt",
            "A=COUNT(box=B)\n".repeat(10_000),
            "--allow program-lines=",
        ),
        (
            "unknown.txt",
            "A=LOCATE(image=IMAGE,object='x')\n".to_owned(),
            "LOCATE",
        ),
    ] {
        let program = desk.file(name, source);
        ask(&picture, &program)
            .assert()
            .code(1)
            .stderr(contains(name).and(contains(expected)));
        sdvp()
            .args(["program", "check"])
            .arg(&program)
            .assert()
            .code(1)
            .stdout(contains(expected));
    }
    ask(&picture, Path::new("missing.txt"))
        .assert()
        .code(1)
        .stderr(contains("missing.txt"));
}

#[test]
fn good_programs_answer_and_show_their_steps() {
    let desk = Desk::new();
    let (picture, program) = (desk.picture(), desk.file("program.txt", GOOD));
    let page = desk.0.path().join("steps.html");
    let output = ask(&picture, &program)
        .arg("--json")
        .arg("--html")
        .arg(&page)
        .assert()
        .success();
    let json: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(json["steps"].as_array().unwrap().len(), 3);
    assert!(json["answer"].as_str().unwrap().parse::<u32>().is_ok());
    assert!(
        std::fs::read_to_string(page)
            .unwrap()
            .contains("LOC(image=IMAGE")
    );

    let checked = sdvp()
        .args(["program", "check", "--json"])
        .arg(&program)
        .assert()
        .success();
    let json: serde_json::Value = serde_json::from_slice(&checked.get_output().stdout).unwrap();
    assert_eq!(
        (&json[0]["ok"], json[0]["errors"].as_array().map(Vec::len)),
        (&true.into(), Some(0))
    );
}

#[test]
fn one_to_three_pictures_are_asked_about() {
    let desk = Desk::new();
    let picture = desk.picture();
    let three = GOOD.replace("image=IMAGE", "image=MIDDLE");
    let program = desk.file("three.txt", three);
    let with = |more: usize| {
        let mut command = ask(&picture, &program);
        for _ in 0..more {
            command.arg("--image").arg(&picture);
        }
        command.assert()
    };
    with(2).success();
    with(1).code(1).stderr(contains("MIDDLE"));
    with(3)
        .code(1)
        .stderr(contains("one to three pictures, found 4"));
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let desk = Desk::new();
    let (picture, program) = (desk.picture(), desk.file("program.txt", GOOD));
    let page = desk.0.path().join("no").join("such").join("steps.html");
    ask(&picture, &program)
        .arg("--html")
        .arg(&page)
        .assert()
        .code(1)
        .stderr(contains("steps.html"));
    sdvp()
        .args(["run", "picto-gqa", "--limit", "2", "--out"])
        .arg(&picture)
        .assert()
        .code(1)
        .stderr(contains("picture.png"));
}

/// Names of what is in a folder and the folders in it.
fn contents(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(contents(&path));
        } else {
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    names
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let desk = Desk::new();
    let (picture, program) = (desk.picture(), desk.file("program.txt", GOOD));
    ask(&picture, &program)
        .args(["--html", "/dev/full"])
        .assert()
        .code(1)
        .stderr(contains("/dev/full").and(contains("No space left")));
}

/// As on a disk that becomes full: files may not grow beyond a few blocks.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_leaves_nothing_half_written() {
    let desk = Desk::new();
    let out = desk.0.path().join("out");
    let binary = assert_cmd::cargo::cargo_bin("sdvp");
    let fails = |arguments: &str| {
        let script = format!(
            "trap '' XFSZ; ulimit -f 8; exec '{}' {arguments} --out '{}'",
            binary.display(),
            out.display()
        );
        Command::new("sh").args(["-c", &script]).assert().code(1)
    };
    for arguments in [
        "data make picto-gqa --count 3",
        "distill picto-gqa --questions 20 --rehearsal 10 --locate-steps 1 --answer-steps 1 --no-gate",
    ] {
        fails(arguments)
            .stderr(contains("File too large").or(contains("no room left")))
            .stderr(contains(desk.0.path().to_str().unwrap()));
        assert_eq!(contents(desk.0.path()), Vec::<String>::new(), "{arguments}");
    }
    // A run's database says itself that it cannot be.
    fails("run picto-gqa --limit 40").stderr(contains("no room left").and(contains("run.sqlite")));
    assert_eq!(contents(desk.0.path()), ["run.lock"]);
}

#[test]
fn students_that_do_not_fit() {
    let desk = Desk::new();
    let (picture, program) = (desk.picture(), desk.file("program.txt", GOOD));
    ask(&picture, &program)
        .args(["--student", "nowhere"])
        .assert()
        .code(1)
        .stderr(contains("nowhere"));
    let student = desk.0.path().join("student");
    sdvp()
        .args([
            "distill",
            "picto-gqa",
            "--questions",
            "20",
            "--rehearsal",
            "10",
            "--locate-steps",
            "1",
            "--answer-steps",
            "1",
            // The file misfitted below is one with the heads in it.
            "--weights",
            "all",
            "--no-gate",
        ])
        .arg("--out")
        .arg(&student)
        .assert()
        .success();
    let weights = student.join("locate.safetensors");
    let device = candle_core::Device::Cpu;
    let mut tensors = sdvp_models::weights::read_safetensors(&weights, &device).unwrap();
    let bias = "box_head.dense2.bias";
    let other = tensors["box_head.dense2.weight"].clone();
    tensors.insert(bias.to_owned(), other);
    sdvp_models::weights::write_safetensors(&weights, &tensors, candle_core::DType::F32).unwrap();
    ask(&picture, &program)
        .arg("--student")
        .arg(&student)
        .assert()
        .code(1)
        .stderr(contains("locate.safetensors").and(contains(bias)));
    desk.file("student.json", "{\"format\": 99}");
    ask(&picture, &program)
        .arg("--student")
        .arg(desk.0.path())
        .assert()
        .code(1)
        .stderr(contains("student.json"));
}

#[test]
fn files_written_are_files_read() {
    let desk = Desk::new();
    let (data, out) = (desk.0.path().join("data"), desk.0.path().join("run"));
    sdvp()
        .args(["data", "make", "picto-gqa", "--count", "6", "--out"])
        .arg(&data)
        .assert()
        .success();
    sdvp()
        .arg("run")
        .arg(&data)
        .arg("--out")
        .arg(&out)
        .assert()
        .success();
    let results = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
    assert_eq!(results.lines().count(), 6);
    let table = sdvp().args(["eval", "--json"]).arg(&out).assert().success();
    let json: serde_json::Value = serde_json::from_slice(&table.get_output().stdout).unwrap();
    assert_eq!(json[0]["score"]["n"], 6);
}

#[test]
fn wrong_usage_is_exit_code_two() {
    sdvp().arg("dance").assert().code(2);
    sdvp().args(["ask", "--question", "?"]).assert().code(2);
}
