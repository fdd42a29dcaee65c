//! Forward pass, backward pass and update, ours and PyTorch's in turn.

use super::cpu_time::{Usage, ticks};
use super::median;
use super::reference::Reference;
use super::vit::{BATCH, CLASSES, SIDE, Vit};
use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};
use clap::Args;
use sdvp_models::optimizer::{AdamW, AdamWConfig, Schedule};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Smallest wanted speed relative to PyTorch.
const TARGET: f64 = 0.8;
/// With more of the machine than this in other hands, wall times say little: two threads that wait
/// for one another lose far more than the part of the processor that is missing.
const QUIET: f64 = 0.05;

#[derive(Args)]
pub(crate) struct TrainingStepArguments {
    /// A Python that has PyTorch.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Threads of either side.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Rounds of either side, in turn.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Steps a round.
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Our training step, ready to run.
pub(crate) struct Step {
    vit: Vit,
    optimizer: AdamW,
    pixels: Tensor,
    labels: Tensor,
    pub(crate) parameters: usize,
}

impl Step {
    pub(crate) fn new() -> Result<Self> {
        let device = Device::Cpu;
        let (vit, params) = Vit::new(0, &device)?;
        let schedule = Schedule {
            warmup_steps: 10,
            total_steps: 1000,
            min_ratio: 0.1,
        };
        let config = AdamWConfig {
            learning_rate: 3e-4,
            weight_decay: 0.05,
            ..AdamWConfig::default()
        };
        let labels: Vec<u32> = (0..BATCH as u32).map(|i| i % CLASSES as u32).collect();
        Ok(Self {
            optimizer: AdamW::new(&params, config, schedule)?,
            pixels: Tensor::randn(0f32, 1f32, (BATCH, 3, SIDE, SIDE), &device)?,
            labels: Tensor::from_vec(labels, BATCH, &device)?,
            parameters: params.count(),
            vit,
        })
    }

    /// Times of the forward pass, the backward pass and the update.
    pub(crate) fn run(&mut self) -> Result<[Duration; 3]> {
        let start = Instant::now();
        let loss = self.vit.loss(&self.pixels, &self.labels)?;
        let forward = start.elapsed();
        let gradients = loss.backward()?;
        let backward = start.elapsed();
        self.optimizer.backward_step(&gradients)?;
        drop(gradients);
        drop(loss);
        Ok([forward, backward - forward, start.elapsed() - backward])
    }
}

fn milliseconds(times: [Duration; 3]) -> f64 {
    times.iter().sum::<Duration>().as_secs_f64() * 1e3
}

/// Wall times in milliseconds and processor time in ticks of one side.
#[derive(Default)]
struct Side {
    wall: Vec<f64>,
    ticks: u64,
}

/// Runs the bench and prints its result.
pub(crate) fn training_step(arguments: &TrainingStepArguments) -> Result<()> {
    let threads = arguments.threads;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let mut step = Step::new()?;
    let mut reference =
        Reference::start(&arguments.python, "bench_training_step.py", threads, &[])?;
    let introduction = &reference.introduction;
    ensure!(
        introduction.parameters == step.parameters && introduction.threads == threads,
        "the two sides differ: {} parameters here, {} there; {threads} threads here, {} there",
        step.parameters,
        introduction.parameters,
        introduction.threads,
    );
    let torch = introduction.torch.clone();
    for _ in 0..3 {
        step.run()?;
    }
    reference.steps(3)?;

    let processes = [std::process::id(), reference.id()];
    let spent = |process: u32| ticks(process).unwrap_or(0);
    let start = Usage::now(&processes);
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    for _ in 0..arguments.rounds {
        // Worker threads of the other side spin for a while before they sleep.
        std::thread::sleep(Duration::from_millis(300));
        let before = spent(processes[0]);
        for _ in 0..arguments.steps {
            ours.wall.push(milliseconds(step.run()?));
        }
        ours.ticks += spent(processes[0]) - before;
        let before = spent(processes[1]);
        theirs.wall.extend(reference.steps(arguments.steps)?);
        theirs.ticks += spent(processes[1]) - before;
    }
    let others = Usage::others_until_now(start, &processes);
    let quiet = others.is_some_and(|others| others <= QUIET);
    let cpu_ratio = theirs.ticks as f64 / ours.ticks.max(1) as f64;
    let (ours, theirs) = (median(&ours.wall), median(&theirs.wall));
    let ratio = theirs / ours;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "bench": "training-step", "parameters": step.parameters, "batch": BATCH, "threads": threads,
            "sdvp_ms": ours, "pytorch_ms": theirs, "pytorch": torch, "ratio": ratio, "target": TARGET,
            "cpu_time_ratio": cpu_ratio, "others_share": others, "quiet": quiet,
        });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    writeln!(
        out,
        "ViT of {} parameters, {BATCH} images of {SIDE}x{SIDE}, {threads} threads",
        step.parameters
    )?;
    writeln!(out, "sdvp           {ours:8.1} ms a step (median)")?;
    writeln!(
        out,
        "PyTorch        {theirs:8.1} ms a step (median), version {torch}"
    )?;
    writeln!(
        out,
        "speed relative to PyTorch: {ratio:.2} (target: {TARGET} or more)"
    )?;
    writeln!(
        out,
        "processor time, PyTorch's over ours: {cpu_ratio:.2} (waiting in a loop counts)"
    )?;
    match others {
        Some(others) if quiet => writeln!(
            out,
            "other processes used {:.0} % of the machine",
            others * 100.0
        )?,
        Some(others) => writeln!(
            out,
            "DO NOT TRUST THE RATIO: other processes used {:.0} % of the machine meanwhile; run this on an idle one",
            others * 100.0
        )?,
        None => writeln!(
            out,
            "how busy the machine was otherwise is unknown here; run this on an idle one"
        )?,
    }
    Ok(())
}
