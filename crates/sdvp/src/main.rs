//! Visual programs, run and improved: the command line.

use clap::Parser;
use sdvp_core::LimitSetting;
use sdvp_models::{Compute, Products};
use std::process::ExitCode;

mod answers;
mod commands;
mod exam;
mod modules;
mod outcome_cache;
mod output;
mod progress;
mod published;
mod questions;
mod recording;
mod settle;
mod trial;
mod written;

/// Small tensors are made and dropped all the time; the allocator decides how fast training is.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs programs that language models write about images, and teaches their weak visual steps.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    /// Write the result as JSON to standard output.
    #[arg(long, global = true)]
    json: bool,
    /// Where networks compute: cpu, cuda, cuda:NUMBER, metal or metal:NUMBER; what is no processor must
    /// have been built in (`--features cuda`, `--features metal`).
    #[arg(long, global = true, default_value_t, env = "SDVP_DEVICE")]
    device: Compute,
    /// How precisely linear layers and attention multiply on a graphics card: f32, or bf16 (mixed precision:
    /// weights, sums of layers, losses and updates stay in single precision).
    #[arg(long, global = true, default_value_t, env = "SDVP_PRODUCTS")]
    products: Products,
    /// Change a limit on what comes in, such as image-side=20000 or record-bytes=64MiB; `sdvp limits` lists
    /// them. May be given for several.
    // Limits are set while this is read.
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = commands::allow)]
    #[allow(dead_code)]
    allow: Vec<LimitSetting>,
    #[command(subcommand)]
    command: commands::Command,
}

/// candle's own pool for large sums spins while it waits and lets one caller in at a time: beside
/// batches that are computed in parallel it more than doubles the time of a training step. It reads
/// its size from this variable only.
#[cfg(unix)]
const CANDLE_THREADS: &str = "CANDLE_NUM_THREADS";

/// What the libraries read from the environment before anything else runs, unless it says otherwise.
/// The allocator is to keep freed memory for ten seconds (it counts milliseconds): one training step
/// needs what the last one freed, and asking the system for it anew takes 7 % of a step.
#[cfg(unix)]
pub(crate) const ENVIRONMENT: [(&str, &str); 2] =
    [(CANDLE_THREADS, "1"), ("MIMALLOC_PURGE_DELAY", "10000")];

/// Starts this program anew with that environment.
#[cfg(unix)]
fn with_environment() {
    use std::os::unix::process::CommandExt;
    let is_missing = |(name, _): &(&str, _)| std::env::var_os(name).is_none();
    let missing: Vec<_> = ENVIRONMENT.into_iter().filter(is_missing).collect();
    if missing.is_empty() {
        return;
    }
    let mut arguments = std::env::args_os();
    let (Some(name), Ok(program)) = (arguments.next(), std::env::current_exe()) else {
        return;
    };
    // Comes back only if it fails; then all goes on, slower.
    let _ = std::process::Command::new(program)
        .arg0(name)
        .args(arguments)
        .envs(missing)
        .exec();
}

fn main() -> ExitCode {
    #[cfg(unix)]
    with_environment();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_level(false)
        .without_time()
        .init();
    let cli = Cli::parse();
    modules::compute_on(cli.device, cli.products);
    match commands::run(cli.command, cli.json) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!("sdvp: {error:#}");
            ExitCode::FAILURE
        }
    }
}
