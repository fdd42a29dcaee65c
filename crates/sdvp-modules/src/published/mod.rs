//! Published checkpoints as modules: a folder as it is downloaded (`config.json`,
//! `preprocessor_config.json`, `model.safetensors`, and where texts are read `tokenizer.json` or a vocabulary),
//! recognised by what its configuration says it is.

mod depth;
mod prompting;
mod summary;

pub use depth::DepthEstimator;
pub use prompting::{Answering, Prompting};
pub use summary::{CheckpointSummary, WeightSummary};

use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use crate::student::{
    AnswerStudent, BlipAnswerer, BlipMatcher, CONFIG, FrozenModel, LocateStudent, MODEL_FILES,
    MatchStudent, Qwen3VlAnswerer,
};
use candle_core::Device;
use prompting::NotOfIt;
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
    placed_module(kind, folder, &Answering::default(), &Device::Cpu)
}

/// As [`published_module`], with how answers are to be written, and the device that the module is to
/// compute on.
///
/// # Errors
/// If something is said of answers that the checkpoint has not; or it does not fit on the device.
pub fn placed_module(
    kind: SubTaskKind,
    folder: &Path,
    answering: &Answering,
    device: &Device,
) -> Result<Arc<dyn Module>> {
    let source = ModelSource::Folder(folder.to_owned());
    let found: Kind = source.json(CONFIG, MODEL_FILES)?;
    match loader(kind, &found) {
        Some(load) => load(&source, answering, device).map_err(|error| match error {
            SetupError::Answering { model, what } => SetupError::Answering {
                model: format!("{model}, a {}", found.model_type.unwrap_or_default()),
                what,
            },
            other => other,
        }),
        None => {
            let found = format!(
                "{} {:?}",
                found.model_type.as_deref().unwrap_or("nothing"),
                found.architectures
            );
            Err(SetupError::Config {
                model: source.name(),
                file: CONFIG.to_owned(),
                reason: format!("expected {}, found {found}", expected(kind)),
            })
        }
    }
}

/// Makes a module of a checkpoint's files, on a device.
type Load = fn(&ModelSource, &Answering, &Device) -> Result<Arc<dyn Module>>;

/// How a checkpoint becomes a module that answers a kind; none if it cannot.
fn loader(kind: SubTaskKind, found: &Kind) -> Option<Load> {
    let is = |architecture: &str| found.architectures.iter().any(|name| name == architecture);
    let load: Load = match (kind, found.model_type.as_deref()) {
        (SubTaskKind::Locate, None | Some("owlvit" | "owlv2")) => |source, answering, device| {
            said_of(source, answering.nothing())?;
            Ok(Arc::new(LocateStudent::of(FrozenModel::load(
                source, device,
            )?)?))
        },
        (SubTaskKind::Match, None | Some("clip")) => |source, answering, device| {
            said_of(source, answering.nothing())?;
            Ok(Arc::new(MatchStudent::of(FrozenModel::load(
                source, device,
            )?)?))
        },
        (SubTaskKind::Answer, None | Some("vilt")) => |source, answering, device| {
            said_of(source, answering.nothing())?;
            Ok(Arc::new(AnswerStudent::of(FrozenModel::load(
                source, device,
            )?)))
        },
        (SubTaskKind::Answer, Some("blip")) if is("BlipForQuestionAnswering") => {
            |source, answering, device| {
                let decoding = said_of(source, answering.decoding())?;
                Ok(Arc::new(BlipAnswerer::load(source, decoding, device)?))
            }
        }
        (SubTaskKind::Match, Some("blip")) if is("BlipForImageTextRetrieval") => {
            |source, answering, device| {
                said_of(source, answering.nothing())?;
                Ok(Arc::new(BlipMatcher::load(source, device)?))
            }
        }
        (SubTaskKind::Answer, Some("qwen3_vl")) => |source, answering, device| {
            let prompting = said_of(source, answering.prompting())?;
            Ok(Arc::new(Qwen3VlAnswerer::load(source, prompting, device)?))
        },
        (SubTaskKind::Depth, Some("depth_anything")) => |source, answering, device| {
            said_of(source, answering.nothing())?;
            Ok(Arc::new(DepthEstimator::load(source, device)?))
        },
        _ => return None,
    };
    Some(load)
}

/// Whether what is said of answers is of this checkpoint.
fn said_of<T>(source: &ModelSource, said: std::result::Result<T, NotOfIt>) -> Result<T> {
    said.map_err(|NotOfIt(what)| SetupError::Answering {
        model: source.name(),
        what,
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
        SubTaskKind::Depth => "model_type depth_anything to say how far away things are",
        SubTaskKind::Prompt => "nothing: no checkpoint is known for this kind",
        _ => "a kind that checkpoints answer",
    }
}
