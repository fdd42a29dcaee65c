//! Programs that a language model writes for questions, with what that took.

use crate::commands::LanguageOptions;
use crate::exam::Framework;
use crate::progress::Progress;
use anyhow::{Context, Result, bail};
use sdvp_data::picto::input_names;
use sdvp_data::{Gold, Record};
use sdvp_distill::{Observer, Phase};
use sdvp_eval::report::write_file;
use sdvp_language::{
    Asker, Ballot, Estimate, Form, LanguageError, Price, Question, Watch, WriteError, Writer,
    program_line,
};
use sdvp_store::Finished;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

/// Pauses shorter than this are not told of.
const TOLD: Duration = Duration::from_secs(2);

/// Shows how asking goes.
pub(crate) struct Asking<'p>(pub(crate) &'p Progress);

impl Watch for Asking<'_> {
    fn done(&self) {
        self.0.advance(1);
    }

    fn waiting(&self, reason: &str, pause: Duration) {
        if pause >= TOLD {
            let seconds = pause.as_secs_f64();
            self.0
                .note(&format!("{reason}; once more in {seconds:.0} s"));
        }
    }

    fn damaged(&self, file: &Path) {
        let file = file.display();
        self.0.note(&format!(
            "the kept answer {file} is damaged, and is asked for again"
        ));
    }

    fn unkept(&self, error: &LanguageError) {
        self.0.note(&format!("{error}; nothing more is asked"));
    }
}

impl From<Framework> for sdvp_language::Framework {
    fn from(framework: Framework) -> Self {
        match framework {
            Framework::Visprog => Self::VisProg,
            Framework::Viper => Self::Viper,
        }
    }
}

/// The programs of questions.
pub(crate) struct Writing<'a> {
    writer: Writer<'a>,
    ballots: Vec<Ballot>,
    price: Option<Price>,
    estimate: Estimate,
    /// Lines of questions that were finished before, by their number.
    earlier: BTreeMap<usize, String>,
    /// Whether the programs are run, too.
    is_run: bool,
}

impl<'a> Writing<'a> {
    /// Has programs written for questions, in a form.
    pub(crate) fn of(
        options: &LanguageOptions,
        asker: &'a Asker<'a>,
        framework: Framework,
        form: Form,
        questions: Vec<Question>,
        progress: &Progress,
    ) -> Result<Self> {
        let writer = options.writer(asker, framework.into(), form)?;
        let estimate = writer.estimate(&questions, options.price())?;
        tracing::info!("{}: {estimate}", asker.model().identity());
        progress.begin(&Phase {
            name: "writing programs".to_owned(),
            total: questions.len(),
        });
        let written = writer.write_all(&questions);
        progress.end();
        let (vote, repairs) = (options.vote(), writer.settings().repairs);
        let ballots = questions.into_iter().zip(written);
        Ok(Self {
            ballots: ballots
                .map(|(question, written)| Ballot::new(question, written, vote, repairs))
                .collect(),
            writer,
            price: options.price(),
            estimate,
            earlier: BTreeMap::new(),
            is_run: false,
        })
    }

    /// Takes questions as they were finished before: by the program that counted then, and the line
    /// that `file` has for it.
    pub(crate) fn recall(&mut self, finished: &BTreeMap<u32, Finished>, file: &Path) -> Result<()> {
        let lines = match std::fs::read_to_string(file) {
            Ok(lines) => lines,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot read the programs {}", file.display()));
            }
        };
        let key = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            let text = |name: &str| line[name].as_str().map(str::to_owned);
            Some((text("id")?, text("query")?, text("program")?))
        };
        let lines: HashMap<_, _> = lines.lines().filter_map(|l| Some((key(l)?, l))).collect();
        for ((at, ballot), number) in self.ballots.iter_mut().enumerate().zip(0u32..) {
            let Some(finished) = finished.get(&number) else {
                continue;
            };
            let question = ballot.question();
            let program = finished.program.clone().unwrap_or_default();
            let key = (question.id.clone(), question.text.clone(), program);
            if let Some(line) = lines.get(&key) {
                self.earlier.insert(at, (*line).to_owned());
            }
            ballot.recall(finished.program.clone(), finished.error.is_some());
        }
        Ok(())
    }

    /// Refuses to go on where there is nothing to be gone on with.
    pub(crate) fn some_program(self) -> Result<Self> {
        let is_written = |ballot: &Ballot| ballot.written().program.is_ok();
        if !self.ballots.iter().any(is_written)
            && let Some(failure) = self.first_failure()
        {
            bail!("no program was written: {failure}");
        }
        if let Some(failure) = self.first_failure() {
            let failed = self.ballots.iter().filter(|ballot| !is_written(ballot));
            let failed = failed.count();
            tracing::info!("{failed} questions have no program; the first, because {failure}");
        }
        Ok(self)
    }

    fn first_failure(&self) -> Option<&WriteError> {
        let mut ballots = self.ballots.iter();
        ballots.find_map(|ballot| ballot.written().program.as_ref().err())
    }

    /// Programs a question.
    pub(crate) fn samples(&self) -> usize {
        self.writer.settings().samples
    }

    /// Who writes, and the programs of each question, to be run.
    pub(crate) fn open(&mut self) -> (&Writer<'a>, &mut [Ballot]) {
        self.is_run = true;
        (&self.writer, &mut self.ballots)
    }

    /// The file of programs that others can run.
    pub(crate) fn lines(&self) -> String {
        let model = self.writer.asker().model().identity();
        let line = |(at, ballot): (usize, &Ballot)| match self.earlier.get(&at) {
            Some(line) => Some(line.clone()),
            None => program_line(ballot.question(), ballot.written(), &model),
        };
        let lines = self.ballots.iter().enumerate().filter_map(line);
        lines.map(|line| line + "\n").collect()
    }

    /// Writes that file.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        write_file(file, self.lines().as_bytes())
            .with_context(|| format!("cannot write the programs {}", file.display()))
    }

    /// Whether every question has a program.
    pub(crate) fn is_whole(&self) -> bool {
        let mut ballots = self.ballots.iter();
        ballots.all(|ballot| ballot.written().program.is_ok())
    }

    /// How many votes the program or answer that counts has on average, and of how many questions that
    /// is known.
    fn agreement(&self) -> (f64, usize) {
        let votes = self.ballots.iter().enumerate().filter_map(|(at, ballot)| {
            let earlier = self.earlier.get(&at);
            let earlier = earlier.and_then(|line| serde_json::from_str::<Value>(line).ok());
            let written = ballot.written();
            let (vote, votes) = match &earlier {
                Some(line) => (line["vote"].as_str()?, line["votes"].as_u64()?),
                None => (written.vote.name(), written.votes as u64),
            };
            (vote == ballot.vote().name() && votes > 0).then_some(votes as f64)
        });
        let votes: Vec<f64> = votes.collect();
        let sum: f64 = votes.iter().sum();
        (sum / votes.len().max(1) as f64, votes.len())
    }

    /// What it took, as JSON.
    pub(crate) fn summary(&self) -> Result<Value> {
        let count = |is: fn(&Ballot) -> bool| self.ballots.iter().filter(|b| is(b)).count();
        let mut summary = spent(self.writer.asker(), self.price);
        summary["estimate"] = serde_json::to_value(self.estimate)?;
        summary["questions"] = json!(self.ballots.len());
        summary["programs"] = json!(count(|ballot| ballot.written().program.is_ok()));
        let repairs = self.ballots.iter().map(|ballot| ballot.written().repairs());
        summary["repairs"] = json!(repairs.sum::<usize>());
        summary["first_failure"] = json!(self.first_failure().map(ToString::to_string));
        if self.is_run {
            summary["repaired"] = json!(count(Ballot::is_repaired));
            summary["still_failed"] = json!(count(Ballot::has_failed));
            summary["unasked"] = json!(count(|ballot| ballot.unasked().is_some()));
        }
        if let (Some(ballot), 2..) = (self.ballots.first(), self.samples()) {
            let (agreed, known) = self.agreement();
            summary["votes"] = json!({
                "on": ballot.vote().name(),
                "of": self.samples(),
                "agreed": agreed,
                "questions": known,
            });
        }
        Ok(summary)
    }

    /// What it took, for people, a line each.
    pub(crate) fn told(&self) -> Result<Vec<String>> {
        let summary = self.summary()?;
        let number = |name: &str| summary[name].as_u64().unwrap_or_default();
        let cost = match summary["cost"].as_f64() {
            Some(cost) => format!(", {cost:.4} at the given prices"),
            None => String::new(),
        };
        let mut told = vec![format!(
            "{} of {} programs were written by {}: {} requests ({} failed), {} kept answers, {} repairs, {} tokens read and {} written{cost}",
            number("programs"),
            number("questions"),
            self.writer.asker().model().identity(),
            number("requests"),
            number("failed"),
            number("kept"),
            number("repairs"),
            number("prompt_tokens"),
            number("completion_tokens"),
        )];
        if number("repaired") + number("still_failed") > 0 {
            told.push(format!(
                "of the questions whose program failed when it was run, {} were answered by a repaired one, {} still failed",
                number("repaired"),
                number("still_failed"),
            ));
        }
        let votes = &summary["votes"];
        if let (Some(on), Some(agreed)) = (votes["on"].as_str(), votes["agreed"].as_f64()) {
            told.push(format!(
                "{on} voted: on average {agreed:.1} of {} agreed ({} questions)",
                votes["of"], votes["questions"],
            ));
        }
        let mut ballots = self.ballots.iter();
        if let (true, Some(reason)) = (self.is_run, ballots.find_map(Ballot::unasked)) {
            told.push(format!(
                "{} questions are not settled, as the model could not be asked about them to the end, the first because {reason}; the same command goes on with them",
                number("unasked"),
            ));
        }
        Ok(told)
    }
}

/// What was spent, with its cost.
pub(crate) fn spent(asker: &Asker<'_>, price: Option<Price>) -> Value {
    let spent = asker.spent();
    let mut summary = serde_json::to_value(spent).unwrap_or_default();
    summary["model"] = json!(asker.model().identity());
    summary["cost"] = json!(price.map(|price| spent.cost(price)));
    summary
}

/// A benchmark's questions as a model is asked them, and their form.
pub(crate) fn asked_of(records: &[Record]) -> (Vec<Question>, Form) {
    let asked: Vec<Question> = records.iter().map(question_of).collect();
    let pictures = asked.iter().map(|question| question.pictures.len());
    let form = form(pictures.zip(records.iter().map(|record| &record.gold)));
    (asked, form)
}

/// Questions of the built-in world as a model is asked them, and their form.
pub(crate) fn asked_drawn(drawn: &[sdvp_data::Question]) -> (Vec<Question>, Form) {
    let form = form(drawn.iter().map(|q| (q.scenes.len(), &q.gold)));
    let asked = drawn
        .iter()
        .map(|q| question(&q.id, &q.text, q.scenes.len()));
    (asked.collect(), form)
}

fn question_of(record: &Record) -> Question {
    let pictures = match record.panels {
        Some(_) => 3,
        None => record.images.len(),
    };
    question(&record.id, &record.text, pictures)
}

/// A question about so many pictures.
pub(crate) fn question(id: &str, text: &str, pictures: usize) -> Question {
    Question {
        id: id.to_owned(),
        text: text.to_owned(),
        pictures: input_names(pictures)
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
    }
}

/// The form that all of a task's questions have: GQA's, if all are about one picture and answered by
/// words, NLVR's, if all are statements about a pair, else the general one.
fn form<'q>(questions: impl Iterator<Item = (usize, &'q Gold)> + Clone) -> Form {
    let all = |is: &dyn Fn(usize, &Gold) -> bool| {
        questions.clone().all(|(pictures, gold)| is(pictures, gold))
    };
    if all(&|pictures, gold| pictures == 1 && matches!(gold, Gold::Text(_) | Gold::Bool(_))) {
        Form::Gqa
    } else if all(&|pictures, gold| pictures == 2 && matches!(gold, Gold::Bool(_))) {
        Form::Nlvr
    } else {
        Form::General
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_that_of_all_questions() {
        let (word, truth) = (Gold::Text("a".to_owned()), Gold::Bool(true));
        let names = Gold::Names(std::collections::BTreeSet::new());
        for (questions, expected) in [
            (vec![(1, &word), (1, &truth)], Form::Gqa),
            (vec![(2, &truth), (2, &truth)], Form::Nlvr),
            (vec![(2, &truth), (1, &truth)], Form::General),
            (vec![(2, &word)], Form::General),
            (vec![(1, &names)], Form::General),
            (vec![(3, &truth)], Form::General),
        ] {
            assert_eq!(form(questions.into_iter()), expected);
        }
    }

    #[test]
    fn three_boxes_in_one_picture_are_three_pictures() {
        assert_eq!(question("1", "?", 3).pictures, ["LEFT", "MIDDLE", "RIGHT"]);
    }
}
