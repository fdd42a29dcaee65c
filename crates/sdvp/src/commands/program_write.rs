//! `sdvp program write`: has a language model write programs for questions.

use super::LanguageOptions;
use super::files::Files;
use crate::exam::Framework;
use crate::output;
use crate::progress::Progress;
use crate::published::{Published, Selection};
use crate::written::{Writing, form, question, question_of};
use anyhow::{Context, Result, bail};
use sdvp_data::benchmark::OpenOptions;
use sdvp_data::picto::Split;
use sdvp_data::{Rule, Task, questions};
use sdvp_language::{Form, Question};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Write {
    /// A task of the built-in world (picto-gqa …), or a folder or file of GQA, NLVR2 or NLVR, or a table.
    #[arg(required_unless_present = "question", conflicts_with = "question")]
    task: Option<String>,
    /// One question instead.
    #[arg(long)]
    question: Option<String>,
    /// How many pictures that one is about.
    #[arg(long, requires = "question", value_parser = clap::value_parser!(u8).range(1..=3))]
    pictures: Option<u8>,
    /// The split of a built-in task (test if not given), or the part of a benchmark.
    #[arg(long)]
    split: Option<String>,
    /// Some of a benchmark's questions, chosen by --seed: a number, or per-type:NUMBER.
    #[arg(long, conflicts_with = "manifest")]
    subset: Option<Rule>,
    /// The questions that a manifest names (`sdvp data subset`).
    #[arg(long, conflicts_with = "split")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
    /// The language of the programs.
    #[arg(long, value_enum, default_value = "visprog")]
    framework: Framework,
    /// How many questions; 500, or all of a folder, if not given.
    #[arg(long)]
    limit: Option<usize>,
    /// Seed of a built-in task's questions, or of a subset.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    language: LanguageOptions,
    /// The file of programs, one JSON record a line; standard output, if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Write {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let (questions, form) = self.questions()?;
        let progress = Progress::new();
        let writing = Writing::of(&self.language, self.framework, form, questions, &progress)?;
        if let Some(out) = &self.out {
            writing.write(out)?;
        }
        if json {
            let lines = writing.lines();
            let programs: Vec<Value> = lines
                .lines()
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()?;
            output::json(&json!({ "summary": writing.summary, "programs": programs }))?;
        } else if self.out.is_some() {
            output::text(&writing.told())?;
        } else {
            output::text(&writing.lines())?;
            tracing::info!("{}", writing.told());
        }
        Ok(writing.is_whole())
    }

    /// What is asked, and in which form.
    fn questions(&self) -> Result<(Vec<Question>, Form)> {
        if let Some(text) = &self.question {
            let question = question("question", text, self.pictures.unwrap_or(1).into());
            let form = match question.pictures.len() {
                1 => Form::Gqa,
                _ => Form::General,
            };
            return Ok((vec![question], form));
        }
        let task = self.task.as_deref().unwrap_or_default();
        let path = PathBuf::from(task);
        if path.exists() {
            let selection = Selection {
                split: self.split.clone(),
                subset: self.subset,
                manifest: self.manifest.clone(),
                seed: self.seed,
                limit: self.limit,
                programs: None,
            };
            let published = Published::read(&path, &OpenOptions::from(&self.files), &selection)?;
            let asked: Vec<Question> = published.records.iter().map(question_of).collect();
            let golds = published.records.iter().map(|record| &record.gold);
            let pictures = asked.iter().map(|question| question.pictures.len());
            let form = form(pictures.zip(golds));
            return Ok((asked, form));
        }
        let task = Task::named(task).context("and there is no such folder or file")?;
        if self.subset.is_some() || self.manifest.is_some() {
            bail!("--subset and --manifest are of a benchmark's files; {task} is built in");
        }
        let split: Split = self.split.as_deref().unwrap_or("test").parse()?;
        let drawn = questions(task, split, self.seed, self.limit.unwrap_or(500));
        let form = form(drawn.iter().map(|q| (q.scenes.len(), &q.gold)));
        let asked = drawn
            .iter()
            .map(|q| question(&q.id, &q.text, q.scenes.len()));
        Ok((asked.collect(), form))
    }
}
