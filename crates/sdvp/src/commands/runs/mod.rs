//! `sdvp runs`: what `sdvp run --out` wrote, and `sdvp distill`.

mod compared;
mod listed;

use super::distill_record::is_distillation;
use crate::output;
use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum};
use compared::compared;
use listed::{distilled, listed};
use sdvp_eval::McNemar;
use sdvp_store::{ExportFormat, Exported, RunReader, Summary, compare, export, list};
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
    /// Losses of trainings, as of a distillation.
    Curves,
    /// What trainings kept.
    Checkpoints,
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
                if comparison.common == 0 {
                    bail!(
                        "{} and {} have no question in common: {} are in the first and {} in the second; \
                         expected runs about the same questions",
                        first.display(),
                        second.display(),
                        comparison.only_first,
                        comparison.only_second,
                    );
                }
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
                    What::Curves => (Exported::Curves, "losses"),
                    What::Checkpoints => (Exported::Checkpoints, "checkpoints"),
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

fn ending(ended: bool) -> &'static str {
    match ended {
        true => "",
        false => " (not ended: it is running, or was broken off)",
    }
}

fn shown(summary: &Summary) -> String {
    let percent = |share: f64| 100.0 * share;
    let (folder, end) = (summary.folder.display(), ending(summary.ended));
    let settings = &summary.configuration.settings;
    let mut lines = vec![match is_distillation(settings) {
        true => format!("{folder}: {}{end}", distilled(settings)),
        false => format!(
            "{folder}: {:.1} % of {} questions, {:.1} % of programs failed ({}, {} put otherwise){end}",
            percent(summary.score),
            summary.questions,
            percent(summary.failure_rate),
            summary.failed,
            summary.fallbacks,
        ),
    }];
    for (name, value) in settings {
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
