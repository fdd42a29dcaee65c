//! Runs that are killed at random moments, over and over, and end as if nothing had happened.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod table;

use sdvp_core::Digest;
use sdvp_store::{QuestionRow, RunReader, Source, SubTaskRow};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use table::{Table, integrity};

/// More than run at once, so that some have ended when others begin.
const QUESTIONS: usize = 1300;

/// Numbers from 0 to 1 that look random and are always the same.
struct Random(u64);

impl Random {
    fn draw(&mut self) -> f64 {
        self.0 += 1;
        let bits = Digest::of(&self.0.to_le_bytes()).low_u64() >> 11;
        bits as f64 / (1u64 << 53) as f64
    }
}

/// Everything that a run leaves, but for times and for who was asked first.
#[derive(Debug, PartialEq)]
struct Left {
    files: BTreeSet<String>,
    results: String,
    summary: Value,
    questions: Vec<QuestionRow>,
    sub_tasks: Vec<SubTaskRow>,
    pictures: [u64; 2],
}

impl Left {
    fn by(out: &Path) -> Self {
        assert_eq!(integrity(out), "ok");
        // Before it is read: that makes files of SQLite's own.
        let mut files = BTreeSet::new();
        list(out, "", &mut files);
        let reader = RunReader::open(out).unwrap();
        let (mut questions, mut sub_tasks) = (Vec::new(), Vec::new());
        let read = reader.each_question(|row| {
            questions.push(QuestionRow { micros: 0, ..row });
            Ok(())
        });
        read.unwrap();
        let read = reader.each_sub_task(|row| {
            sub_tasks.push(SubTaskRow {
                micros: 0,
                source: Source::Unknown,
                ..row
            });
            Ok(())
        });
        read.unwrap();
        let shown = reader.summary(0).unwrap();
        assert!(shown.ended);
        let asked: u64 = shown.sub_tasks.iter().map(|kind| kind.asked).sum();
        assert_eq!(asked, sub_tasks.len() as u64, "what was counted is there");
        drop(reader);
        let results = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
        assert_eq!(results.lines().count(), questions.len());
        let summary = std::fs::read(out.join("summary.json")).unwrap();
        let mut summary: Value = serde_json::from_slice(&summary).unwrap();
        summary.as_object_mut().unwrap().remove("runtime");
        Self {
            files,
            results,
            summary,
            questions,
            sub_tasks,
            pictures: shown.images,
        }
    }

    /// Says where two differ, and not all that they are.
    fn assert_same(&self, other: &Self, what: &str) {
        assert_eq!(self.files, other.files, "{what}");
        assert_eq!(self.summary, other.summary, "{what}");
        assert_eq!(self.pictures, other.pictures, "{what}");
        assert_eq!(self.questions.len(), other.questions.len(), "{what}");
        for (one, two) in self.questions.iter().zip(&other.questions) {
            assert_eq!(one, two, "{what}");
        }
        assert_eq!(self.sub_tasks.len(), other.sub_tasks.len(), "{what}");
        for (one, two) in self.sub_tasks.iter().zip(&other.sub_tasks) {
            assert_eq!(one, two, "{what}");
        }
        assert!(
            self.results == other.results,
            "{what}: results.jsonl differs"
        );
    }
}

/// The files of a folder and of those in it.
fn list(folder: &Path, within: &str, files: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{within}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            list(&entry.path(), &name, files);
        } else {
            files.insert(name);
        }
    }
}

fn begin(table: &Table, threads: &str, how: &str, out: &Path) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin("sdvp"))
        .args(table.run(how, out))
        .env("RAYON_NUM_THREADS", threads)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Whether it ended by itself, and well, within this time; else it is killed.
fn ended_within(mut child: Child, time: Duration) -> bool {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "it was not killed, and failed: {status}");
            return true;
        }
        if started.elapsed() >= time {
            child.kill().unwrap();
            // It may have ended just now.
            return child.wait().unwrap().success();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Numbers of the questions that are finished; none of a run that has not begun to be one.
fn finished(out: &Path) -> Vec<u32> {
    let mut numbers = Vec::new();
    if let Ok(reader) = RunReader::open(out) {
        let read = reader.each_question(|row| {
            numbers.push(row.number);
            Ok(())
        });
        read.unwrap();
    }
    numbers
}

#[test]
fn a_run_that_is_killed_at_random_moments_ends_as_one_that_was_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(folder.path(), QUESTIONS);
    let mut random = Random(7);
    let (mut kills, mut midway, mut rounds) = (0, 0, 0);
    let mut first: Option<Left> = None;
    for (threads, how, wanted) in [
        ("1", "", 13),
        ("2", "--fallback", 14),
        ("4", "", 13),
        ("2", "--one-at-a-time", 13),
    ] {
        let name = format!("threads {threads} {how}");
        let whole = folder.path().join(format!("whole {name}"));
        let started = Instant::now();
        let minute = Duration::from_secs(60);
        assert!(ended_within(begin(&table, threads, how, &whole), minute));
        let took = started.elapsed();
        let whole = Left::by(&whole);
        assert_eq!(whole.questions.len(), QUESTIONS);
        // Neither threads nor how many run together change anything.
        if let Some(first) = first.as_ref().filter(|_| how != "--fallback") {
            first.assert_same(&whole, &name);
        }
        first.get_or_insert(whole);
        let mut killed = 0;
        while killed < wanted {
            rounds += 1;
            let out = folder.path().join(format!("broken {rounds}"));
            let (mut before, mut in_vain) = (Vec::new(), 0u32);
            loop {
                // Where another process keeps this one from getting anywhere, it gets more time.
                let patience = 1.0 + f64::from(in_vain) / 4.0;
                let moment = took.mul_f64(random.draw() * patience);
                if ended_within(begin(&table, threads, how, &out), moment) {
                    break;
                }
                killed += 1;
                let now = finished(&out);
                let expected: Vec<u32> = (0..).take(now.len()).collect();
                assert_eq!(
                    now, expected,
                    "{name}: questions are written in their order"
                );
                assert!(now.starts_with(&before), "{name}: questions were lost");
                in_vain = if now.len() > before.len() {
                    0
                } else {
                    in_vain + 1
                };
                midway += usize::from((1..QUESTIONS).contains(&now.len()));
                before = now;
                // As if it had been killed while it wrote these.
                for file in ["results.jsonl", "summary.json", "programs.jsonl"] {
                    let partial = out.join(format!(".{file}.partial-4194304"));
                    let _ = std::fs::write(partial, "{\"id\":");
                }
            }
            let broken = Left::by(&out);
            match how {
                "--fallback" => {
                    let whole = folder.path().join(format!("whole {name}"));
                    Left::by(&whole).assert_same(&broken, &name);
                }
                _ => first.as_ref().unwrap().assert_same(&broken, &name),
            }
            std::fs::remove_dir_all(out).unwrap();
        }
        kills += killed;
    }
    println!("{kills} kills in {rounds} runs, {midway} of them in the middle of the questions");
    assert!(kills >= 50, "{kills}");
    assert!(
        midway >= kills / 10,
        "only {midway} of {kills} in the middle"
    );
}

#[test]
fn another_picture_makes_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(folder.path(), 40);
    let out = folder.path().join("run");
    let again = || {
        let mut command = assert_cmd::Command::cargo_bin("sdvp").unwrap();
        command.args(table.run("", &out)).assert()
    };
    again().success();
    let before = Left::by(&out);
    again().success();

    // One byte after the picture's end changes no pixel, and what is in the file all the same.
    let picture = table.folder.join("picture-3.png");
    let bytes = std::fs::read(&picture).unwrap();
    std::fs::write(&picture, [&bytes[..], &[0]].concat()).unwrap();
    let refused = again().code(1);
    let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        said.contains("another configuration: pictures is ") && !said.contains("data is"),
        "{said}"
    );
    // So does one that is gone, or comes.
    std::fs::remove_file(&picture).unwrap();
    again().code(1);
    std::fs::write(&picture, bytes).unwrap();
    let missing = table.folder.join("missing.png");
    std::fs::copy(&picture, &missing).unwrap();
    again().code(1);
    std::fs::remove_file(missing).unwrap();
    // Wherever the pictures are.
    again().success();
    before.assert_same(&Left::by(&out), "nothing was changed");
}
