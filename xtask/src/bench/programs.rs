//! Programs run together, against one program and one call at a time.

use super::median;
use anyhow::Result;
use clap::Args;
use sdvp_data::Task;
use sdvp_data::picto::{Split, questions};
use sdvp_eval::{ExamItem, Speed};
use sdvp_modules::Student;
use sdvp_program::Program;
use sdvp_program::visprog::{VisProgProgram, VisProgSettings};
use serde_json::json;
use std::io::Write;
use std::sync::Arc;

/// Smallest wanted ratio.
const TARGET: f64 = 3.0;

#[derive(Args)]
pub(crate) struct ProgramsArguments {
    /// The task, of the validation split.
    #[arg(long, default_value = "picto-gqa")]
    task: String,
    /// Questions a round.
    #[arg(long, default_value_t = 500)]
    questions: usize,
    /// Rounds of either way, in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seed of the questions.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the bench and prints its result.
pub(crate) fn programs(arguments: &ProgramsArguments) -> Result<()> {
    let settings = VisProgSettings::default();
    let task = Task::named(&arguments.task)?;
    let exam: Vec<ExamItem> = questions(task, Split::Val, arguments.seed, arguments.questions)
        .into_iter()
        .map(|question| {
            let program = VisProgProgram::parse(&question.program, &settings);
            let program = program
                .map(|program| Arc::new(program) as Arc<dyn Program>)
                .map_err(|errors| errors.to_string());
            ExamItem::drawn(question, program)
        })
        .collect();
    let student = Student::builtin()?;
    let rounds: Vec<Speed> = (0..arguments.rounds.max(1))
        .map(|_| {
            let (together, alone) = (student.modules()?, student.modules_without_memory()?);
            Ok(Speed::measure(&exam, together, alone)?)
        })
        .collect::<Result<_>>()?;
    let middle = |of: &dyn Fn(&Speed) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
    let (together, alone) = (middle(&|s| s.together), middle(&|s| s.one_at_a_time));
    let ratio = middle(&Speed::ratio);
    let different = rounds.iter().map(|s| s.different).max().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let report = json!({
            "bench": "programs", "task": task, "questions": exam.len(), "rounds": rounds,
            "together_per_s": together, "one_at_a_time_per_s": alone, "ratio": ratio,
            "target": TARGET, "different_answers": different,
        });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{} questions of {task}, {} rounds",
        exam.len(),
        rounds.len()
    )?;
    writeln!(
        out,
        "together           {together:8.1} questions/s (median)"
    )?;
    writeln!(out, "one call at a time {alone:8.1} questions/s (median)")?;
    writeln!(out, "ratio {ratio:.2} (target: {TARGET} or more)")?;
    writeln!(out, "questions answered differently: {different}")?;
    Ok(())
}
