//! Checkpoints of published size, an OWL-ViT-B/32 and a BLIP-VQA-base of random weights, here and in
//! transformers: loading, memory, a question a photograph, and ten.

use super::cpu_time::{Usage, tell_others};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use sdvp_core::{DecodeLimits, Image, Module, Outcome, SubTask, SubTaskKind};
use sdvp_modules::published_module;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

/// Calls that go through the networks together, on either side.
const BATCH: usize = 8;
/// Questions about one photograph, of the second round.
const EACH: usize = 10;
/// Photographs of the second round.
const ASKED_OFTEN: usize = 4;

#[derive(Args)]
pub(crate) struct PublishedArguments {
    /// A Python that has torch, transformers, tokenizers and Pillow.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// A tar archive of photographs (.jpg); noise if not given.
    #[arg(long)]
    photographs: Option<PathBuf>,
    /// Photographs of which one question is asked.
    #[arg(long, default_value_t = 16)]
    images: usize,
    /// Threads of either side.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// The folder for the checkpoints (2 GB), kept and used again [default: a temporary one].
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What one side has to say.
#[derive(Deserialize)]
struct Side {
    load_s: f64,
    peak_mib: f64,
    rounds: Vec<Round>,
    #[serde(default)]
    torch: String,
    #[serde(default)]
    transformers: String,
}

#[derive(Deserialize)]
struct Round {
    seconds: f64,
    /// The score and place (in parts of the photograph's sides) of the surest box of each call.
    boxes: Vec<[f32; 5]>,
    answers: Vec<String>,
}

/// A photograph's file, a name to find, a question.
type Call = (String, String, String);

/// Names and questions of one length each, so that neither side has fillers to look at.
fn calls(images: usize) -> [Vec<Call>; 2] {
    let names = ["dog", "cat", "car", "person", "chair"];
    let call = |image: usize, at: usize| {
        let name = names[at % names.len()];
        let question = match at / names.len() % 2 {
            0 => format!("is there a {name} in this picture"),
            _ => format!("what color is the {name} left of"),
        };
        (format!("{image:03}.png"), name.to_owned(), question)
    };
    let once = (0..images).map(|image| call(image, image)).collect();
    let often = (images..images + ASKED_OFTEN)
        .flat_map(|image| (0..EACH).map(move |at| call(image, at)))
        .collect();
    [once, often]
}

/// Runs the bench and prints its result.
pub(crate) fn published(arguments: &PublishedArguments) -> Result<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads)
        .build_global()?;
    let temporary = tempfile::tempdir()?;
    let folder = match &arguments.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            folder.as_path()
        }
        None => temporary.path(),
    };
    let images = arguments.images + ASKED_OFTEN;
    if !folder.join("photographs").is_dir() {
        let mut make = script(&arguments.python, "make", folder);
        make.args(arguments.photographs.iter());
        make.args(["--images", &images.to_string()]);
        ensure!(make.status()?.success(), "cannot make the checkpoints");
    }
    let calls = calls(arguments.images);
    let batches: Vec<Vec<&[Call]>> = calls.iter().map(|it| it.chunks(BATCH).collect()).collect();
    std::fs::write(folder.join("calls.json"), json!(batches).to_string())?;

    // Whoever comes first would wait for the disk, and the other not.
    for name in ["owlvit", "blip"] {
        let mut weights = std::fs::File::open(folder.join(name).join("model.safetensors"))?;
        std::io::copy(&mut weights, &mut std::io::sink())?;
    }
    let start = Usage::now(&[std::process::id()]);
    let ours = ours(folder, &calls)?;
    let others = Usage::others_until_now(start, &[std::process::id()]);
    let output = script(&arguments.python, "run", folder)
        .args(["--threads", &arguments.threads.to_string()])
        .env("OMP_NUM_THREADS", arguments.threads.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    let theirs: Side = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{} has no working transformers", arguments.python.display()))?;
    report(arguments, &calls, &ours, &theirs, others)
}

fn script(python: &Path, what: &str, folder: &Path) -> Command {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tools/bench_published.py");
    let mut command = Command::new(python);
    command.arg(script).arg(what).arg(folder);
    command
}

fn ours(folder: &Path, calls: &[Vec<Call>]) -> Result<Side> {
    let start = Instant::now();
    let locate = published_module(SubTaskKind::Locate, &folder.join("owlvit"))?;
    let answer = published_module(SubTaskKind::Answer, &folder.join("blip"))?;
    let load_s = start.elapsed().as_secs_f64();
    let mut pictures = BTreeMap::new();
    for (file, ..) in calls.iter().flatten() {
        if !pictures.contains_key(file) {
            let path = folder.join("photographs").join(file);
            let picture = Image::open(&path, &DecodeLimits::default())?;
            pictures.insert(file.clone(), picture);
        }
    }
    let rounds = calls.iter().map(|calls| {
        let start = Instant::now();
        let (mut boxes, mut answers) = (Vec::new(), Vec::new());
        // As the runtime does it: all that waits goes to a module together.
        let view = |file: &String| pictures[file].view();
        let of = |module: &Arc<dyn Module>, tasks: Vec<SubTask>| -> Result<Vec<Outcome>> {
            Ok(module
                .run(&tasks)
                .into_iter()
                .collect::<std::result::Result<_, _>>()?)
        };
        let searches = calls
            .iter()
            .map(|(file, name, _)| SubTask::locate(view(file), name));
        for ((file, ..), outcome) in calls.iter().zip(of(&locate, searches.collect())?) {
            let Outcome::Boxes(found) = outcome else {
                bail!("expected boxes, found {outcome:?}")
            };
            let (width, height) = (
                pictures[file].width() as f32,
                pictures[file].height() as f32,
            );
            boxes.push(found.first().map_or([0.0; 5], |best| {
                let (bbox, (x, y)) = (best.bbox, best.bbox.center());
                [
                    best.score,
                    x / width,
                    y / height,
                    bbox.width() / width,
                    bbox.height() / height,
                ]
            }));
        }
        let questions = calls
            .iter()
            .map(|(file, _, text)| SubTask::answer(view(file), text));
        for outcome in of(&answer, questions.collect())? {
            let Outcome::Answer(said) = outcome else {
                bail!("expected an answer, found {outcome:?}")
            };
            answers.push(said.text);
        }
        Ok(Round {
            seconds: start.elapsed().as_secs_f64(),
            boxes,
            answers,
        })
    });
    let rounds = rounds.collect::<Result<Vec<Round>>>()?;
    Ok(Side {
        load_s,
        peak_mib: peak_mib(),
        rounds,
        torch: String::new(),
        transformers: String::new(),
    })
}

/// The most memory this process has had, MiB; 0 where the system does not say.
pub(super) fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0.0) / 1024.0
}

fn report(
    arguments: &PublishedArguments,
    calls: &[Vec<Call>],
    ours: &Side,
    theirs: &Side,
    others: Option<f64>,
) -> Result<()> {
    let mut rows: Vec<Value> = Vec::new();
    let (mut same, mut all, mut farthest) = (0, 0, 0f32);
    let targets = ["a question a photograph", "ten questions a photograph"]
        .into_iter()
        .zip([1.0, 5.0]);
    for ((name, target), (calls, (ours, theirs))) in
        targets.zip(calls.iter().zip(ours.rounds.iter().zip(&theirs.rounds)))
    {
        same += ours
            .answers
            .iter()
            .zip(&theirs.answers)
            .filter(|(a, b)| a == b)
            .count();
        all += calls.len();
        for (one, other) in ours.boxes.iter().zip(&theirs.boxes) {
            for (a, b) in one.iter().zip(other) {
                farthest = farthest.max((a - b).abs());
            }
        }
        let [here, there] = [ours.seconds, theirs.seconds].map(|it| calls.len() as f64 / it);
        rows.push(json!({
            "what": name, "calls": calls.len(), "sdvp_per_s": here, "transformers_per_s": there,
            "ratio": here / there, "target": target,
        }));
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "bench": "published", "threads": arguments.threads, "torch": theirs.torch,
            "transformers": theirs.transformers, "rounds": rows, "others_share": others,
            "load_s": [ours.load_s, theirs.load_s], "peak_mib": [ours.peak_mib, theirs.peak_mib],
            "same_answers": same, "answers": all, "farthest_box": farthest,
        });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    writeln!(
        out,
        "OWL-ViT-B/32 and BLIP-VQA-base of random weights, {} threads; sdvp, transformers {} (torch {})",
        arguments.threads, theirs.transformers, theirs.torch
    )?;
    writeln!(
        out,
        "loading        {:8.2} s   {:8.2} s",
        ours.load_s, theirs.load_s
    )?;
    writeln!(
        out,
        "memory at most {:8.0} MiB {:8.0} MiB",
        ours.peak_mib, theirs.peak_mib
    )?;
    for row in &rows {
        writeln!(
            out,
            "{}: {:.2} and {:.2} calls of either kind a second, ratio {:.2} (target: {} or more)",
            row["what"].as_str().unwrap_or_default(),
            row["sdvp_per_s"].as_f64().unwrap_or(0.0),
            row["transformers_per_s"].as_f64().unwrap_or(0.0),
            row["ratio"].as_f64().unwrap_or(0.0),
            row["target"],
        )?;
    }
    writeln!(
        out,
        "the same answer to {same} of {all} questions; scores and boxes differ by at most {farthest:.5}"
    )?;
    tell_others(&mut out, others)
}
