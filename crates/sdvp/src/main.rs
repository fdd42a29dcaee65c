//! Visual programs, run and improved: the command line.

use clap::Parser;
use std::process::ExitCode;

mod commands;

/// Small tensors are made and dropped all the time; the allocator decides how fast training is.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    match commands::run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sdvp: {error:#}");
            ExitCode::FAILURE
        }
    }
}
