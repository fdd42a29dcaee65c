//! The runs in a folder, a line each.

use super::super::distill_record::is_distillation;
use super::ending;
use crate::output;
use anyhow::Result;
use sdvp_store::{ListedRun, RunOverview};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Fails if one of them cannot be read.
pub(super) fn listed(runs: &[ListedRun], as_json: bool) -> Result<bool> {
    if as_json {
        let rows: Vec<Value> = runs
            .iter()
            .map(|run| match &run.overview {
                Ok(overview) => json!({"folder": run.folder, "overview": overview}),
                Err(error) => json!({"folder": run.folder, "error": error}),
            })
            .collect();
        output::json(&rows)?;
    }
    for run in runs.iter().filter(|_| !as_json) {
        let folder = run.folder.display();
        output::text(&match &run.overview {
            Ok(run) => format!("{folder}: {}", line(run)),
            Err(error) => format!("{folder}: {error}"),
        })?;
    }
    Ok(runs.iter().all(|run| run.overview.is_ok()))
}

/// What there is to say of a run in a line.
fn line(run: &RunOverview) -> String {
    let end = ending(run.ended);
    if is_distillation(&run.settings) {
        let (checkpoints, curves) = (run.checkpoints, run.curves);
        let learned = distilled(&run.settings);
        return format!("{learned}: {checkpoints} checkpoints, {curves} curves{end}");
    }
    format!(
        "{} ({}, {}): {:.1} % of {} questions, {} failed{end}",
        said(&run.settings, "task"),
        said(&run.settings, "split"),
        said(&run.settings, "framework"),
        100.0 * run.score,
        run.questions,
        run.failed,
    )
}

/// What was learned in a distillation with these settings, how, and what could be lost.
pub(super) fn distilled(settings: &BTreeMap<String, Value>) -> String {
    let gate = settings.get("gate");
    let tolerance = gate.and_then(|gate| gate["tolerance"].as_f64());
    let gate = match (gate.map(|gate| &gate["left out"]), tolerance) {
        (Some(Value::Bool(false)), Some(points)) => format!("gate of {points} points"),
        _ => "no gate".to_owned(),
    };
    let (task, framework) = (said(settings, "task"), said(settings, "framework"));
    format!("distillation of {task} ({framework}, {gate})")
}

/// A setting that is a text.
fn said(settings: &BTreeMap<String, Value>, name: &str) -> String {
    match settings.get(name) {
        Some(Value::String(text)) => text.clone(),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overview(settings: &Value) -> RunOverview {
        let settings = settings.as_object().unwrap().clone();
        RunOverview {
            questions: 0,
            score: 0.0,
            failed: 0,
            curves: 6,
            checkpoints: 3,
            ended: true,
            settings: settings.into_iter().collect(),
        }
    }

    #[test]
    fn a_distillation_has_no_score() {
        let mut settings = json!({
            "task": "picto-gqa", "framework": "viper", "from": {}, "effort": {},
            "gate": { "tolerance": 1.5, "questions": 10, "left out": false },
        });
        assert_eq!(
            line(&overview(&settings)),
            "distillation of picto-gqa (viper, gate of 1.5 points): 3 checkpoints, 6 curves"
        );
        settings["gate"]["left out"] = true.into();
        assert!(line(&overview(&settings)).contains("no gate"));
        let run = json!({ "task": "picto-gqa", "split": "test", "framework": "viper" });
        let told = line(&overview(&run));
        assert!(
            told.contains("(test, viper): 0.0 % of 0 questions"),
            "{told}"
        );
    }
}
