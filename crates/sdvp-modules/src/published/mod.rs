//! Published checkpoints as modules: a folder as it is downloaded (`config.json`,
//! `preprocessor_config.json`, `tokenizer.json`, `model.safetensors`), recognised by what its
//! configuration says it is.

mod blip;
mod prompting;
mod qwen3_vl;

pub use blip::{BlipAnswerer, BlipMatcher};
pub use prompting::Prompting;
pub use qwen3_vl::Qwen3VlAnswerer;

use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use crate::student::{
    AnswerModel, AnswerStudent, LocateModel, LocateStudent, MODEL_FILES, MatchModel, MatchStudent,
};
use sdvp_core::{Module, SubTaskKind};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

/// What a checkpoint says it is. Folders made here say nothing of it.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Vec<String>,
}

/// The module in a checkpoint's folder that answers sub-tasks of a kind.
///
/// # Errors
/// If a file is missing or does not fit, or the checkpoint answers something else.
pub fn published_module(kind: SubTaskKind, folder: &Path) -> Result<Arc<dyn Module>> {
    prompted_module(kind, folder, None)
}

/// As [`published_module`], with what an instruction-tuned model is told beside the question.
///
/// # Errors
/// If there is such a thing, and the checkpoint is no such model.
pub fn prompted_module(
    kind: SubTaskKind,
    folder: &Path,
    prompting: Option<&Prompting>,
) -> Result<Arc<dyn Module>> {
    let source = ModelSource::Folder(folder.to_owned());
    let found: Kind = source.json("config.json", MODEL_FILES)?;
    let is = |architecture: &str| found.architectures.iter().any(|name| name == architecture);
    let model_type = found.model_type.as_deref();
    if (kind, model_type) == (SubTaskKind::Answer, Some("qwen3_vl")) {
        let prompting = prompting.cloned().unwrap_or_default();
        return Ok(Arc::new(Qwen3VlAnswerer::load(&source, prompting)?));
    }
    if prompting.is_some() {
        return Err(SetupError::Config {
            model: source.name(),
            file: "config.json".to_owned(),
            reason: format!(
                "an instruction, a length or a precision can be set of model_type qwen3_vl, found {}",
                model_type.unwrap_or("nothing")
            ),
        });
    }
    Ok(match (kind, model_type) {
        (SubTaskKind::Locate, None | Some("owlvit" | "owlv2")) => Arc::new(LocateStudent::new(
            Arc::new(LocateModel::load(&source, None)?),
        )?),
        (SubTaskKind::Match, None | Some("clip")) => Arc::new(MatchStudent::new(Arc::new(
            MatchModel::load(&source, None)?,
        ))?),
        (SubTaskKind::Answer, None | Some("vilt")) => Arc::new(AnswerStudent::new(Arc::new(
            AnswerModel::load(&source, None)?,
        ))?),
        (SubTaskKind::Answer, Some("blip")) if is("BlipForQuestionAnswering") => {
            Arc::new(BlipAnswerer::load(&source)?)
        }
        (SubTaskKind::Match, Some("blip")) if is("BlipForImageTextRetrieval") => {
            Arc::new(BlipMatcher::load(&source)?)
        }
        _ => {
            let found = format!(
                "{} {:?}",
                model_type.unwrap_or("nothing"),
                found.architectures
            );
            return Err(SetupError::Config {
                model: source.name(),
                file: "config.json".to_owned(),
                reason: format!("expected {}, found {found}", expected(kind)),
            });
        }
    })
}

/// What can answer a kind.
fn expected(kind: SubTaskKind) -> &'static str {
    match kind {
        SubTaskKind::Locate => "model_type owlvit or owlv2 to locate",
        SubTaskKind::Answer => {
            "model_type vilt, qwen3_vl, or blip with BlipForQuestionAnswering, to answer"
        }
        SubTaskKind::Match => "model_type clip, or blip with BlipForImageTextRetrieval, to match",
        SubTaskKind::Depth | SubTaskKind::Prompt => "nothing: no checkpoint is known for this kind",
        _ => "a kind that checkpoints answer",
    }
}
