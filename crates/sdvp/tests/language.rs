//! Programs that a language model writes, end to end, with a stand-in for the model.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

#[path = "../../sdvp-language/tests/fake_endpoint/mod.rs"]
mod fake_endpoint;

use assert_cmd::Command;
use fake_endpoint::{FakeEndpoint, Fault, last};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

const KEY: &str = "sk-not-to-be-shown-0123456789";

/// Puts the whole question to the answer module.
fn plain(question: &str) -> String {
    let question = question.rsplit(": ").next().unwrap().replace('\'', "");
    format!("ANSWER0=VQA(image=IMAGE,question='{question}')\nFINAL_RESULT=RESULT(var=ANSWER0)")
}

fn fake() -> FakeEndpoint {
    FakeEndpoint::new(Duration::from_millis(1), |body| {
        format!("Here:\n```\n{}\n```", plain(&last(body)))
    })
}

/// The program with arguments between blanks, and options of the model behind `url`.
fn sdvp(arguments: &str, url: &str, cache: &Path) -> Command {
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command
        .args(arguments.split_whitespace())
        .args(["--llm-url", url, "--llm-model", "m"])
        .args(["--llm-key-env", "SDVP_TEST_KEY"])
        .arg("--llm-cache")
        .arg(cache)
        .env("SDVP_TEST_KEY", KEY);
    command
}

/// What is printed as JSON; the key is not in it, nor on standard error.
fn printed(command: &mut Command) -> Value {
    let output = command.arg("--json").assert().success();
    let output = output.get_output();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains(KEY), "{said}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains(KEY));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn no_key_in(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => no_key_in(&path),
            false => {
                assert!(!String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(KEY))
            }
        }
    }
}

fn picture(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_pixel(64, 48, image::Rgb([90, 120, 30]))
        .save_with_format(path, image::ImageFormat::Png)
        .unwrap();
}

/// Four questions about one picture, in GQA's layout.
fn gqa(root: &Path) {
    let mut questions = serde_json::Map::new();
    let mut choices = serde_json::Map::new();
    for n in 0..4 {
        let record = json!({
            "question": format!("Is it {n}?"), "answer": "yes", "imageId": "7", "isBalanced": true,
            "entailed": [], "equivalent": [], "semantic": [],
            "types": {"structural": "verify", "semantic": "obj", "detailed": "verify"},
            "groups": {"global": "thing", "local": "x"}, "semanticStr": "",
        });
        questions.insert(n.to_string(), record);
        choices.insert(
            n.to_string(),
            json!({"valid": ["yes"], "plausible": ["yes"]}),
        );
    }
    picture(&root.join("images/7.jpg"));
    let file = root.join("val_choices.json");
    std::fs::write(file, Value::Object(choices).to_string()).unwrap();
    std::fs::create_dir_all(root.join("questions")).unwrap();
    let file = root.join("questions/val_balanced_questions.json");
    std::fs::write(file, Value::Object(questions).to_string()).unwrap();
}

#[test]
fn a_built_in_task_is_run_with_written_programs_and_nothing_is_asked_twice() {
    let fake = fake();
    let folder = tempfile::tempdir().unwrap();
    let (cache, out) = (folder.path().join("cache"), folder.path().join("out"));
    let run = |more: &str| {
        let line = format!("run picto-gqa --limit 4 --programs llm --llm-price 1,2 {more} --out");
        let mut command = Command::cargo_bin("sdvp").unwrap();
        command.args(line.split_whitespace()).arg(&out);
        command
            .args(["--llm-url", &fake.url, "--llm-model", "m"])
            .args(["--llm-key-env", "SDVP_TEST_KEY", "--llm-cache"])
            .arg(&cache)
            .env("SDVP_TEST_KEY", KEY);
        printed(&mut command)
    };
    let summary = run("");
    assert_eq!(summary["score"]["n"], 4);
    let language = &summary["language"];
    assert_eq!(language["requests"], 4);
    assert_eq!(language["programs"], 4);
    assert_eq!(language["cost"], json!((40.0 + 2.0 * 20.0) / 1e6));
    let asked = fake.asked();
    assert_eq!(asked.len(), 4);
    let authorization = format!("Bearer {KEY}");
    assert!(
        asked
            .iter()
            .all(|asked| asked.authorization.as_deref() == Some(&authorization))
    );
    // Eight examples, what is wanted, and the question.
    assert_eq!(
        asked[0].body["messages"].as_array().unwrap().len(),
        2 * 8 + 2
    );
    let programs = std::fs::read_to_string(out.join("programs.jsonl")).unwrap();
    assert_eq!(programs.lines().count(), 4);

    let again = run("--llm-offline");
    assert_eq!(again["language"]["requests"], 0);
    assert_eq!(again["language"]["kept"], 4);
    assert_eq!(again["score"], summary["score"]);
    assert_eq!(
        std::fs::read_to_string(out.join("programs.jsonl")).unwrap(),
        programs
    );
    assert_eq!(fake.asked().len(), 4);
    no_key_in(folder.path());
}

#[test]
fn a_benchmarks_written_programs_can_be_run_by_others() {
    let fake = fake();
    // The connection breaks twice.
    fake.fault("Question: Is it 2?", &[Fault::Truncated, Fault::Disconnect]);
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("gqa"), folder.path().join("p.jsonl"));
    gqa(&data);
    let cache = folder.path().join("cache");
    let line = format!("run {} --programs llm", data.display());
    let first = printed(&mut sdvp(&line, &fake.url, &cache));
    assert_eq!(first["language"]["requests"], 6);
    assert_eq!(first["language"]["failed"], 2);
    let line = format!("program write {} --out {}", data.display(), file.display());
    let written = printed(&mut sdvp(&line, &fake.url, &cache));
    assert_eq!(written["summary"]["requests"], 0);
    assert_eq!(written["programs"][1]["id"], "1");
    assert_eq!(written["programs"][1]["program"], plain("Is it 1?"));
    let mut command = Command::cargo_bin("sdvp").unwrap();
    command.arg("run").arg(&data).arg("--programs").arg(&file);
    let second = printed(&mut command);
    assert_eq!(second["score"], first["score"]);
    assert_eq!(second["language"], Value::Null);
    assert_eq!(fake.asked().len(), 6);
}

/// What is asked, and how often it was answered before: eight examples go before it.
fn question_of(body: &Value) -> (String, usize) {
    let messages = body["messages"].as_array().unwrap();
    let question = messages[17]["content"].as_str().unwrap().to_owned();
    (question, (messages.len() - 18) / 2)
}

/// Answers with this Python expression.
fn says(expression: &str) -> String {
    format!("ANSWER0=EVAL(expr=\"{expression}\")\nFINAL_RESULT=RESULT(var=ANSWER0)")
}

/// Of four questions one has a good program at once, one when it was sent back, one never, and one
/// after two faults of different kinds.
fn faltering() -> FakeEndpoint {
    FakeEndpoint::new(Duration::from_millis(1), |body| {
        let failing = says("'yes' + 1");
        match question_of(body) {
            (question, 1) if question.contains('1') => says("'yes'"),
            (question, _) if question.contains('1') || question.contains('2') => failing,
            (question, 0) if question.contains('3') => failing.replace("EVAL", "EVIL"),
            (question, 1) if question.contains('3') => failing,
            _ => says("'yes'"),
        }
    })
}

#[test]
fn programs_that_fail_when_run_are_sent_back_and_what_is_settled_is_never_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gqa");
    gqa(&data);
    // Of no matter to programs that are written, and what refuses any other run.
    let line = json!({"id": "0", "query": "", "program": says("'no'")});
    for name in ["programs.jsonl", "others.jsonl"] {
        std::fs::write(data.join(name), format!("{line}\nnothing\n")).unwrap();
    }
    let mut own = Command::cargo_bin("sdvp").unwrap();
    own.arg("run")
        .arg(&data)
        .arg("--stand-ins")
        .assert()
        .code(1);

    let fake = faltering();
    let run = |out: &str, cache: &str, more: &str| {
        let line = format!("run {} --programs llm --stand-ins {more}", data.display());
        let mut command = sdvp(&line, &fake.url, &folder.path().join(cache));
        command.arg("--out").arg(folder.path().join(out));
        command
    };
    let read = |out: &str, file: &str| {
        std::fs::read_to_string(folder.path().join(out).join(file)).unwrap()
    };
    let first = printed(&mut run("a", "cache", ""));
    let language = &first["language"];
    assert_eq!(language["requests"], 1 + 2 + 3 + 3);
    assert_eq!(language["repairs"], 1 + 2 + 2);
    assert_eq!(
        (&language["repaired"], &language["still_failed"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        (&language["unasked"], &language["programs"]),
        (&json!(0), &json!(4))
    );
    assert_eq!(first["score"]["failure_rate"], 0.25);
    assert_eq!(first["score"]["accuracy"], 0.75);
    assert_eq!(first["open"], 0);
    assert_eq!(first["failures"][0]["count"], 1);
    let reason = first["failures"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("TypeError"), "{reason}");
    let (results, programs) = (read("a", "results.jsonl"), read("a", "programs.jsonl"));
    assert!(
        results.lines().nth(2).unwrap().contains("TypeError"),
        "{results}"
    );
    let third: Value = serde_json::from_str(programs.lines().nth(3).unwrap()).unwrap();
    assert_eq!(third["program"], says("'yes'"));
    assert_eq!(third["samples"][0]["repairs"], 2);

    // The same run once more; the same elsewhere; and with one request after the other.
    let again = printed(&mut run("a", "cache", "--llm-offline"));
    assert_eq!(
        (&again["score"], &again["language"]["requests"]),
        (&first["score"], &json!(0))
    );
    assert_eq!(again["language"]["repaired"], 2);
    assert_eq!(again["language"]["still_failed"], 1);
    let elsewhere = printed(&mut run("b", "cache", "--llm-offline"));
    assert_eq!(elsewhere["language"]["requests"], 0);
    assert_eq!(elsewhere["language"]["kept"], 9);
    assert_eq!(fake.asked().len(), 9);
    printed(&mut run("c", "another cache", "--llm-concurrency 1"));
    for out in ["a", "b", "c"] {
        assert_eq!(read(out, "results.jsonl"), results);
        assert_eq!(read(out, "programs.jsonl"), programs);
    }
    assert_eq!(fake.asked().len(), 18);

    // What is refused costs nothing.
    run("a", "third cache", "--llm-seed 3")
        .assert()
        .code(1)
        .stderr(contains("settings.language.seed is 0 there and 3 here"));
    assert_eq!(fake.asked().len(), 18);
    run("a", "cache", "").assert().success().stdout(contains(
        "2 were answered by a repaired one, 1 still failed",
    ));

    // The budget ends when programs are to be sent back; the same run goes on with another.
    let budget = "--llm-concurrency 1 --llm-budget-requests";
    let poor = printed(&mut run("d", "fourth cache", &format!("{budget} 5")));
    assert_eq!(
        (&poor["language"]["unasked"], &poor["open"]),
        (&json!(3), &json!(3))
    );
    // What may still come to something else is not scored.
    assert_eq!(
        (&poor["score"]["n"], &poor["score"]["failure_rate"]),
        (&json!(1), &json!(0.0))
    );
    assert_eq!(
        (&poor["failures"], &poor["official"]),
        (&json!([]), &Value::Null)
    );
    let rich = format!("{budget} 4");
    run("d", "fourth cache", &rich)
        .assert()
        .success()
        .stderr(contains("1 questions are finished already"))
        .stdout(contains("not settled").not());
    assert_eq!(fake.asked().len(), 27);
    assert_eq!(read("d", "results.jsonl"), results);
    let lines = |text: &str| -> Vec<Value> {
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["program"].clone()).collect()
    };
    assert_eq!(lines(&read("d", "programs.jsonl")), lines(&programs));
}

#[test]
fn answers_vote_and_failures_do_not() {
    // By question, what three samples say.
    let fake = FakeEndpoint::new(Duration::from_millis(1), |body| {
        let sample = body["seed"].as_u64().unwrap() as usize;
        let said = match question_of(body).0 {
            question if question.contains('0') => ["'yes'", "'no'", "'y' + 'es'"],
            question if question.contains('1') => ["'no'", "'Yes'", "1 > 0"],
            question if question.contains('2') => ["'a' + 1", "'no'", "'yes'"],
            _ => ["'a' + 1", "'a' + 1", "1 / 0"],
        };
        says(said[sample])
    });
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("gqa"), folder.path().join("out"));
    gqa(&data);
    let cache = folder.path().join("cache");
    let run = |more: &str| {
        let line = format!(
            "run {} --programs llm --stand-ins --llm-repairs 0 {more}",
            data.display()
        );
        sdvp(&line, &fake.url, &cache)
    };
    run("--llm-vote answers")
        .assert()
        .code(1)
        .stderr(contains("--llm-samples"));
    let voted = |more: &str| {
        let mut command = run(&format!("--llm-samples 3 --llm-vote answers {more}"));
        command.arg("--out").arg(&out);
        command
    };
    let first = printed(&mut voted(""));
    assert_eq!(first["language"]["requests"], 12);
    assert_eq!(first["runtime"]["executions"], 12);
    assert_eq!(first["score"]["n"], 4);
    assert_eq!(first["score"]["accuracy"], 0.5);
    assert_eq!(first["score"]["failure_rate"], 0.25);
    let votes = &first["language"]["votes"];
    assert_eq!(
        (&votes["on"], &votes["of"], &votes["questions"]),
        (&json!("answers"), &json!(3), &json!(3))
    );
    let agreed = votes["agreed"].as_f64().unwrap();
    assert!((agreed - 5.0 / 3.0).abs() < 1e-9, "{agreed}");
    let read = |file: &str| std::fs::read_to_string(out.join(file)).unwrap();
    let (results, programs) = (read("results.jsonl"), read("programs.jsonl"));
    let answers = results.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["answer"].clone()
    });
    assert_eq!(
        answers.collect::<Vec<_>>(),
        [json!("yes"), json!("Yes"), json!("no"), Value::Null]
    );
    let second: Value = serde_json::from_str(programs.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["program"], says("'Yes'"));
    assert_eq!(
        (&second["vote"], &second["votes"]),
        (&json!("answers"), &json!(2))
    );
    // One program of each question is recorded, and how they agreed is known again.
    let shown = Command::cargo_bin("sdvp")
        .unwrap()
        .args(["runs", "show", "--json"])
        .arg(&out)
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["questions"], 4);
    voted("--llm-offline").assert().success().stdout(contains(
        "answers voted: on average 1.7 of 3 agreed (3 questions)",
    ));
    assert_eq!(
        (read("results.jsonl"), read("programs.jsonl")),
        (results, programs)
    );
    assert_eq!(fake.asked().len(), 12);
    // Where programs vote, one of each question is run.
    let by_programs = printed(&mut run("--llm-samples 3"));
    assert_eq!(by_programs["runtime"]["executions"], 4);
    assert_eq!(by_programs["language"]["votes"]["on"], "programs");
    assert_eq!(fake.asked().len(), 12);

    // Others who run the file have the same answers.
    let mut shared = Command::cargo_bin("sdvp").unwrap();
    shared.arg("run").arg(&data).arg("--stand-ins");
    shared.arg("--programs").arg(out.join("programs.jsonl"));
    assert_eq!(printed(&mut shared)["score"], first["score"]);

    let mut write = sdvp(
        "program write --llm-samples 3 --llm-vote answers",
        &fake.url,
        &cache,
    );
    write
        .args(["--question", "Why?"])
        .assert()
        .code(1)
        .stderr(contains("leave --llm-vote out"));
    let image = folder.path().join("a.png");
    picture(&image);
    let line = format!(
        "ask --image {} --llm-samples 3 --llm-vote answers",
        image.display()
    );
    let mut ask = sdvp(&line, &fake.url, &cache);
    let said = printed(ask.args(["--question", "Is it 1?"]));
    assert_eq!(
        (&said["answer"], &said["program"]),
        (&json!("Yes"), &json!(says("'Yes'")))
    );
    assert_eq!(said["language"]["votes"], 2);
}

/// Waits, and kills what has not ended; whether it had.
fn ended_within(child: &mut std::process::Child, time: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < time {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "it was not killed, and failed: {status}");
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap().success()
}

#[test]
fn writing_that_is_killed_goes_on_with_the_answers_that_are_kept() {
    const QUESTIONS: usize = 60;
    const AT_ONCE: usize = 2;
    let fake = FakeEndpoint::new(Duration::from_millis(10), |body| plain(&last(body)));
    let folder = tempfile::tempdir().unwrap();
    let begin = |name: &str| {
        std::process::Command::new(assert_cmd::cargo::cargo_bin("sdvp"))
            .args(["program", "write", "picto-gqa", "--limit"])
            .arg(QUESTIONS.to_string())
            .args(["--llm-url", &fake.url, "--llm-model", "m"])
            .args(["--llm-key-env", "SDVP_TEST_KEY", "--llm-concurrency"])
            .arg(AT_ONCE.to_string())
            .arg("--llm-cache")
            .arg(folder.path().join(format!("cache of {name}")))
            .arg("--out")
            .arg(folder.path().join(format!("{name}.jsonl")))
            .env("SDVP_TEST_KEY", KEY)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let read = |name: &str| std::fs::read_to_string(folder.path().join(format!("{name}.jsonl")));
    let started = Instant::now();
    assert!(ended_within(&mut begin("whole"), Duration::from_secs(60)));
    let took = started.elapsed();
    let whole = read("whole").unwrap();
    assert_eq!(whole.lines().count(), QUESTIONS);
    // Two questions in the same words may be one request.
    let asked = fake.asked();
    let distinct: BTreeSet<&str> = asked.iter().map(|asked| asked.question.as_str()).collect();
    let requests = asked.len();
    assert!((distinct.len()..=QUESTIONS).contains(&requests));

    let mut kills = 0;
    loop {
        let random = sdvp_core::Digest::of(&[kills as u8]).low_u64() % 1000;
        // Never long enough for all of it, until it was killed often.
        let part = match kills {
            0..12 => random as f64 / 1500.0,
            _ => 60.0,
        };
        if ended_within(&mut begin("broken"), took.mul_f64(part)) {
            break;
        }
        kills += 1;
        let half_written = read("broken").is_ok_and(|text| text != whole);
        assert!(!half_written, "a file of programs is whole or not there");
    }
    assert_eq!(read("broken").unwrap(), whole);
    let asked = fake.asked().len() - requests;
    // What was on its way when it was killed is asked for again, and nothing else.
    assert!(
        (distinct.len()..=QUESTIONS + kills * AT_ONCE).contains(&asked),
        "{asked} requests for {QUESTIONS} questions and {kills} kills"
    );
    assert!(kills > 0);
}

#[test]
fn programs_are_written_for_questions_whose_answer_is_kept_back() {
    let fake = fake();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("submission.json");
    let record =
        |n: usize| json!({"question": format!("Is it {n}?"), "imageId": "7", "isBalanced": true});
    std::fs::write(&data, json!({"0": record(0), "1": record(1)}).to_string()).unwrap();
    let cache = folder.path().join("cache");
    let line = format!("program write {}", data.display());
    let written = printed(&mut sdvp(&line, &fake.url, &cache));
    assert_eq!(written["programs"].as_array().unwrap().len(), 2);
    assert_eq!(written["programs"][1]["program"], plain("Is it 1?"));
    // To be run, they would have to be scored.
    let line = format!("run {} --programs llm --stand-ins", data.display());
    sdvp(&line, &fake.url, &cache)
        .assert()
        .code(1)
        .stderr(contains("kept back"));
}

#[test]
fn a_budget_ends_asking_and_keeps_what_there_is() {
    let fake = fake();
    let folder = tempfile::tempdir().unwrap();
    gqa(&folder.path().join("gqa"));
    let (out, cache) = (folder.path().join("p.jsonl"), folder.path().join("cache"));
    let line = format!(
        "program write {} --llm-budget-requests 3 --out {}",
        folder.path().join("gqa").display(),
        out.display()
    );
    sdvp(&line, &fake.url, &cache)
        .assert()
        .code(1)
        .stdout(contains("3 of 4 programs were written"))
        .stderr(contains("4 requests (0 answers are kept)").and(contains("budget of 3 requests")));
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 3);
    sdvp(&line, &fake.url, &cache)
        .assert()
        .success()
        .stdout(contains("1 requests (0 failed), 3 kept answers"));
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 4);
    assert_eq!(fake.asked().len(), 4);
}

#[test]
fn a_question_alone_is_answered_and_a_program_that_fails_when_run_is_sent_back() {
    let fake = FakeEndpoint::new(Duration::from_millis(1), |body| {
        let good = plain("What is it?");
        if last(body).contains("TypeError") {
            good
        } else {
            good.replace(
                "FINAL_RESULT=RESULT(var=ANSWER0)",
                "ANSWER1=EVAL(expr=\"'{ANSWER0}' + 1\")\nFINAL_RESULT=RESULT(var=ANSWER1)",
            )
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("a.png");
    picture(&image);
    let cache = folder.path().join("cache");
    let ask = |more: &str| {
        let line = format!("ask --image {} {more}", image.display());
        let mut command = sdvp(&line, &fake.url, &cache);
        command.args(["--question", "What is it?"]);
        command
    };
    let said = printed(&mut ask(""));
    assert_eq!(said["program"], plain("What is it?"));
    assert_eq!(said["language"]["repairs"], 1);
    assert_eq!(fake.asked().len(), 2);
    ask("")
        .assert()
        .success()
        .stdout(contains("FINAL_RESULT=RESULT(var=ANSWER0)"));
    // Without repairs the failure is shown.
    ask("--llm-repairs 0")
        .assert()
        .code(1)
        .stdout(contains("EVAL"))
        .stderr(contains("TypeError"));
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn one_question_gets_a_program_in_either_language() {
    let fake = FakeEndpoint::new(Duration::from_millis(1), |_| {
        "```python\ndef execute_command(left, right):\n    return ImagePatch(left).exists('dog')\n```"
            .to_owned()
    });
    let folder = tempfile::tempdir().unwrap();
    let mut command = sdvp(
        "program write --pictures 2 --framework viper --llm-samples 3",
        &fake.url,
        folder.path(),
    );
    let written = printed(command.args(["--question", "Is there a dog on the left?"]));
    let program = &written["programs"][0];
    assert!(
        program["program"]
            .as_str()
            .unwrap()
            .starts_with("def execute_command(left, right):")
    );
    assert_eq!(program["votes"], 3);
    assert_eq!(fake.asked().len(), 3);
    assert!(last(&fake.asked()[0].body).contains("LEFT, RIGHT"));
}

#[test]
fn what_cannot_be_is_said() {
    let fake = fake();
    let folder = tempfile::tempdir().unwrap();
    let write = || {
        let mut command = sdvp("program write --question Why?", &fake.url, folder.path());
        command.arg("--json");
        command
    };
    for (status, expected) in [
        (401, "the key in SDVP_TEST_KEY was sent"),
        (404, "no model \"m\""),
    ] {
        fake.fault("Question: Why?", &[Fault::Status(status, None)]);
        write()
            .assert()
            .code(1)
            .stderr(contains(expected).and(contains(KEY).not()));
    }
    write()
        .arg("--llm-offline")
        .assert()
        .code(1)
        .stderr(contains("no answer to this conversation is kept"));
    sdvp("run picto-gqa", &fake.url, folder.path())
        .assert()
        .code(1)
        .stderr(contains("--programs llm"));
    let functional = "run picto-gqa --programs functional";
    sdvp(functional, &fake.url, folder.path())
        .assert()
        .code(1)
        .stderr(contains("--programs llm"));
    let mut nobody = Command::cargo_bin("sdvp").unwrap();
    nobody
        .args(["program", "write", "--question", "Why?"])
        .assert()
        .code(1)
        .stderr(contains("--llm-url").and(contains("--llm-gguf")));
    assert_eq!(fake.asked().len(), 2);
}
