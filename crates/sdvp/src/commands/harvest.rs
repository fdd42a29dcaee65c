//! `sdvp harvest`: the calls that programs make, for a model elsewhere to label.

use super::caching::{Caching, saved};
use super::effort::Effort;
use super::files::Files;
use super::harvest_folder::{HarvestFolder, admit};
use crate::exam::{Framework, Reader};
use crate::progress::Progress;
use crate::published::{ProgramFile, Published, Selection};
use crate::questions::{BuiltIn, Questions};
use crate::{modules, output};
use anyhow::{Context, Result, bail};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::{Module, SubTask};
use sdvp_data::Task;
use sdvp_distill::{AlsoAsked, CallWriter, Exercise, Harvested, WrittenCalls, harvest_each};
use sdvp_runtime::Settings;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The split of a built-in task that is learned from.
const TRAIN: &str = "train";

/// What a student's programs ask is what it learns from. With the same task, questions, seed,
/// framework and student, `sdvp distill` makes the same calls.
#[derive(clap::Args)]
pub(crate) struct Harvest {
    /// A task of the built-in world (picto-gqa …), or a benchmark's folder or file.
    task: String,
    /// The split of a built-in task [default: train], or the part of a benchmark.
    #[arg(long)]
    split: Option<String>,
    /// The language of the programs.
    #[arg(long, value_enum, default_value_t)]
    framework: Framework,
    /// Programs of a benchmark's questions, if not those in its folder.
    #[arg(long, value_name = "FILE")]
    programs: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
    /// How many questions; as many as `sdvp distill` takes, or all of a folder, if not given.
    #[arg(long)]
    questions: Option<usize>,
    /// Seed of a built-in task's questions.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The student that runs the programs; the shipped one if not given.
    #[arg(long)]
    student: Option<PathBuf>,
    /// A text file with the name of a thing a line. Whether and where these are is to be said of
    /// every view that programs search or ask about, so that the student learns what is not there.
    #[arg(long, value_name = "FILE")]
    words: Option<PathBuf>,
    /// A text file with a description a line. How well these fit is to be said of every view that
    /// programs compare with one.
    #[arg(long, value_name = "FILE")]
    descriptions: Option<PathBuf>,
    #[command(flatten)]
    caching: Caching,
    /// The new folder: calls.jsonl and images/.
    #[arg(long)]
    out: PathBuf,
}

impl Harvest {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let also = AlsoAsked {
            words: texts(self.words.as_deref())?,
            descriptions: texts(self.descriptions.as_deref())?,
        };
        admit(&self.out)?;
        let published = self.published()?;
        let questions = self.asked(published.as_ref())?;
        let total = questions.survey(false)?.count;
        let modules = modules::student(self.student.as_deref())?.modules()?;
        let settings = Settings {
            kept: self.caching.open()?,
            ..Settings::default()
        };
        let folder = HarvestFolder::take(&self.out)?;
        let written = self.write(&questions, total, modules, &settings, &also);
        let (written, found) = folder.end(written)?;
        let unread = total - found.statistics.executions;
        if json {
            let mut done = self.summary(&written, &found);
            done["unreadable"] = json!(unread);
            done["runtime"] = json!(found.statistics);
            output::json(&done)?;
        } else {
            output::text(&self.told(&written, &found))?;
            if let Some(saved) = saved(settings.kept.as_ref(), &found.statistics) {
                output::text(&saved)?;
            }
            if unread > 0 {
                output::text(&format!("{unread} programs are missing or cannot be read"))?;
            }
        }
        Ok(true)
    }

    /// Runs the programs and writes their calls as they come.
    fn write(
        &self,
        questions: &Questions,
        total: usize,
        modules: Vec<Arc<dyn Module>>,
        settings: &Settings,
        also: &AlsoAsked,
    ) -> Result<(WrittenCalls, Harvested)> {
        let progress = Progress::new();
        let name = format!("{}: calls", self.task);
        let mut writer = CallWriter::new(&self.out)?;
        let found = questions.stream(
            total,
            |_| true,
            |items| {
                let readable = items.filter_map(|item| {
                    Some(Exercise {
                        program: item.program.ok()?,
                        inputs: item.inputs,
                        gold: Some(item.gold),
                    })
                });
                let take = |call: &SubTask| writer.take(call);
                Ok(harvest_each(
                    readable, total, modules, settings, &name, &progress, take,
                )?)
            },
        )?;
        progress.end();
        if found.statistics.executions == 0 {
            bail!(
                "none of {total} programs can be read; `sdvp program check` says why, or is this not {}?",
                self.framework.name()
            );
        }
        Ok((writer.finish(also)?, found))
    }

    /// The benchmark's files that are meant, if it is not a built-in task.
    fn published(&self) -> Result<Option<Published>> {
        let folder = Path::new(&self.task);
        if !folder.exists() {
            return Ok(None);
        }
        let selection = Selection {
            split: self.split.clone(),
            limit: self.questions,
            programs: match &self.programs {
                Some(file) => ProgramFile::At(file.clone()),
                None => ProgramFile::InFolder,
            },
            ..Selection::default()
        };
        let published = Published::open(folder, &(&self.files).into(), &selection)?;
        Ok(Some(published))
    }

    /// The questions whose programs are run.
    fn asked<'p>(&self, published: Option<&'p Published>) -> Result<Questions<'p>> {
        let reader = Reader::from(self.framework);
        if let Some(published) = published {
            return Ok(Questions::of_files(published, false, reader));
        }
        let built_in = BuiltIn {
            task: Task::named(&self.task).context("and there is no such folder")?,
            split: self.split.as_deref().unwrap_or(TRAIN).parse()?,
            seed: self.seed,
            count: self.questions.unwrap_or(Effort::default().questions),
            functional: false,
        };
        Questions::built_in(built_in, reader)
    }

    fn summary(&self, written: &WrittenCalls, found: &Harvested) -> Value {
        let calls = written.calls.iter();
        let calls: serde_json::Map<String, Value> = calls
            .map(|(kind, count)| (kind.name().to_owned(), json!(count)))
            .collect();
        json!({
            "task": self.task,
            "split": self.split.as_deref().unwrap_or(TRAIN),
            "framework": self.framework,
            "seed": self.seed,
            "programs": found.statistics.executions,
            "failed": found.statistics.failed,
            "failure": found.failure,
            "calls": calls,
            "images": written.images,
            "folder": self.out,
        })
    }

    fn told(&self, written: &WrittenCalls, found: &Harvested) -> String {
        let each = written.calls.iter();
        let each: Vec<String> = each
            .map(|(kind, count)| format!("{count} to {kind}"))
            .collect();
        let Harvested {
            statistics,
            failure,
        } = found;
        let (programs, failed) = (statistics.executions, statistics.failed);
        let mut told = format!(
            "wrote {} calls of {programs} programs ({}) about {} pictures to {}",
            written.calls.values().sum::<usize>(),
            each.join(", "),
            written.images,
            self.out.display(),
        );
        if let Some(failure) = failure {
            told.push_str(&format!(
                "\n{failed} programs failed, and their calls up to then count; the first: {failure}"
            ));
        }
        told
    }
}

/// The lines of a file, each once, without empty ones.
fn texts(file: Option<&Path>) -> Result<Vec<String>> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    let text = sdvp_core::read_text_within(file, &SETTINGS_FILE)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let mut known = BTreeSet::new();
    let lines = text.lines().map(str::trim);
    let lines: Vec<String> = lines
        .filter(|line| !line.is_empty() && known.insert(*line))
        .map(str::to_owned)
        .collect();
    if lines.is_empty() {
        bail!("{}: expected a text a line, found none", file.display());
    }
    Ok(lines)
}
