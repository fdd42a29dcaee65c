//! Work on the project itself: `cargo run --release -p xtask -- bench training-step`.

mod bench;
mod golden;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

// Training allocates and frees large tensors all the time; the system allocator is much slower.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Work on the project itself.
#[derive(Parser)]
#[command(name = "xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure speed against the reference.
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Make anew what transformers, peft and onnxruntime compute, which the tests of networks compare with.
    Golden(golden::GoldenArguments),
}

#[derive(Subcommand)]
enum Bench {
    /// Forward pass, backward pass and update of a small vision transformer, against PyTorch.
    TrainingStep(bench::TrainingStepArguments),
    /// The training step of `training-step` taken apart, without PyTorch.
    Layers,
    /// Programs run together, against one program and one call at a time.
    Programs(bench::ProgramsArguments),
    /// Reading and running ViperGPT programs, against CPython.
    Interpretation(bench::InterpretationArguments),
    /// A distillation step with low-rank additions, against PyTorch and peft.
    LoraStep(bench::LoraStepArguments),
    /// Memory that a run over many questions takes, against one over few.
    Memory(bench::MemoryArguments),
    /// Checkpoints of published size, against transformers.
    Published(bench::PublishedArguments),
    /// Reading a large file of GQA's questions, against Python's json.load.
    Reading(bench::ReadingArguments),
    /// A run over NLVR2's development split with stand-ins in the networks' place.
    Statements(bench::StatementsArguments),
    /// Writing, showing, comparing and exporting a run of a million sub-tasks.
    Store(bench::StoreArguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Golden(arguments) => golden::golden(&arguments),
        Command::Bench { what } => run(what),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell the user if standard error is gone.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(what: Bench) -> anyhow::Result<()> {
    match what {
        Bench::TrainingStep(arguments) => bench::training_step(&arguments),
        Bench::Layers => bench::layers(),
        Bench::Programs(arguments) => bench::programs(&arguments),
        Bench::Interpretation(arguments) => bench::interpretation(&arguments),
        Bench::LoraStep(arguments) => bench::lora_step(&arguments),
        Bench::Memory(arguments) => bench::memory(&arguments),
        Bench::Published(arguments) => bench::published(&arguments),
        Bench::Reading(arguments) => bench::reading(&arguments),
        Bench::Statements(arguments) => bench::statements(&arguments),
        Bench::Store(arguments) => bench::store(&arguments),
    }
}
