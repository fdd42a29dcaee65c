//! Visual programs, run and improved: the command line.

use clap::Parser;
use std::process::ExitCode;

mod commands;
mod exam;
mod modules;
mod output;
mod progress;

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

fn main() -> ExitCode {
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
