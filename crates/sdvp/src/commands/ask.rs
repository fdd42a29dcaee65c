//! `sdvp ask`: one program about one's own picture.

use super::isolation::Isolation;
use crate::exam::{Framework, ProgramSettings};
use crate::modules::{self, Checkpoints};
use crate::output;
use anyhow::{Context, Result, bail};
use sdvp_core::{DecodeLimits, Image};
use sdvp_eval::report::{ExampleSide, trace_html, write_file};
use sdvp_program::Inputs;
use sdvp_runtime::{Job, Runtime, Settings};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Ask {
    /// The picture; twice for a left and a right one.
    #[arg(long = "image", required_unless_present = "video", num_args = 1)]
    images: Vec<PathBuf>,
    /// A video instead, for viper programs: a folder of images, or an animated GIF or WebP.
    #[arg(long, conflicts_with = "images")]
    video: Option<PathBuf>,
    /// The question, for the record; the program answers it.
    #[arg(long)]
    question: String,
    /// The program. Pictures are IMAGE, or LEFT and RIGHT; for viper, the parameters of its function.
    #[arg(long)]
    program: PathBuf,
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
        let names: &[&str] = match self.images.len() {
            1 => &["IMAGE"],
            2 => &["LEFT", "RIGHT"],
            n => bail!("expected one picture or two, found {n}"),
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
        let source = std::fs::read_to_string(&self.program)
            .with_context(|| format!("cannot read the program {}", self.program.display()))?;
        let program = self
            .framework
            .parse(&source, &self.question, &settings)
            .with_context(|| format!("the program {} cannot be run", self.program.display()))?;
        let runtime = Runtime::new(
            self.checkpoints
                .instead_of(modules::student(self.student.as_deref())?.modules()?)?,
            Settings::default(),
        )?;
        let mut ended = None;
        let job = Job {
            program,
            inputs: inputs.clone(),
        };
        runtime.run(std::iter::once(move || job), |_, run| ended = Some(run));
        let run = ended.context("the run did not end")?;
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
            }))?;
        } else {
            for step in &run.trace.steps {
                output::text(&format!("{}\n    {}", step.source, step.value))?;
            }
            if let Ok(answer) = &answer {
                output::text(answer)?;
            }
        }
        if let Err(error) = answer {
            tracing::error!("sdvp: the program failed: {error}");
            return Ok(false);
        }
        Ok(true)
    }
}
