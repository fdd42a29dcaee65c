//! Reading a large file of GQA's questions, beside Python's `json.load`.

use super::process::resident_peak;
use anyhow::{Context, Result, bail};
use clap::Args;
use sdvp_data::gqa::each_question;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Most memory wanted, megabytes of 1,000,000 bytes.
const TARGET_MB: f64 = 300.0;

/// What Python does with the file.
const PYTHON: &str = "\
import json, resource, sys, time
start = time.perf_counter()
with open(sys.argv[1], encoding='utf-8') as file:
    questions = len(json.load(file))
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({'questions': questions, 'seconds': seconds, 'peak_kib': peak}))
";

#[derive(Args)]
pub(crate) struct ReadingArguments {
    /// Size of the file, megabytes of 1,000,000 bytes.
    #[arg(long, default_value_t = 1200)]
    megabytes: u64,
    /// Python, to compare with.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Read this file only and say how it went: the bench runs itself so, to measure memory.
    #[arg(long, hide = true)]
    read: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What reading took.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reading {
    questions: usize,
    seconds: f64,
    /// Most memory the process held at once, KiB.
    peak_kib: u64,
}

/// Runs the bench and prints its result.
pub(crate) fn reading(arguments: &ReadingArguments) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if let Some(file) = &arguments.read {
        writeln!(out, "{}", serde_json::to_string(&read(file)?)?)?;
        return Ok(());
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join("train_all_questions.json");
    let (questions, bytes) = synthesize(&file, arguments.megabytes * 1_000_000)?;
    let ours = std::env::current_exe()?;
    let ours = run(Command::new(ours)
        .args(["bench", "reading", "--read"])
        .arg(&file))?;
    let python = run(Command::new(&arguments.python)
        .args(["-c", PYTHON])
        .arg(&file))
    .with_context(|| format!("{} could not be measured", arguments.python.display()))?;
    for reading in [&ours, &python] {
        if reading.questions != questions {
            bail!(
                "expected {questions} questions, {} were read",
                reading.questions
            );
        }
    }
    let megabytes = bytes as f64 / 1e6;
    let speed = |reading: &Reading| megabytes / reading.seconds;
    let peak = |reading: &Reading| reading.peak_kib as f64 * 1024.0 / 1e6;
    if arguments.json {
        let side = |reading: &Reading| json!({"seconds": reading.seconds, "mb_per_s": speed(reading), "peak_mb": peak(reading)});
        let report = json!({
            "bench": "reading", "megabytes": megabytes, "questions": questions,
            "sdvp": side(&ours), "python": side(&python), "target_peak_mb": TARGET_MB,
        });
        writeln!(out, "{report}")?;
    } else {
        writeln!(out, "{questions} questions in {megabytes:.0} MB")?;
        for (name, reading) in [
            ("sdvp, record by record", &ours),
            ("Python's json.load", &python),
        ] {
            writeln!(
                out,
                "{name:<24}{:7.1} MB/s, {:7.1} s, at most {:7.0} MB of memory",
                speed(reading),
                reading.seconds,
                peak(reading)
            )?;
        }
        writeln!(out, "target: at most {TARGET_MB:.0} MB of memory")?;
    }
    if peak(&ours) > TARGET_MB {
        bail!("{:.0} MB of memory were taken", peak(&ours));
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<Reading> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn read(file: &Path) -> Result<Reading> {
    let start = Instant::now();
    let (mut questions, mut wrong) = (0, None);
    each_question(file, |question| match question {
        Ok(_) => {
            questions += 1;
            ControlFlow::Continue(())
        }
        Err(error) => {
            wrong = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = wrong {
        return Err(error.into());
    }
    Ok(Reading {
        questions,
        seconds: start.elapsed().as_secs_f64(),
        peak_kib: resident_peak("self").context("peak memory is read from Linux's /proc")? / 1024,
    })
}

/// Writes questions in GQA's form, of about the published size, until the file is large enough; how
/// many, and how many bytes.
fn synthesize(file: &Path, bytes: u64) -> Result<(usize, u64)> {
    const THINGS: [&str; 7] = [
        "dog",
        "table",
        "man",
        "street sign",
        "pizza",
        "umbrella",
        "car",
    ];
    const WORDS: [&str; 5] = ["red", "wooden", "small", "striped", "shiny"];
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(file)?);
    let (mut questions, mut written) = (0usize, 1u64);
    out.write_all(b"{")?;
    while written < bytes {
        let of = |list: &[&'static str], step: usize| list[(questions / step + step) % list.len()];
        let (first, second, word) = (of(&THINGS, 1), of(&THINGS, 3), of(&WORDS, 2));
        let (a, b) = (
            1_000_000 + questions % 90_000,
            2_000_000 + questions % 70_000,
        );
        let id = 1_000_000 + questions;
        let question = json!({
            "semantic": [
                {"operation": "select", "dependencies": [], "argument": format!("{first} ({a})")},
                {"operation": "filter color", "dependencies": [0], "argument": word},
                {"operation": "relate", "dependencies": [1], "argument": format!("{second},to the left of,s ({b})")},
                {"operation": "query", "dependencies": [2], "argument": "name"},
            ],
            "entailed": [(id + 1).to_string(), (id + 2).to_string()],
            "equivalent": [id.to_string()],
            "question": format!("What is to the left of the {word} {first} that is near the {second}?"),
            "imageId": (2_300_000 + questions % 80_000).to_string(),
            "isBalanced": questions % 12 == 0,
            "groups": {"global": "thing", "local": format!("14-{first}_to the left of,s")},
            "answer": second,
            "semanticStr": format!("select: {first} ({a})->filter color: {word} [0]->relate: {second},to the left of,s ({b}) [1]->query: name [2]"),
            "annotations": {
                "answer": {"0": b.to_string()},
                "question": {"8:10": a.to_string()},
                "fullAnswer": {"1": b.to_string(), "7": a.to_string()},
            },
            "types": {"detailed": "relS", "semantic": "rel", "structural": "query"},
            "fullAnswer": format!("The {second} is to the left of the {first}."),
        });
        let text = format!(
            "{}\"{id:08}\": {question}",
            if questions == 0 { "" } else { ", " }
        );
        out.write_all(text.as_bytes())?;
        written += text.len() as u64;
        questions += 1;
    }
    out.write_all(b"}")?;
    out.into_inner()?.sync_all()?;
    Ok((questions, written + 1))
}
