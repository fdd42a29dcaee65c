//! `sdvp run`: a task's programs, run and scored.

use super::caching::{Caching, saved};
use super::chosen::Chosen;
use super::isolation::Isolation;
use super::language::{LanguageOptions, ProgramSource};
use crate::answers::{Answering, Answers};
use crate::exam::{Framework, ProgramSettings, Reader};
use crate::modules::{self, Checkpoints};
use crate::output;
use crate::progress::Progress;
use crate::published::ProgramFile;
use crate::questions::{BuiltIn, Posed, Questions};
use crate::recording::{PROGRAMS, Recording, SUMMARY, configuration};
use crate::settle::settle;
use crate::written::{Asking, Writing, asked_drawn, asked_of};
use anyhow::{Result, bail};
use sdvp_core::Module;
use sdvp_data::{Task, questions};
use sdvp_distill::{Observer, Phase};
use sdvp_eval::report::write_file;
use sdvp_language::Asker;
use sdvp_modules::StandIn;
use sdvp_runtime::{Runtime, Settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// So many reasons of failures are told.
const REASONS: usize = 3;

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
        let published = match path.exists() {
            true => Some(self.chosen.published(&path, own)?),
            false => None,
        };
        // What a language model is asked.
        let mut asked = None;
        let (split, questions) = match &published {
            Some(published) => {
                let questions = if self.is_written() {
                    let records = published.read()?;
                    asked = Some(asked_of(&records));
                    let posed = records.into_iter().map(Posed::unwritten);
                    Questions::held(posed.collect(), reader.clone())
                } else {
                    Questions::of_files(published, functional, reader.clone())
                };
                (published.part_names(), questions)
            }
            None => {
                let (task, split, count) = self.chosen.built_in(&self.task)?;
                if has_own {
                    bail!("files of --programs are of a benchmark's files; {task} is built in");
                }
                let seed = self.chosen.seed;
                let questions = if self.is_written() {
                    let drawn = questions(task, split, seed, count);
                    asked = Some(asked_drawn(&drawn));
                    let posed = drawn.into_iter().map(Posed::drawn_unwritten);
                    Questions::held(posed.collect(), reader.clone())
                } else {
                    let built_in = BuiltIn {
                        task,
                        split,
                        seed,
                        count,
                        functional,
                    };
                    Questions::built_in(built_in, reader.clone())?
                };
                (split.name().to_owned(), questions)
            }
        };
        // Pictures count for what is compared with a run that was begun before.
        let survey = questions.survey(self.out.is_some())?;
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
                let configuration = configuration(&survey, &modules, self.chosen.seed, chosen);
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
                    writing.recall(&recording.finished()?, &out.join(PROGRAMS))?;
                }
                Some(writing.some_program()?)
            }
            _ => None,
        };
        // What was paid for is kept, whatever becomes of the run.
        self.keep_programs(writing.as_ref())?;
        let mut answering = Answering {
            questions: &questions,
            count: survey.count,
            modules,
            settings: settings.clone(),
            recording: recording.as_mut(),
        };
        let mut answers = answering.known()?;
        match &mut writing {
            Some(writing) => {
                let runtime = Runtime::new(answering.modules.clone(), settings.clone())?;
                settle(
                    &questions.exam()?,
                    &runtime,
                    (writing, &reader),
                    answering.recording.as_deref_mut(),
                    &mut answers,
                    progress,
                    &self.task,
                )?;
            }
            None => {
                progress.begin(&Phase {
                    name: format!("running {}", self.task),
                    total: survey.count,
                });
                answering.answer(&mut answers, || progress.advance(1))?;
            }
        }
        self.keep_programs(writing.as_ref())?;
        if self.fallback {
            answering.fall_back(&mut answers)?;
        }
        progress.end();
        if let Some(recording) = &recording {
            recording.write_results()?;
        }
        // What was answered stays, whatever the benchmark's own script would have against it; it scores
        // all questions or none.
        let (official, refused) = match &published {
            Some(published) if answers.open() == 0 => match published.official(&answers) {
                Ok(official) => (official, None),
                Err(error) => (None, Some(format!("{error:#}"))),
            },
            _ => (None, None),
        };
        let failures = answers.reasons(REASONS).into_iter();
        let failures = failures.map(|(reason, count)| json!({ "reason": reason, "count": count }));
        let measured = answers.measured(self.chosen.seed);
        let summary = serde_json::json!({
            "task": self.task,
            "split": split,
            "framework": self.framework.name(),
            "programs": self.programs.as_ref().map(ProgramSource::name),
            "seed": self.chosen.seed,
            "score": measured,
            "open": answers.open(),
            "failures": failures.collect::<Vec<_>>(),
            "stand_ins": self.stand_ins.then_some(true),
            "fallback": self.fallback.then_some(answers.fallen_back()),
            "official": official.as_ref().map(|(scores, _)| scores),
            "official_error": refused,
            "runtime": answers.statistics,
            "language": writing.as_ref().map(Writing::summary).transpose()?,
        });
        if let Some(out) = &self.out {
            write_file(&out.join(SUMMARY), format!("{summary:#}\n").as_bytes())?;
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
                answers.statistics.executions_per_second(),
            ))?;
            for line in unscored(&answers) {
                output::text(&format!("  {line}"))?;
            }
            if functional {
                output::text("  programs: compiled from functional programs (no language model)")?;
            }
            if let Some(saved) = saved(settings.kept.as_ref(), &answers.statistics) {
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
                    answers.fallen_back(),
                ))?;
            }
        }
        recording.map_or(Ok(()), Recording::close)?;
        if answers.all_failed() {
            tracing::error!("sdvp: every program failed");
        }
        Ok(refused.is_none() && !answers.all_failed())
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

/// What of the questions did not come to an answer, and why, a line each.
fn unscored(answers: &Answers) -> Vec<String> {
    let failures = answers.reasons(REASONS).into_iter();
    let mut lines: Vec<String> = failures
        .map(|(reason, count)| format!("failed {count} times: {reason}"))
        .collect();
    if answers.open() > 0 {
        lines.push(format!(
            "{} of {} questions are not asked to the end yet, and not scored",
            answers.open(),
            answers.count(),
        ));
    }
    lines
}
