//! One file a command. Each says whether the work succeeded; usage errors are clap's.

mod ablate;
mod ask;
mod cache;
mod caching;
mod chosen;
mod data;
mod demo;
mod distill;
mod distill_record;
mod effort;
mod eval;
mod files;
mod harvest;
mod harvest_folder;
mod isolation;
mod language;
mod limits;
mod models;
mod program;
mod program_write;
mod run;
mod runs;

pub(crate) use effort::Effort;
pub(crate) use language::LanguageOptions;
pub(crate) use limits::allow;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the whole method on the built-in world and show what improved and what was kept.
    Demo(demo::Demo),
    /// Run a program about your own picture, or one that a language model writes for your question.
    Ask(Box<ask::Ask>),
    /// Run a task's programs and score the answers.
    Run(Box<run::Run>),
    /// List, show, compare and export what `run --out` wrote.
    #[command(subcommand)]
    Runs(runs::Runs),
    /// Show and clear what `--cache` keeps.
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Write the calls that a task's programs make, so that a model of your own can label them.
    Harvest(Box<harvest::Harvest>),
    /// Distil a task's teachers into a student.
    Distill(Box<distill::Distill>),
    /// Run a grid of distillations: controls and ablations, over seeds.
    Ablate(ablate::Ablate),
    /// Show and compare the results of runs.
    Eval(eval::Eval),
    /// Check programs, or have a language model write some.
    #[command(subcommand)]
    Program(program::Program),
    /// List the shipped models or make them from nothing.
    #[command(subcommand)]
    Models(models::Models),
    /// Write the built-in world as files; check a benchmark's files; choose some of their questions.
    #[command(subcommand)]
    Data(data::Data),
    /// List the limits on what comes in, which --allow changes.
    Limits(limits::Limits),
    /// Interpret Python for another process of this program.
    #[command(name = "python-worker", hide = true)]
    Worker(isolation::Worker),
}

pub(crate) fn run(command: Command, json: bool) -> Result<bool> {
    match command {
        Command::Demo(args) => args.run(json),
        Command::Ask(args) => args.run(json),
        Command::Run(args) => args.run(json),
        Command::Runs(args) => args.run(json),
        Command::Cache(args) => args.run(json),
        Command::Harvest(args) => args.run(json),
        Command::Distill(args) => args.run(json),
        Command::Ablate(args) => args.run(json),
        Command::Eval(args) => args.run(json),
        Command::Program(args) => args.run(json),
        Command::Models(args) => args.run(json),
        Command::Data(args) => args.run(json),
        Command::Limits(args) => args.run(json),
        Command::Worker(args) => args.run(),
    }
}
