//! A distillation step of an OWL-ViT-B/32 with low-rank additions in its last layers, here and with
//! PyTorch and peft.

use super::cpu_time::{Usage, tell_others};
use super::median;
use super::process::{mib, resident_peak};
use super::reference::Reference;
use anyhow::{Context, Result, ensure};
use clap::Args;
use sdvp_core::{BBox, Image};
use sdvp_distill::{
    DistillSettings, LocateExample, Observer, Phase, StepSettings, Training, train_locate,
};
use sdvp_models::architectures::OwlVitConfig;
use sdvp_models::{LoraConfig, Tokenizer};
use sdvp_modules::{EarlySettings, LocateModel, TrainMethod};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

/// Smallest wanted speed relative to PyTorch, with kept states.
const TARGET: f64 = 1.0;
const BATCH: usize = 8;

#[derive(Args)]
pub(crate) struct LoraStepArguments {
    /// A Python that has torch, transformers and peft.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Threads of either side.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Layers of the image tower that learn, from the last one on.
    #[arg(long, default_value_t = 2)]
    layers: usize,
    /// Rank of the additions.
    #[arg(long, default_value_t = 8)]
    rank: usize,
    /// Steps of either side.
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Hears when steps end.
#[derive(Default)]
struct Clock {
    ends: Mutex<Vec<Instant>>,
    demand: Mutex<String>,
}

impl Observer for Clock {
    fn begin(&self, _: &Phase) {}
    fn advance(&self, _: usize) {
        if let Ok(mut ends) = self.ends.lock() {
            ends.push(Instant::now());
        }
    }
    fn loss(&self, _: usize, _: f32) {}
    fn note(&self, text: &str) {
        if let Ok(mut demand) = self.demand.lock() {
            text.clone_into(&mut demand);
        }
    }
}

const TEXTS: [&str; 4] = ["a dog", "a cat", "a red car", "a chair"];

/// Pictures of which a teacher has said where two things are.
fn examples() -> Result<Vec<LocateExample>> {
    let example = |shade: u8| -> Result<LocateExample> {
        let pixel = |x: u32, y: u32| image::Rgb([shade, (x * 7 + y) as u8, (y * 5) as u8]);
        let picture = Image::new(image::RgbImage::from_fn(640, 480, pixel))?;
        let thing = |at: f32, name: &str| {
            let bbox = BBox::new(at, 0.2, at + 0.3, 0.7);
            (bbox, vec![name.to_owned()])
        };
        Ok(LocateExample {
            view: picture.view(),
            objects: vec![thing(0.1, TEXTS[0]), thing(0.5, TEXTS[1])],
            asked: TEXTS.map(str::to_owned).to_vec(),
            unsure: Vec::new(),
        })
    };
    (0..BATCH as u8).map(|at| example(at * 20)).collect()
}

/// Milliseconds of every step, and what training said it would take.
fn ours(
    student: &LocateModel,
    arguments: &LoraStepArguments,
    bytes: u64,
) -> Result<(Vec<f64>, String, usize)> {
    let last = student.config.vision_config.encoder.num_hidden_layers;
    let adapted = |layer: usize| format!("*vision_model.encoder.layers.{layer}.*");
    let lora = LoraConfig {
        rank: arguments.rank,
        alpha: 2.0 * arguments.rank as f32,
        dropout: 0.0,
        patterns: (last.saturating_sub(arguments.layers)..last)
            .map(adapted)
            .collect(),
    };
    let mut model = student.duplicate(Some((lora.clone(), 1)))?;
    let settings = StepSettings {
        // The first one goes through the early layers, or finds memory.
        steps: arguments.steps + 1,
        passes: None,
        batch: BATCH,
        rehearsed: 0,
        anchor: 0.0,
        early: EarlySettings {
            bytes,
            ..EarlySettings::default()
        },
        method: TrainMethod::Lora(lora),
        ..DistillSettings::default().locate
    };
    let clock = Clock::default();
    let start = Instant::now();
    let training = Training {
        settings: &settings,
        seed: 0,
        observer: &clock,
        kept: None,
    };
    train_locate(&mut model, &examples()?, &[], &training)?;
    let ends = clock.ends.into_inner().unwrap_or_default();
    let starts = std::iter::once(&start).chain(&ends);
    let times = starts
        .zip(&ends)
        .map(|(start, end)| (*end - *start).as_secs_f64() * 1e3);
    let learning = model.params.trainable();
    let learning = learning.iter().map(|(_, value)| value.elem_count()).sum();
    Ok((
        times.collect(),
        clock.demand.into_inner().unwrap_or_default(),
        learning,
    ))
}

/// Runs the bench and prints its result.
pub(crate) fn lora_step(arguments: &LoraStepArguments) -> Result<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads)
        .build_global()?;
    let config: OwlVitConfig = serde_json::from_str(OwlVitConfig::USUAL)?;
    let words = TEXTS.iter().flat_map(|text| text.split(' '));
    let student = LocateModel::fresh(config, Tokenizer::from_words(words)?, 0)?;
    let start = Usage::now(&[std::process::id()]);
    let (kept, demand, learning) = ours(&student, arguments, EarlySettings::default().bytes)?;
    let peak = mib(resident_peak("self").unwrap_or(0));
    let (anew, ..) = ours(&student, arguments, 0)?;
    let others = Usage::others_until_now(start, &[std::process::id()]);
    let options = [arguments.layers, arguments.rank].map(|it| it.to_string());
    let options = ["--layers", &options[0], "--rank", &options[1]];
    let mut reference = Reference::start(
        &arguments.python,
        "bench_lora_step.py",
        arguments.threads,
        &options,
    )?;
    let introduction = &reference.introduction;
    ensure!(
        introduction.parameters == learning,
        "the two sides differ: {learning} parameters learn here, {} there",
        introduction.parameters
    );
    let torch = introduction.torch.clone();
    reference.steps(1)?;
    let theirs = median(&reference.steps(arguments.steps)?);
    let first = *kept.first().context("no step was made")?;
    let [kept, anew] = [&kept, &anew].map(|times| median(times.get(1..).unwrap_or_default()));
    let ratios = [first, kept, anew].map(|ours| theirs / ours);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "bench": "lora-step", "layers": arguments.layers, "rank": arguments.rank, "batch": BATCH,
            "threads": arguments.threads, "first_ms": first, "kept_ms": kept, "anew_ms": anew,
            "pytorch_ms": theirs, "pytorch": torch, "ratios": ratios, "target": TARGET,
            "peak_mib": peak, "stated": demand, "others_share": others,
        });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    writeln!(
        out,
        "OWL-ViT-B/32, {BATCH} pictures a step, rank {} in the last {} of 12 layers, {} threads",
        arguments.rank, arguments.layers, arguments.threads
    )?;
    writeln!(out, "stated: {demand}; memory at most: {peak:.0} MiB")?;
    writeln!(
        out,
        "PyTorch {torch} with peft              {theirs:8.0} ms a step (median)"
    )?;
    for (what, ours, ratio) in [
        ("sdvp, a picture's first step        ", first, ratios[0]),
        ("sdvp, later steps, early states kept", kept, ratios[1]),
        ("sdvp, nothing kept                  ", anew, ratios[2]),
    ] {
        writeln!(
            out,
            "{what} {ours:8.0} ms, speed relative to PyTorch {ratio:.2}"
        )?;
    }
    writeln!(out, "target: {TARGET} or more with early states kept")?;
    tell_others(&mut out, others)
}
