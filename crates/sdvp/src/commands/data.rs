//! `sdvp data`: the built-in world as files in the published layouts; what is in files, and some of it.

use super::files::Files;
use crate::output;
use anyhow::Result;
use clap::Subcommand;
use sdvp_data::benchmark::OpenOptions;
use sdvp_data::picto::Split;
use sdvp_data::{Benchmark, CheckReport, Remark, Rule, Task, check, choose, dataset, questions};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Data {
    /// Write pictures, questions, scene graphs and programs into a new folder.
    Make {
        /// picto-gqa, picto-nlvr2, picto-count, picto-spatial, picto-tag, picto-ref.
        task: String,
        /// train, val or test.
        #[arg(long, default_value = "test")]
        split: String,
        /// How many questions.
        #[arg(long, default_value_t = 100)]
        count: usize,
        /// Seed of the questions.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// The new folder.
        #[arg(long)]
        out: PathBuf,
    },
    /// Say what is in a benchmark, what is missing and what is inconsistent; the latter fails.
    Check {
        /// A folder or file of GQA, NLVR2 or NLVR, or a table (.csv, .tsv, .jsonl, .ndjson,
        /// .parquet).
        path: PathBuf,
        /// Decode every picture, too.
        #[arg(long)]
        images: bool,
        #[command(flatten)]
        files: Files,
    },
    /// Choose questions of a benchmark by a seed and name them in a file that can be shared.
    Subset {
        /// A folder or file, as for check.
        path: PathBuf,
        /// The part, such as val_balanced or dev, where there are several.
        #[arg(long)]
        split: Option<String>,
        /// So many of each type.
        #[arg(long, conflicts_with = "count", required_unless_present = "count")]
        per_type: Option<usize>,
        /// So many of all.
        #[arg(long)]
        count: Option<usize>,
        /// Seed of the choice.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// The manifest.
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        files: Files,
    },
}

impl Data {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        match self {
            Data::Make {
                task,
                split,
                count,
                seed,
                out,
            } => {
                let (task, split): (Task, Split) = (Task::named(&task)?, split.parse()?);
                dataset::write(&out, task, &questions(task, split, seed, count))?;
                if json {
                    output::json(
                        &serde_json::json!({ "task": task, "questions": count, "folder": out }),
                    )?;
                } else {
                    output::text(&format!(
                        "wrote {count} questions of {task} to {}",
                        out.display()
                    ))?;
                }
                Ok(true)
            }
            Data::Check {
                path,
                images,
                files,
            } => {
                let report = check(&Benchmark::open(&path, &OpenOptions::from(&files))?, images)?;
                if json {
                    output::json(&report)?;
                } else {
                    output::text(&text(&report))?;
                }
                Ok(report.is_consistent())
            }
            Data::Subset {
                path,
                split,
                per_type,
                count,
                seed,
                out,
                files,
            } => {
                let benchmark = Benchmark::open(&path, &OpenOptions::from(&files))?;
                let rule = match (per_type, count) {
                    (Some(count), _) => format!("per-type:{count}"),
                    (None, count) => count.unwrap_or_default().to_string(),
                };
                let rule: Rule = rule.parse().map_err(anyhow::Error::msg)?;
                let parts = benchmark.parts_named(split.as_deref())?;
                let manifest = choose(&benchmark, &parts, rule, seed)?;
                manifest.write(&out)?;
                if json {
                    output::json(&manifest)?;
                } else {
                    output::text(&format!(
                        "chose {} of {} questions of {}; named in {}",
                        manifest.ids.len(),
                        manifest.source.records,
                        manifest.source.parts.join(", "),
                        out.display()
                    ))?;
                }
                Ok(true)
            }
        }
    }
}

fn text(report: &CheckReport) -> String {
    let mut lines = Vec::new();
    for part in &report.parts {
        let answers = match part.unanswered {
            0 => String::new(),
            n => format!(", {n} without an answer"),
        };
        lines.push(format!(
            "{} ({}, {} file{}): {} records{answers}, {} pictures",
            part.name,
            part.layout,
            part.files,
            if part.files == 1 { "" } else { "s" },
            part.records,
            part.pictures,
        ));
        let types = part.types.iter().filter(|(kind, _)| !kind.is_empty());
        let types: Vec<String> = types.map(|(kind, n)| format!("{kind} {n}")).collect();
        if !types.is_empty() {
            lines.push(format!("  {}", types.join(", ")));
        }
    }
    for (split, count) in &report.graphs {
        lines.push(format!("scene graphs {split}: {count} pictures"));
    }
    if let Some(decoded) = report.decoded {
        lines.push(format!("{decoded} pictures decoded"));
    }
    for path in &report.unread {
        lines.push(format!(
            "not read: {} holds no known records",
            path.display()
        ));
    }
    remarks(&mut lines, "missing", &report.missing);
    remarks(&mut lines, "inconsistent", &report.inconsistent);
    if report.is_consistent() {
        lines.push("nothing inconsistent".to_owned());
    }
    lines.join("\n")
}

fn remarks(lines: &mut Vec<String>, title: &str, remarks: &[Remark]) {
    for remark in remarks {
        lines.push(format!("{title}: {} {}", remark.count, remark.what));
        lines.extend(remark.examples.iter().map(|example| format!("  {example}")));
        if remark.count > remark.examples.len() && !remark.examples.is_empty() {
            lines.push("  …".to_owned());
        }
    }
}
