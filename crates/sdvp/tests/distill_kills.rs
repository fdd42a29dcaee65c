//! `sdvp distill`, killed at random moments and repeated.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const EFFORT: &str = "distill picto-gqa --framework viper --questions 16 --rehearsal 12 --memory 30 \
                      --locate-steps 3 --match-steps 2 --answer-steps 3 --batch 4 --rehearsed 4 --seed 5 \
                      --tolerance 60 --gate-questions 10 --checkpoint-every 0";
const KILLS: usize = 50;

fn command(out: &Path, more: &str) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.args(EFFORT.split_whitespace());
    command.args(more.split_whitespace()).arg("--out").arg(out);
    command
}

/// What `sdvp runs show` says of a folder, but for times.
fn shown(folder: &Path) -> Value {
    let mut show = Command::cargo_bin("sdvp").unwrap();
    show.args(["runs", "show", "--json"]).arg(folder);
    let shown = show.assert().success();
    let shown: Value = serde_json::from_slice(&shown.get_output().stdout).unwrap();
    json!({ "curves": shown["curves"], "configuration": shown["configuration"] })
}

/// The bytes of every file by its path, but for the run's database; of what was recorded, all but the
/// time that it took.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("run.")
            {
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            if path.ends_with("distilled.json") {
                let mut record: Value = serde_json::from_slice(&bytes).unwrap();
                for step in record[0]["steps"].as_array_mut().unwrap() {
                    step["curve"]["seconds"] = Value::Null;
                }
                bytes = record.to_string().into_bytes();
            }
            found.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes);
        }
    }
    found
}

fn names(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<&PathBuf> {
    files.keys().collect()
}

#[test]
fn whenever_it_is_killed_the_same_command_goes_on_and_ends_with_the_same_student() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let start = Instant::now();
    command(&whole, "").assert().success();
    let life = start.elapsed().as_secs_f64();
    let told = shown(&whole);
    assert!(
        told["curves"]
            .as_array()
            .is_some_and(|curves| curves.len() == 6),
        "{told}"
    );
    let whole = files(&whole);
    assert!(
        names(&whole)
            .iter()
            .any(|name| name.ends_with("match.safetensors"))
    );

    let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let (mut kills, mut finished, mut attempts) = (0, 0, 0);
    while kills < KILLS || finished == 0 {
        let out = folder.path().join(finished.to_string());
        let mut process = std::process::Command::new(assert_cmd::cargo::cargo_bin("sdvp"))
            .args(EFFORT.split_whitespace())
            .arg("--out")
            .arg(&out)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs_f64(life * chance.random_range(0.0..1.0));
        let ended = loop {
            match process.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if Instant::now() >= until && kills < KILLS => break None,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        match ended {
            None => {
                process.kill().unwrap();
                process.wait().unwrap();
                kills += 1;
            }
            Some(status) => {
                assert!(status.success(), "{status}");
                let found = files(&out);
                assert_eq!(names(&found), names(&whole));
                assert_eq!(shown(&out), told);
                for (name, bytes) in &found {
                    assert!(bytes == &whole[name], "{} differs", name.display());
                }
                finished += 1;
            }
        }
        attempts += 1;
        assert!(attempts < 20 * KILLS, "{kills} kills, {finished} finished");
    }
    println!("{kills} kills, {finished} finished in {attempts} attempts of {life:.1} s at most");
}

#[test]
fn what_is_finished_is_told_again_and_other_things_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("student");
    let told = |more: &str| {
        let done = command(&out, more).arg("--json").assert().success();
        serde_json::from_slice::<Value>(&done.get_output().stdout).unwrap()
    };
    let first = told("");
    assert_eq!(first["steps"].as_array().unwrap().len(), 3);
    // Not learned again: the time that it took is the same.
    assert_eq!(told(""), first);
    for name in ["student.json", "locate.safetensors"] {
        let path = out.join(name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..20]).unwrap();
        let refused = command(&out, "").assert().code(1);
        refused.stderr(contains(name).and(contains("--afresh")));
        std::fs::write(&path, whole).unwrap();
    }
    assert_eq!(told(""), first);
    let refused = command(&out, "--lambda 3").assert().code(1);
    refused.stderr(contains("came about otherwise").and(contains("--afresh")));
    assert_eq!(told(""), first);
    let again = told("--afresh");
    assert_ne!(
        again["steps"][0]["curve"]["seconds"],
        first["steps"][0]["curve"]["seconds"]
    );
    assert!(!out.join("unfinished").exists());
    let runs = |what: &str| {
        let mut command = Command::cargo_bin("sdvp").unwrap();
        command.args(["runs", what]).arg(&out);
        command
    };
    let listed = runs("list").assert().success();
    listed.stdout(contains(
        "distillation of picto-gqa (viper, gate of 60 points): 3 checkpoints, 6 curves",
    ));
    let table = folder.path().join("curves.jsonl");
    let mut export = runs("export");
    export.args(["--what", "curves", "--format", "jsonl", "--out"]);
    export.arg(&table).assert().success();
    let first: Value = {
        let text = std::fs::read_to_string(&table).unwrap();
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    };
    assert_eq!(first["curve"], "1 locate: labels");
    assert!(first["loss"].is_f64(), "{first}");

    let refused = command(&out, "--afresh").arg("--after").arg(&out).assert();
    refused.code(1).stderr(contains("choose another --out"));

    // Of one that is under way.
    let other = folder.path().join("other");
    let unfinished = other.join("unfinished");
    std::fs::create_dir_all(&unfinished).unwrap();
    let text = "{\"format\": 1, \"distillation\": {\"seed\": 6}}";
    std::fs::write(unfinished.join("distillation.json"), text).unwrap();
    let refused = command(&other, "").assert().code(1);
    refused.stderr(contains("seed is 6, not 5").and(contains("--afresh")));
    command(&other, "--afresh").assert().success();
}

#[test]
fn the_run_of_something_else_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut run = Command::cargo_bin("sdvp").unwrap();
    run.args(["run", "picto-gqa", "--limit", "5", "--out"]);
    run.arg(&out).assert().success();
    let before = files(&out);
    let database = std::fs::read(out.join("run.sqlite")).unwrap();
    for more in ["", "--afresh"] {
        let refused = command(&out, more).assert().code(1);
        refused.stderr(contains("no distillation").and(contains("choose another --out")));
    }
    assert_eq!(files(&out), before);
    assert_eq!(std::fs::read(out.join("run.sqlite")).unwrap(), database);
}

#[test]
fn two_at_once_are_refused_and_one_that_is_dead_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("student");
    let mut first = std::process::Command::new(assert_cmd::cargo::cargo_bin("sdvp"))
        .args(
            EFFORT
                .replace("--questions 16", "--questions 3000")
                .split_whitespace(),
        )
        .arg("--out")
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = out.join("unfinished").join("distillation.json");
    while !begun.exists() {
        assert!(first.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
    let refused = command(&out, "").assert().code(1);
    refused.stderr(contains(format!("process {}", first.id())));
    first.kill().unwrap();
    first.wait().unwrap();
    // It is another distillation, but nobody is in the way.
    let refused = command(&out, "").assert().code(1);
    refused.stderr(contains("effort.questions is 3000, not 16"));
}
