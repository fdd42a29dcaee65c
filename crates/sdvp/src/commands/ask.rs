//! `sdvp ask`: one program about one's own picture, the user's or a language model's.

use super::LanguageOptions;
use super::caching::{Caching, saved};
use super::isolation::Isolation;
use crate::exam::{Framework, ProgramSettings};
use crate::modules::{self, Checkpoints};
use crate::output;
use crate::progress::Progress;
use crate::settle::ran;
use crate::written::{Asking, spent};
use anyhow::{Context, Result, bail};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::{DecodeLimits, Image};
use sdvp_data::picto::input_names;
use sdvp_eval::report::{ExampleSide, trace_html, write_file};
use sdvp_language::{Ballot, Form, Question, Sample, WriteError};
use sdvp_program::Inputs;
use sdvp_runtime::{Job, KeptOutcomes, Run, Runtime, Settings, Statistics};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Ask {
    /// The picture; twice for a left and a right one, three times with one between them.
    #[arg(long = "image", required_unless_present = "video", num_args = 1)]
    images: Vec<PathBuf>,
    /// A video instead, for viper programs: a folder of images, or an animated GIF or WebP.
    #[arg(long, conflicts_with = "images")]
    video: Option<PathBuf>,
    /// The question. A program of your own answers it, whatever it is; a language model writes one for it.
    #[arg(long)]
    question: String,
    /// The program. Pictures are IMAGE, or LEFT and RIGHT, with MIDDLE between them; for viper, the parameters of its function.
    /// If not given, a language model writes it.
    #[arg(long)]
    program: Option<PathBuf>,
    /// The language of the program.
    #[arg(long, value_enum, default_value = "visprog")]
    framework: Framework,
    /// The student whose modules are called; the shipped one if not given.
    #[arg(long)]
    student: Option<PathBuf>,
    #[command(flatten)]
    checkpoints: Checkpoints,
    #[command(flatten)]
    isolation: Isolation,
    #[command(flatten)]
    caching: Caching,
    #[command(flatten)]
    language: LanguageOptions,
    /// Write the steps as a page.
    #[arg(long)]
    html: Option<PathBuf>,
}

impl Ask {
    /// The pictures, or the frames of the video, by the names that programs know them by.
    fn inputs(&self) -> Result<Inputs> {
        let limits = DecodeLimits::default();
        if let Some(video) = &self.video {
            if self.framework == Framework::Visprog {
                bail!("VisProg programs take no video; try --framework viper");
            }
            let frames = Image::open_frames(video, &limits)?.into_iter().enumerate();
            return Ok(frames
                .map(|(n, frame)| (format!("FRAME{n}"), frame))
                .collect());
        }
        let names = match self.images.len() {
            count @ 1..=3 => input_names(count),
            n => bail!("expected one to three pictures, found {n}"),
        };
        let named = names.iter().zip(&self.images);
        named
            .map(|(name, path)| Ok(((*name).to_owned(), Image::open(path, &limits)?)))
            .collect()
    }

    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let inputs = self.inputs()?;
        let mut settings = ProgramSettings {
            workers: self.isolation.workers(self.framework)?,
            ..ProgramSettings::default()
        };
        settings.visprog.inputs = inputs.iter().map(|(name, _)| name.clone()).collect();
        let mut modules = None;
        let mut spent = Statistics::default();
        let kept = self.caching.open()?;
        // Modules are only made once there is a program to be run.
        let mut execute = |source: &str| -> Result<Run> {
            let program = self.framework.parse(source, &self.question, &settings)?;
            let runtime = match &mut modules {
                Some(runtime) => runtime,
                none => none.insert(self.runtime(kept.clone())?),
            };
            let job = Job {
                program,
                inputs: inputs.clone(),
            };
            let mut ended = None;
            spent.add(&runtime.run(std::iter::once(move || job), |_, run| ended = Some(run)));
            ended.context("the run did not end")
        };
        let (source, run, language) = match &self.program {
            Some(file) => {
                self.language.refused_without("--program to be left out")?;
                let source = sdvp_core::read_text_within(file, &SETTINGS_FILE)
                    .with_context(|| format!("cannot read the program {}", file.display()))?;
                let run = execute(&source)
                    .with_context(|| format!("the program {} cannot be run", file.display()))?;
                (source, run, None)
            }
            None => {
                let (source, run, language) = self.written(&inputs, &mut execute)?;
                (source, run, Some(language))
            }
        };
        let answer = match &run.result {
            Ok(value) => Ok(value.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let side = ExampleSide::new(&run.trace, answer.clone(), None);
        if let Some(path) = &self.html {
            write_file(path, trace_html(&self.question, &inputs, &side).as_bytes())?;
        }
        let steps: Vec<serde_json::Value> = run
            .trace
            .steps
            .iter()
            .map(|step| {
                serde_json::json!({
                    "line": step.line,
                    "source": step.source,
                    "variable": step.variable,
                    "value": step.value.to_string(),
                    "confidence": step.outcome.as_ref().map(|outcome| outcome.confidence()),
                    "expression": step.expression,
                })
            })
            .collect();
        if json {
            output::json(&serde_json::json!({
                "question": self.question,
                "framework": self.framework.name(),
                "answer": answer.as_ref().ok(),
                "error": answer.as_ref().err(),
                "steps": steps,
                "program": source,
                "runtime": spent,
                "language": language,
            }))?;
        } else {
            if self.program.is_none() {
                output::text(&format!("{}\n", source.trim_end()))?;
            }
            for step in &run.trace.steps {
                output::text(&format!("{}\n    {}", step.source, step.value))?;
            }
            if let Ok(answer) = &answer {
                output::text(answer)?;
            }
            if let Some(saved) = saved(kept.as_ref(), &spent) {
                tracing::info!("{saved}");
            }
        }
        if let Err(error) = answer {
            tracing::error!("sdvp: the program failed: {error}");
            return Ok(false);
        }
        Ok(true)
    }

    fn runtime(&self, kept: Option<KeptOutcomes>) -> Result<Runtime> {
        let student = modules::student(self.student.as_deref())?;
        let modules = self.checkpoints.instead_of(student.modules()?)?;
        let settings = Settings {
            kept,
            ..Settings::default()
        };
        Ok(Runtime::new(modules, settings)?)
    }

    /// A program that a language model writes, with its run. One that fails is sent back as long as
    /// repairs are left; of several the one counts that is voted for.
    fn written(
        &self,
        inputs: &Inputs,
        execute: &mut dyn FnMut(&str) -> Result<Run>,
    ) -> Result<(String, Run, Value)> {
        if self.video.is_some() {
            bail!("language models write no programs about videos yet; give one by --program");
        }
        let question = Question {
            id: "question".to_owned(),
            text: self.question.clone(),
            pictures: inputs.iter().map(|(name, _)| name.clone()).collect(),
        };
        let form = match inputs.len() {
            1 => Form::Gqa,
            _ => Form::General,
        };
        let progress = Progress::new();
        let asking = Asking(&progress);
        self.language.with_asker(&asking, |asker| {
            let writer = self.language.writer(asker, self.framework.into(), form)?;
            let asked = std::slice::from_ref(&question);
            let estimate = writer.estimate(asked, self.language.price())?;
            tracing::info!("{}: {estimate}", asker.model().identity());
            let (written, vote) = (writer.write(&question), self.language.vote());
            let repairs = writer.settings().repairs;
            let mut ballot = Ballot::new(question.clone(), written, vote, repairs);
            let mut runs = HashMap::new();
            loop {
                let waiting = ballot.waiting();
                let waiting: Vec<(usize, Result<String, WriteError>)> = waiting
                    .map(|(n, program)| (n, program.map(str::to_owned).map_err(Clone::clone)))
                    .collect();
                for (number, program) in waiting {
                    let source = program.context("no program was written")?;
                    let run = execute(&source).context("the written program cannot be run")?;
                    if let Err(failure) = &run.result {
                        tracing::info!("a written program failed: {failure}");
                    }
                    ballot.ran(number, ran(&run));
                    runs.insert(number, run);
                }
                if writer.mend_failed(&mut [&mut ballot]) == 0 {
                    break;
                }
            }
            if let Some(reason) = ballot.unasked() {
                tracing::info!("not everything could be asked: {reason}");
            }
            let run = runs.remove(&ballot.chosen()).context("nothing was run")?;
            let written = ballot.written();
            let source = written.program.clone().context("no program was written")?;
            let mut spent = spent(asker, self.language.price());
            let chosen = written.samples.get(written.chosen);
            spent["repairs"] = chosen.map_or(0, Sample::repairs).into();
            spent["vote"] = written.vote.name().into();
            spent["votes"] = written.votes.into();
            Ok((source, run, spent))
        })
    }
}
