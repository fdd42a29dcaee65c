//! Limits on what comes in, end to end: what goes beyond one is refused by its name, and what the message
//! says raises it.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use std::path::{Path, PathBuf};

fn sdvp() -> Command {
    Command::cargo_bin("sdvp").unwrap()
}

fn written(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn checked(program: &Path, allowed: &[&str]) -> Command {
    let mut command = sdvp();
    for allow in allowed {
        command.args(["--allow", allow]);
    }
    command.args(["program", "check"]).arg(program);
    command
}

#[test]
fn every_limit_is_listed() {
    let output = sdvp()
        .args(["limits", "--json", "--allow", "image-side=20k"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let limits: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str| {
        let found = limits.iter().find(|limit| limit["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not listed"))
    };
    assert_eq!(of("image-side")["value"], 20_000);
    assert_eq!(of("image-side")["default"], 16_384);
    assert_eq!(of("image-file")["value"], 256 << 20);
    for name in [
        "image-metadata",
        "video-frames",
        "json-depth",
        "line-bytes",
        "program-lines",
        "safetensors-header",
        "gguf-list",
        "onnx-file",
        "label-line",
        "endpoint-answer",
        "hub-listing",
        "results-file",
    ] {
        assert!(!of(name)["guards"].as_str().unwrap().is_empty());
    }
    sdvp()
        .args(["--allow", "image-side=20k", "limits"])
        .assert()
        .success()
        .stdout(contains("20000 pixels").and(contains("(default 16384)")));
}

#[test]
fn a_limit_is_raised_as_its_refusal_says() {
    let folder = tempfile::tempdir().unwrap();
    let program = written(
        folder.path(),
        "three.txt",
        "A=COUNT(box=B)\nA=COUNT(box=B)\nA=COUNT(box=B)\n",
    );
    // There are other faults: what counts is whether this one is among them.
    let refused = contains("--allow program-lines=");
    checked(&program, &["program-lines=2"])
        .assert()
        .code(1)
        .stdout(refused.clone());
    checked(&program, &["program-lines=3"])
        .assert()
        .code(1)
        .stdout(refused.not());
    let whole = std::fs::metadata(&program).unwrap().len();
    checked(&program, &[&format!("settings-file={}", whole - 1)])
        .assert()
        .code(1)
        .stdout(
            contains("the limit settings-file is")
                .and(contains(format!("--allow settings-file={whole}"))),
        );
}

#[test]
fn limits_may_stand_before_and_behind_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let program = written(
        folder.path(),
        "two.txt",
        "A=COUNT(box=B)\nA=COUNT(box=BBBB)\n",
    );
    let mut command = checked(&program, &["program-lines=1"]);
    command
        .args(["--allow", "program-line-length=5"])
        .assert()
        .code(1)
        .stdout(contains("--allow program-lines="));
    let mut command = checked(&program, &["program-lines=2"]);
    command
        .args(["--allow", "program-line-length=5"])
        .assert()
        .code(1)
        .stdout(contains("--allow program-line-length="));
}

#[test]
fn what_is_no_limit_is_wrong_usage_and_the_limits_are_named() {
    for (allow, expected) in [
        ("image-sides=3", "image-side, image-pixels"),
        ("image-side", "NAME=VALUE"),
        ("image-side=wide", "a whole number, such as"),
        ("image-file=2h", "64MiB"),
        ("image-side=0", "at least 1"),
        ("json-depth=1000", "at most 127"),
    ] {
        sdvp()
            .args(["limits", "--allow", allow])
            .assert()
            .code(2)
            .stderr(contains(expected));
    }
    sdvp()
        .args([
            "--allow",
            "image-side=3",
            "limits",
            "--allow",
            "image-side=4",
        ])
        .assert()
        .code(2)
        .stderr(contains("expected one value"));
}

#[test]
fn pictures_and_videos_are_refused_by_name_and_read_if_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("wide.png");
    image::RgbImage::from_pixel(64, 48, image::Rgb([90, 120, 30]))
        .save(&picture)
        .unwrap();
    let program = written(
        folder.path(),
        "program.txt",
        "A=VQA(image=IMAGE,question='What?')\nF=RESULT(var=A)\n",
    );
    let ask = |allowed: &[&str]| {
        let mut command = sdvp();
        for allow in allowed {
            command.args(["--allow", allow]);
        }
        command
            .args(["ask", "--question", "?", "--image"])
            .arg(&picture)
            .arg("--program")
            .arg(&program);
        command
    };
    for (allow, found) in [
        ("image-side=63", "found 64 pixels"),
        ("image-pixels=3071", "found 3072 pixels"),
        ("image-memory=9215", "found 9216 bytes"),
        ("image-file=20", "the limit image-file is 20 bytes"),
    ] {
        let name = allow.split_once('=').unwrap().0;
        ask(&[allow]).assert().code(1).stderr(
            contains("wide.png")
                .and(contains(found))
                .and(contains(format!("--allow {name}="))),
        );
    }
    ask(&[
        "image-side=64",
        "image-pixels=3072",
        "image-memory=9216",
        "image-metadata=1",
    ])
    .assert()
    .success();

    let frames = folder.path().join("frames");
    std::fs::create_dir(&frames).unwrap();
    for number in 0..3 {
        std::fs::copy(&picture, frames.join(format!("{number}.png"))).unwrap();
    }
    let code = written(
        folder.path(),
        "program.py",
        "def execute_command(video):\n    segment = VideoSegment(video)\n    return [frame.width for frame in segment.frame_iterator()]\n",
    );
    let watch = |allow: &str| {
        let mut command = sdvp();
        command
            .args(["--allow", allow, "ask", "--question", "?", "--framework"])
            .args(["viper", "--video"])
            .arg(&frames)
            .arg("--program")
            .arg(&code);
        command
    };
    watch("video-frames=2")
        .assert()
        .code(1)
        .stderr(contains("found 3 frames").and(contains("--allow video-frames=3")));
    watch("video-frames=3")
        .assert()
        .success()
        .stdout(contains("[64, 64, 64]"));
}

#[test]
fn tables_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("a.png");
    image::RgbImage::new(8, 8).save(&picture).unwrap();
    let line = format!(
        "{{\"image\": \"a.png\", \"question\": \"{}\"}}",
        "?".repeat(50)
    );
    let table = written(folder.path(), "t.jsonl", format!("{line}\n"));
    let check = |allow: String| {
        let mut command = sdvp();
        command
            .args(["--allow", &allow, "data", "check"])
            .arg(&table);
        command
    };
    check(format!("line-bytes={}", line.len()))
        .assert()
        .success();
    check(format!("line-bytes={}", line.len() - 1))
        .assert()
        .code(1)
        .stderr(contains("t.jsonl, line 1").and(contains("the limit line-bytes is")));
    let nested = format!(
        "{{\"image\": \"a.png\", \"question\": \"?\", \"x\": {}{}}}\n",
        "[".repeat(9),
        "]".repeat(9)
    );
    std::fs::write(&table, nested).unwrap();
    check("json-depth=10".to_owned()).assert().success();
    check("json-depth=9".to_owned())
        .assert()
        .code(1)
        .stderr(contains("t.jsonl, line 1").and(contains("the limit json-depth is 9 levels")));
}
