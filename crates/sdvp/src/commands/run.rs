//! `sdvp run`: a task's programs, run and scored.

use super::files::Files;
use super::isolation::Isolation;
use crate::exam::{Framework, ProgramSettings, Reader, exam, exam_of, single_question};
use crate::modules::{self, Checkpoints};
use crate::output;
use crate::progress::Progress;
use crate::published::{Published, Selection};
use crate::recording::{Recording, configuration};
use anyhow::{Context, Result, bail};
use sdvp_data::benchmark::OpenOptions;
use sdvp_data::picto::Split;
use sdvp_data::{Rule, Task};
use sdvp_distill::{Observer, Phase};
use sdvp_eval::report::write_file;
use sdvp_eval::{Evaluation, ExamItem, evaluate};
use sdvp_runtime::Settings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Run {
    /// A task of the built-in world (picto-gqa …), or a folder or file of GQA, NLVR2 or NLVR, or a table.
    task: String,
    /// The split of a built-in task (test if not given), or the part of a benchmark, such as
    /// val_balanced or dev.
    #[arg(long)]
    split: Option<String>,
    /// Some of a benchmark's questions, chosen by --seed: a number, or per-type:NUMBER.
    #[arg(long, conflicts_with = "manifest")]
    subset: Option<Rule>,
    /// The questions that a manifest names (`sdvp data subset`).
    #[arg(long, conflicts_with = "split")]
    manifest: Option<PathBuf>,
    /// The programs of a benchmark's questions, one JSON record a line, by id or by question.
    #[arg(long)]
    programs: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
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
    /// Seed of a built-in task's questions, or of a subset.
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
    /// Where results.jsonl and summary.json go, and every step of every program as it goes: a run that
    /// was broken off is gone on with by the same command (see `sdvp runs`).
    #[arg(long)]
    out: Option<PathBuf>,
    /// Do not keep the pictures that were looked at; --out knows them by their digests then.
    #[arg(long, requires = "out")]
    no_images: bool,
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
        let path = PathBuf::from(&self.task);
        let mut published = match path.exists() {
            true => Some(self.published(&path)?),
            false => None,
        };
        let (split, exam) = match &mut published {
            Some(published) => (
                published.parts.join(", "),
                exam_of(std::mem::take(&mut published.records), &reader),
            ),
            None => {
                let task =
                    Task::named(&self.task).context("and there is no such folder or file")?;
                if self.subset.is_some() || self.manifest.is_some() || self.programs.is_some() {
                    bail!(
                        "--subset, --manifest and --programs are of a benchmark's files; {task} is built in"
                    );
                }
                let name = self.split.as_deref().unwrap_or("test");
                let split: Split = name.parse()?;
                let count = self.limit.unwrap_or(500);
                (name.to_owned(), exam(task, reader, split, self.seed, count))
            }
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
        let mut recording = match &self.out {
            Some(out) => {
                let chosen = self.chosen(&split, &settings);
                let configuration = configuration(&exam, &modules, self.seed, chosen);
                Some(Recording::open(
                    out,
                    &configuration,
                    &modules,
                    !self.no_images,
                )?)
            }
            None => None,
        };
        let progress = Progress::new();
        progress.begin(&Phase {
            name: format!("running {}", self.task),
            total: exam.len(),
        });
        let (calling, advance) = (modules.clone(), || progress.advance(1));
        let mut evaluation = match &mut recording {
            Some(recording) => recording.evaluate(&exam, calling, &settings, advance)?,
            None => evaluate(&exam, calling, &settings, |_| false, |_| advance())?,
        };
        if self.fallback {
            let single = |item: &ExamItem| single_question(&item.question);
            match &mut recording {
                Some(recording) => {
                    recording.fall_back(&mut evaluation, &exam, modules, &settings, single)?;
                }
                None => evaluation.fall_back(&exam, modules, &settings, single)?,
            }
        }
        progress.end();
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out)
                .with_context(|| format!("cannot make the folder {}", out.display()))?;
            write_file(
                &out.join("results.jsonl"),
                results(&exam, &evaluation).as_bytes(),
            )?;
        }
        // What was answered stays, whatever the benchmark's own script would have against it.
        let (official, refused) = match &published {
            Some(published) => match published.official(&exam, &evaluation) {
                Ok(official) => (official, None),
                Err(error) => (None, Some(format!("{error:#}"))),
            },
            None => (None, None),
        };
        let measured = evaluation.measured(self.seed);
        let summary = serde_json::json!({
            "task": self.task,
            "split": split,
            "framework": self.framework.name(),
            "seed": self.seed,
            "score": measured,
            "fallback": self.fallback.then_some(evaluation.fallen_back.len()),
            "official": official.as_ref().map(|(scores, _)| scores),
            "official_error": refused,
            "runtime": evaluation.statistics,
        });
        if let Some(out) = &self.out {
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
            for line in official.iter().flat_map(|(_, lines)| lines) {
                output::text(&format!("  {line}"))?;
            }
            if let Some(refused) = &refused {
                output::text(&format!("  no official scores: {refused}"))?;
            }
            if self.fallback {
                output::text(&format!(
                    "{} were answered by a single question instead",
                    evaluation.fallen_back.len(),
                ))?;
            }
        }
        recording.map_or(Ok(()), Recording::close)?;
        Ok(refused.is_none())
    }

    /// What was chosen that may change answers; weights and questions count by themselves.
    fn chosen(&self, split: &str, settings: &Settings) -> BTreeMap<String, Value> {
        let chosen = [
            ("task", json!(self.task)),
            ("split", json!(split)),
            ("framework", json!(self.framework.name())),
            ("limit", json!(self.limit)),
            ("teachers", json!(self.teachers)),
            ("one_at_a_time", json!(self.one_at_a_time)),
            ("isolate_memory", json!(self.isolation.memory())),
            ("fallback", json!(self.fallback)),
            ("max_sub_tasks", json!(settings.max_sub_tasks)),
        ];
        let named = chosen.into_iter();
        named
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn published(&self, path: &Path) -> Result<Published> {
        let selection = Selection {
            split: self.split.clone(),
            subset: self.subset,
            manifest: self.manifest.clone(),
            seed: self.seed,
            limit: self.limit,
            programs: self.programs.clone(),
        };
        Published::read(path, &OpenOptions::from(&self.files), &selection)
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
