//! Visual programs, run and improved: the command line.

use clap::Parser;
use std::process::ExitCode;

mod commands;
mod exam;
mod modules;
mod output;
mod progress;
mod trial;

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
    #[command(subcommand)]
    command: commands::Command,
}

/// candle's own pool for large sums spins while it waits and lets one caller in at a time: beside
/// batches that are computed in parallel it more than doubles the time of a training step. It reads
/// its size from this variable only.
#[cfg(unix)]
pub(crate) const CANDLE_THREADS: &str = "CANDLE_NUM_THREADS";

/// Starts this program anew with candle's pool switched off, unless its size was chosen.
#[cfg(unix)]
fn without_candle_pool() {
    use std::os::unix::process::CommandExt;
    if std::env::var_os(CANDLE_THREADS).is_some() {
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
        .env(CANDLE_THREADS, "1")
        .exec();
}

fn main() -> ExitCode {
    #[cfg(unix)]
    without_candle_pool();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_level(false)
        .without_time()
        .init();
    let cli = Cli::parse();
    match commands::run(cli.command, cli.json) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!("sdvp: {error:#}");
            ExitCode::FAILURE
        }
    }
}
