//! `sdvp models verify`: whether a checkpoint or an ONNX file can be used, and for what.

use crate::{modules, output};
use anyhow::{Context, Result, anyhow, bail};
use sdvp_core::{DecodeLimits, Image, SubTaskKind};
use sdvp_modules::onnx::OnnxDetector;
use sdvp_modules::{Detector, Sighting, Vocabulary};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub(crate) struct Verify {
    /// The checkpoint's folder: config.json, preprocessor_config.json, weights, and tokenizer.json if
    /// it reads texts; or the name by which `sdvp models pull` downloaded it. Or the TOML file that
    /// describes an ONNX file.
    #[arg(value_name = "DIR|ID|TOML")]
    folder: PathBuf,
    /// Say what a described detector or classifier sees in this picture.
    #[arg(long)]
    image: Option<PathBuf>,
}

/// Names told of each thing that is seen.
const TOLD: usize = 3;

impl Verify {
    /// Loads the checkpoint as everything it may be. Work has failed if it is nothing.
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let is_description = modules::is_description(&self.folder);
        if self.image.is_some() && !is_description {
            bail!("--image is for described ONNX files; `sdvp ask` shows what a checkpoint says");
        }
        let folder = modules::located(&self.folder)?;
        // Loaded once, and not for every kind anew.
        let detector = is_description.then(|| modules::described(&folder).map(Arc::new));
        let mut usable = Vec::new();
        let mut reasons = Vec::new();
        for kind in SubTaskKind::TAUGHT.into_iter().chain([SubTaskKind::Depth]) {
            let module = match &detector {
                None => modules::module(kind, &folder),
                Some(Ok(detector)) => modules::stand_in(kind, detector, &folder),
                Some(Err(error)) => Err(anyhow!("{error:#}")),
            };
            match module {
                Ok(module) => usable.push(serde_json::json!({
                    "kind": kind.name(),
                    "module": module.name(),
                    "fingerprint": module.fingerprint().to_string(),
                })),
                Err(error) => reasons.push(serde_json::json!({
                    "kind": kind.name(),
                    "reason": format!("{error:#}"),
                })),
            }
        }
        let ok = !usable.is_empty();
        let seen = match (&self.image, &detector) {
            (Some(image), Some(Ok(detector))) => Some(seen(detector, image)?),
            _ => None,
        };
        if json {
            output::json(&serde_json::json!({
                "folder": self.folder,
                "ok": ok,
                "usable": usable,
                "refused": reasons,
                "seen": seen,
            }))?;
            return Ok(ok);
        }
        let told = if ok { &usable } else { &reasons };
        for entry in told {
            let text = |key: &str| entry[key].as_str().unwrap_or_default();
            output::text(&match ok {
                true => format!(
                    "--{} {}: {}, fingerprint {}",
                    text("kind"),
                    self.folder.display(),
                    text("module"),
                    text("fingerprint")
                ),
                false => format!("not for {}: {}", text("kind"), text("reason")),
            })?;
        }
        for line in seen.iter().flatten() {
            output::text(&format!(
                "{} at {}",
                line["names"].as_str().unwrap_or_default(),
                line["bbox"]
            ))?;
        }
        Ok(ok)
    }
}

/// What a described file sees in a picture: names with probabilities, and boxes in pixels.
fn seen(detector: &OnnxDetector, image: &Path) -> Result<Vec<serde_json::Value>> {
    let picture = Image::open(image, &DecodeLimits::default())
        .with_context(|| format!("cannot read {}", image.display()))?;
    let view = picture.view();
    let (width, height) = (view.width() as f32, view.height() as f32);
    let seen = detector.sightings(&[&view])?;
    let told = seen.iter().flatten().map(|sighting| {
        let b = sighting.bbox.scaled(width, height);
        let edges = [b.x0, b.y0, b.x1, b.y1].map(f32::round);
        serde_json::json!({
            "names": likeliest(sighting, detector.vocabulary()),
            "bbox": edges,
        })
    });
    Ok(told.collect())
}

fn likeliest(sighting: &Sighting, words: &Vocabulary) -> String {
    let mut names: Vec<(f32, &String)> = sighting.names.iter().copied().zip(&words.names).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let likely = names
        .iter()
        .take(TOLD)
        .filter(|(probability, _)| *probability >= 0.01);
    let told: Vec<String> = likely.map(|(p, name)| format!("{name} {p:.2}")).collect();
    told.join(", ")
}
