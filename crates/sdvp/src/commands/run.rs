//! `sdvp run`: a task's programs, run and scored.

use super::caching::{Caching, saved};
use super::chosen::Chosen;
use super::isolation::Isolation;
use super::language::{LanguageOptions, ProgramSource};
use crate::exam::{
    Framework, ProgramSettings, Reader, exam, exam_drawn_meanings, exam_drawn_unwritten, exam_of,
    exam_of_meanings, exam_unwritten, single_question,
};
use crate::modules::{self, Checkpoints};
use crate::output;
use crate::progress::Progress;
use crate::published::ProgramFile;
use crate::recording::{Recording, configuration};
use crate::settle::settle;
use crate::written::{Asking, Writing, asked_drawn, asked_of};
use anyhow::{Context, Result, bail};
use sdvp_core::Module;
use sdvp_data::{Task, questions};
use sdvp_eval::report::write_file;
use sdvp_eval::{Evaluation, ExamItem};
use sdvp_language::Asker;
use sdvp_modules::StandIn;
use sdvp_runtime::{Runtime, Settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Args)]
pub(crate) struct Run {
    /// A task of the built-in world (picto-gqa …), or a folder or file of GQA, NLVR2 or NLVR, or a table.
    task: String,
    #[command(flatten)]
    chosen: Chosen,
    /// The programs: a file, one JSON record a line, by id or by question; or `llm`, for a language
    /// model to write them.
    #[arg(long, value_name = "FILE|llm|functional")]
    programs: Option<ProgramSource>,
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
    /// Let stand-ins answer that look at nothing: to try files and programs out, or to see what all but
    /// the networks takes. The score means nothing.
    #[arg(long, conflicts_with_all = ["student", "teachers", "locate", "answer", "matching", "depth"])]
    stand_ins: bool,
    /// Run one program and one call at a time, sharing nothing.
    #[arg(long, conflicts_with = "cache")]
    one_at_a_time: bool,
    #[command(flatten)]
    isolation: Isolation,
    #[command(flatten)]
    caching: Caching,
    /// Where a program fails, put the whole question to the answer module, about the only picture or
    /// the left one. The program counts as failed all the same.
    #[arg(long)]
    fallback: bool,
    #[command(flatten)]
    language: LanguageOptions,
    /// Where results.jsonl and summary.json go, the programs that a language model wrote, and every
    /// step of every program as it goes: a run that was broken off is gone on with by the same command
    /// (see `sdvp runs`).
    #[arg(long)]
    out: Option<PathBuf>,
    /// Do not keep the pictures that were looked at; --out knows them by their digests then.
    #[arg(long, requires = "out")]
    no_images: bool,
}

impl Run {
    /// Whether a language model writes the programs.
    fn is_written(&self) -> bool {
        self.programs == Some(ProgramSource::Llm)
    }

    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let progress = Progress::new();
        if self.is_written() {
            let language = self.language.clone();
            return language.with_asker(&Asking(&progress), |asker| {
                self.run_asking(Some(asker), &progress, json)
            });
        }
        self.language.refused_without("--programs llm")?;
        self.run_asking(None, &progress, json)
    }

    /// Runs it; `asker` asks for the programs, if a language model writes them.
    fn run_asking(
        self,
        asker: Option<&Asker<'_>>,
        progress: &Progress,
        json: bool,
    ) -> Result<bool> {
        let functional = self.programs == Some(ProgramSource::Functional);
        let reader = Reader::new(
            self.framework,
            ProgramSettings {
                workers: self.isolation.workers(self.framework)?,
                ..ProgramSettings::default()
            },
        );
        let path = PathBuf::from(&self.task);
        let own = match &self.programs {
            Some(ProgramSource::File(file)) => ProgramFile::At(file.clone()),
            Some(ProgramSource::Llm | ProgramSource::Functional) => ProgramFile::Unneeded,
            None => ProgramFile::InFolder,
        };
        let has_own = matches!(own, ProgramFile::At(_));
        let mut published = match path.exists() {
            true => Some(self.chosen.published(&path, own)?),
            false => None,
        };
        // What a language model is asked.
        let mut asked = None;
        let (split, exam) = match &mut published {
            Some(published) => {
                let records = std::mem::take(&mut published.records);
                let exam = if self.is_written() {
                    asked = Some(asked_of(&records));
                    exam_unwritten(records, &reader)
                } else if functional {
                    exam_of_meanings(records, &reader)
                } else {
                    exam_of(records, &reader)
                };
                (published.parts.join(", "), exam)
            }
            None => {
                let (task, split, count) = self.chosen.built_in(&self.task)?;
                if has_own {
                    bail!("files of --programs are of a benchmark's files; {task} is built in");
                }
                let seed = self.chosen.seed;
                let exam = if self.is_written() {
                    let drawn = questions(task, split, seed, count);
                    asked = Some(asked_drawn(&drawn));
                    exam_drawn_unwritten(drawn, &reader)
                } else if functional {
                    exam_drawn_meanings(questions(task, split, seed, count), &reader)
                } else {
                    exam(task, reader.clone(), split, seed, count)
                };
                (split.name().to_owned(), exam)
            }
        };
        let modules = match &self.teachers {
            _ if self.stand_ins => vec![Arc::new(StandIn) as Arc<dyn Module>],
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
        let (settings, kept) = match self.one_at_a_time {
            true => (Settings::one_at_a_time(), self.caching.refuse()?),
            false => (Settings::default(), self.caching.open()?),
        };
        let settings = self.isolation.bounded(Settings { kept, ..settings });
        let mut recording = match &self.out {
            Some(out) => {
                let chosen = self.settled(&split, &settings, asker);
                let configuration = configuration(&exam, &modules, self.chosen.seed, chosen);
                Some(Recording::open(
                    out,
                    &configuration,
                    &modules,
                    !self.no_images,
                )?)
            }
            None => None,
        };
        // A run that would be refused costs nothing.
        let mut writing = match (asker, asked) {
            (Some(asker), Some((asked, form))) => {
                let (language, framework) = (&self.language, self.framework);
                let mut writing = Writing::of(language, asker, framework, form, asked, progress)?;
                if let (Some(out), Some(recording)) = (&self.out, &recording) {
                    writing.recall(recording.finished(), &out.join(PROGRAMS))?;
                }
                Some(writing.some_program()?)
            }
            _ => None,
        };
        // What was paid for is kept, whatever becomes of the run.
        self.keep_programs(writing.as_ref())?;
        let runtime = Runtime::new(modules.clone(), settings.clone())?;
        let mut evaluation = settle(
            &exam,
            &runtime,
            writing.as_mut().map(|writing| (writing, &reader)),
            recording.as_mut(),
            progress,
            &self.task,
        )?;
        self.keep_programs(writing.as_ref())?;
        if self.fallback {
            let single = |item: &ExamItem| single_question(&item.question);
            match &mut recording {
                Some(recording) => {
                    recording.fall_back(&mut evaluation, &exam, modules, &settings, single)?;
                }
                None => evaluation.fall_back(&exam, modules, &settings, single)?,
            }
        }
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
        let measured = evaluation.measured(self.chosen.seed);
        let summary = serde_json::json!({
            "task": self.task,
            "split": split,
            "framework": self.framework.name(),
            "programs": self.programs.as_ref().map(ProgramSource::name),
            "seed": self.chosen.seed,
            "score": measured,
            "stand_ins": self.stand_ins.then_some(true),
            "fallback": self.fallback.then_some(evaluation.fallen_back.len()),
            "official": official.as_ref().map(|(scores, _)| scores),
            "official_error": refused,
            "runtime": evaluation.statistics,
            "language": writing.as_ref().map(Writing::summary).transpose()?,
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
            if functional {
                output::text("  programs: compiled from functional programs (no language model)")?;
            }
            if let Some(saved) = saved(settings.kept.as_ref(), &evaluation.statistics) {
                output::text(&format!("  {saved}"))?;
            }
            let told = writing.as_ref().map(Writing::told).transpose()?;
            for line in told.iter().flatten() {
                output::text(&format!("  {line}"))?;
            }
            for line in official.iter().flat_map(|(_, lines)| lines) {
                output::text(&format!("  {line}"))?;
            }
            if let Some(refused) = &refused {
                output::text(&format!("  no official scores: {refused}"))?;
            }
            if self.stand_ins {
                output::text("  answered by stand-ins: the score means nothing")?;
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

    /// Writes the programs of a language model beside the results.
    fn keep_programs(&self, writing: Option<&Writing<'_>>) -> Result<()> {
        match (&self.out, writing) {
            (Some(out), Some(writing)) => writing.write(&out.join(PROGRAMS)),
            _ => Ok(()),
        }
    }

    /// What was chosen that may change answers; weights and questions count by themselves. Programs of
    /// a language model follow from it and what it is asked: so a run may go on whose programs could
    /// not all be asked for.
    fn settled(
        &self,
        split: &str,
        settings: &Settings,
        asker: Option<&Asker<'_>>,
    ) -> BTreeMap<String, Value> {
        let chosen = [
            ("task", json!(self.task)),
            ("split", json!(split)),
            ("framework", json!(self.framework.name())),
            (
                "programs",
                json!(self.programs.as_ref().map(ProgramSource::name)),
            ),
            ("limit", json!(self.chosen.limit)),
            ("teachers", json!(self.teachers)),
            ("one_at_a_time", json!(self.one_at_a_time)),
            ("isolate_memory", json!(self.isolation.memory())),
            ("fallback", json!(self.fallback)),
            ("max_sub_tasks", json!(settings.max_sub_tasks)),
        ];
        let language = asker.map(|asker| ("language", self.language.settled(asker.model())));
        let limits = super::limits::changed();
        let limits = (!limits.is_empty()).then(|| ("limits", json!(limits)));
        let named = chosen.into_iter().chain(language).chain(limits);
        named
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// The file of programs in the folder of a run.
const PROGRAMS: &str = "programs.jsonl";

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
