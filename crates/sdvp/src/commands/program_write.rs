//! `sdvp program write`: has a language model write programs for questions.

use super::LanguageOptions;
use super::chosen::Chosen;
use crate::exam::Framework;
use crate::output;
use crate::progress::Progress;
use crate::published::ProgramFile;
use crate::written::{Asking, Writing, asked_drawn, asked_of, question};
use anyhow::Result;
use sdvp_data::questions;
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
    #[command(flatten)]
    chosen: Chosen,
    /// The language of the programs.
    #[arg(long, value_enum, default_value = "visprog")]
    framework: Framework,
    #[command(flatten)]
    language: LanguageOptions,
    /// The file of programs, one JSON record a line; standard output, if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Write {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        self.language.refused_to_run()?;
        let (questions, form) = self.questions()?;
        let progress = Progress::new();
        self.language.with_asker(&Asking(&progress), |asker| {
            let (options, framework) = (&self.language, self.framework);
            let writing = Writing::of(options, asker, framework, form, questions, &progress)?;
            self.shown(&writing.some_program()?, json)
        })
    }

    /// Writes the programs where they belong; whether every question has one.
    fn shown(&self, writing: &Writing<'_>, json: bool) -> Result<bool> {
        if let Some(out) = &self.out {
            writing.write(out)?;
        }
        if json {
            let lines = writing.lines();
            let programs: Vec<Value> = lines
                .lines()
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()?;
            output::json(&json!({ "summary": writing.summary()?, "programs": programs }))?;
        } else if self.out.is_some() {
            output::text(&writing.told()?.join("\n"))?;
        } else {
            output::text(&writing.lines())?;
            for line in writing.told()? {
                tracing::info!("{line}");
            }
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
            let published = self.chosen.published(&path, ProgramFile::Unneeded)?;
            return Ok(asked_of(&published.with_unanswered().read()?));
        }
        let (task, split, count) = self.chosen.built_in(task)?;
        Ok(asked_drawn(&questions(
            task,
            split,
            self.chosen.seed,
            count,
        )))
    }
}
