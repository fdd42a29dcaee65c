//! Benchmarks' files, end to end: checked, subsets chosen and shared, run and scored officially.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn sdvp(arguments: &[&str], path: &Path) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.args(arguments).arg(path);
    command
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn picture(path: &Path, width: u32, height: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_pixel(width, height, image::Rgb([90, 120, 30]))
        .save_with_format(path, image::ImageFormat::Png)
        .unwrap();
}

fn printed(mut command: Command) -> Value {
    let output = command.arg("--json").assert().success();
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

/// Ten questions of two types about one picture, in GQA's layout; the programs answer every one but
/// the last with the gold answer.
fn gqa(root: &Path) {
    let mut questions = serde_json::Map::new();
    let mut choices = serde_json::Map::new();
    let mut programs = String::new();
    for n in 0..10 {
        let (structural, answer) = if n % 2 == 0 {
            ("verify", "yes")
        } else {
            ("query", "dog")
        };
        let record = json!({
            "question": format!("Is it {n}?"), "answer": answer, "imageId": "7", "isBalanced": true,
            "entailed": [], "equivalent": [], "semantic": [],
            "types": {"structural": structural, "semantic": "obj", "detailed": structural},
            "groups": {"global": "thing", "local": "x"}, "semanticStr": "",
        });
        questions.insert(n.to_string(), record);
        choices.insert(
            n.to_string(),
            json!({"valid": ["yes", "dog"], "plausible": [answer]}),
        );
        let said = if n == 9 { "Cat" } else { answer };
        let program = format!(
            "BOX0=LOC(image=IMAGE,object='dog')\nANSWER0=EVAL(expr=\"'{said}'\")\nF=RESULT(var=ANSWER0)"
        );
        programs += &format!(
            "{}\n",
            json!({"id": n.to_string(), "query": "", "program": program})
        );
    }
    let text = |records| Value::Object(records).to_string();
    write(
        &root.join("questions/val_balanced_questions.json"),
        &text(questions),
    );
    write(&root.join("val_choices.json"), &text(choices));
    write(&root.join("programs.jsonl"), &programs);
    picture(&root.join("images/7.jpg"), 64, 48);
}

#[test]
fn a_benchmark_is_checked_and_what_is_inconsistent_fails() {
    let dir = tempfile::tempdir().unwrap();
    gqa(dir.path());
    sdvp(&["data", "check", "--images"], dir.path())
        .assert()
        .success()
        .stdout(
            contains("val_balanced (GQA, 1 file): 10 records, 1 pictures")
                .and(contains("query 5, verify 5"))
                .and(contains("1 pictures decoded"))
                .and(contains("no val_all_questions"))
                .and(contains("nothing inconsistent")),
        );
    write(&dir.path().join("images/7.jpg"), "no picture");
    let mut check = sdvp(&["data", "check", "--images", "--json"], dir.path());
    let output = check.assert().code(1);
    let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(report["inconsistent"][0]["count"], 1);
    assert_eq!(report["parts"][0]["types"]["verify"], 5);
    sdvp(&["data", "check"], Path::new("no/such/folder"))
        .assert()
        .code(1)
        .stderr(contains("no/such/folder"));
}

#[test]
fn gqa_is_run_and_scored_as_its_script_does() {
    let dir = tempfile::tempdir().unwrap();
    gqa(dir.path());
    let summary = printed(sdvp(&["run"], dir.path()));
    let scores = &summary["official"]["gqa"];
    assert_eq!(scores["accuracy"], 90.0);
    assert_eq!(
        (&scores["binary"], &scores["open"]),
        (&json!(100.0), &json!(80.0))
    );
    assert_eq!(
        (&scores["validity"], &scores["plausibility"]),
        (&json!(90.0), &json!(90.0))
    );
    assert_eq!(scores["structural"]["query"]["questions"], 5);
    assert_eq!(summary["split"], "val_balanced");
    sdvp(&["run"], dir.path())
        .assert()
        .success()
        .stdout(contains("Accuracy: 90.00%").and(contains("verify: 100.00% (5 questions)")));
    // The only part has another name.
    sdvp(&["run", "--split", "test"], dir.path())
        .assert()
        .code(1)
        .stderr(contains("val_balanced").and(contains("\"test\"")));
}

#[test]
fn why_programs_failed_is_told_and_a_run_of_nothing_but_failures_fails() {
    let dir = tempfile::tempdir().unwrap();
    gqa(dir.path());
    let file = dir.path().join("programs.jsonl");
    let lines = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    write(&file, &lines[..7].join("\n"));
    let summary = printed(sdvp(&["run", "--stand-ins"], dir.path()));
    let failures = summary["failures"].as_array().unwrap();
    assert_eq!((failures.len(), &failures[0]["count"]), (1, &json!(3)));
    sdvp(&["run", "--stand-ins"], dir.path())
        .assert()
        .success()
        .stdout(contains("failed 3 times: the question has no program"));
    write(&file, "");
    sdvp(&["run", "--stand-ins"], dir.path())
        .assert()
        .code(1)
        .stdout(contains("failed 10 times: the question has no program"))
        .stderr(contains("every program failed"));
}

#[test]
fn an_id_that_occurs_twice_has_no_official_score() {
    let dir = tempfile::tempdir().unwrap();
    let line = |label: &str| {
        let record = json!({"identifier": "dev-1-0-0", "sentence": "Dogs.", "label": label});
        format!("{record}\n")
    };
    write(
        &dir.path().join("dev.json"),
        &(line("True") + &line("False")),
    );
    let program = json!({"id": "dev-1-0-0", "program": "A=EVAL(expr=\"1 > 0\")\nF=RESULT(var=A)"});
    write(&dir.path().join("programs.jsonl"), &program.to_string());
    for side in ["0", "1"] {
        picture(&dir.path().join(format!("dev/dev-1-0-img{side}.png")), 8, 8);
    }
    sdvp(&["run", "--stand-ins"], dir.path())
        .assert()
        .code(1)
        .stdout(contains("no official scores: \"dev-1-0-0\" occurs twice").and(contains("50.0 %")));
}

#[test]
fn a_subset_is_shared_by_its_manifest_and_refused_where_it_does_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let (root, manifest) = (dir.path().join("gqa"), dir.path().join("manifest.json"));
    gqa(&root);
    let mut subset = sdvp(
        &["data", "subset", "--per-type", "2", "--seed", "5", "--out"],
        &manifest,
    );
    let chosen = printed({
        subset.arg(&root);
        subset
    });
    assert_eq!(chosen["ids"].as_array().unwrap().len(), 4);
    let results = |name: &str, arguments: &[&str]| {
        let out = dir.path().join(name);
        let mut run = sdvp(&["run"], &root);
        run.args(arguments).arg("--out").arg(&out);
        assert_eq!(printed(run)["score"]["n"], 4);
        std::fs::read_to_string(out.join("results.jsonl")).unwrap()
    };
    let file = manifest.display().to_string();
    let by_manifest = results("a", &["--manifest", &file]);
    assert_eq!(
        by_manifest,
        results("b", &["--subset", "per-type:2", "--seed", "5"])
    );
    assert_ne!(
        by_manifest,
        results("c", &["--subset", "per-type:2", "--seed", "6"])
    );

    let questions = root.join("questions/val_balanced_questions.json");
    let text = std::fs::read_to_string(&questions).unwrap();
    write(&questions, &text.replace("Is it 3?", "Was it 3?"));
    sdvp(&["run", "--manifest", &file], &root)
        .assert()
        .code(1)
        .stderr(contains("of other files").and(contains("val_balanced")));
    write(&questions, &text);
    let mut other: Value =
        serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    other["ids"][0] = json!("no such id");
    write(&manifest, &other.to_string());
    sdvp(&["run", "--manifest", &file], &root)
        .assert()
        .code(1)
        .stderr(contains(
            "1 of its questions are not in the files: no such id",
        ));
    sdvp(&["run", "--subset", "3"], Path::new("picto-gqa"))
        .assert()
        .code(1)
        .stderr(contains("built in"));
}

#[test]
fn a_table_of_ones_own_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("mine.csv");
    write(
        &table,
        "photo,ask,gold\na/b.png,What is it?,dog\na/b.png,It is red.,true\n",
    );
    picture(&dir.path().join("a/b.png"), 64, 48);
    let program = |said: &str| format!("ANSWER0=EVAL(expr=\"{said}\")\nF=RESULT(var=ANSWER0)");
    let programs = dir.path().join("my programs");
    let lines = [("What is it?", "'dog'"), ("It is red.", "1 > 0")].map(|(question, said)| {
        format!(
            "{}\n",
            json!({"question": question, "program": program(said)})
        )
    });
    write(&programs, &lines.concat());
    let mut run = sdvp(&["run"], &table);
    run.args([
        "--image-column",
        "photo",
        "--question-column",
        "ask",
        "--answer-column",
        "gold",
    ]);
    let summary = printed({
        run.arg("--programs").arg(&programs);
        run
    });
    assert_eq!(
        (&summary["score"]["accuracy"], &summary["score"]["n"]),
        (&json!(1.0), &json!(2))
    );
    assert_eq!(summary["official"], Value::Null);
    sdvp(&["data", "check"], &table)
        .assert()
        .code(1)
        .stdout(contains("found photo, ask, gold"));
}

/// Programs over the three panels, each picture's order undone: what they see is the same in all six.
#[test]
fn nlvr_is_run_in_all_six_orders() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/nlvr");
    if !shared.exists() {
        println!("skipped: {} is not there", shared.display());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(shared.join("dev.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().take(4).collect();
    write(&dir.path().join("dev.json"), &lines.join("\n"));
    let unpacked = std::process::Command::new("tar")
        .arg("-xf")
        .arg(shared.join("dev-images.tar"))
        .arg("-C")
        .arg(dir.path())
        .status();
    assert!(unpacked.unwrap().success());
    let out: PathBuf = dir.path().join("out");
    let mut run = sdvp(&["run"], dir.path());
    run.arg("--programs")
        .arg(shared.join("dev_programs.jsonl"))
        .arg("--out")
        .arg(&out);
    let summary = printed(run);
    assert_eq!(summary["official"]["nlvr"]["predictions"], 24);
    assert_eq!(summary["official"]["nlvr"]["sentences"], 4);
    assert_eq!(summary["score"]["failure_rate"], 0.0);
    let results = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
    assert!(results.contains("\"id\":\"1572-0-5\""), "{results}");
    sdvp(&["data", "check", "--images"], dir.path())
        .assert()
        .success()
        .stdout(
            contains("dev (NLVR, 1 file): 4 records, 24 pictures")
                .and(contains("24 pictures decoded")),
        );
}

#[test]
fn stand_ins_try_a_folder_out_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    gqa(folder.path());
    let root = folder.path().to_str().unwrap();
    let programs = folder.path().join("programs.jsonl");
    let run = || sdvp(&["run", root, "--stand-ins", "--programs"], &programs);
    let said = printed(run());
    assert_eq!(said["score"]["n"], 10);
    assert_eq!(said["score"]["failure_rate"], 0.0);
    assert_eq!(said["stand_ins"], true);
    assert_eq!(printed(run())["score"], said["score"]);
    run().assert().success().stdout(contains("means nothing"));
    let mut both = sdvp(&["run", root, "--stand-ins", "--student"], folder.path());
    both.assert().code(2);
}

#[test]
fn programs_are_made_of_what_questions_mean() {
    for framework in ["visprog", "viper"] {
        let ended = |code: i32, task: &str, more: &[&str]| {
            let arguments = [
                "run",
                task,
                "--framework",
                framework,
                "--json",
                "--programs",
            ];
            let mut command = Command::cargo_bin("sdvp").unwrap();
            command.args(arguments).arg("functional").args(more);
            let output = command.assert().code(code);
            serde_json::from_slice::<Value>(&output.get_output().stdout).unwrap()
        };
        let run = |task: &str, more: &[&str]| ended(0, task, more);
        let failed = |task: &str, more: &[&str]| ended(1, task, more);
        for task in ["picto-gqa", "picto-nlvr2"] {
            let said = run(task, &["--stand-ins", "--limit", "60"]);
            assert_eq!(said["programs"], "functional");
            assert_eq!(said["score"]["failure_rate"], 0.0, "{task} {framework}");
        }
        // Questions without a meaning have no program, and say so.
        let folder = tempfile::tempdir().unwrap();
        gqa(folder.path());
        let out = folder.path().join("out");
        let to = ["--stand-ins", "--out", out.to_str().unwrap()];
        let said = failed(folder.path().to_str().unwrap(), &to);
        assert_eq!(said["score"]["failure_rate"], 1.0);
        assert_eq!(said["failures"][0]["count"], 10);
        let results = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
        assert!(results.contains("semantic"), "{results}");
        // The folder's files of programs, of which one is damaged, are not looked at.
        let folder = tempfile::tempdir().unwrap();
        gqa(folder.path());
        let line = json!({"id": "0", "query": "", "program": "F=RESULT(var=IMAGE)"});
        write(
            &folder.path().join("other.jsonl"),
            &format!("{line}\nnothing\n"),
        );
        let said = failed(folder.path().to_str().unwrap(), &["--stand-ins"]);
        assert_eq!(said["score"]["n"], 10);
        sdvp(&["run", "--stand-ins"], folder.path())
            .assert()
            .code(1)
            .stderr(contains("one file of programs"));
    }
}
