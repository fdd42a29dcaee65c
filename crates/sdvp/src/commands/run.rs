//! `sdvp run`: a task's programs, run and scored.

use super::isolation::Isolation;
use crate::exam::{Framework, ProgramSettings, Reader, exam, exam_from, single_question};
use crate::modules::{self, Checkpoints};
use crate::output;
use crate::progress::Progress;
use anyhow::{Context, Result};
use sdvp_data::Task;
use sdvp_data::picto::Split;
use sdvp_distill::{Observer, Phase};
use sdvp_eval::report::write_file;
use sdvp_eval::{Evaluation, ExamItem, evaluate};
use sdvp_runtime::Settings;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Run {
    /// A task of the built-in world (picto-gqa …), or a folder in GQA's or NLVR2's layout.
    task: String,
    /// The split of a built-in task.
    #[arg(long, default_value = "test")]
    split: String,
    /// The language of the programs.
    #[arg(long, value_enum, default_value = "visprog")]
    framework: Framework,
    /// The student whose modules are called; the shipped one if not given.
    #[arg(long, conflicts_with = "teachers")]
    student: Option<PathBuf>,
    #[command(flatten)]
    checkpoints: Checkpoints,
    /// Let the shipped teachers of this target answer in the student's place.
    #[arg(long, conflicts_with_all = ["locate", "answer", "matching", "depth"])]
    teachers: Option<String>,
    /// How many questions; 500, or all of a folder, if not given.
    #[arg(long)]
    limit: Option<usize>,
    /// Seed of a built-in task's questions.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Run one program and one call at a time, sharing nothing.
    #[arg(long)]
    one_at_a_time: bool,
    #[command(flatten)]
    isolation: Isolation,
    /// Where a program fails, put the whole question to the answer module, about the only picture or
    /// the left one. The program counts as failed all the same.
    #[arg(long)]
    fallback: bool,
    /// Where results.jsonl and summary.json go.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Run {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let reader = Reader::new(
            self.framework,
            ProgramSettings {
                workers: self.isolation.workers(self.framework)?,
                ..ProgramSettings::default()
            },
        );
        let folder = PathBuf::from(&self.task);
        let exam = if folder.is_dir() {
            exam_from(&folder, &reader, self.limit)?
        } else {
            let task = Task::named(&self.task).context("and there is no such folder")?;
            let split: Split = self.split.parse()?;
            exam(task, reader, split, self.seed, self.limit.unwrap_or(500))
        };
        let modules = match &self.teachers {
            Some(task) => modules::Teachers::of(Task::named(task)?)?.modules(),
            None => {
                let student = modules::student(self.student.as_deref())?;
                let modules = if self.one_at_a_time {
                    student.modules_without_memory()?
                } else {
                    student.modules()?
                };
                self.checkpoints.instead_of(modules)?
            }
        };
        let settings = self.isolation.bounded(if self.one_at_a_time {
            Settings::one_at_a_time()
        } else {
            Settings::default()
        });
        let progress = Progress::new();
        progress.begin(&Phase {
            name: format!("running {}", self.task),
            total: exam.len(),
        });
        let mut evaluation = evaluate(
            &exam,
            modules.clone(),
            &settings,
            |_| false,
            |_| progress.advance(1),
        )?;
        if self.fallback {
            evaluation.fall_back(&exam, modules, &settings, |item| {
                single_question(&item.question)
            })?;
        }
        progress.end();
        let measured = evaluation.measured(self.seed);
        let summary = serde_json::json!({
            "task": self.task,
            "split": self.split,
            "framework": self.framework.name(),
            "seed": self.seed,
            "score": measured,
            "fallback": self.fallback.then_some(evaluation.fallen_back.len()),
            "runtime": evaluation.statistics,
        });
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out)
                .with_context(|| format!("cannot make the folder {}", out.display()))?;
            write_file(
                &out.join("results.jsonl"),
                results(&exam, &evaluation).as_bytes(),
            )?;
            write_file(
                &out.join("summary.json"),
                format!("{summary:#}\n").as_bytes(),
            )?;
        }
        if json {
            output::json(&summary)?;
        } else {
            output::text(&format!(
                "{}: {:.1} % [{:.1}, {:.1}] of {} questions, {:.1} % of programs failed, {:.0} questions/s",
                self.task,
                100.0 * measured.mean,
                100.0 * measured.ci95[0],
                100.0 * measured.ci95[1],
                measured.n,
                100.0 * measured.failure_rate,
                evaluation.statistics.executions_per_second(),
            ))?;
            if self.fallback {
                output::text(&format!(
                    "{} were answered by a single question instead",
                    evaluation.fallen_back.len(),
                ))?;
            }
        }
        Ok(true)
    }
}

/// One JSON line a question.
fn results(exam: &[ExamItem], evaluation: &Evaluation) -> String {
    exam.iter()
        .zip(&evaluation.scores)
        .zip(&evaluation.answers)
        .enumerate()
        .map(|(index, ((item, score), answer))| {
            let failed = evaluation.fallen_back.get(&index);
            let line = serde_json::json!({
                "id": item.id,
                "question": item.question,
                "kind": item.kind,
                "gold": item.gold.text(),
                "answer": answer.as_ref().ok(),
                "error": failed.or(answer.as_ref().err()),
                "fallback": failed.is_some(),
                "score": score,
            });
            format!("{line}\n")
        })
        .collect()
}
