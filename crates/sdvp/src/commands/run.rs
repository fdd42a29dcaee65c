//! `sdvp run`: a task's programs, run and scored.

use super::chosen::Chosen;
use super::isolation::Isolation;
use super::language::{LanguageOptions, ProgramSource};
use crate::answers::Answering;
use crate::exam::{Framework, ProgramSettings, Reader};
use crate::modules::{self, Checkpoints};
use crate::output;
use crate::progress::Progress;
use crate::questions::{BuiltIn, Questions};
use crate::recording::{PROGRAMS, Recording, SUMMARY, configuration};
use crate::written::{Writing, asked_drawn, asked_of};
use anyhow::{Result, bail};
use sdvp_core::Module;
use sdvp_data::{Task, questions};
use sdvp_distill::{Observer, Phase};
use sdvp_eval::report::write_file;
use sdvp_modules::StandIn;
use sdvp_runtime::Settings;
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
    #[arg(long)]
    one_at_a_time: bool,
    #[command(flatten)]
    isolation: Isolation,
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
        if !self.is_written() {
            self.language.refused_without("--programs llm")?;
        }
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
            Some(ProgramSource::File(file)) => Some(file.clone()),
            _ => None,
        };
        let published = match path.exists() {
            true => Some(self.chosen.published(&path, own.clone())?),
            false => None,
        };
        let progress = Progress::new();
        let mut writing = None;
        let (split, questions) = match &published {
            Some(published) => {
                let questions = if self.is_written() {
                    let records = published.read()?;
                    let (asked, form) = asked_of(&records);
                    let framework = self.framework;
                    let written = Writing::of(&self.language, framework, form, asked, &progress)?;
                    Questions::held(writing.insert(written).posed_of(records), reader)
                } else {
                    Questions::of_files(published, functional, reader)
                };
                (published.part_names(), questions)
            }
            None => {
                let (task, split, count) = self.chosen.built_in(&self.task)?;
                if own.is_some() {
                    bail!("files of --programs are of a benchmark's files; {task} is built in");
                }
                let seed = self.chosen.seed;
                let questions = if self.is_written() {
                    let drawn = questions(task, split, seed, count);
                    let (asked, form) = asked_drawn(&drawn);
                    let framework = self.framework;
                    let written = Writing::of(&self.language, framework, form, asked, &progress)?;
                    Questions::held(writing.insert(written).posed_drawn(drawn), reader)
                } else {
                    let built_in = BuiltIn {
                        task,
                        split,
                        seed,
                        count,
                        functional,
                    };
                    Questions::built_in(built_in, reader)?
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
        let settings = self.isolation.bounded(if self.one_at_a_time {
            Settings::one_at_a_time()
        } else {
            Settings::default()
        });
        let mut recording = match &self.out {
            Some(out) => {
                let chosen = self.settled(&split, &settings);
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
        // The answers themselves are kept elsewhere, too; this folder may have been another run's.
        if let (Some(out), Some(writing)) = (&self.out, &writing) {
            writing.write(&out.join(PROGRAMS))?;
        }
        progress.begin(&Phase {
            name: format!("running {}", self.task),
            total: survey.count,
        });
        let mut answering = Answering {
            questions: &questions,
            count: survey.count,
            modules,
            settings,
            recording: recording.as_mut(),
        };
        let mut answers = answering.answer(|| progress.advance(1))?;
        if self.fallback {
            answering.fall_back(&mut answers)?;
        }
        progress.end();
        if let Some(recording) = &recording {
            recording.write_results()?;
        }
        // What was answered stays, whatever the benchmark's own script would have against it.
        let (official, refused) = match &published {
            Some(published) => match published.official(&answers) {
                Ok(official) => (official, None),
                Err(error) => (None, Some(format!("{error:#}"))),
            },
            None => (None, None),
        };
        let measured = answers.measured(self.chosen.seed);
        let summary = serde_json::json!({
            "task": self.task,
            "split": split,
            "framework": self.framework.name(),
            "programs": self.programs.as_ref().map(ProgramSource::name),
            "seed": self.chosen.seed,
            "score": measured,
            "stand_ins": self.stand_ins.then_some(true),
            "fallback": self.fallback.then_some(answers.fallen_back()),
            "official": official.as_ref().map(|(scores, _)| scores),
            "official_error": refused,
            "runtime": answers.statistics,
            "language": writing.as_ref().map(|writing| &writing.summary),
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
            if functional {
                output::text("  programs: compiled from functional programs (no language model)")?;
            }
            if let Some(writing) = &writing {
                output::text(&format!("  {}", writing.told()))?;
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
        Ok(refused.is_none())
    }

    /// What was chosen that may change answers; weights and questions count by themselves.
    fn settled(&self, split: &str, settings: &Settings) -> BTreeMap<String, Value> {
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
        let named = chosen.into_iter();
        named
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
