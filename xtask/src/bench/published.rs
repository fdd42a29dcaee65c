//! Checkpoints of published size, an OWL-ViT-B/32 and a BLIP-VQA-base of random weights, here and in
//! transformers: loading, memory, a question a photograph, and ten.

use super::cpu_time::{Usage, tell_others};
use super::median;
use super::memory::resident_peak;
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use sdvp_core::{DecodeLimits, Image, Module, Outcome, SubTask, SubTaskKind};
use sdvp_modules::published_module;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Calls that go through the networks together, on either side.
const BATCH: usize = 8;
/// Questions about one photograph, of the second round.
const EACH: usize = 10;
/// What is asked of which photograph, for either side.
const CALLS: &str = "calls.json";
/// Time between two looks at a process; the system keeps its peak.
const PAUSE: Duration = Duration::from_millis(2);
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
    let there = |what: &str| -> Result<Side> {
        let mut command = script(&arguments.python, what, folder);
        command.args([
            "--threads",
            &arguments.threads.to_string(),
            "--batch",
            &BATCH.to_string(),
        ]);
        side(&mut command, arguments.threads)
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
    let whole = [
        whole_run(folder, &calls[0], arguments.threads)?,
        watched(
            &mut {
                let mut command = script(&arguments.python, "first", folder);
                command.args([
                    "--threads",
                    &arguments.threads.to_string(),
                    "--batch",
                    &BATCH.to_string(),
                ]);
                command
            },
            arguments.threads,
        )?
        .1,
    ];
    report(
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
    whole: [Whole; 2],
    others: Option<f64>,
}

/// What a process took.
struct Whole {
    seconds: f64,
    peak_mib: f64,
}

/// Runs one side to its end; its last line is what it has to say.
fn side(command: &mut Command, threads: usize) -> Result<Side> {
    let (said, _) = watched(command, threads)?;
    serde_json::from_slice(&said).context("expected a JSON object of times")
}

/// Runs a process to its end, and watches it.
fn watched(command: &mut Command, threads: usize) -> Result<(Vec<u8>, Whole)> {
    let threads = threads.to_string();
    command.env("OMP_NUM_THREADS", &threads);
    command.env("RAYON_NUM_THREADS", &threads);
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().context("a process without an output")?;
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        std::io::Read::read_to_end(&mut stdout, &mut said).map(|_| said)
    });
    let mut peak = 0;
    let status = loop {
        // It may end while it is looked at.
        peak = peak.max(resident_peak(&child).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(PAUSE);
    };
    let seconds = start.elapsed().as_secs_f64();
    let said = reader
        .join()
        .ok()
        .context("an output could not be read")??;
    ensure!(
        status.success(),
        "{:?} failed: {status}",
        command.get_program()
    );
    let peak_mib = peak as f64 / f64::from(1 << 20);
    Ok((said, Whole { seconds, peak_mib }))
}

/// `sdvp run` over a table of photographs, with a program each.
fn whole_run(folder: &Path, calls: &[Call], threads: usize) -> Result<Whole> {
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
    let (said, whole) = watched(&mut command, threads)?;
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

fn report(arguments: &PublishedArguments, found: &Found) -> Result<()> {
    let Found {
        calls,
        ours,
        theirs,
        ..
    } = found;
    let first_load_s = found
        .loads
        .each_ref()
        .map(|times| times.first().copied().unwrap_or(0.0));
    let load_s = found
        .loads
        .each_ref()
        .map(|times| median(times.get(1..).unwrap_or_default()));
    let images_per_s = found
        .whole
        .each_ref()
        .map(|it| calls[0].len() as f64 / it.seconds);
    let whole_mib = found.whole.each_ref().map(|it| it.peak_mib);
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
            "transformers": theirs.transformers, "rounds": rows, "others_share": found.others,
            "load_s": load_s, "loads_s": found.loads, "images_per_s": images_per_s,
            "run_peak_mib": whole_mib, "peak_mib": [ours.peak_mib, theirs.peak_mib],
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
        "loading        {:8.2} s   {:8.2} s   (middle of {}; target: less), and a first time {:.2} and {:.2} s",
        load_s[0], load_s[1], arguments.loads, first_load_s[0], first_load_s[1]
    )?;
    writeln!(
        out,
        "memory at most {:8.0} MiB {:8.0} MiB (target: less)",
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
        "sdvp run and a Python script, {} photographs, from start to end: {:.3} and {:.3} photographs a \
         second, ratio {:.2}; memory at most {:.0} and {:.0} MiB",
        calls[0].len(),
        images_per_s[0],
        images_per_s[1],
        images_per_s[0] / images_per_s[1],
        whole_mib[0],
        whole_mib[1],
    )?;
    writeln!(
        out,
        "the same answer to {same} of {all} questions; scores and boxes differ by at most {farthest:.5}"
    )?;
    tell_others(&mut out, found.others)
}
