//! `sdvp models verify`: whether a folder is a checkpoint that can be used, and for what.

use crate::output;
use anyhow::Result;
use sdvp_core::SubTaskKind;
use sdvp_modules::published_module;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Verify {
    /// The checkpoint's folder: config.json, preprocessor_config.json, tokenizer.json and weights.
    folder: PathBuf,
}

impl Verify {
    /// Loads the checkpoint as everything it may be. Work has failed if it is nothing.
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let mut usable = Vec::new();
        let mut reasons = Vec::new();
        for kind in SubTaskKind::TAUGHT {
            match published_module(kind, &self.folder) {
                Ok(module) => usable.push(serde_json::json!({
                    "kind": kind.name(),
                    "module": module.name(),
                    "fingerprint": module.fingerprint().to_string(),
                })),
                Err(error) => reasons.push(serde_json::json!({
                    "kind": kind.name(),
                    "reason": error.to_string(),
                })),
            }
        }
        let ok = !usable.is_empty();
        if json {
            output::json(&serde_json::json!({
                "folder": self.folder,
                "ok": ok,
                "usable": usable,
                "refused": reasons,
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
        Ok(ok)
    }
}
