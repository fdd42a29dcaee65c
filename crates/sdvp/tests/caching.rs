//! Outcomes that are kept beyond a run: the next one asks no module, and nobody gets a stale answer.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn sdvp(arguments: &str) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.env_remove("SDVP_CACHE");
    command.args(arguments.split_whitespace());
    command
}

fn cached(arguments: &str, cache: &Path) -> Command {
    let mut command = sdvp(arguments);
    command.arg(format!("--cache={}", cache.display()));
    command
}

/// What a command that succeeds says as JSON.
fn said(mut command: Command) -> Value {
    let output = command.arg("--json").assert().success();
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

fn stats(cache: &Path) -> Value {
    let mut command = sdvp("cache stats");
    command.arg(cache);
    said(command)
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap()
}

fn results(out: &Path) -> String {
    std::fs::read_to_string(out.join("results.jsonl")).unwrap()
}

#[test]
fn a_second_run_says_the_same_and_asks_no_module() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (cache, arguments) = (path("cache"), "run picto-gqa --split val --limit 40");
    let mut plain = sdvp(arguments);
    plain.arg("--out").arg(path("plain")).assert().success();
    let run = |name: &str| {
        let mut command = cached(arguments, &cache);
        command.arg("--out").arg(path(name));
        said(command)
    };
    let first = run("first");
    assert_eq!(number(&first, "/runtime/disk_hits"), 0);
    let computed = number(&first, "/runtime/sub_tasks_executed");
    assert!(computed > 0);
    assert_eq!(number(&first, "/runtime/disk_written"), computed);

    let second = run("second");
    assert_eq!(number(&second, "/runtime/sub_tasks_executed"), 0);
    assert_eq!(number(&second, "/runtime/batches"), 0);
    assert_eq!(second["runtime"]["modules"], serde_json::json!({}));
    assert!(number(&second, "/runtime/disk_hits") > 0);
    assert_eq!(
        number(&second, "/runtime/cache_hits"),
        number(&second, "/runtime/sub_tasks")
    );
    assert_eq!(number(&second, "/runtime/disk_written"), 0);
    assert_eq!(first["score"], second["score"]);
    assert_eq!(results(&path("first")), results(&path("plain")));
    assert_eq!(results(&path("second")), results(&path("plain")));

    // The same steps, and a hit on disk is recorded as a hit.
    sdvp("runs compare")
        .args([path("plain"), path("second")])
        .assert()
        .success()
        .stdout(contains("newly right 0, newly wrong 0").and(contains("0 with other steps")));
    let mut show = sdvp("runs show");
    show.arg(path("second"));
    let shown = said(show);
    for kind in shown["sub_tasks"].as_array().unwrap() {
        assert!(number(kind, "/asked") > 0, "{kind}");
        assert_eq!(kind["asked"], kind["cached"], "{kind}");
        assert_eq!(number(kind, "/computed"), 0, "{kind}");
    }

    let kept = stats(&cache);
    assert_eq!(number(&kept, "/entries"), computed);
    assert!(number(&kept, "/hits") > 0);
    assert_eq!(kept["modules"].as_array().unwrap().len(), 2);
    let mut text = cached(arguments, &cache);
    text.arg("--out").arg(path("third"));
    text.assert()
        .success()
        .stdout(contains("from disk").and(contains("0 by modules")));
}

/// Turns the sign of every fiftieth number in a safetensors file.
fn change(weights: &Path) {
    let mut bytes = std::fs::read(weights).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for at in (8 + length + 3..bytes.len()).step_by(4 * 50) {
        bytes[at] ^= 0x80;
    }
    std::fs::write(weights, bytes).unwrap();
}

#[test]
fn a_student_that_changes_under_the_same_path_gets_no_stale_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (cache, student) = (path("cache"), path("student"));
    let effort = "--questions 30 --rehearsal 10 --locate-steps 2 --answer-steps 0 --no-gate";
    sdvp(&format!("distill picto-gqa {effort} --out"))
        .arg(&student)
        .assert()
        .success();
    let with_student = |mut command: Command, out: &str| {
        command.arg("--student").arg(&student);
        command.arg("--out").arg(path(out));
        said(command)
    };
    let arguments = "run picto-gqa --split val --limit 25";
    let run = |out: &str| with_student(cached(arguments, &cache), out);
    run("before");
    let again = run("again");
    assert_eq!(number(&again, "/runtime/sub_tasks_executed"), 0);
    assert_eq!(results(&path("again")), results(&path("before")));

    change(&student.join("locate.safetensors"));
    let after = run("after");
    let located = "/runtime/modules/owlvit student/calls";
    assert!(number(&after, located) > 0, "nothing was located anew");
    with_student(sdvp(arguments), "afresh");
    assert_eq!(results(&path("after")), results(&path("afresh")));
    let fingerprints = stats(&cache)["modules"].as_array().unwrap().len();
    assert_eq!(fingerprints, 3, "two that locate, one that answers");
}

const STAND_INS: &str = "run picto-gqa --split val --limit 30 --stand-ins";

#[test]
fn a_cache_is_shown_and_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let nothing = |arguments: &str| {
        let mut command = sdvp(arguments);
        let refused = command.arg(&cache).assert().code(1);
        refused.stderr(contains("holds no cache of outcomes"));
    };
    nothing("cache stats");
    nothing("cache clear");
    assert!(!cache.exists());

    let first = said(cached(STAND_INS, &cache));
    let entries = number(&first, "/runtime/disk_written");
    said(cached(STAND_INS, &cache));
    let kept = stats(&cache);
    assert_eq!(number(&kept, "/entries"), entries);
    assert_eq!(number(&kept, "/max_bytes"), 2 << 30);
    assert!(number(&kept, "/hits") >= entries);
    let fingerprint = kept["modules"][0]["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut text = sdvp("cache stats");
    text.env("SDVP_CACHE", &cache)
        .assert()
        .success()
        .stdout(contains(format!("{entries} outcomes")).and(contains(&fingerprint[..12])));

    let clear = |more: &[&str]| {
        let mut command = sdvp("cache clear");
        command.arg(&cache).args(more);
        command
    };
    assert_eq!(number(&said(clear(&["--older-than", "1"])), "/removed"), 0);
    clear(&["--module", "nonsense"])
        .assert()
        .code(1)
        .stderr(contains("sdvp cache stats").and(contains("nonsense")));
    clear(&["--module", "ab", "--older-than", "1"])
        .assert()
        .code(2);
    let removed = said(clear(&["--module", &fingerprint[..12]]));
    assert_eq!(number(&removed, "/removed"), entries);
    assert_eq!(number(&stats(&cache), "/entries"), 0);
    let again = said(cached(STAND_INS, &cache));
    assert_eq!(number(&again, "/runtime/disk_hits"), 0);
    clear(&[])
        .assert()
        .success()
        .stdout(contains(format!("removed {entries} outcomes")));
}

#[test]
fn the_environment_turns_it_on_and_its_folder_is_the_users() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let file = |cache: PathBuf| cache.join("outcomes.sqlite");
    let mut named = sdvp(STAND_INS);
    named.env("SDVP_CACHE", path("named"));
    assert!(number(&said(named), "/runtime/disk_written") > 0);
    assert!(file(path("named")).is_file());

    let mut usual = sdvp(STAND_INS);
    usual.arg("--cache").env("XDG_CACHE_HOME", path("user"));
    assert!(number(&said(usual), "/runtime/disk_written") > 0);
    assert!(file(path("user").join("sdvp/outcomes")).is_file());

    let mut none = sdvp(STAND_INS);
    none.env("XDG_CACHE_HOME", path("nobody"));
    assert_eq!(number(&said(none), "/runtime/disk_written"), 0);
    assert!(!path("nobody").exists());

    // One at a time nothing is shared; who asks for both is told.
    let mut alone = sdvp(&format!("{STAND_INS} --one-at-a-time"));
    alone
        .env("SDVP_CACHE", path("alone"))
        .assert()
        .success()
        .stderr(contains("no cache is used"));
    assert!(!path("alone").exists());
    cached(&format!("{STAND_INS} --one-at-a-time"), &path("alone"))
        .assert()
        .code(2);
}

#[test]
fn harvest_and_ask_use_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let cache = path("cache");
    let harvest = |out: &str| {
        let mut command = cached("harvest picto-gqa --questions 20", &cache);
        command.arg("--out").arg(path(out));
        said(command)
    };
    let (first, second) = (harvest("first"), harvest("second"));
    assert!(number(&first, "/runtime/sub_tasks_executed") > 0);
    assert_eq!(number(&second, "/runtime/sub_tasks_executed"), 0);
    assert_eq!(first["calls"], second["calls"]);
    let calls = |out: &str| std::fs::read_to_string(path(out).join("calls.jsonl")).unwrap();
    assert_eq!(calls("first"), calls("second"));

    let (picture, program) = (path("picture.png"), path("program.txt"));
    let pixel = |x: u32, y: u32| image::Rgb([(x * 5) as u8, (y * 7) as u8, 90]);
    image::RgbImage::from_fn(40, 30, pixel)
        .save(&picture)
        .unwrap();
    let source = "ANSWER0=VQA(image=IMAGE,question='What is this?')\nFINAL=RESULT(var=ANSWER0)\n";
    std::fs::write(&program, source).unwrap();
    let ask = || {
        let mut command = cached("ask --question ?", &cache);
        command.arg("--image").arg(&picture);
        command.arg("--program").arg(&program);
        said(command)
    };
    let (first, second) = (ask(), ask());
    assert_eq!(number(&first, "/runtime/disk_written"), 1);
    assert_eq!(number(&second, "/runtime/disk_hits"), 1);
    assert_eq!(first["answer"], second["answer"]);
    assert_eq!(first["steps"], second["steps"]);
}

#[test]
fn what_cannot_be_a_cache_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    sdvp(&format!("{STAND_INS} --cache-size 3"))
        .assert()
        .code(1)
        .stderr(contains("--cache-size is the size of a cache"));
    cached(&format!("{STAND_INS} --cache-size much"), &cache)
        .assert()
        .code(2)
        .stderr(contains("500MiB"));
    cached(&format!("{STAND_INS} --cache-size 1KiB"), &cache)
        .assert()
        .code(1)
        .stderr(contains("at least 1048576 bytes"));
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(cache.join("outcomes.sqlite"), "my own notes\n".repeat(99)).unwrap();
    cached(STAND_INS, &cache)
        .assert()
        .code(1)
        .stderr(contains("cannot use the cache").and(contains("move the file away")));
    let bounded = folder.path().join("bounded");
    said(cached(&format!("{STAND_INS} --cache-size 3MiB"), &bounded));
    assert_eq!(number(&stats(&bounded), "/max_bytes"), 3 << 20);
}

/// A limit on the size of files, in place of a full disk.
#[cfg(unix)]
#[test]
fn a_disk_that_gets_full_costs_the_cache_and_not_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "run picto-gqa --split val --limit 900 --stand-ins --json";
    let whole = said(sdvp(arguments.trim_end_matches(" --json")));
    let script = "trap '' XFSZ; ulimit -f 220; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.env_remove("SDVP_CACHE");
    command
        .args(["-c", script])
        .arg(assert_cmd::cargo::cargo_bin("sdvp"))
        .args(arguments.split_whitespace())
        .arg(format!("--cache={}", folder.path().join("cache").display()));
    let run = command
        .assert()
        .success()
        .stderr(contains("is not used any further"));
    let run: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(run["score"], whole["score"]);
    let reason = run["runtime"]["disk_failure"].as_str().unwrap();
    assert!(reason.contains("no room left"), "{reason}");
}
