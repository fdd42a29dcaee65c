//! Whole runs of the binary on the built-in world.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use std::path::Path;

fn sdvp(arguments: &str, out: &Path) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command
        .args(arguments.split_whitespace())
        .arg("--out")
        .arg(out);
    command
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn programs_answer_the_same_together_and_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    for task in ["picto-gqa", "picto-nlvr2"] {
        let run = |how: &str| {
            let out = folder.path().join(format!("{task} {how}"));
            sdvp(&format!("run {task} --split val --limit 40 {how}"), &out)
                .assert()
                .success();
            read(&out.join("results.jsonl"))
        };
        let together = run("");
        assert_eq!(together.lines().count(), 40);
        assert_eq!(together, run("--one-at-a-time"));
    }
}

#[test]
fn what_is_distilled_is_loaded_again_and_the_same_seed_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let weights = |name: &str| {
        let out = folder.path().join(name);
        let effort = "--questions 30 --rehearsal 20 --locate-steps 2 --answer-steps 2 --seed 5 \
                      --tolerance 50 --gate-questions 20";
        sdvp(&format!("distill picto-gqa {effort}"), &out)
            .assert()
            .success();
        std::fs::read(out.join("locate.safetensors")).unwrap()
    };
    let once = weights("one");
    assert!(once == weights("two"), "the same seed learned otherwise");

    let next = folder.path().join("next");
    sdvp(
        "distill picto-nlvr2 --questions 30 --rehearsal 20 --locate-steps 2 --answer-steps 2 --lora 2 \
         --no-gate --memory 12",
        &next,
    )
    .arg("--after")
    .arg(folder.path().join("one"))
    .assert()
    .success();
    let manifest: serde_json::Value =
        serde_json::from_str(&read(&next.join("student.json"))).unwrap();
    assert_eq!(
        manifest["history"],
        serde_json::json!(["picto-gqa", "picto-nlvr2"])
    );
    let record: serde_json::Value =
        serde_json::from_str(&read(&next.join("distilled.json"))).unwrap();
    assert_eq!(record[0]["gate"]["accepted"], true);
    assert!(record[1]["gate"].is_null(), "a gate left out is recorded");
    let memory: serde_json::Value =
        serde_json::from_str(&read(&next.join("memory").join("memory.json"))).unwrap();
    let remembered = |task: usize| {
        let task = &memory["tasks"][task];
        let count = |kind: &str| task[kind].as_array().unwrap().len();
        (task["task"].as_str().unwrap().to_owned(), count("views"))
    };
    // General calls get as much room as two tasks.
    assert_eq!(remembered(0), ("picto-general".to_owned(), 6));
    assert_eq!(remembered(2), ("picto-nlvr2".to_owned(), 3));
    sdvp(
        "run picto-count --limit 4 --json",
        &folder.path().join("run"),
    )
    .arg("--student")
    .arg(&next)
    .assert()
    .success()
    .stdout(contains("\"failure_rate\""));
}

#[test]
fn a_task_is_learned_by_an_expert_and_the_next_one_leaves_it_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let [first, next, refused] = ["first", "next", "refused"].map(|name| folder.path().join(name));
    let effort = "--questions 70 --rehearsal 300 --locate-steps 2 --answer-steps 2 --no-gate";
    let distill = |task: &str, out: &Path| sdvp(&format!("distill {task} {effort}"), out);
    distill("picto-gqa", &first)
        .assert()
        .success()
        .stderr(contains("picto-gqa is learned for its own pictures"));
    let mut second = distill("picto-nlvr2", &next);
    second.arg("--after").arg(&first).assert().success();
    let manifest: serde_json::Value =
        serde_json::from_str(&read(&next.join("student.json"))).unwrap();
    let tasks = |expert: usize| manifest["experts"][expert]["tasks"].clone();
    assert_eq!(tasks(0), serde_json::json!(["picto-gqa"]));
    assert_eq!(tasks(1), serde_json::json!(["picto-nlvr2"]));
    for kind in ["locate", "answer"] {
        let weights = |folder: &Path, expert: usize| {
            std::fs::read(folder.join(format!("expert-{expert}-{kind}.safetensors"))).unwrap()
        };
        assert!(weights(&first, 1) == weights(&next, 1), "{kind}");
        assert!(weights(&next, 1) != weights(&next, 2), "{kind}");
        assert!(!next.join(format!("{kind}.safetensors")).exists());
    }
    let mut everywhere = distill("picto-gqa --everywhere", &refused);
    let everywhere = everywhere.arg("--after").arg(&next).assert().failure();
    everywhere.stderr(contains("leave out --everywhere"));
    assert!(!refused.exists());
}

#[test]
fn the_demo_writes_a_report_that_has_what_was_agreed_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    sdvp("demo --effort 0.02 --seed 3", &out)
        .assert()
        .success()
        .stdout(contains("picto-nlvr2"));
    let report: serde_json::Value = serde_json::from_str(&read(&out.join("report.json"))).unwrap();
    assert_eq!(report["seed"], 3);
    let number = |pointer: &str| {
        let value = report.pointer(pointer).and_then(|value| value.as_f64());
        value.unwrap_or_else(|| panic!("{pointer} is no number"))
    };
    for target in 0..2 {
        for side in ["before", "after", "teacher_replaced"] {
            let accuracy = number(&format!("/targets/{target}/{side}/accuracy"));
            assert!((0.0..=1.0).contains(&accuracy));
            assert_eq!(
                number(&format!("/targets/{target}/{side}/failure_rate")),
                0.0
            );
        }
        assert_eq!(number(&format!("/targets/{target}/n")), 10.0);
    }
    for task in 0..4 {
        for side in ["before", "after", "teacher_replaced"] {
            assert!((0.0..=1.0).contains(&number(&format!("/unseen/{task}/{side}"))));
        }
    }
    for row in 0..8 {
        for side in ["before", "after", "teacher_replaced"] {
            assert!((0.0..=1.0).contains(&number(&format!("/look_alikes/{row}/{side}"))));
        }
    }
    assert_eq!(
        report.pointer("/look_alikes/7/target"),
        report.pointer("/targets/1/task")
    );
    for kind in 0..2 {
        let student = number(&format!("/students/{kind}/parameters"));
        for teacher in 0..4 {
            assert!(number(&format!("/teachers/{teacher}/parameters")) < student);
        }
    }
    for calls in 0..4 {
        assert!(number(&format!("/calls/{calls}/n")) > 0.0, "no known call");
    }
    for (task, scores) in (0..6).map(|task| (task, 3)) {
        let row = report
            .pointer(&format!("/forgetting/{task}/scores"))
            .unwrap();
        assert_eq!(row.as_array().unwrap().len(), scores);
    }
    assert!(number("/targets/0/mcnemar/p") <= 1.0);
    assert!(number("/runtime/sub_tasks") >= number("/runtime/sub_tasks_executed"));
    assert!(number("/runtime/questions_per_s_one_at_a_time") > 0.0);
    let page = read(&out.join("report.html"));
    assert!(page.contains("<svg") && page.contains("RESULT(") && !page.contains("src=\"http"));
    assert!(out.join("student").join("student.json").exists());
    assert!(
        out.join("student")
            .join("memory")
            .join("memory.json")
            .exists()
    );
}

#[test]
fn several_seeds_are_summed_up() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    sdvp("demo --effort 0.004 --seed 5 --seeds 2", &out)
        .assert()
        .success()
        .stdout(contains("seed 6").and(contains("stepwise distillation")));
    let grid: serde_json::Value = serde_json::from_str(&read(&out.join("grid.json"))).unwrap();
    let gains = grid.pointer("/rows/2/targets/1/gain/values").unwrap();
    assert_eq!(gains.as_array().unwrap().len(), 2);
    assert!(out.join("seed-6").join("report.html").exists());
    assert!(read(&out.join("grid.html")).contains("picto-nlvr2"));
}

#[test]
fn a_student_that_forgets_is_refused_and_the_one_it_was_stays() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("ruined");
    sdvp(
        "distill picto-gqa --questions 30 --rehearsal 10 --locate-steps 6 --answer-steps 0 \
         --learning-rate 0.5 --rehearse nothing --gate-questions 40 --seed 2",
        &out,
    )
    .assert()
    .code(1)
    .stdout(contains("picto-general").and(contains("too much lost")))
    .stdout(contains("kept as it was"));
    let manifest: serde_json::Value =
        serde_json::from_str(&read(&out.join("student.json"))).unwrap();
    assert_eq!(manifest["history"], serde_json::json!([]));
    assert!(!out.join("locate.safetensors").exists());
    let record: serde_json::Value =
        serde_json::from_str(&read(&out.join("distilled.json"))).unwrap();
    assert_eq!(record[0]["gate"]["accepted"], false);
}

const PLAN: &str = r#"
name = "little"
questions = 6
unseen_questions = 4
[base]
questions = 20
rehearsal = 10
locate_steps = 1
answer_steps = 1
[[run]]
name = "both"
x = 1
[[run]]
name = "answer only"
x = 2
locate_steps = 0
labels = "answers"
"#;

#[test]
fn a_grid_is_run_once_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, PLAN).unwrap();
    let out = folder.path().join("grid");
    let ablate = |plan: &Path| {
        let mut command = sdvp("ablate", &out);
        command.arg(plan);
        command.assert()
    };
    let once = ablate(&plan).success().stdout(contains("teachers instead"));
    let table = String::from_utf8(once.get_output().stdout.clone()).unwrap();
    assert!(
        table.contains(
            "answer only: picto-gqa: learned for all pictures, which it is not told from; \
             picto-nlvr2: no answer call could be learned from"
        ),
        "{table}"
    );
    let grid = read(&out.join("grid.json"));
    assert!(read(&out.join("grid.html")).contains("<svg"));

    // What is missing is made again, and nothing else.
    let cell = out.join("both.seed-0.json");
    let made = read(&cell);
    std::fs::remove_file(&cell).unwrap();
    let kept = std::fs::metadata(out.join("answer-only.seed-0.json")).unwrap();
    ablate(&plan).success();
    assert!(read(&cell) == made, "the same cell came out otherwise");
    assert!(
        read(&out.join("grid.json")) == grid,
        "the grid was not the same again"
    );
    let still = std::fs::metadata(out.join("answer-only.seed-0.json")).unwrap();
    assert_eq!(kept.modified().unwrap(), still.modified().unwrap());

    // What another version made is not taken for this one's.
    let version = concat!("\"sdvp\":\"", env!("CARGO_PKG_VERSION"), "\"");
    let other = made.replace(version, "\"sdvp\":\"0.0.0\"");
    assert!(other != made, "the cell has no version");
    std::fs::write(&cell, other).unwrap();
    ablate(&plan).code(1).stderr(contains(
        "both.seed-0.json was made with other settings: sdvp is \"0.0.0\"",
    ));
    std::fs::write(&cell, &made).unwrap();

    std::fs::write(&plan, PLAN.replace("locate_steps = 1", "locate_steps = 3")).unwrap();
    ablate(&plan)
        .code(1)
        .stderr(contains("both.seed-0.json was made with other settings"));
    std::fs::write(&plan, PLAN.replace("rehearsal", "rehersal")).unwrap();
    ablate(&plan).code(1).stderr(contains("found \"rehersal\""));
    std::fs::write(&plan, PLAN.replace("\"answer only\"", "\"both\"")).unwrap();
    ablate(&plan).code(1).stderr(contains("two runs"));
}
