//! Checkpoints of published size, an OWL-ViT-B/32 and a BLIP-VQA-base of random weights, here and in
//! transformers: loading, memory, a question a photograph, and ten.

mod report;

use super::cpu_time::Usage;
use super::process::{Taken, mib, resident_peak, watched};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use sdvp_core::{DecodeLimits, Image, Module, Outcome, SubTask, SubTaskKind};
use sdvp_modules::published_module;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// Calls that go through the networks together, on either side.
const BATCH: usize = 8;
/// Questions about one photograph, of the second round.
const EACH: usize = 10;
/// What is asked of which photograph, for either side.
const CALLS: &str = "calls.json";
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
    /// Times that either side loads, after a first one; the middle one is told beside the first.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    loads: u8,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// What the bench starts itself anew for.
    #[arg(long, hide = true)]
    ours: Option<What>,
}

/// What one side has to say.
#[derive(Deserialize, Serialize)]
struct Side {
    load_s: f64,
    peak_mib: f64,
    rounds: Vec<Round>,
    #[serde(default)]
    torch: String,
    #[serde(default)]
    transformers: String,
}

#[derive(Deserialize, Serialize)]
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
    if let Some(what) = arguments.ours {
        let folder = arguments
            .folder
            .as_deref()
            .context("--ours needs --folder")?;
        return tell(&ours(folder, what, arguments.threads)?);
    }
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
    std::fs::write(folder.join(CALLS), serde_json::to_string(&calls)?)?;

    // Whoever comes first would wait for the disk, and the other not.
    for name in ["owlvit", "blip"] {
        let mut weights = std::fs::File::open(folder.join(name).join("model.safetensors"))?;
        std::io::copy(&mut weights, &mut std::io::sink())?;
    }
    let here = |what: What| -> Result<Side> {
        let mut command = Command::new(std::env::current_exe()?);
        let what = what.to_possible_value().map(|it| it.get_name().to_owned());
        command.args(["bench", "published", "--ours", &what.unwrap_or_default()]);
        command.args(["--threads", &arguments.threads.to_string(), "--folder"]);
        side(command.arg(folder), arguments.threads)
    };
    let asked = |what: &str| {
        let mut command = script(&arguments.python, what, folder);
        let [threads, batch] = [arguments.threads, BATCH].map(|it| it.to_string());
        command.args(["--threads", &threads, "--batch", &batch]);
        command
    };
    let there = |what: &str| -> Result<Side> {
        side(&mut asked(what), arguments.threads)
            .with_context(|| format!("{} has no working transformers", arguments.python.display()))
    };
    // In processes of their own. Where a machine that is itself a guest has to ask for memory, the first
    // of some pays for all, so it is told by itself.
    let times = 0..=arguments.loads;
    let loads = [
        times
            .clone()
            .map(|_| Ok(here(What::Load)?.load_s))
            .collect::<Result<_>>()?,
        times
            .map(|_| Ok(there("load")?.load_s))
            .collect::<Result<_>>()?,
    ];
    let start = Usage::now(&[std::process::id()]);
    let ours = here(What::Run)?;
    let others = Usage::others_until_now(start, &[std::process::id()]);
    let theirs = there("run")?;
    let (_, script) = watched(limited(&mut asked("first"), arguments.threads))?;
    let whole = [whole_run(folder, &calls[0], arguments.threads)?, script];
    report::report(
        arguments,
        &Found {
            calls,
            loads,
            ours,
            theirs,
            whole,
            others,
        },
    )
}

/// What is measured of our side in a process of its own.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Loading.
    Load,
    /// That, and all calls.
    Run,
}

/// Everything that is reported.
struct Found {
    calls: [Vec<Call>; 2],
    /// Seconds, here and there, the first one first.
    loads: [Vec<f64>; 2],
    ours: Side,
    theirs: Side,
    /// A question a photograph, from the start of a process to its end.
    whole: [Taken; 2],
    others: Option<f64>,
}

/// A process of so many threads.
fn limited(command: &mut Command, threads: usize) -> &mut Command {
    let threads = threads.to_string();
    command
        .env("OMP_NUM_THREADS", &threads)
        .env("RAYON_NUM_THREADS", &threads)
}

/// Runs one side to its end; its last line is what it has to say.
fn side(command: &mut Command, threads: usize) -> Result<Side> {
    let (said, _) = watched(limited(command, threads))?;
    serde_json::from_slice(&said).context("expected a JSON object of times")
}

/// `sdvp run` over a table of photographs, with a program each.
fn whole_run(folder: &Path, calls: &[Call], threads: usize) -> Result<Taken> {
    let sdvp = std::env::current_exe()?.with_file_name("sdvp");
    ensure!(
        sdvp.is_file(),
        "{} is missing; cargo build --release makes it",
        sdvp.display()
    );
    let (mut rows, mut programs) = (String::new(), String::new());
    for (at, (file, name, question)) in calls.iter().enumerate() {
        let (id, image) = (at.to_string(), format!("photographs/{file}"));
        let row = json!({"id": id, "image": image, "question": question, "answer": "yes"});
        rows += &format!("{row}\n");
        let program = format!(
            "BOX0=LOC(image=IMAGE,object='{name}')\n\
             ANSWER0=VQA(image=IMAGE,question='{question}')\n\
             FINAL_ANSWER=RESULT(var=ANSWER0)"
        );
        programs += &format!("{}\n", json!({"id": id, "program": program}));
    }
    let [table, written] = ["table.jsonl", "programs.jsonl"].map(|file| folder.join(file));
    std::fs::write(&table, rows)?;
    std::fs::write(&written, programs)?;
    let mut command = Command::new(sdvp);
    command.arg("run").arg(table).arg("--programs").arg(written);
    command.arg("--locate").arg(folder.join("owlvit"));
    command
        .arg("--answer")
        .arg(folder.join("blip"))
        .arg("--json");
    let (said, whole) = watched(limited(&mut command, threads))?;
    let said: Value = serde_json::from_slice(&said)?;
    ensure!(
        said["score"]["n"] == json!(calls.len()) && said["score"]["failure_rate"] == json!(0.0),
        "expected {} questions and no failure, found {}",
        calls.len(),
        said["score"]
    );
    Ok(whole)
}

fn script(python: &Path, what: &str, folder: &Path) -> Command {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tools/bench_published.py");
    let mut command = Command::new(python);
    command.arg(script).arg(what).arg(folder);
    command
}

fn tell(side: &Side) -> Result<()> {
    writeln!(std::io::stdout(), "{}", serde_json::to_string(side)?)?;
    Ok(())
}

fn ours(folder: &Path, what: What, threads: usize) -> Result<Side> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let start = Instant::now();
    let locate = published_module(SubTaskKind::Locate, &folder.join("owlvit"))?;
    let answer = published_module(SubTaskKind::Answer, &folder.join("blip"))?;
    let load_s = start.elapsed().as_secs_f64();
    let calls: Vec<Vec<Call>> = match what {
        What::Load => Vec::new(),
        What::Run => serde_json::from_slice(&std::fs::read(folder.join(CALLS))?)?,
    };
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
        peak_mib: mib(resident_peak("self").unwrap_or(0)),
        rounds,
        torch: String::new(),
        transformers: String::new(),
    })
}
