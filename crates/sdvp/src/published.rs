//! Questions of a benchmark's files: which of them are run, and what the official metrics say.

use crate::answers::Answers;
use anyhow::{Result, bail};
use sdvp_data::benchmark::{Layout, OpenOptions, Part, programs_of, split_of_part};
use sdvp_data::gqa::{each_choices, each_question};
use sdvp_data::{
    Benchmark, DatasetError, Gold, Manifest, Programs, Record, Rule, choose, dataset, nlvr2,
};
use sdvp_eval::normalized;
use sdvp_eval::official::{self, GqaScorer, OfficialError};
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

/// Questions of a benchmark's files that are to be run. They are read whenever they are gone through.
pub(crate) struct Published {
    benchmark: Benchmark,
    parts: Vec<Part>,
    programs: Programs,
    manifest: Option<Manifest>,
    /// The ids that the manifest names.
    wanted: Option<HashSet<String>>,
    limit: usize,
    /// Whether questions whose right answer is kept back are among them.
    unanswered: bool,
}

impl Published {
    pub(crate) fn open(path: &Path, options: &OpenOptions, selection: &Selection) -> Result<Self> {
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
        let programs = match (&selection.programs, benchmark.task) {
            (ProgramFile::At(file), _) => Programs::read(file)?,
            (ProgramFile::InFolder, Some(_)) => dataset::programs_in(path)?,
            (ProgramFile::InFolder, None) => programs_of(&benchmark, None)?,
            (ProgramFile::Unneeded, _) => Programs::default(),
        };
        Ok(Self {
            benchmark,
            parts,
            programs,
            wanted: manifest
                .as_ref()
                .map(|manifest| manifest.ids.iter().cloned().collect()),
            manifest,
            limit: selection.limit.unwrap_or(usize::MAX),
            unanswered: false,
        })
    }

    /// With questions whose right answer is kept back, too: for those who do not score.
    pub(crate) fn with_unanswered(self) -> Self {
        Self {
            unanswered: true,
            ..self
        }
    }

    /// The names of the parts that the questions are of.
    pub(crate) fn part_names(&self) -> String {
        let names: Vec<&str> = self.parts.iter().map(|part| part.name.as_str()).collect();
        names.join(", ")
    }

    /// Hands out the questions one by one, with their programs, until told to stop.
    ///
    /// # Errors
    /// After those before it, the first thing that is wrong; if there is no question; if questions that a
    /// manifest names are not there.
    pub(crate) fn each(&self, mut each: impl FnMut(Record) -> ControlFlow<()>) -> Result<()> {
        let is_wanted = |id: &str| {
            let wanted = self.wanted.as_ref();
            wanted.is_none_or(|wanted| wanted.contains(id))
        };
        let mut named: Vec<String> = Vec::new();
        let (mut count, mut stopped) = (0, false);
        let mut hand_out = |record: Record| {
            if self.manifest.is_some() {
                named.push(record.id.clone());
            }
            if count < self.limit {
                count += 1;
                stopped = each(record).is_break();
            }
            // A manifest is read to its end, to see that all of it is there.
            let ended = stopped || (count >= self.limit && self.manifest.is_none());
            match ended {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        if self.benchmark.task.is_some() {
            if self.limit > 0 {
                dataset::each_record(
                    &self.benchmark.path,
                    &self.programs,
                    |record| match is_wanted(&record.id) {
                        true => hand_out(record),
                        false => ControlFlow::Continue(()),
                    },
                )?;
            }
        } else {
            for part in &self.parts {
                let mut going_on = ControlFlow::Continue(());
                let each = |record| {
                    going_on = hand_out(record);
                    going_on
                };
                let (benchmark, programs) = (&self.benchmark, &self.programs);
                match (self.limit > 0, self.unanswered) {
                    (false, _) => {}
                    (true, false) => benchmark.each_chosen(part, programs, is_wanted, each)?,
                    (true, true) => benchmark.each_asked(part, programs, is_wanted, each)?,
                }
                if going_on.is_break() {
                    break;
                }
            }
        }
        if stopped {
            return Ok(());
        }
        if let Some(manifest) = &self.manifest {
            manifest.complete(named.iter().map(String::as_str))?;
        }
        if count == 0 {
            bail!("{} holds no question", self.benchmark.path.display());
        }
        Ok(())
    }

    /// All of them.
    pub(crate) fn read(&self) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        self.each(|record| {
            records.push(record);
            ControlFlow::Continue(())
        })?;
        Ok(records)
    }

    /// What the benchmark's own script says of the answers to all questions, and as lines to be printed;
    /// none of the built-in world and of tables, which have no script.
    pub(crate) fn official(&self, answers: &Answers) -> Result<Option<(Value, Vec<String>)>> {
        let part = match self.parts.as_slice() {
            [only] if self.benchmark.task.is_none() => only,
            _ => return Ok(None),
        };
        Ok(match part.layout {
            Layout::Gqa => Some(self.gqa(part, answers)?),
            Layout::Nlvr2 | Layout::Nlvr => Some(self.statements(part, answers)?),
            Layout::Table => None,
        })
    }

    /// Whether so many questions are all of their parts.
    fn is_whole(&self, count: usize) -> bool {
        self.manifest.is_none() && count < self.limit
    }

    fn gqa(&self, part: &Part, answers: &Answers) -> Result<(Value, Vec<String>)> {
        let (mut count, mut rewritten) = (0, 0);
        let mut predictions = Predictions::default();
        self.each(|record| {
            let answer = spoken(answers.given(count));
            let right = official::vqa_normalized(&record.gold.text());
            rewritten += usize::from(official::vqa_normalized(&answer) == right);
            count += 1;
            predictions.add(record.id, answer)
        })?;
        let predictions = predictions.of_each()?;
        let rewritten = 100.0 * rewritten as f64 / count.max(1) as f64;
        // Only all questions of a split hold what others entail.
        let whole = self.is_whole(count) && part.name.ends_with("_all");
        let mut scorer = GqaScorer::new(predictions, whole);
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
                    if scorer.predicts(&question.id) {
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

    fn statements(&self, part: &Part, answers: &Answers) -> Result<(Value, Vec<String>)> {
        let mut count = 0;
        let mut labels: Vec<(String, bool)> = Vec::new();
        let mut predictions = Predictions::default();
        self.each(|record| {
            let answer = truth(answers.given(count));
            if let Gold::Bool(label) = record.gold {
                labels.push((record.id.clone(), label));
            }
            count += 1;
            predictions.add(record.id, answer)
        })?;
        let predictions = predictions.of_each()?;
        let labels = labels.iter().map(|(id, label)| (id.as_str(), *label));
        if part.layout == Layout::Nlvr {
            // Pictures are numbered after their statement, so that sentences are told apart alike.
            let scores = official::nlvr_statements(labels, &predictions)?;
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
        report(&part.name, official::nlvr2(labels, &predictions)?);
        for name in ["balanced", "unbalanced"].map(|kind| format!("{kind}_{}", part.name)) {
            let Ok(smaller) = self.benchmark.part(Some(&name)) else {
                continue;
            };
            if !self.is_whole(count) {
                continue;
            }
            let mut statements = Vec::new();
            for file in &smaller.files {
                statements.extend(nlvr2::read_statements(file)?);
            }
            let labels = statements
                .iter()
                .filter_map(|statement| Some((statement.identifier.as_str(), statement.label?)));
            report(&name, official::nlvr2(labels, &predictions)?);
        }
        Ok((value, lines))
    }
}

/// Answers by the ids of their questions, as the benchmarks' own scripts have them.
#[derive(Default)]
struct Predictions {
    answers: HashMap<String, String>,
    /// An id that occurs a second time: which of the two is meant, no script could tell.
    twice: Option<String>,
}

impl Predictions {
    /// Adds an answer; whether there is sense in going on.
    fn add(&mut self, id: String, answer: String) -> ControlFlow<()> {
        if self.answers.contains_key(&id) {
            self.twice = Some(id);
            return ControlFlow::Break(());
        }
        self.answers.insert(id, answer);
        ControlFlow::Continue(())
    }

    /// All of them.
    fn of_each(self) -> Result<HashMap<String, String>> {
        match self.twice {
            Some(id) => bail!("{id:?} occurs twice; expected an id for every question"),
            None => Ok(self.answers),
        }
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
fn spoken(answer: Option<&str>) -> String {
    let answer = answer.unwrap_or_default().trim().to_lowercase();
    match answer.as_str() {
        "true" => "yes".to_owned(),
        "false" => "no".to_owned(),
        _ => answer,
    }
}

/// An answer as NLVR's labels are written.
fn truth(answer: Option<&str>) -> String {
    let answer = answer.unwrap_or_default();
    match normalized(answer).as_str() {
        "yes" | "1" => "true".to_owned(),
        "no" | "0" => "false".to_owned(),
        _ => answer.to_owned(),
    }
}
