//! `sdvp models list`: what is shipped, and what is in the hub's cache.

use crate::output;
use anyhow::Result;
use sdvp_hub::{Cache, Snapshot};
use sdvp_modules::{BUILTIN, CheckpointSummary};

/// Prints a line a model.
pub(super) fn run(json: bool) -> Result<bool> {
    let shipped: Vec<(&str, usize)> = BUILTIN
        .iter()
        .map(|(name, files)| (*name, files.iter().map(|(_, bytes)| bytes.len()).sum()))
        .collect();
    // What is shipped is there all the same.
    let cached = Cache::from_environment().and_then(|cache| cache.all());
    let cached = cached.unwrap_or_else(|error| {
        tracing::warn!("sdvp: the hub's cache is not listed: {error}");
        Vec::new()
    });
    if json {
        let shipped = shipped
            .iter()
            .map(|(name, bytes)| serde_json::json!({"name": name, "bytes": bytes}));
        let cached = cached.iter().map(|snapshot| {
            let read = CheckpointSummary::read(&snapshot.folder);
            serde_json::json!({
                "name": snapshot.repository.as_str(),
                "commit": snapshot.commit,
                "revisions": snapshot.revisions,
                "bytes": snapshot.bytes(),
                "path": snapshot.folder,
                "answers": read.as_ref().ok().map(|summary| &summary.answers),
                "missing": read.as_ref().ok().map(|summary| &summary.missing),
                "reason": read.as_ref().err().map(|error| error.to_string()),
            })
        });
        output::json(&shipped.chain(cached).collect::<Vec<_>>())?;
        return Ok(true);
    }
    for (name, bytes) in shipped {
        output::text(&format!("{name:<22} {bytes:>9} bytes"))?;
    }
    for snapshot in cached {
        output::text(&format!(
            "{:<22} {:>9} bytes  {}",
            named(&snapshot),
            snapshot.bytes(),
            uses(&snapshot)
        ))?;
    }
    Ok(true)
}

/// A model by the name that chooses this state of it.
fn named(snapshot: &Snapshot) -> String {
    let repository = &snapshot.repository;
    match snapshot.revisions.as_slice() {
        revisions if revisions.iter().any(|revision| revision == "main") => repository.to_string(),
        [revision, ..] => format!("{repository}@{revision}"),
        [] => format!("{repository}@{}", snapshot.commit),
    }
}

fn uses(snapshot: &Snapshot) -> String {
    match CheckpointSummary::read(&snapshot.folder) {
        Ok(summary) => options(&summary),
        Err(_) => "no checkpoint, or not a whole one".to_owned(),
    }
}

/// The options that take a checkpoint, or what it has not.
pub(super) fn options(summary: &CheckpointSummary) -> String {
    if summary.answers.is_empty() {
        return "not used here".to_owned();
    }
    if !summary.missing.is_empty() {
        return format!("not whole: it has no {}", summary.missing.join(", and no "));
    }
    let options = summary.answers.iter().map(|kind| format!("--{kind}"));
    options.collect::<Vec<_>>().join(" ")
}
