//! Memory that a run with stand-ins takes over many questions, and over few: what grows with a benchmark.

use super::process::{Taken, watched};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Greatest ratio wanted.
const TARGET: f64 = 1.2;
/// Pictures that the questions are about, of the size of the built-in world's.
const PICTURES: usize = 64;
#[derive(Args)]
pub(crate) struct MemoryArguments {
    /// Questions of the small run.
    #[arg(long, default_value_t = 10_000)]
    few: usize,
    /// Questions of the large one.
    #[arg(long, default_value_t = 100_000)]
    many: usize,
    /// The binary that is measured; the one beside this program if not given.
    #[arg(long)]
    sdvp: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the bench and prints its result.
pub(crate) fn memory(arguments: &MemoryArguments) -> Result<()> {
    let sdvp = match &arguments.sdvp {
        Some(sdvp) => sdvp.clone(),
        None => std::env::current_exe()?.with_file_name("sdvp"),
    };
    if !sdvp.is_file() {
        bail!(
            "{} is missing; cargo build --release makes it",
            sdvp.display()
        );
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for (count, taken) in [(arguments.few, &mut few), (arguments.many, &mut many)] {
        let root = folder.path().join(count.to_string());
        write(&root, count)?;
        let out = root.join("run");
        // A run that is thrown away, one that is kept, and the same when all is finished.
        taken.push(run(&sdvp, &root, count, None)?);
        taken.push(run(&sdvp, &root, count, Some(&out))?);
        taken.push(run(&sdvp, &root, count, Some(&out))?);
    }
    let names = ["without --out", "with --out", "gone on with"];
    let mut out = std::io::stdout().lock();
    let mut rows: Vec<Value> = Vec::new();
    for ((name, few), many) in names.iter().zip(&few).zip(&many) {
        let ratio = many.peak as f64 / few.peak as f64;
        let megabytes = |taken: &Taken| taken.peak as f64 / 1e6;
        rows.push(json!({
            "run": name, "ratio": ratio, "target_ratio": TARGET,
            "few": arguments.few, "few_megabytes": megabytes(few), "few_seconds": few.seconds,
            "many": arguments.many, "many_megabytes": megabytes(many), "many_seconds": many.seconds,
        }));
        if !arguments.json {
            writeln!(
                out,
                "{name}: {} questions {:.1} MB ({:.1} s), {} questions {:.1} MB ({:.1} s): {ratio:.2} times \
                 (target: at most {TARGET})",
                arguments.few,
                megabytes(few),
                few.seconds,
                arguments.many,
                megabytes(many),
                many.seconds,
            )?;
        }
    }
    if arguments.json {
        writeln!(out, "{}", json!({"bench": "memory", "runs": rows}))?;
    }
    Ok(())
}

/// A table of questions about few pictures, each with a program and words of its own.
fn write(root: &Path, count: usize) -> Result<()> {
    std::fs::create_dir(root)?;
    for number in 0..PICTURES {
        let picture = RgbImage::from_fn(128, 128, |x, y| {
            Rgb([number as u8, (2 * x) as u8, (2 * y) as u8])
        });
        picture.save(root.join(format!("{number}.png")))?;
    }
    let file = |name: &str| std::fs::File::create(root.join(name)).map(BufWriter::new);
    let (mut rows, mut programs) = (file("table.jsonl")?, file("programs.jsonl")?);
    for number in 0..count {
        let thing = ["dog", "hat", "car", "tree", "red ball"][number % 5];
        let question = format!("Is the {thing} to the left of thing {number}?");
        let answer = ["yes", "no"][number % 2];
        let row = json!({
            "id": format!("question-{number}"), "image": format!("{}.png", number % PICTURES),
            "question": question, "answer": answer, "type": thing,
        });
        writeln!(rows, "{row}")?;
        let program = format!(
            "BOX0=LOC(image=IMAGE,object='{thing}')\n\
             IMAGE0=CROP(image=IMAGE,box=BOX0)\n\
             ANSWER0=VQA(image=IMAGE0,question='{question}')\n\
             ANSWER1=EVAL(expr=\"'yes' if {{ANSWER0}} == 'yes' else 'no'\")\n\
             FINAL_ANSWER=RESULT(var=ANSWER1)"
        );
        let line = json!({"id": format!("question-{number}"), "program": program});
        writeln!(programs, "{line}")?;
    }
    rows.flush()?;
    Ok(programs.flush()?)
}

/// Runs the table and watches it.
fn run(sdvp: &Path, root: &Path, count: usize, out: Option<&Path>) -> Result<Taken> {
    let mut command = Command::new(sdvp);
    command.arg("run").arg(root.join("table.jsonl"));
    command.arg("--programs").arg(root.join("programs.jsonl"));
    command.args(["--stand-ins", "--json"]);
    if let Some(out) = out {
        command.arg("--out").arg(out);
    }
    command.stderr(Stdio::null());
    let (said, taken) =
        watched(&mut command).with_context(|| format!("the run over {count} questions"))?;
    let said: Value = serde_json::from_slice(&said)?;
    if said["score"]["n"] != json!(count) || said["score"]["failure_rate"] != json!(0.0) {
        bail!(
            "expected {count} questions and no failure, found {}",
            said["score"]
        );
    }
    ensure!(
        taken.peak > 0,
        "the system does not say what memory a process takes; expected /proc/ID/status"
    );
    Ok(taken)
}
