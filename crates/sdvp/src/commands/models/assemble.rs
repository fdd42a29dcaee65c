//! `sdvp models assemble`: a student of one's own, from checkpoints and adapters.

use crate::{modules, output};
use anyhow::{Context, Result};
use sdvp_core::SubTaskKind;
use sdvp_modules::Student;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Assemble {
    /// Where the student's folder goes.
    #[arg(long)]
    out: PathBuf,
    /// An OWL-ViT or OWLv2 (its folder, or its name on the hub) that finds; the shipped one if not given.
    #[arg(long, value_name = "DIR|ID")]
    locate: Option<PathBuf>,
    /// Low-rank additions to it, as Python's peft saves them.
    #[arg(long, value_name = "DIR")]
    locate_adapter: Option<PathBuf>,
    /// A ViLT, a BLIP for question answering or a Qwen3-VL (its folder, or its name on the hub) that
    /// answers; the shipped one if not given.
    #[arg(long, value_name = "DIR|ID")]
    answer: Option<PathBuf>,
    /// Low-rank additions to it.
    #[arg(long, value_name = "DIR")]
    answer_adapter: Option<PathBuf>,
    /// A CLIP or a BLIP for image-text retrieval (its folder, or its name on the hub) that says how well
    /// texts fit; the shipped one if not given.
    #[arg(long = "match", value_name = "DIR|ID")]
    matching: Option<PathBuf>,
    /// Low-rank additions to it.
    #[arg(long, value_name = "DIR")]
    match_adapter: Option<PathBuf>,
}

impl Assemble {
    /// Loads everything, so that what is written is known to work.
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let base = |folder: &Option<PathBuf>, builtin: &str| -> Result<String> {
            let Some(folder) = folder else {
                return Ok(format!("builtin:{builtin}"));
            };
            // The student's folder may lie elsewhere.
            let folder = modules::located(folder)?
                .canonicalize()
                .with_context(|| format!("cannot find {}", folder.display()))?;
            Ok(folder.display().to_string())
        };
        let mut student = Student::from_bases(
            &base(&self.locate, "locate")?,
            &base(&self.answer, "answer")?,
            &base(&self.matching, "match")?,
        )
        .context("cannot load the checkpoints")?;
        for (kind, adapter) in [
            (SubTaskKind::Locate, &self.locate_adapter),
            (SubTaskKind::Answer, &self.answer_adapter),
            (SubTaskKind::Match, &self.match_adapter),
        ] {
            if let Some(folder) = adapter {
                student = student
                    .with_peft_adapter(kind, folder)
                    .with_context(|| format!("cannot use the adapter {}", folder.display()))?;
            }
        }
        student
            .save(&self.out)
            .with_context(|| format!("cannot write {}", self.out.display()))?;
        if json {
            output::json(&student.manifest)?;
            return Ok(true);
        }
        for (kind, module) in &student.manifest.modules {
            let parameters = student.parameters(*kind);
            let adapted = match &module.weights {
                Some(_) => ", with additions",
                None => "",
            };
            let source = &module.base.source;
            output::text(&format!(
                "{kind:<7} {source}: {parameters} parameters{adapted}"
            ))?;
        }
        output::text(&format!("--student {} uses it", self.out.display()))?;
        Ok(true)
    }
}
