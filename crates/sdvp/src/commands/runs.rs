//! `sdvp runs`: what `sdvp run --out` wrote.

use crate::output;
use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use sdvp_eval::McNemar;
use sdvp_store::{
    Comparison, ExportFormat, Exported, ListedRun, RunReader, StepDifference, SubTaskRow, Summary,
    compare, export, list,
};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Runs {
    /// The runs in a folder and in the folders within it.
    List {
        /// The folder.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// What a run comes to: scores, failures, sub-tasks, what was computed and how long it took. It may
    /// be running.
    Show {
        /// The run's folder.
        dir: PathBuf,
        /// How many of the questions that took longest.
        #[arg(long, default_value_t = 5, value_name = "N")]
        slowest: u32,
    },
    /// Two runs question by question, and the step at which programs began to see something else.
    Compare {
        /// One run's folder.
        first: PathBuf,
        /// Another's.
        second: PathBuf,
        /// Of how many questions the step is shown.
        #[arg(long, default_value_t = 10, value_name = "N")]
        steps: usize,
    },
    /// Write a run as a table.
    Export {
        /// The run's folder.
        dir: PathBuf,
        /// How it is written.
        #[arg(long, value_enum)]
        format: Format,
        /// The file.
        #[arg(long)]
        out: PathBuf,
        /// What it has a row of.
        #[arg(long, value_enum, default_value = "questions")]
        what: What,
    },
}

/// How a table is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Parquet,
    Jsonl,
    Csv,
}

/// What a table has a row of.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum What {
    Questions,
    SubTasks,
}

impl Runs {
    pub(crate) fn run(self, as_json: bool) -> Result<bool> {
        match self {
            Runs::List { dir } => listed(&list(&dir)?, as_json),
            Runs::Show { dir, slowest } => {
                let summary = RunReader::open(&dir)?.summary(slowest)?;
                match as_json {
                    true => output::json(&summary)?,
                    false => output::text(&shown(&summary))?,
                }
                Ok(true)
            }
            Runs::Compare {
                first,
                second,
                steps,
            } => {
                let (one, two) = (RunReader::open(&first)?, RunReader::open(&second)?);
                let comparison = compare(&one, &two, steps)?;
                let gained = comparison.newly_right.len();
                let test = McNemar::from_counts(gained, comparison.newly_wrong.len());
                match as_json {
                    true => {
                        output::json(&json!({"comparison": comparison, "mcnemar": test}))?;
                    }
                    false => output::text(&compared(&comparison, test))?,
                }
                Ok(true)
            }
            Runs::Export {
                dir,
                format,
                out,
                what,
            } => {
                let format = match format {
                    Format::Parquet => ExportFormat::Parquet,
                    Format::Jsonl => ExportFormat::JsonLines,
                    Format::Csv => ExportFormat::Csv,
                };
                let (what, name) = match what {
                    What::Questions => (Exported::Questions, "questions"),
                    What::SubTasks => (Exported::SubTasks, "sub-tasks"),
                };
                let rows = export(&RunReader::open(&dir)?, what, format, &out)?;
                match as_json {
                    true => output::json(&json!({"what": name, "rows": rows, "out": out}))?,
                    false => output::text(&format!("{rows} {name} in {}", out.display()))?,
                }
                Ok(true)
            }
        }
    }
}

/// Fails if one of them cannot be read.
fn listed(runs: &[ListedRun], as_json: bool) -> Result<bool> {
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
            Ok(run) => {
                let said = |name: &str| match run.settings.get(name) {
                    Some(Value::String(text)) => text.clone(),
                    _ => "?".to_owned(),
                };
                format!(
                    "{folder}: {} ({}, {}): {:.1} % of {} questions, {} failed{}",
                    said("task"),
                    said("split"),
                    said("framework"),
                    100.0 * run.score,
                    run.questions,
                    run.failed,
                    ending(run.ended),
                )
            }
            Err(error) => format!("{folder}: {error}"),
        })?;
    }
    Ok(runs.iter().all(|run| run.overview.is_ok()))
}

fn ending(ended: bool) -> &'static str {
    match ended {
        true => "",
        false => " (not ended: it is running, or was broken off)",
    }
}

fn shown(summary: &Summary) -> String {
    let percent = |share: f64| 100.0 * share;
    let mut lines = vec![format!(
        "{}: {:.1} % of {} questions, {:.1} % of programs failed ({}, {} put otherwise){}",
        summary.folder.display(),
        percent(summary.score),
        summary.questions,
        percent(summary.failure_rate),
        summary.failed,
        summary.fallbacks,
        ending(summary.ended),
    )];
    for (name, value) in &summary.configuration.settings {
        if !matches!(value, Value::Null | Value::Bool(false)) {
            lines.push(format!("  {name} = {value}"));
        }
    }
    lines.push(format!("  seed = {}", summary.configuration.seed));
    lines.push("questions".to_owned());
    for kind in &summary.kinds {
        lines.push(format!(
            "  {}: {:.1} % of {}, {} failed",
            kind.kind,
            percent(kind.score),
            kind.questions,
            kind.failed,
        ));
    }
    lines.push("sub-tasks".to_owned());
    for kind in &summary.sub_tasks {
        lines.push(format!(
            "  {}: {} asked, {} computed in {:.1} s, {} cached, {} shared",
            kind.kind, kind.asked, kind.computed, kind.seconds, kind.cached, kind.shared,
        ));
    }
    lines.push("modules".to_owned());
    for module in &summary.modules {
        let each = 1e3 * module.seconds / module.computed.max(1) as f64;
        lines.push(format!(
            "  {} ({}): {} answered, {} computed, {each:.2} ms each",
            module.name,
            module.fingerprint.short(),
            module.answered,
            module.computed,
        ));
    }
    if !summary.slowest.is_empty() {
        lines.push("slowest".to_owned());
    }
    for slow in &summary.slowest {
        let (id, sub_tasks) = (&slow.id, slow.sub_tasks);
        lines.push(format!(
            "  {id}: {:.3} s, {sub_tasks} sub-tasks",
            slow.seconds
        ));
    }
    let [known, kept] = summary.images;
    lines.push(format!("{known} pictures, {kept} of them kept"));
    for curve in &summary.curves {
        let loss = |loss: Option<f64>| loss.map_or("no number".to_owned(), |l| format!("{l:.4}"));
        lines.push(format!(
            "{}: {} steps, loss {} to {}",
            curve.name,
            curve.steps,
            loss(curve.first),
            loss(curve.last),
        ));
    }
    lines.join("\n")
}

fn compared(comparison: &Comparison, test: McNemar) -> String {
    let mut lines = vec![
        format!(
            "{} common questions: {:.1} % and {:.1} %",
            comparison.common,
            100.0 * comparison.first_score,
            100.0 * comparison.second_score,
        ),
        format!(
            "  both right {}, both wrong {}, newly right {}, newly wrong {} (McNemar's test: p = {:.4})",
            comparison.both_right, comparison.both_wrong, test.gained, test.lost, test.p,
        ),
        format!(
            "  {} only in the first, {} only in the second, {} reworded, {} with other programs, {} with other steps",
            comparison.only_first,
            comparison.only_second,
            comparison.reworded,
            comparison.other_programs,
            comparison.other_traces,
        ),
    ];
    for difference in &comparison.configuration {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        let (first, second) = (side(&difference.first), side(&difference.second));
        lines.push(format!("  {}: {first} and {second}", difference.key));
    }
    for (name, ids) in [
        ("newly right", &comparison.newly_right),
        ("newly wrong", &comparison.newly_wrong),
    ] {
        let first: Vec<&str> = ids.iter().take(10).map(String::as_str).collect();
        if !first.is_empty() {
            let more = match ids.len() - first.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            lines.push(format!("{name}: {}{more}", first.join(", ")));
        }
    }
    lines.extend(comparison.steps.iter().map(step));
    lines.join("\n")
}

fn step(difference: &StepDifference) -> String {
    let side = |sub_task: &Option<SubTaskRow>| match sub_task {
        None => "nothing more".to_owned(),
        Some(asked) => format!(
            "line {}: {} {:?} in {} -> {}",
            asked.line,
            asked.kind,
            asked.text,
            asked.region,
            asked.outcome.as_deref().unwrap_or("no outcome"),
        ),
    };
    format!(
        "{}, sub-task {}: other {}\n    first  {}\n    second {}",
        difference.id,
        difference.place + 1,
        difference.what.join(", "),
        side(&difference.first),
        side(&difference.second),
    )
}
