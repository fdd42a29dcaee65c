//! A writer that is killed at any moment, over and over: every question is there as a whole or not at
//! all, none is lost, none is there twice. And two writers of one run.
//!
//! The processes that are killed are this program again, told by the environment what to do.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sdvp_core::{AnswerOutcome, Digest, Image, Outcome, SubTaskKind};
use sdvp_store::{
    Configuration, ExportFormat, Exported, ModuleIdentity, QuestionRecord, RunReader, RunWriter,
    Source, SubTaskRecord, export,
};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where a child writes, how many questions, and whether it says so and stays.
const FOLDER: &str = "SDVP_STORE_TEST_FOLDER";
const QUESTIONS: &str = "SDVP_STORE_TEST_QUESTIONS";
const STAY: &str = "SDVP_STORE_TEST_STAY";

const KILLS: usize = 60;
/// More than can be written before the last kill.
const MANY: u32 = 400_000;

fn main() {
    if let Ok(folder) = std::env::var(FOLDER) {
        let questions = std::env::var(QUESTIONS).unwrap().parse().unwrap();
        return write(Path::new(&folder), questions, std::env::var(STAY).is_ok());
    }
    killed_at_any_moment();
    println!("killed at any moment: ok");
    a_second_writer_is_told_of_the_first();
    println!("a second writer is told of the first: ok");
    files_that_may_not_grow_keep_what_was_finished();
    println!("files that may not grow keep what was finished: ok");
}

fn configuration() -> Configuration {
    Configuration {
        versions: BTreeMap::new(),
        weights: BTreeMap::new(),
        data: Digest::of(b"questions"),
        pictures: None,
        seed: 0,
        settings: BTreeMap::new(),
    }
}

/// A question with zero to five sub-tasks, which depends on its number only.
fn question(number: u32) -> QuestionRecord {
    let pixels = image::RgbImage::from_pixel(8, 8, image::Rgb([(number % 50) as u8, 1, 2]));
    let picture = Image::new(pixels).unwrap();
    let sub_tasks = (0..number % 6).map(|place| SubTaskRecord {
        line: place + 1,
        kind: SubTaskKind::TAUGHT[place as usize % 3],
        image: picture.digest(),
        region: picture.region(),
        text: format!("what is {} of {number}", place % 2),
        outcome: Some(Outcome::Answer(AnswerOutcome::certain(format!(
            "answer {}",
            number % 97
        )))),
        module: Some(ModuleIdentity {
            name: "module".to_owned(),
            fingerprint: Digest::of(b"weights"),
        }),
        source: Source::ALL[number as usize % 4],
        micros: number,
    });
    QuestionRecord {
        number,
        id: format!("q{number}"),
        text: format!("What is {number}?"),
        kind: format!("kind {}", number % 5),
        gold: "yes".to_owned(),
        program: Some(format!("a program of {number}\n").repeat(3)),
        answer: if number.is_multiple_of(9) {
            Err("failed".to_owned())
        } else {
            Ok("yes".to_owned())
        },
        score: f64::from(u8::from(!number.is_multiple_of(9))),
        sub_tasks: sub_tasks.collect(),
        images: vec![picture],
    }
}

/// What a child does: goes on with the run.
fn write(folder: &Path, questions: u32, stay: bool) {
    let mut writer = RunWriter::open_or_create(folder, &configuration()).unwrap();
    let finished = writer.finished().unwrap();
    println!("opened");
    let missing = (0..questions).filter(|number| !finished.contains_key(number));
    for number in missing {
        writer.record(&[question(number)]).unwrap();
    }
    if stay {
        println!("written");
        // Until it is killed.
        std::thread::sleep(Duration::from_secs(600));
    }
    writer.close().unwrap();
}

/// A child, and what it says.
fn child(folder: &Path, questions: u32, stay: bool) -> (Child, impl FnMut() -> String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env(FOLDER, folder)
        .env(QUESTIONS, questions.to_string());
    if stay {
        command.env(STAY, "yes");
    }
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let listen = move || {
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        line
    };
    (child, listen)
}

fn exported(folder: &Path) -> [String; 2] {
    let reader = RunReader::open(folder).unwrap();
    [Exported::Questions, Exported::SubTasks].map(|what| {
        let out = folder.join("out.jsonl");
        export(&reader, what, ExportFormat::JsonLines, &out).unwrap();
        std::fs::read_to_string(out).unwrap()
    })
}

fn killed_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let (broken, whole) = (folder.path().join("broken"), folder.path().join("whole"));
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (mut before, mut grew) = (0, 0);
    for kill in 0..KILLS {
        // Some moments are while it opens and checks, more are while it writes.
        let (mut child, mut listen) = child(&broken, MANY, false);
        if kill >= KILLS / 4 {
            assert_eq!(listen(), "opened\n");
        }
        std::thread::sleep(Duration::from_micros(random.random_range(0..30_000)));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(
            !status.success(),
            "it was to be killed, and ended ({status}) after {before} questions"
        );
        // Killed before anything was there, or in the middle of making it: no run yet.
        if let Ok(reader) = RunReader::open(&broken)
            && let Ok(summary) = reader.summary(0)
        {
            assert!(
                summary.questions >= before,
                "{before} became {}",
                summary.questions
            );
            grew += usize::from(summary.questions > before);
            before = summary.questions;
            assert!(!summary.ended);
            let asked: u64 = summary.sub_tasks.iter().map(|kind| kind.asked).sum();
            let expected: u64 = (0..before).map(|number| number % 6).sum();
            assert_eq!(asked, expected, "of the first {before} questions");
        }
    }
    assert!(
        grew > KILLS / 2,
        "only {grew} of {KILLS} children wrote something before they were killed"
    );

    // One that is let alone ends it; another one never was disturbed.
    let questions = u32::try_from(before).unwrap() + 500;
    for folder in [&broken, &whole] {
        let (mut child, _listen) = child(folder, questions, false);
        assert!(child.wait().unwrap().success());
    }
    assert!(exported(&broken) == exported(&whole), "the runs differ");
    let [broken, whole] = [&broken, &whole].map(|folder| {
        let summary = RunReader::open(folder).unwrap().summary(20).unwrap();
        assert!(summary.ended);
        let compared = (
            summary.kinds,
            summary.sub_tasks,
            summary.modules,
            summary.slowest,
        );
        (
            summary.questions,
            summary.score,
            summary.failed,
            summary.images,
            compared,
        )
    });
    assert_eq!(broken, whole);
    println!("{KILLS} kills, {questions} questions");
}

fn a_second_writer_is_told_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut listen) = child(folder.path(), 5, true);
    assert_eq!([listen(), listen()], ["opened\n", "written\n"]);
    let refused = RunWriter::open_or_create(folder.path(), &configuration())
        .err()
        .unwrap();
    assert!(
        refused
            .to_string()
            .contains(&format!("process {}", first.id())),
        "{refused}"
    );
    // One may read meanwhile.
    assert_eq!(
        RunReader::open(folder.path())
            .unwrap()
            .summary(0)
            .unwrap()
            .questions,
        5
    );
    first.kill().unwrap();
    first.wait().unwrap();
    let second = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    assert!(!second.was_ended_cleanly());
    assert_eq!(second.finished().unwrap().len(), 5);
}

/// As on a disk that fills up: files may not grow beyond so many blocks of 512 bytes.
fn files_that_may_not_grow_keep_what_was_finished() {
    let program = std::env::current_exe().unwrap();
    for (blocks, least) in [(8, 0), (200, 0), (2000, 5), (6000, 20)] {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\"");
        let stopped = Command::new("sh")
            .args(["-c", &script])
            .arg(&program)
            .env(FOLDER, folder.path())
            .env(QUESTIONS, "100000")
            .output()
            .unwrap();
        let said = String::from_utf8(stopped.stderr).unwrap();
        assert!(
            !stopped.status.success() && said.contains("Full {"),
            "{blocks} blocks: {said}"
        );
        let run = RunReader::open(folder.path()).and_then(|reader| reader.summary(0));
        let kept = run.map_or(0, |summary| summary.questions);
        assert!(kept >= least, "{kept} questions in {blocks} blocks");
        assert!(
            said.contains(&format!("kept: Some({kept}) ")),
            "{kept} are there: {said}"
        );
        let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
        let next = u32::try_from(writer.finished().unwrap().len()).unwrap();
        assert_eq!(u64::from(next), kept);
        writer.record(&[question(next)]).unwrap();
    }
}
