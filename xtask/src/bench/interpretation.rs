//! What it costs to read and run a ViperGPT program besides its modules, against CPython.

use super::median;
use anyhow::{Context, Result, bail};
use clap::Args;
use sdvp_core::{AnswerOutcome, BBox, Detection, Image, Outcome, SubTask, SubTaskKind};
use sdvp_program::viper::{ViperProgram, ViperSettings};
use sdvp_program::{Program, Step};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Greatest wanted median, microseconds a program.
const TARGET: f64 = 200.0;

#[derive(Args)]
pub(crate) struct InterpretationArguments {
    /// Programs: one JSON object with a `code` a line.
    programs: PathBuf,
    /// Python's command.
    #[arg(long, default_value = "python3")]
    python: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Modules that cost nothing: a box in the middle, always yes.
fn answer(task: &SubTask) -> Outcome {
    let (w, h) = (task.view.width() as f32, task.view.height() as f32);
    match task.kind {
        SubTaskKind::Locate => Outcome::Boxes(vec![Detection {
            bbox: BBox::new(w / 4.0, h / 4.0, w * 0.75, h * 0.75),
            score: 0.9,
        }]),
        SubTaskKind::Match => Outcome::Score(0.6),
        SubTaskKind::Depth => Outcome::Depth(1.0),
        SubTaskKind::Prompt => Outcome::Text("yes".to_owned()),
        _ => Outcome::Answer(AnswerOutcome::certain("yes")),
    }
}

/// Microseconds to read the program, and to run it; the run may fail, as some programs do.
fn time(code: &str, image: &Image, settings: &ViperSettings) -> Option<(f64, f64)> {
    let micros = |since: Instant| since.elapsed().as_secs_f64() * 1e6;
    let began = Instant::now();
    let program = ViperProgram::parse(code, settings).ok()?;
    let read = micros(began);
    let began = Instant::now();
    let mut execution = program.start(&vec![("IMAGE".to_owned(), image.clone())]);
    let mut step = execution.start();
    while let Ok(Step::Needs(task)) = step {
        step = execution.resume(Ok(answer(&task)));
    }
    Some((read, micros(began)))
}

/// Runs the bench and prints its result.
pub(crate) fn interpretation(arguments: &InterpretationArguments) -> Result<()> {
    let path = &arguments.programs;
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the programs {}", path.display()))?;
    let codes = text
        .lines()
        .map(|line| -> Result<String> {
            let record: Value = serde_json::from_str(line)?;
            let code = record["code"].as_str().context("a line has no `code`")?;
            Ok(code.to_owned())
        })
        .collect::<Result<Vec<_>>>()?;
    let image = Image::new(image::RgbImage::new(400, 300))?;
    let settings = ViperSettings::default();
    let mut timed: Vec<(f64, f64)> = Vec::new();
    // The first round warms the caches.
    for _ in 0..2 {
        timed = codes
            .iter()
            .filter_map(|code| time(code, &image, &settings))
            .collect();
    }
    if timed.is_empty() {
        bail!("{} holds no program that can be read", path.display());
    }
    let middle =
        |of: &dyn Fn(&(f64, f64)) -> f64| median(&timed.iter().map(of).collect::<Vec<_>>());
    let (read, run, both) = (middle(&|t| t.0), middle(&|t| t.1), middle(&|t| t.0 + t.1));
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/viper_oracle.py");
    let python = Command::new(&arguments.python)
        .arg(&tool)
        .arg("--time")
        .arg(path)
        .output()
        .with_context(|| format!("cannot start {}", arguments.python))?;
    let python: f64 = String::from_utf8_lossy(&python.stdout)
        .trim()
        .parse()
        .with_context(|| String::from_utf8_lossy(&python.stderr).into_owned())?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "bench": "interpretation", "programs": timed.len(), "read_us": read, "run_us": run,
            "both_us": both, "python_us": python, "target_us": TARGET,
        });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{} programs, medians, modules not counted",
        timed.len()
    )?;
    writeln!(out, "read and compile {read:8.1} µs")?;
    writeln!(out, "run              {run:8.1} µs")?;
    writeln!(
        out,
        "both             {both:8.1} µs (target: {TARGET} or less)"
    )?;
    writeln!(out, "CPython          {python:8.1} µs, compiling included")?;
    Ok(())
}
