//! Questions of a benchmark's files: which of them are run, and what the official metrics say.

use anyhow::{Result, bail};
use sdvp_data::benchmark::{Layout, OpenOptions, Part, programs_of, split_of_part};
use sdvp_data::gqa::{each_choices, each_question};
use sdvp_data::{
    Benchmark, DatasetError, Gold, Manifest, Programs, Record, Rule, choose, dataset, nlvr2,
};
use sdvp_eval::official::{self, GqaScorer, OfficialError};
use sdvp_eval::{Evaluation, ExamItem, normalized};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Where the programs of questions are.
#[derive(Clone, Debug, Default)]
pub(crate) enum ProgramFile {
    /// In the folder's own file, if it has one.
    #[default]
    InFolder,
    /// In this one.
    At(PathBuf),
    /// In none: they are made or written. The folder's file is not looked at, nor is it of any matter
    /// if there are several.
    Unneeded,
}

/// Which questions are run.
#[derive(Default)]
pub(crate) struct Selection {
    /// The part.
    pub(crate) split: Option<String>,
    /// Some of it, by a rule and the seed.
    pub(crate) subset: Option<Rule>,
    /// Some of it, by name.
    pub(crate) manifest: Option<PathBuf>,
    /// Seed of the rule.
    pub(crate) seed: u64,
    /// At most so many.
    pub(crate) limit: Option<usize>,
    /// Their programs.
    pub(crate) programs: ProgramFile,
}

/// Questions that were read to be run.
pub(crate) struct Published {
    benchmark: Benchmark,
    /// The names of the parts that they are of.
    pub(crate) parts: Vec<String>,
    pub(crate) records: Vec<Record>,
    /// Whether they are all of their parts.
    whole: bool,
}

impl Published {
    pub(crate) fn read(path: &Path, options: &OpenOptions, selection: &Selection) -> Result<Self> {
        let benchmark = Benchmark::open(path, options)?;
        let manifest = match (&selection.manifest, selection.subset) {
            (Some(file), _) => Some(Manifest::read(file)?),
            (None, Some(rule)) => {
                let parts = benchmark.parts_named(selection.split.as_deref())?;
                Some(choose(&benchmark, &parts, rule, selection.seed)?)
            }
            (None, None) => None,
        };
        let parts: Vec<Part> = match &manifest {
            Some(manifest) => manifest.parts(&benchmark)?,
            None => benchmark.parts_named(selection.split.as_deref())?,
        }
        .into_iter()
        .cloned()
        .collect();
        let wanted: Option<HashSet<&str>> = manifest
            .as_ref()
            .map(|manifest| manifest.ids.iter().map(String::as_str).collect());
        let is_wanted = |id: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(id));
        // A manifest is read to its end, to see that all of it is there.
        let limit = selection.limit.unwrap_or(usize::MAX);
        let most = if manifest.is_some() {
            usize::MAX
        } else {
            limit
        };
        let mut records = if benchmark.task.is_some() {
            let mut records = match &selection.programs {
                ProgramFile::InFolder => dataset::read(path)?,
                ProgramFile::At(file) => dataset::read_with(path, &Programs::read(file)?)?,
                ProgramFile::Unneeded => dataset::read_with(path, &Programs::default())?,
            };
            records.retain(|record| is_wanted(&record.id));
            records
        } else {
            let programs = match &selection.programs {
                ProgramFile::InFolder => programs_of(&benchmark, None)?,
                ProgramFile::At(file) => programs_of(&benchmark, Some(file))?,
                ProgramFile::Unneeded => Programs::default(),
            };
            let mut records = Vec::new();
            for part in &parts {
                let left = most - records.len();
                records.extend(benchmark.records(part, &programs, left, is_wanted)?);
            }
            records
        };
        if let Some(manifest) = &manifest {
            manifest.complete(records.iter().map(|record| record.id.as_str()))?;
        }
        let whole = manifest.is_none() && records.len() < limit;
        records.truncate(limit);
        if records.is_empty() {
            bail!("{} holds no question", path.display());
        }
        Ok(Self {
            parts: parts.into_iter().map(|part| part.name).collect(),
            benchmark,
            records,
            whole,
        })
    }

    /// What the benchmark's own script says of the answers, and as lines to be printed; none of the
    /// built-in world and of tables, which have no script.
    pub(crate) fn official(
        &self,
        exam: &[ExamItem],
        evaluation: &Evaluation,
    ) -> Result<Option<(Value, Vec<String>)>> {
        let part = match self.parts.as_slice() {
            [only] if self.benchmark.task.is_none() => self.benchmark.part(Some(only))?,
            _ => return Ok(None),
        };
        let answers = exam.iter().zip(&evaluation.answers);
        Ok(Some(match part.layout {
            Layout::Gqa => {
                let answers = answers.map(|(item, answer)| (item.id.clone(), spoken(answer)));
                self.gqa(part, exam, answers.collect())?
            }
            Layout::Nlvr2 | Layout::Nlvr => {
                let answers = answers.map(|(item, answer)| (item.id.clone(), truth(answer)));
                self.statements(part, exam, &answers.collect())?
            }
            Layout::Table => return Ok(None),
        }))
    }

    fn gqa(
        &self,
        part: &Part,
        exam: &[ExamItem],
        answers: HashMap<String, String>,
    ) -> Result<(Value, Vec<String>)> {
        let rewritten = exam.iter().filter(|item| {
            let answer = answers
                .get(&item.id)
                .map(String::as_str)
                .unwrap_or_default();
            official::vqa_normalized(answer) == official::vqa_normalized(&item.gold.text())
        });
        let rewritten = 100.0 * rewritten.count() as f64 / exam.len().max(1) as f64;
        let asked: HashSet<String> = answers.keys().cloned().collect();
        // Only all questions of a split hold what others entail.
        let mut scorer = GqaScorer::new(answers, self.whole && part.name.ends_with("_all"));
        let split = split_of_part(&part.name);
        for file in self
            .benchmark
            .choices
            .iter()
            .filter(|file| file.split == split)
        {
            stream(
                |each| each_choices(&file.path, each),
                |choices| {
                    scorer.add_choices(&choices);
                    Ok(())
                },
            )?;
        }
        for file in &part.files {
            stream(
                |each| each_question(file, each),
                |question| {
                    if asked.contains(&question.id) {
                        scorer.add(&question)?;
                    }
                    Ok(())
                },
            )?;
        }
        let mut value = json!({ "vqa_normalized_accuracy": rewritten });
        let mut lines = Vec::new();
        match scorer.finish() {
            Ok(scores) => {
                value["gqa"] = serde_json::to_value(&scores)?;
                lines.extend(scores.lines());
            }
            Err(OfficialError::Empty) => {
                lines.push(
                    "none of the questions is balanced: the official script scores none".to_owned(),
                );
            }
            Err(error) => return Err(error.into()),
        }
        lines.push(format!(
            "Accuracy, both sides rewritten as the VQA evaluation does: {rewritten:.2}%"
        ));
        Ok((value, lines))
    }

    fn statements(
        &self,
        part: &Part,
        exam: &[ExamItem],
        answers: &HashMap<String, String>,
    ) -> Result<(Value, Vec<String>)> {
        let labels = exam.iter().filter_map(|item| match item.gold {
            Gold::Bool(label) => Some((item.id.as_str(), label)),
            _ => None,
        });
        if part.layout == Layout::Nlvr {
            // Pictures are numbered after their statement, so that sentences are told apart alike.
            let scores = official::nlvr_statements(labels, answers)?;
            let lines = vec![
                format!("precision={:?}", scores.accuracy),
                format!("consistency={:?}", scores.consistency),
            ];
            return Ok((json!({ "nlvr": scores }), lines));
        }
        let mut value = json!({});
        let mut lines = Vec::new();
        let mut report = |name: &str, scores: official::NlvrScores| {
            lines.push(format!("{name}: accuracy={:?}", scores.accuracy));
            lines.push(format!("{name}: consistency={:?}", scores.consistency));
            value[name] = json!(scores);
        };
        report(&part.name, official::nlvr2(labels, answers)?);
        for name in ["balanced", "unbalanced"].map(|kind| format!("{kind}_{}", part.name)) {
            let Ok(smaller) = self.benchmark.part(Some(&name)) else {
                continue;
            };
            if !self.whole {
                continue;
            }
            let mut statements = Vec::new();
            for file in &smaller.files {
                statements.extend(nlvr2::read_statements(file)?);
            }
            let labels = statements
                .iter()
                .filter_map(|statement| Some((statement.identifier.as_str(), statement.label?)));
            report(&name, official::nlvr2(labels, answers)?);
        }
        Ok((value, lines))
    }
}

/// Reads a file record by record; the first error of the file, a record or what is done with one ends it.
fn stream<T>(
    read: impl FnOnce(
        &mut dyn FnMut(Result<T, DatasetError>) -> ControlFlow<()>,
    ) -> Result<(), DatasetError>,
    mut done: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let mut wrong = None;
    read(
        &mut |record| match record.map_err(Into::into).and_then(&mut done) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                wrong = Some(error);
                ControlFlow::Break(())
            }
        },
    )?;
    wrong.map_or(Ok(()), Err)
}

/// An answer as GQA writes them: lower-case, yes and no for truth values; nothing where a program
/// failed.
fn spoken(answer: &Result<String, String>) -> String {
    let answer = answer.as_deref().unwrap_or_default().trim().to_lowercase();
    match answer.as_str() {
        "true" => "yes".to_owned(),
        "false" => "no".to_owned(),
        _ => answer,
    }
}

/// An answer as NLVR's labels are written.
fn truth(answer: &Result<String, String>) -> String {
    let answer = answer.as_deref().unwrap_or_default();
    match normalized(answer).as_str() {
        "yes" | "1" => "true".to_owned(),
        "no" | "0" => "false".to_owned(),
        _ => answer.to_owned(),
    }
}
